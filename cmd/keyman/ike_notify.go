package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// A serviceManager is told how the daemon stands, where it was started by one
// that asks to be told: systemd's Type=notify, see sd_notify(3). Elsewhere it is
// told nothing and asks nothing.
type serviceManager struct{ logger *slog.Logger }

// tell says a state. That it cannot be said is no reason to end tunnels.
func (m serviceManager) tell(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		m.logger.Warn("the service manager cannot be told", "state", state, "error", err)
	}
}

// attend says when the daemon is ready, that is when alive has answered, and when
// it ends, as ctx does. In between it shows a sign of life twice in each interval
// that the service manager has asked for, as long as alive answers: one that hangs
// is then ended, and started anew, from outside.
func (m serviceManager) attend(ctx context.Context, alive func(context.Context) error) {
	if alive(ctx) != nil {
		return
	}
	m.tell(daemon.SdNotifyReady)
	defer m.tell(daemon.SdNotifyStopping)
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		m.logger.Warn("the service manager gets no signs of life", "error", err)
	}
	if interval <= 0 {
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(interval / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		asking, cancel := context.WithTimeout(ctx, interval/2)
		if err := alive(asking); err == nil {
			m.tell(daemon.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			m.logger.Error("the engine does not answer", "within", interval/2, "error", err)
		}
		cancel()
	}
}

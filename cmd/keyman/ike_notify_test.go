package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// notifySocket is a service manager's socket, at which the program is sent to by
// the environment. said returns the next state.
func notifySocket(t *testing.T) (said func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 256)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestDaemonTellsServiceManager(t *testing.T) {
	said := notifySocket(t)
	t.Setenv("WATCHDOG_USEC", fmt.Sprint(time.Millisecond.Microseconds()))
	g := newGateway(t, "127.0.8.7")
	g.write(t, "tunnels.toml", "[[protection]]\nname = \"psk\"\nauth = \"preshared-key\"\ntransforms = [\"aes128-sha256-ecp256\"]\n")
	_, stop := g.daemon(t)
	for _, want := range []string{"READY=1", "WATCHDOG=1", "WATCHDOG=1"} {
		if got := said(); got != want {
			t.Fatalf("it said %q, want %q", got, want)
		}
	}
	ended := make(chan struct{})
	go func() { defer close(ended); stop() }()
	for said() != "STOPPING=1" {
	}
	<-ended
}

func TestHangingEngineShowsNoLife(t *testing.T) {
	said := notifySocket(t)
	t.Setenv("WATCHDOG_USEC", fmt.Sprint(time.Millisecond.Microseconds()))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	asked := 0
	alive := func(ctx context.Context) error {
		switch asked++; asked {
		case 1:
			return nil
		case 4:
			cancel()
		}
		<-ctx.Done()
		return ctx.Err()
	}
	var log bytes.Buffer
	var attending sync.WaitGroup
	attending.Go(func() { serviceManager{slog.New(slog.NewTextHandler(&log, nil))}.attend(ctx, alive) })
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		if got := said(); got != want {
			t.Errorf("it said %q, want %q", got, want)
		}
	}
	attending.Wait()
	if n := strings.Count(log.String(), "the engine does not answer"); n != 2 {
		t.Errorf("told %d times that it hangs, want 2:\n%s", n, log.String())
	}
}

func TestWatchdogMisunderstood(t *testing.T) {
	said := notifySocket(t)
	t.Setenv("WATCHDOG_USEC", "soon")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var log bytes.Buffer
	serviceManager{slog.New(slog.NewTextHandler(&log, nil))}.attend(ctx, func(context.Context) error { return nil })
	if got := said() + said(); got != "READY=1STOPPING=1" {
		t.Errorf("it said %q", got)
	}
	if !strings.Contains(log.String(), "WATCHDOG_USEC") {
		t.Errorf("the log says nothing of it: %s", log.String())
	}
}

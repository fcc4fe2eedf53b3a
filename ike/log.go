package ike

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"keyman/crl"
)

// log writes an event to the engine's logger: failures as warnings, tunnels that
// come and go as information, the rest as debugging.
func (e *Engine) log(ev Event) {
	level := slog.LevelDebug
	switch ev.Kind {
	case EventFailed:
		level = slog.LevelWarn
	case EventEstablished, EventStarted:
		level = slog.LevelInfo
	case EventClosed, EventOwnCertificate:
		level = slog.LevelInfo
		if len(ev.Reasons) > 0 {
			level = slog.LevelWarn // a certificate is not good any more
		}
	case EventVerdict:
		if warned(ev.Reasons) {
			level = slog.LevelWarn
		}
	}
	ctx := context.Background()
	if !e.logger.Enabled(ctx, level) {
		return
	}
	if ev.Tunnel == "" && ev.Kind != EventOwnCertificate {
		loud, before := e.noise.loud(ev.Time)
		if before > 0 {
			e.logger.Warn("more happened with unknown peers than is logged", "lines", before)
		}
		if loud {
			return
		}
	}
	attrs := []slog.Attr{slog.String("event", string(ev.Kind)), slog.Uint64("id", ev.ID)}
	for _, a := range []slog.Attr{slog.String("tunnel", ev.Tunnel), slog.String("peer_id", ev.PeerID)} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if ev.Peer.IsValid() {
		attrs = append(attrs, slog.Any("peer", ev.Peer))
	}
	for _, r := range ev.Reasons {
		if r.Severity != crl.Note {
			attrs = append(attrs, slog.String(string(r.Severity), r.Text))
		}
	}
	e.logger.LogAttrs(ctx, level, ev.Text, attrs...)
}

// warned reports whether there is a warning among reasons.
func warned(reasons []crl.Reason) bool {
	return slices.ContainsFunc(reasons, func(r crl.Reason) bool { return r.Severity == crl.Warning })
}

// noise bounds what strangers can write into the log: peers that have not shown
// who they are.
type noise struct {
	second  time.Time
	written int
	dropped int
}

// maxNoise is how many lines a second strangers get.
const maxNoise = 20

// loud reports whether one more line about a stranger is too many, and how many
// were left out before, once there is room again.
func (n *noise) loud(now time.Time) (loud bool, before int) {
	if now.Sub(n.second) >= time.Second {
		before = n.dropped
		*n = noise{second: now}
	}
	if n.written >= maxNoise {
		n.dropped++
		return true, 0
	}
	n.written++
	return false, before
}

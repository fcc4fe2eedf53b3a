package ike

import (
	"context"
	"log/slog"

	"keyman/crl"
)

// log writes an event to the engine's logger: failures as warnings, tunnels that
// come and go as information, the rest as debugging.
func (e *Engine) log(ev Event) {
	level := slog.LevelDebug
	switch ev.Kind {
	case EventFailed:
		level = slog.LevelWarn
	case EventEstablished, EventClosed, EventStarted:
		level = slog.LevelInfo
	case EventVerdict:
		for _, r := range ev.Reasons {
			if r.Severity == crl.Warning {
				level = slog.LevelWarn
			}
		}
	}
	ctx := context.Background()
	if !e.logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("event", string(ev.Kind)), slog.Uint64("id", ev.ID)}
	for _, a := range []slog.Attr{slog.String("tunnel", ev.Tunnel), slog.String("peer_id", ev.PeerID)} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	attrs = append(attrs, slog.Any("peer", ev.Peer))
	for _, r := range ev.Reasons {
		if r.Severity != crl.Note {
			attrs = append(attrs, slog.String(string(r.Severity), r.Text))
		}
	}
	e.logger.LogAttrs(ctx, level, ev.Text, attrs...)
}

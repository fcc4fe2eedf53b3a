// Package metrics shows Prometheus what the daemon does: counts alone, no names, no
// identities and no addresses. The names of the metrics do not change their meaning.
//
// The text format is a line a number. The libraries for it bring far more: what they
// register and log at every start would cost every command.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"keyman/ike"
)

// The bounds of the server.
const (
	// Timeout bounds a request and its answer.
	Timeout = 10 * time.Second
	// MaxHeader is the size of a request's header, in bytes.
	MaxHeader = 16 << 10
)

// A Source has the counts.
type Source interface {
	Stats(ctx context.Context) (ike.Stats, error)
}

// Serve answers GET /metrics on a listener, which it closes, until ctx ends.
func Serve(ctx context.Context, listener net.Listener, source Source) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		stats, err := source.Stats(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		write(w, stats)
	})
	server := &http.Server{
		Handler: mux, ReadTimeout: Timeout, WriteTimeout: Timeout, MaxHeaderBytes: MaxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// A metric is a line of Prometheus's text format, whose name may have labels.
type metric struct {
	name, kind string
	value      uint64
}

// write writes the counts in Prometheus's text format, version 0.0.4.
func write(w io.Writer, s ike.Stats) {
	told := ""
	for _, m := range []metric{
		{"keyman_tunnels", "gauge", uint64(s.Tunnels)},
		{"keyman_phase1_active", "gauge", uint64(s.Active)},
		{"keyman_phase1_negotiating", "gauge", uint64(s.Negotiating)},
		{"keyman_messages_received_total", "counter", s.Received},
		{"keyman_messages_sent_total", "counter", s.Sent},
		{"keyman_messages_turned_away_total", "counter", s.TurnedAway},
		{"keyman_negotiations_started_total", "counter", s.Started},
		{"keyman_negotiations_established_total", "counter", s.Established},
		{`keyman_negotiations_failed_total{cause="certificate"}`, "counter", s.Refused},
		{`keyman_negotiations_failed_total{cause="other"}`, "counter", s.Failed},
		{`keyman_phase1_closed_total{cause="certificate"}`, "counter", s.Revoked},
		{`keyman_phase1_closed_total{cause="other"}`, "counter", s.Closed - s.Revoked},
	} {
		family, _, _ := strings.Cut(m.name, "{")
		if family != told {
			fmt.Fprintf(w, "# TYPE %s %s\n", family, m.kind)
			told = family
		}
		fmt.Fprintf(w, "%s %d\n", m.name, m.value)
	}
}

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"keyman/cmd/keyman/internal/metrics"
)

// metricsPoint is where Prometheus sees what the engine does; the zero one is none.
type metricsPoint struct{ listener net.Listener }

// listenMetrics opens it at an address; "" is none.
func listenMetrics(ctx context.Context, address string, logger *slog.Logger) (metricsPoint, error) {
	if address == "" {
		return metricsPoint{}, nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return metricsPoint{}, withHint(fmt.Errorf("--metrics: %w", err), "give an address of this host and a free port, such as 127.0.0.1:9464")
	}
	logger.Info("metrics are shown", "at", "http://"+listener.Addr().String()+"/metrics")
	return metricsPoint{listener}, nil
}

// serve answers until ctx ends.
func (m metricsPoint) serve(ctx context.Context, source metrics.Source) error {
	if m.listener == nil {
		return nil
	}
	return metrics.Serve(ctx, m.listener, source)
}

// close is for a point that is not served.
func (m metricsPoint) close() {
	if m.listener != nil {
		m.listener.Close()
	}
}

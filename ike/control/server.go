package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"keyman/ike"
)

// An Engine is what a Server makes accessible; ike.Engine is one. Its methods
// are called from many goroutines and return when ctx ends. What its errors say
// reaches the client.
type Engine interface {
	Activate(ctx context.Context, tunnel string) (ike.Status, error)
	ActivateWait(ctx context.Context, tunnel string) (ike.Status, error)
	ActivateBoth(ctx context.Context, tunnel string, wait bool) (ike.Status, error)
	ActivateData(ctx context.Context, tunnel string) (ike.ChildStatus, error)
	ActivateDataWait(ctx context.Context, tunnel string) (ike.ChildStatus, error)
	Remove(ctx context.Context, tunnel string) (int, error)
	RemovePhase1(ctx context.Context, tunnel string) (int, error)
	RemoveData(ctx context.Context, tunnel string) (int, error)
	List(ctx context.Context) ([]ike.Status, error)
	Explain(ctx context.Context, tunnel string) (ike.Explanation, error)
	ExplainStrangers(ctx context.Context) ([]ike.Explanation, error)
	Events(buffer int) *ike.Subscription
	Stats(ctx context.Context) (ike.Stats, error)
}

// Levels is the daemon's log level, by its word. Its methods are called from many
// goroutines.
type Levels interface {
	Level() string
	Set(word string) error
	// Reread sets the level that the settings say now, and returns it.
	Reread() (string, error)
}

// A Server answers clients.
type Server struct {
	engine  Engine
	logger  *slog.Logger
	levels  Levels
	started time.Time
	allowed func(uid int) bool
}

// NewServer makes a server for an engine and the level of its log. A nil logger logs
// nothing.
func NewServer(engine Engine, logger *slog.Logger, levels Levels) *Server {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	own := os.Geteuid()
	return &Server{
		engine: engine, logger: logger, levels: levels, started: time.Now(),
		allowed: func(uid int) bool { return uid == 0 || uid == own },
	}
}

// Serve answers clients until ctx ends, then ends what they wait for, closes the
// listener and returns. It is nil where ctx was the reason.
func (s *Server) Serve(ctx context.Context, l *Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: ClientTimeout,
		IdleTimeout:       ClientTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withUID,
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(newDoor(l, MaxClients)) }()
	select {
	case err := <-served:
		// Streams end with the context.
		cancel()
		return errors.Join(fmt.Errorf("control socket: %w", err), shutdown(server), l.Close())
	case <-ctx.Done():
	}
	err := shutdown(server)
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}

// shutdown waits until all answers have ended, which they do with the context,
// or cuts off the client that does not read its own.
func shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), ClientTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

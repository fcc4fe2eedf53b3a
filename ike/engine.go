package ike

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"time"

	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
	"keyman/ike/isakmp"
)

// Default bounds of an Engine.
const (
	// DefaultMaxSessions bounds the tunnels and negotiations together.
	DefaultMaxSessions = 8192
	// DefaultMaxHalfOpen bounds the negotiations that peers have begun and not
	// brought to an SA, the failed ones that still answer among them, and
	// DefaultMaxHalfOpenPerPeer those of one IPv4 address or IPv6 /64. Beyond,
	// a new one takes the place of the oldest that has not seen our cookie.
	DefaultMaxHalfOpen        = 1024
	DefaultMaxHalfOpenPerPeer = 64
	// DefaultMaxVerdicts bounds the certificate checks under way.
	DefaultMaxVerdicts = 256
)

// A Config makes an Engine. DB and Transport must be there; the Verifier must be
// for tunnels that authenticate by signatures.
type Config struct {
	// DB holds the tunnels.
	DB *ikedb.DB
	// Transport carries the messages. The engine closes it.
	Transport Transport
	// DataPlane protects packets by the SAs of phase 2. The engine closes it.
	// Without one they are negotiated and kept, and no packet is protected.
	DataPlane DataPlane
	// Verifier decides about peers' certificates; one that is a Watcher, too,
	// while their tunnels are up.
	Verifier Verifier
	// Credentials are what we authenticate with, by certificate label.
	Credentials map[string]Credential
	// Anchors are the CA certificates that we trust, DER.
	Anchors [][]byte
	// Logger gets what happens: nil logs nothing. Failures are warnings,
	// tunnels that come and go information, messages debugging.
	Logger *slog.Logger
	// Timing says how long negotiations wait; zero fields are
	// ikev1.DefaultTiming.
	Timing ikev1.Timing
	// DebugKeys, where it is set, gets the keys of all negotiations, for
	// decrypting captures: a line each, as in Wireshark's file
	// ikev1_decryption_table. Whoever has them reads the negotiations.
	DebugKeys io.Writer
	// MainModeRequiresIP answers a peer that starts in main mode only by
	// tunnels whose definitions have an address for each end: the address of
	// the end, or that of its identity, or of a member of the peer's group.
	MainModeRequiresIP bool
	// ForceNATT moves every negotiation to the NAT traversal port.
	ForceNATT bool
	// FragmentSize is the largest message sent in one piece, in bytes; zero
	// is ikev1.DefaultFragmentSize.
	FragmentSize int
	// MaxSessions, MaxHalfOpen, MaxHalfOpenPerPeer and MaxVerdicts bound what
	// the engine holds; zero is the default of the same name.
	MaxSessions, MaxHalfOpen, MaxHalfOpenPerPeer, MaxVerdicts int
}

// Errors that callers branch on.
var (
	// ErrNoTunnel: there is no tunnel of that name or number.
	ErrNoTunnel = errors.New("no such tunnel")
	// ErrNotActive: the tunnel has neither an SA nor a negotiation.
	ErrNotActive = errors.New("the tunnel is not active")
	// ErrStopped: the engine does not run.
	ErrStopped = errors.New("the engine does not run")
	// ErrTooMany: the engine holds as many sessions as it may.
	ErrTooMany = errors.New("too many tunnels and negotiations")
)

// An Engine negotiates tunnels and keeps them. Its methods may be called from
// many goroutines.
type Engine struct {
	db          *ikedb.DB
	transport   Transport
	verifier    Verifier
	plane       DataPlane // nil where SAs are only negotiated
	defs        map[string]*definition
	anchors     [][]byte
	authorities [][]byte
	logger      *slog.Logger
	cfg         Config
	hub         *hub

	tasks   chan func() // run by the engine's goroutine
	stopped chan struct{}
	once    sync.Once // guards against a second Run

	// What follows belongs to the engine's goroutine.
	ctx       context.Context // of Run, for verdicts
	crypto    *workers        // Diffie-Hellman and signatures
	verdicts  *workers
	timers    timers
	backlog   []func() // see schedule
	active    map[peerKey][]*session
	children  children
	orphans   map[peerKey]*orphan
	own       map[string]*ownCertificate // by label
	nextID    uint64
	sessions  map[uint64]*session
	cookies   map[isakmp.Cookie]*session // by our own cookie
	openers   map[opener]*session
	last      map[string]outcome // how each tunnel ended last
	strangers []outcome          // negotiations that failed before a tunnel was known
	stats     Stats
	pending   pending
	admission admission
	floodedAt time.Time // when a flood was last logged
	noise     noise
}

// floodNotice is how often a flood is logged.
const floodNotice = 10 * time.Second

// New checks a configuration and makes an Engine, which does nothing until Run.
func New(cfg Config) (*Engine, error) {
	if cfg.DB == nil || cfg.Transport == nil {
		return nil, errors.New("an engine needs a DB and a Transport")
	}
	defs, err := newDefinitions(cfg.DB, cfg.Credentials)
	if err != nil {
		return nil, err
	}
	for _, d := range defs {
		if d.protection.Signatures() && (cfg.Verifier == nil || len(cfg.Anchors) == 0) {
			return nil, noTrustError{d.tunnel.Name}
		}
	}
	names, err := authorities(cfg.Anchors)
	if err != nil {
		return nil, err
	}
	for field, value := range map[*int]int{
		&cfg.MaxSessions: DefaultMaxSessions, &cfg.MaxHalfOpen: DefaultMaxHalfOpen,
		&cfg.MaxHalfOpenPerPeer: DefaultMaxHalfOpenPerPeer, &cfg.MaxVerdicts: DefaultMaxVerdicts,
	} {
		if *field <= 0 {
			*field = value
		}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Engine{
		db: cfg.DB, transport: cfg.Transport, verifier: cfg.Verifier, plane: cfg.DataPlane, cfg: cfg,
		defs: defs, anchors: cfg.Anchors, authorities: names,
		logger:   cfg.Logger,
		hub:      &hub{},
		tasks:    make(chan func(), taskQueue),
		stopped:  make(chan struct{}),
		sessions: make(map[uint64]*session),
		cookies:  make(map[isakmp.Cookie]*session),
		openers:  make(map[opener]*session),
		last:     make(map[string]outcome),
		active:   make(map[peerKey][]*session),
		children: newChildren(),
		orphans:  make(map[peerKey]*orphan),
		own:      make(map[string]*ownCertificate),
	}, nil
}

// noTrustError is a tunnel by signatures where nobody can be trusted.
type noTrustError struct{ tunnel string }

func (e noTrustError) Error() string {
	return fmt.Sprintf("tunnel %q authenticates by signatures: that needs a verifier and at least one trusted CA certificate", e.tunnel)
}

// Hint says how to trust one.
func (noTrustError) Hint() string { return "add the certificate of the peer's CA with keyman cert add" }

// taskQueue is how many tasks wait for the engine's goroutine before those who
// bring them wait too.
const taskQueue = 256

// Run activates the tunnels that start by themselves and works until ctx ends.
// Then it tells the peers of active tunnels, closes the transport and returns;
// nothing of the engine runs any more. It is called once.
func (e *Engine) Run(ctx context.Context) error {
	first := false
	e.once.Do(func() { first = true })
	if !first {
		return errors.New("the engine has run already")
	}
	var cancel context.CancelFunc
	e.ctx, cancel = context.WithCancel(ctx)
	e.crypto = startWorkers(runtime.GOMAXPROCS(0))
	e.verdicts = startWorkers(e.cfg.MaxVerdicts)

	packets := make(chan Packet)
	var reader sync.WaitGroup
	var readErr error
	reader.Go(func() {
		defer close(packets)
		readErr = e.receive(packets)
	})
	for _, t := range e.db.Tunnels() {
		if t.AutoStart {
			if _, err := e.activate(e.defs[t.Name], nil); err != nil {
				e.logger.Warn("autostart", "tunnel", t.Name, "error", err)
			}
		}
	}
	e.watchOwn()
	e.startData()
	if e.plane != nil {
		reader.Go(func() {
			for ev := range e.plane.Events() {
				e.post(func() { e.dataEvent(ev) })
			}
		})
	}
	e.loop(ctx, packets)

	for _, s := range e.sessions {
		e.endSession(s, "the daemon ends")
	}
	cancel()
	close(e.stopped) // lets those go that bring tasks
	err := e.transport.Close()
	if e.plane != nil {
		err = errors.Join(err, e.plane.Close())
	}
	e.crypto.stop()
	e.verdicts.stop()
	reader.Wait()
	for _, s := range e.sessions {
		e.forget(s)
	}
	for key := range e.orphans {
		e.dropOrphan(key)
	}
	e.unwatchOwn()
	e.hub.close()
	if ctx.Err() == nil && readErr != nil {
		return fmt.Errorf("receiving: %w", readErr)
	}
	return err
}

// receive passes packets on until the transport is closed.
func (e *Engine) receive(packets chan<- Packet) error {
	for {
		p, err := e.transport.Receive()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case packets <- p:
		case <-e.stopped:
			return nil
		}
	}
}

// loop is the engine's goroutine: every SA is touched here alone.
func (e *Engine) loop(ctx context.Context, packets <-chan Packet) {
	clock := time.NewTimer(time.Hour)
	defer clock.Stop()
	for {
		var alarm <-chan time.Time
		if next := e.timers.next(); !next.IsZero() {
			clock.Reset(time.Until(next))
			alarm = clock.C
		}
		select {
		case <-ctx.Done():
			return
		case task := <-e.tasks:
			task()
		case p, ok := <-packets:
			if !ok {
				return
			}
			e.packet(p)
		case <-alarm:
		}
		now := time.Now()
		for a, ok := e.timers.pop(now); ok; a, ok = e.timers.pop(now) {
			a.ring()
		}
	}
}

// post has a task run by the engine's goroutine; it is dropped when the engine
// has stopped.
func (e *Engine) post(task func()) {
	select {
	case e.tasks <- task:
	case <-e.stopped:
	}
}

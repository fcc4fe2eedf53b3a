package ike

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"runtime"
	"slices"
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
	// DefaultMaxHalfOpenPerPeer those of one address.
	DefaultMaxHalfOpen        = 1024
	DefaultMaxHalfOpenPerPeer = 64
	// DefaultMaxVerdicts bounds the certificate checks under way.
	DefaultMaxVerdicts = 64
)

// A Config makes an Engine. DB and Transport must be there; the Verifier must be
// for tunnels that authenticate by signatures.
type Config struct {
	// DB holds the tunnels.
	DB *ikedb.DB
	// Transport carries the messages. The engine closes it.
	Transport Transport
	// Verifier decides about peers' certificates.
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
	defs        map[string]*definition
	anchors     [][]byte
	authorities [][]byte
	logger      *slog.Logger
	debug       bool // messages are logged
	cfg         Config
	hub         *hub

	tasks   chan func() // run by the engine's goroutine
	stopped chan struct{}
	once    sync.Once // guards against a second Run

	// What follows belongs to the engine's goroutine.
	ctx      context.Context // of Run, for verdicts
	crypto   *workers        // Diffie-Hellman and signatures
	verdicts *workers
	timers   timers
	nextID   uint64
	sessions map[uint64]*session
	cookies  map[isakmp.Cookie]*session // by our own cookie
	openers  map[opener]*session
	last     map[string]Status // how each tunnel ended last
	// pending counts the sessions that peers have begun and that have no SA,
	// in all and of each address.
	pending   int
	pendingOf map[netip.Addr]int
	floodedAt time.Time // when a flood was last logged
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
		db: cfg.DB, transport: cfg.Transport, verifier: cfg.Verifier, cfg: cfg,
		defs: defs, anchors: cfg.Anchors, authorities: names,
		logger: cfg.Logger, debug: cfg.Logger.Enabled(context.Background(), slog.LevelDebug),
		hub:      &hub{},
		tasks:    make(chan func(), taskQueue),
		stopped:  make(chan struct{}),
		sessions: make(map[uint64]*session),
		cookies:  make(map[isakmp.Cookie]*session),
		openers:  make(map[opener]*session),
		last:     make(map[string]Status),

		pendingOf: make(map[netip.Addr]int),
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
	e.loop(ctx, packets)

	for _, s := range e.sessions {
		e.handle(s, ikev1.Close{Reason: "the daemon ends"})
	}
	cancel()
	close(e.stopped) // lets those go that bring tasks
	err := e.transport.Close()
	e.crypto.stop()
	e.verdicts.stop()
	reader.Wait()
	for _, s := range e.sessions {
		e.forget(s)
	}
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
		for s, ok := e.timers.pop(now); ok; s, ok = e.timers.pop(now) {
			e.handle(s, ikev1.Timer{})
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

// do runs a task on the engine's goroutine and waits for it.
func (e *Engine) do(ctx context.Context, task func()) error {
	done := make(chan struct{})
	select {
	case e.tasks <- func() { task(); close(done) }:
	case <-e.stopped:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-done:
		return nil
	case <-e.stopped:
		return ErrStopped
	case <-ctx.Done():
		return ctx.Err()
	}
}

// packet finds the session of a message, or begins one.
func (e *Engine) packet(p Packet) {
	h, err := isakmp.ParseHeader(p.Data)
	if err != nil {
		return // not worth an answer, nor a log line for each
	}
	if s := e.sessionOf(h, p.Path.Remote); s != nil {
		e.handle(s, ikev1.Datagram{Path: p.Path, Data: p.Data})
		return
	}
	if h.Responder.IsZero() && h.Exchange == isakmp.IdentityProtection && h.MessageID == 0 &&
		h.Next == isakmp.PayloadSA && !h.Encrypted() && !h.Initiator.IsZero() {
		e.respond(p, h)
	}
}

// sessionOf finds the session that a message is for.
func (e *Engine) sessionOf(h isakmp.Header, remote netip.AddrPort) *session {
	if s, ok := e.cookies[h.Initiator]; ok && s.sa.Role() == ikev1.Initiator {
		return s
	}
	if h.Responder.IsZero() {
		return e.openers[opener{h.Initiator, remote}]
	}
	if s, ok := e.cookies[h.Responder]; ok && s.sa.Role() == ikev1.Responder {
		return s
	}
	return nil
}

// respond begins a negotiation that a peer asks for.
func (e *Engine) respond(p Packet, h isakmp.Header) {
	remote := p.Path.Remote
	if len(e.sessions) >= e.cfg.MaxSessions || e.pending >= e.cfg.MaxHalfOpen || e.pendingOf[remote.Addr()] >= e.cfg.MaxHalfOpenPerPeer {
		if now := time.Now(); now.Sub(e.floodedAt) > floodNotice {
			e.floodedAt = now
			e.logger.Warn("too many negotiations: peers are not answered", "peer", remote, "pending", e.pending)
		}
		return
	}
	var policies []*ikev1.Policy
	for _, t := range e.db.Responders(p.Path.Local.Addr(), remote.Addr()) {
		if policy, ok := e.policy(e.defs[t.Name], remote.Addr()); ok {
			policies = append(policies, policy)
		}
	}
	if len(policies) == 0 {
		e.logger.Debug("no tunnel is defined for this peer", "peer", remote)
		return
	}
	s, err := e.newSession(ikev1.Config{Role: ikev1.Responder, Policies: policies, Path: p.Path})
	if err != nil {
		e.logger.Error("a negotiation could not begin", "peer", remote, "error", err)
		return
	}
	s.opener = opener{h.Initiator, remote}
	e.openers[s.opener] = s
	s.pending = true
	e.pending++
	e.pendingOf[remote.Addr()]++
	e.report(s, EventStarted, "the peer "+remote.String()+" asks for a negotiation", nil)
	e.handle(s, ikev1.Datagram{Path: p.Path, Data: p.Data})
}

// newSession makes an SA and its place in the engine.
func (e *Engine) newSession(cfg ikev1.Config) (*session, error) {
	for cfg.Cookie.IsZero() {
		if _, err := io.ReadFull(rand.Reader, cfg.Cookie[:]); err != nil {
			return nil, err
		}
	}
	if _, err := io.ReadFull(rand.Reader, cfg.Seed[:]); err != nil {
		return nil, err
	}
	cfg.Timing, cfg.ForceNATT, cfg.FragmentSize, cfg.Describe = e.cfg.Timing, e.cfg.ForceNATT, e.cfg.FragmentSize, describeID
	sa, err := ikev1.New(cfg)
	if err != nil {
		return nil, err
	}
	e.nextID++
	s := &session{id: e.nextID, sa: sa, state: TunnelNegotiating, started: time.Now(), alarmIndex: -1}
	e.sessions[s.id] = s
	e.cookies[cfg.Cookie] = s
	return s, nil
}

// activate begins a negotiation, or joins the one that is under way; waiter, if
// not nil, is told how it ends.
func (e *Engine) activate(d *definition, waiter chan<- Status) (Status, error) {
	for _, s := range e.sessions {
		if s.def == d && (s.state == TunnelActive || s.state == TunnelNegotiating && s.sa.Role() == ikev1.Initiator) {
			if s.state == TunnelNegotiating && waiter != nil {
				s.waiting = append(s.waiting, waiter)
			} else if waiter != nil {
				waiter <- e.status(s)
			}
			return e.status(s), nil
		}
	}
	t := d.tunnel
	if err := e.db.CanInitiate(t); err != nil {
		return Status{}, err
	}
	if len(e.sessions) >= e.cfg.MaxSessions {
		return Status{}, fmt.Errorf("%w: there are %d", ErrTooMany, len(e.sessions))
	}
	policy, ok := e.policy(d, t.Remote.Address)
	if !ok {
		return Status{}, fmt.Errorf("tunnel %q: no preshared key for %v", t.Name, t.Remote.Address)
	}
	path, natt := e.path(t, false), e.path(t, true)
	if !path.Local.IsValid() {
		return Status{}, fmt.Errorf("tunnel %q: there is no way to %v from here", t.Name, t.Remote.Address)
	}
	s, err := e.newSession(ikev1.Config{
		Role: ikev1.Initiator, Policies: []*ikev1.Policy{policy},
		Path: path, NATTPath: natt, InitialContact: true,
	})
	if err != nil {
		return Status{}, err
	}
	s.def = d
	if waiter != nil {
		s.waiting = append(s.waiting, waiter)
	}
	delete(e.last, t.Name)
	e.report(s, EventStarted, "negotiating with "+path.Remote.String(), nil)
	e.handle(s, ikev1.Start{})
	return e.status(s), nil
}

// path is the way to a tunnel's peer; the zero Path where there is none.
func (e *Engine) path(t ikedb.Tunnel, natt bool) ikev1.Path {
	port := t.Remote.Port
	if natt {
		port = t.Remote.NATTPort
	}
	remote := netip.AddrPortFrom(t.Remote.Address, port)
	local := e.transport.Local(remote, natt)
	if !local.IsValid() {
		return ikev1.Path{}
	}
	if t.Local.Address.IsValid() {
		local = netip.AddrPortFrom(t.Local.Address, local.Port())
	}
	return ikev1.Path{Local: local, Remote: remote, NATT: natt}
}

// send sends a packet. What the network refuses, retransmission makes good.
func (e *Engine) send(p Packet) {
	if err := e.transport.Send(p); err != nil {
		e.logger.Debug("a message could not be sent", "peer", p.Path.Remote, "error", err)
	}
}

// find returns the definition of a tunnel by name or number.
func (e *Engine) find(nameOrNumber string) (*definition, error) {
	t, ok := e.db.Find(nameOrNumber)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNoTunnel, nameOrNumber)
	}
	return e.defs[t.Name], nil
}

// Activate begins the negotiation of a tunnel, by name or number, and returns
// how it stands. A tunnel that is active or being negotiated is left as it is.
func (e *Engine) Activate(ctx context.Context, tunnel string) (Status, error) {
	var (
		st  Status
		err error
	)
	if doErr := e.do(ctx, func() {
		var d *definition
		if d, err = e.find(tunnel); err == nil {
			st, err = e.activate(d, nil)
		}
	}); doErr != nil {
		return Status{}, doErr
	}
	return st, err
}

// ActivateWait is Activate and waits for the outcome: the Status is that of an
// active tunnel, or of one that failed, with its reasons. The error says that it
// could not be tried.
func (e *Engine) ActivateWait(ctx context.Context, tunnel string) (Status, error) {
	var err error
	outcome := make(chan Status, 1)
	if doErr := e.do(ctx, func() {
		var d *definition
		if d, err = e.find(tunnel); err == nil {
			_, err = e.activate(d, outcome)
		}
	}); doErr != nil {
		return Status{}, doErr
	}
	if err != nil {
		return Status{}, err
	}
	select {
	case st := <-outcome:
		return st, nil
	case <-e.stopped:
		return Status{}, ErrStopped
	case <-ctx.Done():
		return Status{}, ctx.Err()
	}
}

// Remove ends what a tunnel, by name or number, has of SAs and negotiations, and
// tells the peer. It returns how many there were; ErrNotActive if none.
func (e *Engine) Remove(ctx context.Context, tunnel string) (int, error) {
	var (
		n   int
		err error
	)
	if doErr := e.do(ctx, func() {
		var d *definition
		if d, err = e.find(tunnel); err != nil {
			return
		}
		for _, s := range e.ordered() {
			if s.def == d && (s.state == TunnelActive || s.state == TunnelNegotiating) {
				e.handle(s, ikev1.Close{Reason: "removed here"})
				n++
			}
		}
		if n == 0 {
			err = fmt.Errorf("%w: %q", ErrNotActive, d.tunnel.Name)
		}
	}); doErr != nil {
		return 0, doErr
	}
	return n, err
}

// ordered returns the sessions in the order in which they began.
func (e *Engine) ordered() []*session {
	return slices.SortedFunc(maps.Values(e.sessions), func(a, b *session) int { return int(a.id) - int(b.id) })
}

// List returns every tunnel: what is active or being negotiated, and for the
// definitions that have neither how they ended last, or that they are dormant.
// They come in order of their number; negotiations of peers that are not known
// yet come last.
func (e *Engine) List(ctx context.Context) ([]Status, error) {
	var list []Status
	err := e.do(ctx, func() {
		live := make(map[string][]Status)
		for _, s := range e.ordered() {
			if s.state == TunnelActive || s.state == TunnelNegotiating {
				live[s.name()] = append(live[s.name()], e.status(s))
			}
		}
		for _, t := range e.db.Tunnels() {
			switch last, ended := e.last[t.Name]; {
			case len(live[t.Name]) > 0:
				list = append(list, live[t.Name]...)
			case ended:
				list = append(list, last)
			default:
				list = append(list, dormant(e.db, t))
			}
		}
		list = append(list, live[""]...)
	})
	return list, err
}

// Events subscribes to what happens from now on, with room for buffer events.
func (e *Engine) Events(buffer int) *Subscription { return e.hub.subscribe(buffer) }

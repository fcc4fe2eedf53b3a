package ikev1

import (
	"container/heap"
	"crypto"
	"encoding/binary"
	"errors"
	"math/rand"
	"net/netip"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A simulation is two SAs, a network between them that may lose, repeat and
// reorder, and workers that take their time, all on one clock that jumps from
// event to event. The seed decides everything.
type simulation struct {
	t       testing.TB
	rng     *rand.Rand
	now     time.Time
	start   time.Time
	queue   eventQueue
	order   int // of insertion, to break ties
	net     conditions
	sides   [2]*side
	observe func(transition) // of each side, as it happens; may be nil
	// flow is every datagram that was sent, for tests that look at it.
	flow []sentDatagram
}

type sentDatagram struct {
	from int
	data []byte
	path Path
}

// conditions is how bad the network is.
type conditions struct {
	loss, duplicate float64
	latency, jitter time.Duration
	drop            func(from int, n int, data []byte) bool   // n counts the datagrams of that side
	damage          func(from int, n int, data []byte) []byte // likewise
	// nat translates the initiator's address.
	nat bool
}

// side is one end of the simulation.
type side struct {
	sa          *SA
	key         crypto.Signer
	reject      error         // what the verdict on the peer is
	verifyDelay time.Duration // how long a verdict takes
	alarm       time.Time
	alarms      int // generation of the alarm
	sent        int
	established *Established
	failed      error
	closed      string
	done        bool
	traces      []Trace
	endedAt     time.Time
	phase2      phase2Side
}

type queued struct {
	at    time.Time
	order int
	to    int
	event Event
	alarm int // for timers: the generation
}

type eventQueue []queued

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	if !q[i].at.Equal(q[j].at) {
		return q[i].at.Before(q[j].at)
	}
	return q[i].order < q[j].order
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(queued)) }
func (q *eventQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

var (
	addrI     = netip.MustParseAddrPort("192.0.2.1:500")
	addrR     = netip.MustParseAddrPort("192.0.2.2:500")
	addrINATT = netip.MustParseAddrPort("192.0.2.1:4500")
	addrRNATT = netip.MustParseAddrPort("192.0.2.2:4500")
	addrNAT   = netip.MustParseAddr("198.51.100.1")
)

// simConfig is a pair of configurations that fit each other.
type simConfig struct {
	initiator, responder Config
	keys                 [2]crypto.Signer
}

func newSimulation(t testing.TB, seed int64, c simConfig, net conditions) *simulation {
	t.Helper()
	s := &simulation{t: t, rng: rand.New(rand.NewSource(seed)), net: net}
	s.start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s.now = s.start
	for i, cfg := range []Config{c.initiator, c.responder} {
		binary.BigEndian.PutUint64(cfg.Cookie[:], s.rng.Uint64()|1)
		s.rng.Read(cfg.Seed[:])
		sa, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		s.sides[i] = &side{sa: sa, key: c.keys[i]}
	}
	return s
}

func (s *simulation) push(after time.Duration, to int, ev Event, alarm int) {
	s.order++
	heap.Push(&s.queue, queued{at: s.now.Add(after), order: s.order, to: to, event: ev, alarm: alarm})
}

// run carries on until nothing happens any more or the time is over.
func (s *simulation) run(limit time.Duration) {
	end := s.start.Add(limit)
	for len(s.queue) > 0 && !s.queue[0].at.After(end) {
		q := heap.Pop(&s.queue).(queued)
		s.now = q.at
		if _, ok := q.event.(Timer); ok && q.alarm != s.sides[q.to].alarms {
			continue // replaced since
		}
		if task, ok := q.event.(simTask); ok {
			task()
			continue
		}
		s.perform(q.to, s.handle(q.to, q.event))
	}
}

// A simTask is something that happens in a simulation beside the SAs.
type simTask func()

func (simTask) isEvent() {}

// work is how long a worker takes.
func (s *simulation) work() time.Duration {
	return time.Duration(1+s.rng.Intn(30)) * time.Millisecond
}

func (s *simulation) perform(i int, effects []Effect) {
	me := s.sides[i]
	for _, e := range effects {
		switch e := e.(type) {
		case Send:
			s.send(i, e)
		case SetTimer:
			me.alarm = e.At
			me.alarms++
			if !e.At.IsZero() {
				s.push(e.At.Sub(s.now), i, Timer{}, me.alarms)
			}
		case GenerateKey:
			key, err := e.Group.GenerateKey(s.rng)
			s.push(s.work(), i, KeyPair{Key: key, Err: err, Exchange: e.Exchange}, 0)
		case ComputeSecret:
			secret, err := e.Key.Shared(e.Peer)
			s.push(s.work(), i, SharedSecret{Secret: secret, Err: err, Exchange: e.Exchange}, 0)
		case Sign:
			// Without randomness the seed decides about ECDSA, too.
			signature, err := e.Policy.Auth().Sign(nil, me.key, e.Hash)
			s.push(s.work(), i, Signed{signature, err}, 0)
		case Verify:
			err := e.Policy.Auth().Verify(s.sides[1-i].key.Public(), e.Hash, e.Signature)
			s.push(s.work()+me.verifyDelay, i, Verdict{errors.Join(err, me.reject)}, 0)
		case Established:
			if me.established != nil {
				s.t.Error("established twice")
			}
			me.established = &e
			me.endedAt = s.now
		case Failed:
			if me.failed != nil {
				s.t.Error("failed twice")
			}
			me.failed = e.Err
			me.endedAt = s.now
		case Closed:
			me.closed = e.Reason
		case Done:
			me.done = true
		case Trace:
			me.traces = append(me.traces, e)
		default:
			s.performPhase2(i, e)
		}
	}
}

// send puts a datagram on the network.
func (s *simulation) send(from int, e Send) {
	me := s.sides[from]
	me.sent++
	s.flow = append(s.flow, sentDatagram{from, e.Data, e.Path})
	if s.net.drop != nil && s.net.drop(from, me.sent, e.Data) {
		return
	}
	if s.net.damage != nil {
		e.Data = s.net.damage(from, me.sent, e.Data)
	}
	copies := 1
	if s.rng.Float64() < s.net.duplicate {
		copies = 2
	}
	for range copies {
		if s.rng.Float64() < s.net.loss {
			continue
		}
		delay := s.net.latency
		if s.net.jitter > 0 {
			delay += time.Duration(s.rng.Int63n(int64(s.net.jitter)))
		}
		s.push(delay, 1-from, Datagram{Path: s.translate(from, e.Path), Data: e.Data}, 0)
	}
}

// translate turns the sender's path into the receiver's.
func (s *simulation) translate(from int, p Path) Path {
	arrived := Path{Local: p.Remote, Remote: p.Local, NATT: p.NATT}
	if s.net.nat {
		const mapped = 10000
		if from == 0 {
			arrived.Remote = netip.AddrPortFrom(addrNAT, mapped+p.Local.Port())
		} else {
			arrived.Local = netip.AddrPortFrom(addrI.Addr(), p.Remote.Port()-mapped)
		}
	}
	return arrived
}

// begin starts the initiator.
func (s *simulation) begin() { s.push(0, 0, Start{}, 0) }

// up reports whether both sides hold the SA.
func (s *simulation) up() bool {
	return s.sides[0].sa.State() == StateEstablished && s.sides[1].sa.State() == StateEstablished
}

// testTransform returns a transform by name.
func testTransform(t testing.TB, name string, auth suite.AuthMethod) suite.Transform {
	t.Helper()
	tr, err := suite.ParseTransform(name)
	if err != nil {
		t.Fatal(err)
	}
	tr.Auth, tr.Lifetime = auth, 8*time.Hour
	return tr
}

// fqdn makes an identity.
func fqdn(name string) isakmp.Identification {
	return isakmp.Identification{IDType: isakmp.IDFQDN, Data: []byte(name)}
}

// matchFQDN accepts one identity.
func matchFQDN(name string) func(isakmp.Identification) bool {
	return func(id isakmp.Identification) bool { return id.IDType == isakmp.IDFQDN && string(id.Data) == name }
}

// aggressive makes a pair speak aggressive mode.
func (c simConfig) aggressive() simConfig {
	c.initiator.Mode, c.responder.Mode = isakmp.Aggressive, isakmp.Aggressive
	return c
}

// testPair returns two configurations that agree.
func testPair(t testing.TB, transform string, auth suite.AuthMethod) simConfig {
	t.Helper()
	tr := testTransform(t, transform, auth)
	policy := func(local, remote string) *Policy {
		p := &Policy{Name: "to-" + remote, Transforms: []suite.Transform{tr}, LocalID: fqdn(local), MatchID: matchFQDN(remote)}
		if auth == suite.PresharedKey {
			p.PSK = []byte("correct horse")
		} else {
			// As large as two real certificates: message 5 needs fragments.
			p.Chain = [][]byte{make([]byte, 900), make([]byte, 800)}
			p.Authorities = [][]byte{{0x30, 0}}
		}
		return p
	}
	c := simConfig{
		initiator: Config{
			Role: Initiator, Policies: []*Policy{policy("i.test", "r.test")}, InitialContact: true,
			Path:     Path{Local: addrI, Remote: addrR},
			NATTPath: Path{Local: addrINATT, Remote: addrRNATT, NATT: true},
		},
		responder: Config{Role: Responder, Policies: []*Policy{policy("r.test", "i.test")}},
	}
	if auth != suite.PresharedKey {
		c.keys = testKeys(t, auth)
	}
	return c
}

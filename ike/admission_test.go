package ike

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"math/rand"
	"net/netip"
	"sync"
	"testing"
	"time"

	"keyman/ike/isakmp"
)

// arrival is a first message, or one asked again, in the simulation of a flood.
type arrival struct {
	at     time.Duration
	from   opener
	honest int // the number of the honest peer, or -1
	tries  int
}

type arrivals []arrival

func (a arrivals) Len() int           { return len(a) }
func (a arrivals) Less(i, j int) bool { return a[i].at < a[j].at }
func (a arrivals) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)        { *a = append(*a, x.(arrival)) }
func (a *arrivals) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// flood is a simulation of first messages at a responder: so many a second with
// borrowed addresses, and now and then one of an honest peer, which asks again by
// the times of ikev1.DefaultTiming until it is answered.
type flood struct {
	perSecond int
	sources   int           // how many addresses the flood has; 0 is a new one for each message
	repeat    time.Duration // the flood asks again, once, after this; 0 is not at all
	cost      time.Duration // to compute an answer
	named     bool          // the honest peers have tunnels of their own
}

// run returns how many of the honest peers were answered, and the longest wait.
func (f flood) run(seed int64, length time.Duration) (honest, served int, longest time.Duration, most int) {
	rng := rand.New(rand.NewSource(seed))
	address := func(n uint32) netip.AddrPort {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], n)
		return netip.AddrPortFrom(netip.AddrFrom4(b), 500)
	}
	stranger := func() opener {
		n := rng.Uint32() | 1<<31
		if f.sources > 0 {
			n = 1<<31 + uint32(rng.Intn(f.sources))
		}
		var c isakmp.Cookie
		rng.Read(c[:])
		return opener{c, address(n)}
	}
	var q arrivals
	for at := time.Duration(0); at < length; at += time.Second / time.Duration(f.perSecond) {
		a := arrival{at: at, from: stranger(), honest: -1}
		q = append(q, a)
		if f.repeat > 0 {
			a.at += f.repeat
			q = append(q, a)
		}
	}
	var asked []time.Duration
	for at := 2 * time.Second; at < length-30*time.Second; at += 250 * time.Millisecond {
		q = append(q, arrival{at: at, from: opener{isakmp.Cookie{byte(honest), byte(honest >> 8), 1}, address(uint32(honest))}, honest: honest})
		asked = append(asked, at)
		honest++
	}
	heap.Init(&q)

	var (
		a       admission
		start   = time.Unix(0, 0)
		busy    time.Duration // until when the one worker computes
		done    []arrival     // those that are being computed for, by the end of it
		waiting = 1 * time.Second
	)
	for q.Len() > 0 {
		next := heap.Pop(&q).(arrival)
		for len(done) > 0 && done[0].at <= next.at {
			a.done(done[0].from, f.named && done[0].honest >= 0)
			if h := done[0].honest; h >= 0 {
				served++
				longest = max(longest, done[0].at-asked[h])
			}
			done = done[1:]
		}
		if a.admit(start.Add(next.at), next.from, f.named && next.honest >= 0) {
			busy = max(busy, next.at) + f.cost
			done = append(done, arrival{at: busy, from: next.from, honest: next.honest})
			most = max(most, len(done))
			continue
		}
		if next.honest >= 0 && next.tries < 8 {
			next.at += time.Duration(float64(waiting) * []float64{1, 1.6, 2.6, 4.1, 6.6, 8, 8, 8}[next.tries])
			next.tries++
			heap.Push(&q, next)
		}
	}
	return honest, served, longest, most
}

// Whoever floods a responder of aggressive mode, honest peers are answered, and
// what waits to be computed is bounded. A worker that needs 2 ms for an answer can
// give 500 a second.
func TestAdmissionUnderFlood(t *testing.T) {
	const second = time.Second
	for _, c := range []struct {
		name    string
		flood   flood
		share   float64 // of the honest that must be answered
		longest time.Duration
	}{
		{"no flood", flood{perSecond: 10, cost: 2 * time.Millisecond}, 1, second / 10},
		{"borrowed addresses", flood{perSecond: 8_000, cost: 2 * time.Millisecond}, 1, 5 * second},
		{"borrowed addresses, a slow machine", flood{perSecond: 8_000, cost: 20 * time.Millisecond}, 1, 5 * second},
		{"copies at once", flood{perSecond: 4_000, repeat: time.Millisecond, cost: 2 * time.Millisecond}, 1, 5 * second},
		{"one source", flood{perSecond: 8_000, sources: 1, cost: 2 * time.Millisecond}, 1, second},
		{"a few sources that ask again", flood{perSecond: 4_000, sources: 3, repeat: second, cost: 2 * time.Millisecond}, 1, 5 * second},
		{"borrowed addresses that ask again, a named peer", flood{perSecond: 4_000, repeat: second, cost: 2 * time.Millisecond, named: true}, 1, second},
		// Nothing tells such a flood from peers, who have their share of what can be
		// computed, within the minute that they ask.
		{"borrowed addresses that ask again", flood{perSecond: 1_000, repeat: second, cost: 2 * time.Millisecond}, 0.9, 60 * second},
	} {
		t.Run(c.name, func(t *testing.T) {
			honest, served, longest, most := c.flood.run(1, 40*time.Second)
			t.Logf("%d of %d honest peers answered, the last after %v; %d waited at once", served, honest, longest, most)
			if float64(served) < c.share*float64(honest) {
				t.Errorf("only %d of %d honest peers were answered", served, honest)
			}
			if longest > c.longest {
				t.Errorf("an honest peer waited for %v", longest)
			}
			if most > 2*maxUnproven {
				t.Errorf("%d waited at once", most)
			}
		})
	}
}

// What is admitted is counted, and nothing is left of it.
func TestAdmissionCounts(t *testing.T) {
	var a admission
	now := time.Unix(0, 0)
	from := func(host, cookie int) opener {
		return opener{isakmp.Cookie{byte(cookie), byte(cookie >> 8), 1}, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(host >> 8), byte(host)}), 500)}
	}
	for i := range maxUnprovenPerSource {
		if !a.admit(now, from(1, i), false) {
			t.Fatalf("number %d of a source is not admitted", i)
		}
	}
	if a.admit(now, from(1, 99), false) || a.admit(now, from(1, 99), true) {
		t.Error("a source has more than it may")
	}
	for i := range crowd - maxUnprovenPerSource {
		if !a.admit(now, from(2+i, 0), false) {
			t.Fatalf("number %d is not admitted", i)
		}
	}
	late := from(200, 0)
	if a.admit(now, late, false) || a.admit(now.Add(askAgain-time.Millisecond), late, false) {
		t.Error("in a crowd, one that asks once is admitted")
	}
	if !a.admit(now, from(200, 1), true) {
		t.Error("a named peer waits for the others")
	}
	if !a.admit(now.Add(askAgain), late, false) {
		t.Error("one that asks again is not admitted")
	}
	for i := crowd + 1; i < maxUnproven; i++ {
		o := from(300+i, 0)
		a.admit(now, o, false)
		if !a.admit(now.Add(time.Second), o, false) {
			t.Fatalf("number %d is not admitted", i)
		}
	}
	full := from(9999, 0)
	a.admit(now, full, false)
	if a.admit(now.Add(time.Second), full, false) {
		t.Error("more are admitted than can be computed for")
	}
	for i := range maxUnprovenPerSource {
		a.done(from(1, i), false)
	}
	if a.sources[sourceOf(from(1, 0).remote.Addr())] != 0 || a.classes[0].working != maxUnproven-maxUnprovenPerSource {
		t.Errorf("%d of the source, %d in all are left", a.sources[sourceOf(from(1, 0).remote.Addr())], a.classes[0].working)
	}
	if !a.admit(now.Add(2*time.Second), full, false) {
		t.Error("room that was given back is not there")
	}
	if a.admit(now.Add(greyFor+time.Second), from(200, 7), false) {
		t.Error("an old note counts")
	}
}

// Jobs for unproven peers wait for all others, and leave half of the workers to
// them.
func TestWorkersLater(t *testing.T) {
	w := startWorkers(2)
	defer w.stop()
	var (
		mu    sync.Mutex
		order []string
	)
	note := func(what string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, what)
	}
	hold, begun := make(chan struct{}), make(chan struct{})
	w.doLater(func() { close(begun); <-hold })
	<-begun
	var all sync.WaitGroup
	all.Add(20)
	for i := range 10 {
		w.doLater(func() { note("later"); all.Done() })
		if i == 0 {
			// The other worker must not take one of them.
			idle := make(chan struct{})
			w.do(func() { close(idle) })
			<-idle
		}
	}
	for range 10 {
		w.do(func() { note("first"); all.Done() })
	}
	settled := make(chan struct{})
	w.do(func() { close(settled) })
	<-settled
	mu.Lock()
	if got := fmt.Sprint(order); len(order) != 10 || got != fmt.Sprint([]string{"first", "first", "first", "first", "first", "first", "first", "first", "first", "first"}) {
		t.Errorf("%v", got)
	}
	mu.Unlock()
	close(hold)
	all.Wait()
}

package crl_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"keyman/crl"
	"keyman/internal/dn"
)

// A watchTest is a Watcher on a clock of its own, over lists that the test puts
// and takes away.
type watchTest struct {
	*crl.Watcher
	t       *testing.T
	checker *crl.Checker
	source  *slowShelf

	mu   sync.Mutex // guards what follows
	told map[string][]crl.Verdict
	seen []crl.ListEvent
}

// slowShelf is a shelf that takes its time, knows which list somebody has, and
// counts.
type slowShelf struct {
	*shelf
	takes func(url string) time.Duration // under shelf.mu
}

// take says how long a place takes to answer.
func (s *slowShelf) take(takes func(url string) time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes = takes
}

func (s *slowShelf) Lists(ctx context.Context, url string) ([]*crl.List, error) {
	s.mu.Lock()
	takes := s.takes
	s.mu.Unlock()
	if takes != nil {
		select {
		case <-time.After(takes(url)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.shelf.Lists(ctx, url)
}

func (s *slowShelf) ListsByIssuer(ctx context.Context, issuer dn.Name) ([]*crl.List, error) {
	return s.shelf.ListsByIssuer(ctx, issuer)
}

// fetches returns how often a place was asked.
func (s *shelf) fetches(place string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, asked := range s.asked {
		if asked == place {
			n++
		}
	}
	return n
}

// newWatchTest runs a Watcher until the end of a bubble's test; its clock begins
// at now.
func newWatchTest(t *testing.T, every time.Duration) *watchTest {
	t.Helper()
	begin := time.Now()
	w := &watchTest{t: t, source: &slowShelf{shelf: newShelf(t)}, told: map[string][]crl.Verdict{}}
	w.checker = newChecker(t, crl.CheckerConfig{Source: w.source, Clock: func() time.Time { return now.Add(time.Since(begin)) }})
	var err error
	if w.Watcher, err = crl.NewWatcher(crl.WatcherConfig{Checker: w.checker, Every: every, Lists: func(e crl.ListEvent) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen = append(w.seen, e)
	}}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	synctest.Wait()
	return w
}

// watch checks a certificate, which must be good, and watches it under a name.
func (w *watchTest) watch(name string, p crl.Policy, chain ...*x509.Certificate) (stop func()) {
	w.t.Helper()
	v := w.Check(w.t.Context(), ders(chain...), p)
	if !v.Accepted() {
		w.t.Fatalf("%s: %v", name, v.Err())
	}
	return w.Watch(ders(chain...), p, v, func(v crl.Verdict) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told[name] = append(w.told[name], v)
	})
}

// after lets time pass and returns what was told of a name since the last time.
func (w *watchTest) after(d time.Duration, name string) (statuses []crl.Status) {
	time.Sleep(d) // in the bubble's time
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range w.told[name] {
		statuses = append(statuses, v.Status)
	}
	w.told[name] = nil
	return statuses
}

func (w *watchTest) expect(d time.Duration, name string, want ...crl.Status) {
	w.t.Helper()
	if got := w.after(d, name); !slices.Equal(got, want) {
		w.t.Errorf("%s: told %q, want %q", name, got, want)
	}
}

// TestWatcher: what a newer list says counts within the interval, once, and not
// for others; nothing is told where nothing has changed.
func TestWatcher(t *testing.T) {
	const at, every = "http://a", 10 * time.Minute
	ca := newCA(t, "CA")
	one, two := ca.issue("one", at), ca.issue("two", at)
	lists := [][]byte{
		ca.list(numbered(1)), ca.list(numbered(2), revoking(crl.CertificateHold, one)),
		ca.list(numbered(3), revoking(crl.KeyCompromise, two)), ca.list(numbered(4), revoking(crl.KeyCompromise, one, two)),
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWatchTest(t, every)
		p := crl.Policy{Anchors: ders(ca.cert)}
		w.source.put(at, lists[0])
		stop := w.watch("one", p, one)
		w.watch("two", p, two)
		w.watch("two again", p, two)
		w.expect(24*time.Hour, "one")
		if n := w.source.fetches(at); n < 24*6 || n > 24*9 {
			t.Errorf("asked %d times in a day", n)
		}
		w.source.put(at, lists[1])
		w.expect(every, "one", crl.StatusRevoked)
		w.expect(time.Hour, "one")
		w.source.put(at, lists[2])
		w.expect(every, "one", crl.StatusGood) // the hold is lifted
		w.expect(0, "two", crl.StatusRevoked)
		w.expect(0, "two again", crl.StatusRevoked)
		stop()
		w.source.put(at, lists[3])
		w.expect(time.Hour, "one")
		w.expect(0, "two")
	})
	for _, bad := range []crl.WatcherConfig{{}, {Checker: newChecker(t, crl.CheckerConfig{}), Every: crl.MinWatchEvery - 1},
		{Checker: newChecker(t, crl.CheckerConfig{}), Every: crl.MaxWatchEvery + 1}} {
		if _, err := crl.NewWatcher(bad); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
}

// TestWatcherWithoutServer: while its server is away a certificate is what it was
// as long as its list is current, with the grace of the policy; then a strict
// policy does not accept it any more, and a relaxed one warns.
func TestWatcherWithoutServer(t *testing.T) {
	const at, every, day = "http://a", 10 * time.Minute, 24 * time.Hour
	ca := newCA(t, "CA")
	cert := ca.issue("one", at)
	list, next := ca.list(numbered(1)), ca.list(numbered(2), dated(5, 30)) // the first for six days
	synctest.Test(t, func(t *testing.T) {
		w := newWatchTest(t, every)
		w.source.put(at, list)
		w.watch("strict", crl.Policy{Anchors: ders(ca.cert)}, cert)
		w.watch("grace", crl.Policy{Anchors: ders(ca.cert), Grace: day}, cert)
		w.watch("relaxed", crl.Policy{Anchors: ders(ca.cert), Revocation: crl.Relaxed}, cert)
		w.source.put(at)
		w.expect(6*day-every, "strict")
		w.expect(2*every, "strict", crl.StatusUndetermined)
		w.expect(0, "grace", crl.StatusGood) // with a warning
		w.expect(0, "relaxed", crl.StatusGood)
		w.expect(day-2*every, "grace")
		w.expect(2*every, "grace", crl.StatusUndetermined)
		w.source.put(at, next)
		for _, name := range []string{"strict", "grace", "relaxed"} {
			w.expect(0, name)
		}
		w.expect(every, "strict", crl.StatusGood)
		w.expect(0, "grace", crl.StatusGood)
		w.expect(0, "relaxed", crl.StatusGood)

		var states []string
		for _, e := range w.seen {
			states = append(states, string(e.State)+" "+e.Number)
			if e.Place != at || (e.Error != "") != (e.Number == "1") {
				t.Errorf("%+v", e)
			}
		}
		if want := "unreachable 1|due 1|expired 1|current 2"; strings.Join(states, "|") != want {
			t.Errorf("the lists: %q, want %q", states, want)
		}
	})
}

// TestWatcherTellsInvalid: a certificate that expires, or whose CA is revoked, is
// told, whatever its own list says.
func TestWatcherTellsInvalid(t *testing.T) {
	const every = 10 * time.Minute
	root := newCA(t, "Root")
	sub := root.subCA("Sub", "http://root")
	short := root.issueWith(func(c *x509.Certificate) {
		c.NotAfter, c.CRLDistributionPoints = now.Add(time.Hour), []string{"http://root"}
	})
	leaf := sub.issue("leaf", "http://sub")
	lists := map[string][]byte{"http://root": root.list(numbered(1)), "http://sub": sub.list()}
	revoked := root.list(numbered(2), revoking(crl.CACompromise, sub.cert))
	synctest.Test(t, func(t *testing.T) {
		w := newWatchTest(t, every)
		for at, list := range lists {
			w.source.put(at, list)
		}
		w.watch("short", crl.Policy{Anchors: ders(root.cert)}, short)
		w.watch("unchecked", crl.Policy{Anchors: ders(root.cert), Revocation: crl.Off}, short)
		w.watch("leaf", crl.Policy{Anchors: ders(root.cert)}, leaf, sub.cert)
		w.expect(time.Hour, "short")
		w.expect(every, "short", crl.StatusInvalid)
		w.expect(0, "unchecked", crl.StatusInvalid)
		w.source.put("http://root", revoked)
		w.expect(every, "leaf", crl.StatusRevoked)
	})
}

// TestWatcherHang: a source that hangs holds nobody else up; each check ends.
func TestWatcherHang(t *testing.T) {
	const every = 10 * time.Minute
	ca, other := newCA(t, "CA"), newCA(t, "Other")
	one, two := ca.issue("one", "http://a"), other.issue("two", "http://b")
	lists := map[string][]byte{"http://a": ca.list(numbered(1)), "http://b": other.list(numbered(1))}
	revoked := other.list(numbered(2), revoking(crl.KeyCompromise, two))
	synctest.Test(t, func(t *testing.T) {
		w := newWatchTest(t, every)
		for at, list := range lists {
			w.source.put(at, list)
		}
		w.watch("one", crl.Policy{Anchors: ders(ca.cert)}, one)
		w.watch("two", crl.Policy{Anchors: ders(other.cert)}, two)
		w.source.take(func(url string) time.Duration {
			if url == "http://a" {
				return 1000 * time.Hour
			}
			return 0
		})
		w.source.put("http://b", revoked)
		w.expect(every+crl.DefaultFetchTimeout, "two", crl.StatusRevoked)
		w.expect(0, "one")
		w.expect(7*24*time.Hour, "one", crl.StatusUndetermined)
	})
}

// TestWatcherFlood: a thousand tunnels of one CA cost one fetch, and as many
// checks as there are chains.
func TestWatcherFlood(t *testing.T) {
	const at, every = "http://a", 10 * time.Minute
	ca := newCA(t, "CA")
	var certs []*x509.Certificate
	for i := range 20 {
		certs = append(certs, ca.issue(fmt.Sprint("gw", i), at))
	}
	list, revoked := ca.list(numbered(1)), ca.list(numbered(2), revoking(crl.KeyCompromise, certs[7]))
	synctest.Test(t, func(t *testing.T) {
		w := newWatchTest(t, every)
		w.source.take(func(string) time.Duration { return time.Second })
		w.source.put(at, list)
		for i := range 1000 {
			w.watch(fmt.Sprint("tunnel ", i), crl.Policy{Anchors: ders(ca.cert)}, certs[i%20])
		}
		if n := w.source.fetches(at); n != 1 {
			t.Errorf("%d fetches for a thousand tunnels", n)
		}
		w.source.put(at, revoked)
		w.expect(every, "tunnel 7", crl.StatusRevoked)
		if n := w.source.fetches(at); n != 2 {
			t.Errorf("%d fetches after one interval, want 2", n)
		}
		lost := 0
		for i := range 1000 {
			lost += len(w.told[fmt.Sprint("tunnel ", i)])
		}
		if lost != 49 {
			t.Errorf("%d others were told, want 49", lost)
		}
	})
}

// TestPrefetch: the lists in use are there before the old ones are out of date, so
// that no check waits; those out of use are not asked for.
func TestPrefetch(t *testing.T) {
	const at, other = "http://a", "http://b"
	ca := newCA(t, "CA")
	used, unused := ca.issue("used", at), ca.issue("unused", other)
	var lists [][]byte
	for day := range 20 {
		lists = append(lists, ca.list(numbered(int64(day)), dated(day-1, day+2)))
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWatchTest(t, crl.MaxWatchEvery)
		w.source.take(func(string) time.Duration { return 5 * time.Second })
		p := crl.Policy{Anchors: ders(ca.cert)}
		w.source.put(at, lists[0])
		w.source.put(other, lists[0])
		for _, c := range []*x509.Certificate{used, unused} {
			if v := w.Check(t.Context(), ders(c), p); !v.Accepted() {
				t.Fatal(v.Err())
			}
		}
		for day, list := range lists {
			w.source.put(at, list)
			for range 24 {
				begin := time.Now()
				if v := w.Check(t.Context(), ders(used), p); !v.Accepted() || time.Since(begin) > 0 {
					t.Fatalf("day %d: %v after %v", day, v.Err(), time.Since(begin))
				}
				time.Sleep(time.Hour)
			}
		}
		if n := w.source.fetches(other); n > 3 {
			t.Errorf("a list that nobody uses was asked for %d times", n)
		}
		if n := w.source.fetches(at); n > 30 {
			t.Errorf("a list was asked for %d times in 20 days", n)
		}
	})
}

// TestRenew: whoever knows that there is something new need not wait.
func TestRenew(t *testing.T) {
	const at = "http://a"
	ca := newCA(t, "CA")
	cert := ca.issue("one", at)
	list, revoked := ca.list(numbered(1)), ca.list(numbered(2), revoking(crl.KeyCompromise, cert))
	synctest.Test(t, func(t *testing.T) {
		w := newWatchTest(t, crl.MaxWatchEvery)
		w.source.put(at, list)
		w.watch("one", crl.Policy{Anchors: ders(ca.cert)}, cert)
		for range 5 {
			w.Renew(t.Context())
			w.expect(0, "one")
		}
		w.source.put(at, revoked)
		w.Renew(t.Context())
		w.expect(0, "one", crl.StatusRevoked)
		if n := w.source.fetches(at); n != 7 {
			t.Errorf("asked %d times", n)
		}
		w.source.put(at) // one that is away takes nothing back
		w.Renew(t.Context())
		w.expect(0, "one")
	})
}

// conditionalShelf answers by condition: the lists of a place have the number of
// their version as ETag.
type conditionalShelf struct {
	*shelf
	version atomic.Value // string
	whole   atomic.Int32 // answers
}

func newConditionalShelf(t *testing.T) *conditionalShelf {
	s := &conditionalShelf{shelf: newShelf(t)}
	s.version.Store("one")
	return s
}

func (s *conditionalShelf) Get(ctx context.Context, url string, have crl.Validators) (crl.Reply, error) {
	version := s.version.Load().(string)
	if have.ETag == version {
		return crl.Reply{NotModified: true, Validators: have}, nil
	}
	s.whole.Add(1)
	lists, err := s.Lists(ctx, url)
	return crl.Reply{Lists: lists, Validators: crl.Validators{ETag: version}}, err
}

// TestWatcherConditions: a list that still stands is not got again, also behind a
// Backoff.
func TestWatcherConditions(t *testing.T) {
	const at, every = "http://a", time.Minute
	ca := newCA(t, "CA")
	cert := ca.issue("one", at)
	lists := [][]byte{ca.list(numbered(1)), ca.list(numbered(2), revoking(crl.KeyCompromise, cert))}
	synctest.Test(t, func(t *testing.T) {
		w := newWatchTest(t, every)
		begin := time.Now()
		clock := func() time.Time { return now.Add(time.Since(begin)) }
		source := newConditionalShelf(t)
		w.checker = newChecker(t, crl.CheckerConfig{Source: crl.NewBackoff(source, clock), Clock: clock})
		watcher, err := crl.NewWatcher(crl.WatcherConfig{Checker: w.checker, Every: every})
		if err != nil {
			t.Fatal(err)
		}
		w.Watcher = watcher
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Hour)
		defer cancel()
		var running sync.WaitGroup
		running.Go(func() { watcher.Run(ctx) })
		source.put(at, lists[0])
		w.watch("one", crl.Policy{Anchors: ders(ca.cert)}, cert)
		w.expect(time.Hour, "one")
		if n := source.whole.Load(); n != 1 {
			t.Errorf("the list was got %d times", n)
		}
		source.put(at, lists[1])
		source.version.Store("two")
		w.expect(every, "one", crl.StatusRevoked)
		cancel()
		running.Wait()
	})
}

// TestGoneWhileItStands: the answer that a list still stands is of no use where
// the list has been dropped from memory meanwhile; it is got again.
func TestGoneWhileItStands(t *testing.T) {
	const at = "http://a"
	ca := newCA(t, "CA")
	cert := ca.issue("one", at)
	clock := now
	source := newConditionalShelf(t)
	checker := newChecker(t, crl.CheckerConfig{Source: source, Clock: func() time.Time { return clock }})
	p := crl.Policy{Anchors: ders(ca.cert), Grace: 48 * time.Hour}
	source.put(at, ca.list())
	for _, step := range []struct {
		after time.Duration
		flush bool
		whole int32
	}{{0, false, 1}, {time.Hour, true, 2}, {6*24*time.Hour + time.Hour, false, 2}, {6*24*time.Hour + 2*time.Hour, true, 3}} {
		clock = now.Add(step.after)
		if step.flush {
			checker.Flush()
		}
		if v := checker.Check(t.Context(), ders(cert), p); !v.Accepted() || source.whole.Load() != step.whole {
			t.Errorf("after %v: %v, got %d times, want %d", step.after, v.Err(), source.whole.Load(), step.whole)
		}
	}
	if _, err := crl.NewBackoff(failing{}, nil).Get(t.Context(), at, crl.Validators{}); !errors.Is(err, errFailing) {
		t.Errorf("a Backoff over a failing source: %v", err)
	}
}

var errFailing = errors.New("it fails")

// failing is a Source without conditions that fails.
type failing struct{}

func (failing) Lists(context.Context, string) ([]*crl.List, error) { return nil, errFailing }
func (failing) ListsByIssuer(context.Context, dn.Name) ([]*crl.List, error) {
	return nil, errFailing
}

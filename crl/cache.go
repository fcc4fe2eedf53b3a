package crl

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// Limits of the cache.
const (
	// DefaultFetchTimeout bounds one fetch. It is below DefaultTimeout, so
	// that another place can still be asked.
	DefaultFetchTimeout = 10 * time.Second
	// DefaultCacheBytes bounds the lists kept in memory.
	DefaultCacheBytes = 256 << 20
	// failureMemory is how long a failed fetch is not tried again.
	failureMemory = 3 * time.Second
	// maxPlaces bounds the places of which something is remembered.
	maxPlaces = 1024
)

// An answer is what one place had to say.
type answer struct {
	lists   []*List // verified
	refused []refusal
	err     error
	stands  bool // what it said before still stands; lists and refused are empty

	validators Validators
	maxAge     time.Duration
	at         time.Time // when it said so; zero is now
}

// A refusal is a list that the issuer did not sign.
type refusal struct {
	list *List
	err  error
}

// verify parts the lists that an issuer signed from the others.
func verify(lists []*List, issuer *x509.Certificate, allowWeak bool) answer {
	var a answer
	for _, l := range lists {
		if err := l.CheckSignatureFrom(issuer, allowWeak); err != nil {
			a.refused = append(a.refused, refusal{l, err})
			continue
		}
		a.lists = append(a.lists, l)
	}
	return a
}

// A signer is the certificate by which lists were verified, and how strictly.
// It is a part of every key of the cache: a list counts for nobody else.
type signer struct {
	certificate [sha256.Size]byte
	allowWeak   bool
}

// A cacheKey is a place and the signer expected there.
type cacheKey struct {
	place  string
	signer signer
}

// newSigner takes the certificate of who is to sign, DER.
func newSigner(issuer []byte, allowWeak bool) signer {
	return signer{sha256.Sum256(issuer), allowWeak}
}

// A scopeKey tells lists at one place apart that stand beside each other from
// those that follow each other. It holds the place, too: some CAs part their
// lists by place and do not say so inside them.
type scopeKey struct {
	cacheKey
	scope     string // value of the issuing distribution point
	delta     bool
	authority bool // for CA certificates, says the directory
}

func newScopeKey(key cacheKey, l *List) scopeKey {
	scope := scopeKey{cacheKey: key, delta: l.DeltaBase != nil, authority: l.authority}
	for _, e := range l.Extensions {
		if e.OID == oidScopeText {
			scope.scope = string(e.Value)
		}
	}
	return scope
}

// An asker asks one place.
type asker struct {
	// known returns what is current and can be had without asking; no lists is
	// nothing.
	known func(ctx context.Context, now time.Time) answer
	// fetch asks for what is other than what a caller has.
	fetch func(ctx context.Context, have Validators) answer
}

// cache keeps verified lists, the newest of each scope, and fetches what is not
// there once for all who wait.
type cache struct {
	clock   func() time.Time
	timeout time.Duration
	limit   int64
	seed    maphash.Seed // for the time at which each place is asked again

	// Each holds a token after what it is named for.
	remembered, replaced chan struct{}

	mu      sync.Mutex
	lists   map[scopeKey]*held
	bytes   int64  // of all lists
	uses    uint64 // counts, for held.used
	places  map[cacheKey]memory
	flights map[cacheKey]*flight
}

// held is a verified list and when it was last of use.
type held struct {
	list *List
	used uint64
}

// memory is what is remembered of a place.
type memory struct {
	at, used   time.Time  // when it said so, and when somebody asked for it last
	scopes     []scopeKey // its lists, in lists unless they have been dropped
	refused    []refusal
	err        error
	validators Validators
	maxAge     time.Duration
	vain       int // answers in a row that brought nothing new
	ask        asker
}

// rest is how long a place that says nothing of use is not asked again.
func (m memory) rest() time.Duration {
	if m.err != nil {
		return failureMemory // Backoff counts the failures of a place
	}
	return max(failureMemory, pauseAfter(m.vain))
}

// A flight is a fetch that is under way.
type flight struct {
	done    chan struct{} // closed when answer is set
	answer  answer
	cancel  context.CancelFunc
	waiters int       // under cache.mu, as the next
	used    time.Time // when a check asked last; zero where none did
}

func newCache(config CheckerConfig, clock func() time.Time) *cache {
	c := &cache{
		clock: clock, timeout: config.FetchTimeout, limit: config.CacheBytes, seed: maphash.MakeSeed(),
		remembered: make(chan struct{}, 1), replaced: make(chan struct{}, 1),
	}
	if c.timeout == 0 {
		c.timeout = DefaultFetchTimeout
	}
	if c.limit == 0 {
		c.limit = DefaultCacheBytes
	}
	c.flights = map[cacheKey]*flight{}
	c.flush()
	return c
}

// flush forgets everything; fetches under way go on.
func (c *cache) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lists, c.places, c.bytes = map[scopeKey]*held{}, map[cacheKey]memory{}, 0
}

// recall returns what is remembered of a place where that is current at now.
func (c *cache) recall(key cacheKey, now time.Time) (answer, bool) {
	if c.anotherTime(now) {
		return answer{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rememberedLocked(key, now)
}

// anotherTime reports whether a check is for another time than the present: what it
// finds is of no use to others.
func (c *cache) anotherTime(now time.Time) bool { return now.Sub(c.clock()).Abs() > ClockSkew }

// get returns what is remembered of a place where that is current at now, and
// otherwise asks, or waits for an answer under way. The question belongs to all
// who wait for the answer: it ends early only when the last of them has gone.
func (c *cache) get(ctx context.Context, key cacheKey, now time.Time, ask asker) answer {
	if c.anotherTime(now) {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		if a := ask.known(ctx, now); len(a.lists) > 0 {
			return a
		}
		return ask.fetch(ctx, Validators{})
	}
	c.mu.Lock()
	if a, ok := c.rememberedLocked(key, now); ok {
		c.mu.Unlock()
		return a
	}
	f := c.flightLocked(ctx, key, now, ask, func(ctx context.Context, have Validators) answer {
		if a := ask.known(ctx, now); len(a.lists) > 0 {
			return a
		}
		return ask.fetch(ctx, have)
	})
	f.used = c.clock()
	c.mu.Unlock()
	return c.wait(ctx, key, f)
}

// renew asks a place whatever is remembered of it, or waits for an answer under
// way.
func (c *cache) renew(ctx context.Context, key cacheKey, now time.Time, ask asker) answer {
	c.mu.Lock()
	f := c.flightLocked(ctx, key, now, ask, ask.fetch)
	c.mu.Unlock()
	return c.wait(ctx, key, f)
}

// rests reports whether a place brought nothing new the last times, and need not
// be asked again now.
func (c *cache) rests(key cacheKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.places[key]
	age := c.clock().Sub(m.at)
	return m.vain > 0 && age >= 0 && age < m.rest()
}

// flightLocked returns the flight to a place, a new one where none is under way.
func (c *cache) flightLocked(ctx context.Context, key cacheKey, now time.Time, ask asker, fetch func(context.Context, Validators) answer) *flight {
	f := c.flights[key]
	if f == nil {
		fetchCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.timeout)
		f = &flight{done: make(chan struct{}), cancel: cancel}
		c.flights[key] = f
		have := c.validatorsLocked(key)
		go c.fly(fetchCtx, f, key, now, ask, func(ctx context.Context) answer { return fetch(ctx, have) })
	}
	f.waiters++
	return f
}

// validatorsLocked returns those of what is remembered of a place, none where
// some of it has been dropped.
func (c *cache) validatorsLocked(key cacheKey) Validators {
	m := c.places[key]
	for _, scope := range m.scopes {
		if c.lists[scope] == nil {
			return Validators{}
		}
	}
	if len(m.scopes) == 0 {
		return Validators{}
	}
	return m.validators
}

// wait waits for the end of a flight.
func (c *cache) wait(ctx context.Context, key cacheKey, f *flight) answer {
	select {
	case <-f.done:
		return f.answer
	case <-ctx.Done():
		c.leave(f, key)
		return answer{err: ctx.Err()}
	}
}

// leave gives up waiting; the last one ends the fetch.
func (c *cache) leave(f *flight, key cacheKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiters--; f.waiters > 0 {
		return
	}
	f.cancel()
	if c.flights[key] == f {
		delete(c.flights, key)
	}
}

// fly fetches, remembers and tells the waiters. The goroutine that runs it ends
// when fetch does, which follows its context.
func (c *cache) fly(ctx context.Context, f *flight, key cacheKey, now time.Time, ask asker, fetch func(context.Context) answer) {
	defer f.cancel()
	a := fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flights[key] == f {
		delete(c.flights, key)
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		a = c.rememberLocked(key, a, now, ask, f.used)
		signal(c.remembered)
	}
	f.answer = a
	close(f.done)
}

// signal leaves a token for who waits for it.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// rememberedLocked returns what is known of a place: lists as long as all of
// them are current, anything else for the rest of the place.
func (c *cache) rememberedLocked(key cacheKey, now time.Time) (answer, bool) {
	m, ok := c.places[key]
	if !ok {
		return answer{}, false
	}
	age := c.clock().Sub(m.at)
	fresh := age >= 0 && age < m.rest()
	if len(m.scopes) == 0 && !fresh {
		return answer{}, false
	}
	for _, scope := range m.scopes {
		h := c.lists[scope]
		if h == nil || !fresh && h.list.expired(now) || h.list.ThisUpdate.After(now.Add(ClockSkew)) {
			return answer{}, false
		}
		c.touchLocked(h)
	}
	m.used = c.clock()
	c.places[key] = m
	return c.answerLocked(m), true
}

// answerLocked is what a place last said, and before that if it was of more use.
func (c *cache) answerLocked(m memory) answer {
	a := answer{refused: m.refused, err: m.err}
	for _, scope := range m.scopes {
		if h := c.lists[scope]; h != nil {
			a.lists = append(a.lists, h.list)
		}
	}
	return a
}

// errGone is an answer about lists that were dropped while it came.
var errGone = errors.New("the list that still stands has been dropped from memory")

// rememberLocked keeps what a place said and returns it with each list replaced
// by a newer one of its scope that came from there before: a place that replays
// an old list takes nothing back, also where the newer one is out of date and
// the old one is not.
func (c *cache) rememberLocked(key cacheKey, a answer, now time.Time, ask asker, used time.Time) answer {
	before := c.places[key]
	if used.IsZero() {
		used = before.used
	}
	m := memory{
		at: a.at, used: used, err: a.err, refused: a.refused,
		validators: a.validators, maxAge: a.maxAge, vain: before.vain + 1, ask: ask,
	}
	if a.stands && c.validatorsLocked(key) == (Validators{}) {
		a.err, m.err = errGone, errGone
	}
	if m.at.IsZero() {
		m.at = c.clock()
	}
	if a.err != nil || a.stands || len(a.lists) == 0 {
		// What the place said before may be within a policy's grace, and who
		// gives what somebody else signed does not take it back.
		m.scopes = before.scopes
		if !a.stands {
			m.validators = before.validators
		}
	}
	var current []*List
	complete := true
	for _, l := range a.lists {
		if l.ThisUpdate.After(now.Add(ClockSkew)) {
			// It would stand in the way of the list that is valid now.
			current, complete = append(current, l), false
			continue
		}
		scope := newScopeKey(key, l)
		if h := c.lists[scope]; h == nil || l.newer(h.list) {
			c.holdLocked(scope, l)
			m.vain = 0
			if h != nil {
				signal(c.replaced)
			}
		}
		h, kept := c.lists[scope]
		if !kept { // larger than the whole cache
			current, complete = append(current, l), false
			continue
		}
		c.touchLocked(h)
		if !slices.Contains(m.scopes, scope) {
			m.scopes = append(m.scopes, scope)
		}
	}
	if complete {
		c.forgetPlacesLocked()
		c.places[key] = m
	}
	a = c.answerLocked(m)
	a.lists = append(current, a.lists...)
	return a
}

func (c *cache) touchLocked(h *held) {
	c.uses++
	h.used = c.uses
}

// holdLocked keeps a list in place of the one that was there, and drops those
// that were of use longest ago until all fit.
func (c *cache) holdLocked(scope scopeKey, l *List) {
	c.dropLocked(scope)
	if l.Size() > c.limit {
		return
	}
	for c.bytes+l.Size() > c.limit {
		c.dropLocked(c.leastUsedLocked())
	}
	h := &held{list: l}
	c.touchLocked(h)
	c.lists[scope] = h
	c.bytes += l.Size()
}

func (c *cache) dropLocked(scope scopeKey) {
	if h := c.lists[scope]; h != nil {
		c.bytes -= h.list.Size()
		delete(c.lists, scope)
	}
}

func (c *cache) leastUsedLocked() (least scopeKey) {
	used := c.uses + 1
	for scope, h := range c.lists {
		if h.used < used {
			least, used = scope, h.used
		}
	}
	return least
}

// forgetPlacesLocked makes room for one more place.
func (c *cache) forgetPlacesLocked() {
	for len(c.places) >= maxPlaces {
		var (
			oldest cacheKey
			at     time.Time
		)
		for key, m := range c.places {
			if at.IsZero() || m.at.Before(at) {
				oldest, at = key, m.at
			}
		}
		delete(c.places, oldest)
	}
}

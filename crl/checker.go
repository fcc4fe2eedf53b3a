package crl

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"keyman/internal/dn"
)

// ClockSkew is how far a list's thisUpdate may lie in the future, for clocks
// that differ. Nothing is allowed for nextUpdate.
const ClockSkew = 5 * time.Minute

// A CheckerConfig says how a Checker finds lists.
type CheckerConfig struct {
	// Source fetches lists; nil fetches none.
	Source Source
	// Lists are at hand without fetching. They are asked first.
	Lists []*List
	// Order is the order in which protocols are tried; one that is not named
	// is not used. Empty is HTTP, then LDAP.
	Order []Protocol
	// FetchTimeout bounds one fetch; zero is DefaultFetchTimeout.
	FetchTimeout time.Duration
	// CacheBytes bounds the lists kept in memory; zero is DefaultCacheBytes.
	CacheBytes int64
	// Clock is asked for the time; nil is time.Now.
	Clock func() time.Time
}

// A Checker answers whether a chain of certificates may be used. It may be used
// by several goroutines at once; a list that several wait for is fetched once,
// and kept until its nextUpdate.
type Checker struct {
	source Source
	lists  []*List
	order  []Protocol
	clock  func() time.Time
	cache  *cache
}

// NewChecker returns a Checker.
func NewChecker(config CheckerConfig) (*Checker, error) {
	c := &Checker{source: config.Source, lists: slices.Clone(config.Lists), order: slices.Clone(config.Order), clock: config.Clock}
	if len(c.order) == 0 {
		c.order = defaultOrder
	}
	for i, protocol := range c.order {
		if protocol != HTTP && protocol != LDAP && protocol != File || slices.Contains(c.order[:i], protocol) {
			return nil, fmt.Errorf("fetch order: protocol %q is not known or is there twice: use http, ldap and file", protocol)
		}
	}
	if slices.Contains(c.lists, nil) {
		return nil, errors.New("a list at hand is nil")
	}
	if config.FetchTimeout < 0 || config.CacheBytes < 0 {
		return nil, errors.New("a negative limit")
	}
	if c.clock == nil {
		c.clock = time.Now
	}
	c.cache = newCache(config, c.clock)
	return c, nil
}

// Flush forgets all lists that were fetched.
func (c *Checker) Flush() { c.cache.flush() }

// Check builds the paths from chain[0], over the other certificates of chain in
// any order, to an anchor of the policy, and looks for each certificate below
// the anchor in its issuer's revocation list. The verdict is good where one path
// is valid and the policy's demands are met on it. A chain[0] that is found
// revoked on one path is revoked.
//
// Nothing is fetched before a path is valid: the sources named in certificates
// that nobody vouches for are never asked.
func (c *Checker) Check(ctx context.Context, chain [][]byte, p Policy) Verdict {
	now := p.Time
	if now.IsZero() {
		now = c.clock()
	}
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	found, reasons := paths(chain, now, p)
	if len(found) == 0 {
		return Verdict{Status: StatusInvalid, Reasons: reasons}
	}
	run := &run{checker: c, policy: p, now: now, seen: map[link]finding{}}
	verdict := Verdict{Status: StatusUndetermined, Reasons: reasons}
	for _, path := range found {
		outcome, leafRevoked := run.path(ctx, path)
		if outcome.Status == StatusGood {
			outcome.Reasons = append(softened(verdict.Reasons), outcome.Reasons...)
			return outcome
		}
		verdict.add(outcome)
		if leafRevoked {
			break
		}
	}
	return verdict
}

// add joins the outcome of one more path, none of them good: revoked weighs
// more than undetermined. A finding that two paths share is told once.
func (v *Verdict) add(outcome Verdict) {
	if outcome.Status == StatusRevoked {
		v.Status = StatusRevoked
	}
	v.due(outcome.NextUpdate)
	for _, r := range outcome.Reasons {
		if !slices.Contains(v.Reasons, r) {
			v.Reasons = append(v.Reasons, r)
		}
	}
}

// due notes when a list that counted is due, if it is before the others.
func (v *Verdict) due(next time.Time) {
	if !next.IsZero() && (v.NextUpdate.IsZero() || next.Before(v.NextUpdate)) {
		v.NextUpdate = next
	}
}

// softened turns reasons that did not decide into notes.
func softened(reasons []Reason) []Reason {
	reasons = slices.Clone(reasons)
	for i := range reasons {
		reasons[i].Severity = Note
	}
	return reasons
}

// A run is one call of Check.
type run struct {
	checker *Checker
	policy  Policy
	now     time.Time
	seen    map[link]finding
}

// A link is a certificate with its issuer's, DER.
type link struct{ cert, issuer string }

// A finding is what is known about the revocation of one certificate.
type finding struct {
	status  Status // good also where no list is demanded
	reasons []Reason
	next    time.Time // nextUpdate of the list that counted
}

// path checks the certificates of one path, all at once, and reports whether
// its first one is revoked.
func (r *run) path(ctx context.Context, path []*x509.Certificate) (v Verdict, leafRevoked bool) {
	v.Status = StatusGood
	v.Reasons = weakened(path)
	if len(path) == 1 {
		v.Reasons = append(v.Reasons, newReason(Note, CodeAnchor, path[0], ""))
		return v, false
	}
	findings := make([]finding, len(path)-1)
	var running sync.WaitGroup
	for i := range findings {
		if known, ok := r.seen[linkAt(path, i)]; ok {
			findings[i] = known
			continue
		}
		running.Go(func() { findings[i] = r.certificate(ctx, path[i], path[i+1]) })
	}
	running.Wait()
	for i, f := range slices.Backward(findings) { // from the anchor down
		r.seen[linkAt(path, i)] = f
		v.Reasons = append(v.Reasons, f.reasons...)
		switch {
		case f.status == StatusRevoked:
			v.Status = StatusRevoked
		case f.status != StatusGood && v.Status == StatusGood:
			v.Status = StatusUndetermined
		}
		v.due(f.next)
	}
	return v, findings[0].status == StatusRevoked
}

func linkAt(path []*x509.Certificate, i int) link {
	return link{string(path[i].Raw), string(path[i+1].Raw)}
}

// certificate looks for one certificate in its issuer's lists.
func (r *run) certificate(ctx context.Context, cert, issuer *x509.Certificate) finding {
	if r.policy.Revocation == Off {
		return finding{status: StatusGood, reasons: []Reason{newReason(Note, CodeUnchecked, cert, "the policy asks for none")}}
	}
	at, err := points(cert)
	if err != nil {
		return finding{status: StatusUndetermined, reasons: []Reason{newReason(Fatal, CodeMalformed, cert, err.Error())}}
	}
	s := search{run: r, cert: cert, issuer: issuer, at: at}
	if s.atHand() || s.fetch(ctx) {
		return s.conclusion()
	}
	return s.withoutAnswer()
}

// A search is the way through the places of one certificate's list.
type search struct {
	run          *run
	cert, issuer *x509.Certificate
	at           []point

	reasons []Reason // why a place gave no answer
	answer  finding  // set where one did
	named   *Reason  // revoked, says a list that may not decide
}

// atHand asks the lists that need no fetching.
func (s *search) atHand() bool {
	issuer, err := dn.FromDER(s.issuer.RawSubject)
	if err != nil {
		return false
	}
	var mine []*List
	for _, l := range s.run.checker.lists {
		if l.Issuer.Equal(issuer) {
			mine = append(mine, l)
		}
	}
	if len(mine) == 0 {
		return false
	}
	return s.ask(verify(mine, s.issuer, s.run.policy.AllowWeak))
}

// fetch asks the places, best first, within what is left of the time: see follow.
func (s *search) fetch(ctx context.Context) bool {
	all := places(s.run.checker.source, s.run.checker.order, s.cert, s.at)
	if len(all) == 0 {
		s.reasons = append(s.reasons, newReason(Fatal, CodeNoSource, s.cert, ""))
	}
	for i, a := range follow(ctx, len(all), func(ctx context.Context, i int) answer { return s.fetchOne(ctx, all[i]) }) {
		if a.err != nil {
			s.reasons = append(s.reasons, s.unavailable(all[i], a.err))
		}
		if s.ask(a) {
			return true
		}
	}
	return false
}

// fetchOne asks one place.
func (s *search) fetchOne(ctx context.Context, p place) answer {
	key := newCacheKey(p.name, s.issuer, s.run.policy.AllowWeak)
	return s.run.checker.cache.get(ctx, key, s.run.now, func(ctx context.Context) answer {
		lists, err := p.lookup(ctx)
		if err != nil {
			return answer{err: err}
		}
		return verify(lists, s.issuer, s.run.policy.AllowWeak)
	})
}

// unavailable is the reason where a place could not be asked.
func (s *search) unavailable(p place, err error) Reason {
	if errors.Is(err, ErrNoDirectory) {
		return newReason(Fatal, CodeNoSource, s.cert, err.Error())
	}
	r := newReason(Fatal, CodeUnavailable, s.cert, err.Error())
	r.CRL = p.name
	return r
}

// ask looks into the lists of one answer and reports whether one of them
// decides. Where lists of several scopes do, one that says revoked counts.
func (s *search) ask(a answer) bool {
	decided := false
	for _, refused := range a.refused {
		code := CodeCRLSignature
		if errors.Is(refused.err, errWrongIssuer) {
			code = CodeCRLIssuer
		}
		s.reasons = append(s.reasons, newReason(Fatal, code, s.cert, refused.err.Error()+" ("+listName(refused.list)+")").about(refused.list))
	}
	for _, l := range a.lists {
		f, conclusive := s.look(l)
		switch {
		case !conclusive:
			s.reasons = append(s.reasons, f.reasons...)
		case !decided || f.status == StatusRevoked:
			s.answer, decided = f, true
		}
	}
	return decided
}

// look looks for the certificate in one verified list (RFC 5280, 6.3.3). One that
// says revoked and may not decide is noted in s.named.
func (s *search) look(l *List) (f finding, conclusive bool) {
	flaw, partial := s.flaw(l)
	revoked := s.revoked(l)
	switch {
	case revoked != nil && (flaw == nil || partial):
		return finding{status: StatusRevoked, reasons: []Reason{*revoked}, next: l.NextUpdate}, true
	case flaw != nil:
		if revoked != nil {
			s.named = revoked
		}
		return finding{reasons: []Reason{*flaw}}, false
	}
	r := newReason(Note, CodeChecked, s.cert, "says "+listName(l)+", next update "+when(l.NextUpdate)).about(l)
	return finding{status: StatusGood, reasons: []Reason{r}, next: l.NextUpdate}, true
}

// revoked is the reason where a list says that the certificate is revoked, and
// nil where it does not.
func (s *search) revoked(l *List) *Reason {
	e, ok := l.revokes(s.cert.SerialNumber)
	if !ok {
		return nil
	}
	r := newReason(Fatal, CodeRevoked, s.cert, fmt.Sprintf("on %s, reason %s, says %s", when(e.Date), e.Reason, listName(l))).about(l)
	r.Date = e.Date
	return &r
}

// flaw is the reason why a list may not decide that the certificate is good, nil
// where it may. partial means that it still decides that it is revoked.
func (s *search) flaw(l *List) (flaw *Reason, partial bool) {
	found := func(code, detail string, date time.Time) *Reason {
		r := newReason(Fatal, code, s.cert, listName(l)+detail).about(l)
		r.Date = date
		return &r
	}
	expired := l.expired(s.run.now)
	why, partial := l.covers(s.cert, s.at)
	switch {
	case len(l.UnknownCritical) > 0:
		return found(CodeCRLCritical, ", OID "+l.UnknownCritical[0], time.Time{}), false
	case why != "" && !partial:
		return found(CodeCRLScope, " "+why, time.Time{}), false
	case l.ThisUpdate.After(s.run.now.Add(ClockSkew)):
		return found(CodeCRLNotYet, ", made "+when(l.ThisUpdate), l.ThisUpdate), false
	case partial:
		return found(CodeCRLScope, " "+why, time.Time{}), !expired
	case l.NextUpdate.IsZero():
		return found(CodeCRLExpired, " does not say when the next one is due", time.Time{}), false
	case expired:
		return found(CodeCRLExpired, ", the next one was due "+when(l.NextUpdate), l.NextUpdate), false
	default:
		return nil, false
	}
}

// expired reports whether the list's time is over. A list that does not say
// when the next one is due has no time (RFC 5280, 5.1.2.5, demands the date).
func (l *List) expired(now time.Time) bool {
	return l.NextUpdate.IsZero() || now.After(l.NextUpdate)
}

// conclusion is the finding of a list, behind notes on what was tried before.
func (s *search) conclusion() finding {
	s.answer.reasons = append(softened(s.reasons), s.answer.reasons...)
	return s.answer
}

// withoutAnswer decides where no list could be had that may decide.
func (s *search) withoutAnswer() finding {
	if s.named != nil {
		// Only a hold is ever lifted, and an issuer gives a serial number once:
		// a list of the issuer that names the certificate is believed, also
		// where it is old, early, for other certificates or not understood as a
		// whole. Of one that does not name it nothing follows.
		return finding{status: StatusRevoked, reasons: append(softened(s.reasons), *s.named)}
	}
	switch {
	case s.run.policy.Revocation == Relaxed, s.run.policy.Revocation == IfURI && len(s.at) == 0:
		warning := newReason(Warning, CodeUnchecked, s.cert, "the policy is "+s.run.policy.Revocation.String())
		return finding{status: StatusGood, reasons: append(softened(s.reasons), warning)}
	default:
		return finding{status: StatusUndetermined, reasons: s.reasons}
	}
}

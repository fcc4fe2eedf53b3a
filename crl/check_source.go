package crl

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"keyman/crl/certpath"
	"keyman/internal/cert"
)

// A placeSource gives a ListChecker what the places of one certificate's lists
// say, the lists at hand first. It belongs to one question.
type placeSource struct {
	run  *run
	path *certpath.Path
	all  []*certpath.Certificate // beside the path
	// atOnce says that no place is asked whose answer would have to be waited for.
	atOnce bool

	mu sync.Mutex // guards what follows
	// missing is set where a place was not asked for that, and missingDelta where
	// delta lists are there.
	missing, missingDelta bool

	said []cacheKey // the places that have answered

	begun    int      // places that were asked, up to MaxPlaces
	refused  bool     // more of them
	asked    int      // places that could be asked
	reasons  []Reason // why a place gave no answer
	noSource string   // why there was no place
}

func newPlaceSource(r *run, q certpath.Query, atOnce bool) *placeSource {
	return &placeSource{run: r, path: q.Path, all: q.Options.Intermediates, atOnce: atOnce}
}

func (s *placeSource) immediate() bool { return s.atOnce }

// rank orders distribution points by the protocols that are tried first.
func (s *placeSource) rank(names []cert.GeneralName) int {
	best := len(s.run.checker.order)
	for i, protocol := range slices.Backward(s.run.checker.order) {
		if slices.ContainsFunc(names, func(g cert.GeneralName) bool { return protocolOfName(g) == protocol }) {
			best = i
		}
	}
	return best
}

// ListsAt implements ListSource. It returns no error: what could not be had
// is in s.reasons.
func (s *placeSource) ListsAt(ctx context.Context, at ListPlace) ([]*List, error) {
	lists, _ := ListsAtHand(s.run.checker.lists).ListsAt(ctx, at)
	if s.gone(ctx) {
		return lists, nil // the places that took all the time are told of
	}
	issuer, names := at.issuerKey(), at.Names
	if !at.Delta && (len(names) == 0 || issuer != at.Certificate.IssuerKey) {
		// The entry of who signs: where the issuer's lists are usually found, and
		// those of one who signs in its place, too.
		names = append(slices.Clip(names), cert.GeneralName{Kind: cert.DirectoryName, Value: at.Issuer})
	}
	expected := s.signer(issuer)
	by := newSigner(expected, s.run.policy.AllowWeak)
	var others []place // of which nothing is remembered
	for _, p := range places(s.run.checker.source, s.run.checker.order, names) {
		a, ok := s.remembered(cacheKey{p.name, by})
		if !ok {
			others = append(others, p)
			continue
		}
		found, enough := s.take(at, cacheKey{p.name, by}, a)
		if lists = append(lists, found...); enough {
			return lists, nil
		}
	}
	if s.atOnce && len(others) > 0 {
		s.miss(at)
		return lists, nil
	}
	for i, a := range follow(ctx, len(others), func(ctx context.Context, i int) answer {
		if !s.begin() {
			return answer{err: errMorePlaces}
		}
		return s.ask(ctx, others[i], expected, by)
	}) {
		if errors.Is(ctx.Err(), context.Canceled) {
			break // another point had the answer
		}
		found, enough := s.take(at, cacheKey{others[i].name, by}, a)
		if lists = append(lists, found...); enough {
			break
		}
	}
	return lists, nil
}

// errMorePlaces is that of a place that is not asked for it.
var errMorePlaces = fmt.Errorf("more than %d places are named, and the others were not asked", MaxPlaces)

// begin reports whether one more place may be asked: neither a certificate nor a list
// that its issuer signed sends this machine to thousands.
func (s *placeSource) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.begun == MaxPlaces {
		return false
	}
	s.begun++
	return true
}

// gone reports whether the time is over that there was for places.
func (s *placeSource) gone(ctx context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked > 0 && ctx.Err() != nil
}

// miss notes that a place was not asked.
func (s *placeSource) miss(at ListPlace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.missing, s.missingDelta = true, s.missingDelta || at.Delta
}

// take returns the lists of an answer, and whether no other place of the point
// need be asked.
func (s *placeSource) take(at ListPlace, key cacheKey, a answer) (lists []*List, enough bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(a.err, ErrNoDirectory) {
		s.noSource = a.err.Error()
		return nil, false
	}
	s.asked++
	if errors.Is(a.err, errMorePlaces) {
		if !s.refused {
			s.refused = true
			s.reasons = append(s.reasons, newReason(Fatal, CodeUnavailable, at.Certificate, a.err.Error()))
		}
		return nil, false
	}
	if !slices.Contains(s.said, key) {
		if s.said = append(s.said, key); a.err != nil {
			r := newReason(Fatal, CodeUnavailable, at.Certificate, a.err.Error())
			r.CRL = key.place
			s.reasons = append(s.reasons, r)
		}
	}
	lists = a.lists
	for _, refused := range a.refused {
		// The signer may be another one than is expected: ListChecker finds out.
		lists = append(lists[:len(lists):len(lists)], refused.list)
	}
	// The names of one point are ways to the same list.
	return lists, slices.ContainsFunc(a.lists, func(l *List) bool { return !l.expired(s.run.now) && !l.early(s.run.now) })
}

// remembered returns what a place last said, where that is current and not too old
// for the policy.
func (s *placeSource) remembered(key cacheKey) (answer, bool) {
	a, ok := s.run.checker.cache.recall(key, s.run.now)
	return a, ok && !s.stale(key, a)
}

// stale reports whether what is remembered of a place is too old for the policy,
// and asking anew may help.
func (s *placeSource) stale(key cacheKey, a answer) bool {
	most := s.run.policy.MaxAge
	return most > 0 && slices.ContainsFunc(a.lists, func(l *List) bool { return s.run.now.Sub(l.ThisUpdate) > most }) &&
		!s.run.checker.cache.rests(key)
}

// ask asks one place, through the cache where it is known whose lists are
// expected there.
func (s *placeSource) ask(ctx context.Context, p place, expected []byte, by signer) answer {
	checker, key := s.run.checker, cacheKey{p.name, by}
	ask := checker.asker(p, expected, by.allowWeak)
	a := checker.cache.get(ctx, key, s.run.now, ask)
	if s.stale(key, a) {
		if anew := checker.cache.renew(ctx, key, s.run.now, ask); anew.err == nil {
			return anew
		}
	}
	return a
}

// asker returns how a place is asked for the lists of a signer.
func (c *Checker) asker(p place, signer []byte, allowWeak bool) asker {
	// Read only where something is fetched. Without a certificate nothing is
	// verified here; ListChecker does that.
	issuer := sync.OnceValue(func() *x509.Certificate {
		certificate, err := x509.ParseCertificate(signer)
		if err != nil {
			return nil
		}
		return certificate
	})
	return asker{
		known: func(ctx context.Context, now time.Time) answer {
			known := issuer()
			if known == nil {
				return answer{}
			}
			return c.disk.answer(ctx, p.name, known, allowWeak, now)
		},
		fetch: func(ctx context.Context, have Validators) answer {
			reply, err := p.get(ctx, have)
			switch {
			case err != nil:
				return answer{err: err}
			case reply.NotModified:
				return answer{stands: true, validators: reply.Validators, maxAge: reply.MaxAge}
			}
			a := c.disk.keep(ctx, p.name, issuer(), verify(reply.Lists, issuer(), allowWeak))
			a.validators, a.maxAge = reply.Validators, reply.MaxAge
			return a
		},
	}
}

// signer returns the certificate of who is to sign the lists of an issuer, whose
// name is in the form of Certificate.SubjectKey, DER: one of the path, or else one
// beside it; nil where there is none.
func (s *placeSource) signer(name string) []byte {
	is := func(c *certpath.Certificate) bool { return c != nil && c.SubjectKey == name }
	for i := range s.path.Certificates {
		if above := s.path.Issuer(i); is(above) {
			return above.Raw
		}
	}
	if i := slices.IndexFunc(s.all, is); i >= 0 {
		return s.all[i].Raw
	}
	return nil
}

package crl

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"time"

	"keyman/crl/certpath"
	"keyman/internal/cert"
)

// A placeSource gives a ListChecker what the places of one certificate's lists
// say, the lists at hand first. It belongs to one question and one goroutine.
type placeSource struct {
	run  *run
	path *certpath.Path
	all  []*certpath.Certificate // beside the path
	left map[*certpath.Certificate]int
	said map[cacheKey]bool

	asked    int      // places that could be asked
	reasons  []Reason // why a place gave no answer
	noSource string   // why there was no place
}

func newPlaceSource(r *run, q certpath.Query) *placeSource {
	return &placeSource{
		run: r, path: q.Path, all: q.Options.Intermediates,
		left: map[*certpath.Certificate]int{}, said: map[cacheKey]bool{},
	}
}

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
	if s.asked > 0 && ctx.Err() != nil {
		return lists, nil // the places that took all the time are told of
	}
	signer, names := s.signer(at.Issuer), at.Names
	if !at.Delta && (len(names) == 0 || cert.NameKey(at.Issuer) != at.Certificate.IssuerKey) {
		// The entry of who signs: where the issuer's lists are usually found, and
		// those of one who signs in its place, too.
		names = append(slices.Clip(names), cert.GeneralName{Kind: cert.DirectoryName, Value: at.Issuer})
	}
	all := places(s.run.checker.source, s.run.checker.order, names)
	ctx, cancel := s.share(ctx, at.Certificate, len(all))
	defer cancel()
	for i, a := range follow(ctx, len(all), func(ctx context.Context, i int) answer { return s.ask(ctx, all[i], signer) }) {
		if errors.Is(a.err, ErrNoDirectory) {
			s.noSource = a.err.Error()
			continue
		}
		s.asked++
		key := newCacheKey(all[i].name, signer, s.run.policy.AllowWeak)
		if a.err != nil && !s.said[key] {
			r := newReason(Fatal, CodeUnavailable, at.Certificate, a.err.Error())
			r.CRL = all[i].name
			s.reasons = append(s.reasons, r)
		}
		s.said[key] = true
		lists = append(lists, a.lists...)
		for _, refused := range a.refused {
			// The signer may be another one than is expected: ListChecker finds out.
			lists = append(lists, refused.list)
		}
		if slices.ContainsFunc(a.lists, func(l *List) bool { return !l.expired(s.run.now) && !l.early(s.run.now) }) {
			break // the names of one point are ways to the same list
		}
	}
	return lists, nil
}

// share gives the places of one point their part of the time; those of the
// certificate's other points have the rest.
func (s *placeSource) share(ctx context.Context, target *certpath.Certificate, here int) (context.Context, context.CancelFunc) {
	left, known := s.left[target]
	if !known {
		points, _ := pointsOf(target)
		for _, p := range points {
			if p.Name != nil {
				left += len(places(s.run.checker.source, s.run.checker.order, p.Name.Full))
			}
		}
	}
	s.left[target] = max(left-here, 0)
	deadline, ok := ctx.Deadline()
	if !ok || left <= here {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)*time.Duration(here)/time.Duration(left))
}

// ask asks one place, through the cache where it is known whose lists are
// expected there.
func (s *placeSource) ask(ctx context.Context, p place, signer []byte) answer {
	checker, policy := s.run.checker, s.run.policy
	key, ask := newCacheKey(p.name, signer, policy.AllowWeak), checker.asker(p, signer, policy.AllowWeak)
	a := checker.cache.get(ctx, key, s.run.now, ask)
	if policy.MaxAge > 0 && !checker.cache.rests(key) && slices.ContainsFunc(a.lists, func(l *List) bool { return s.run.now.Sub(l.ThisUpdate) > policy.MaxAge }) {
		// What is remembered is current, and too old for this policy.
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

// signer returns the certificate of who is to sign the lists of an issuer, DER:
// one of the path, or else one beside it; nil where there is none.
func (s *placeSource) signer(issuer []byte) []byte {
	name := cert.NameKey(issuer)
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

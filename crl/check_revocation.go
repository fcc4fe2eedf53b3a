package crl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"keyman/crl/certpath"
	"keyman/internal/cert"
	"keyman/internal/der"
)

// A run is one call of Check. certpath asks it about each certificate of a path
// that is valid otherwise; it looks for all of them at once, and remembers what
// it found for the verdict.
type run struct {
	checker  *Checker
	policy   Policy
	now      time.Time
	seen     map[link]finding
	outcomes []outcome
}

// A link is a certificate with the ID of its issuer's key.
type link struct {
	cert   *certpath.Certificate
	issuer string
}

// A finding is what is known about the revocation of one certificate.
type finding struct {
	status  Status // good also where no list is demanded
	reasons []Reason
	next    time.Time // nextUpdate of the list that counted
}

// An outcome is a valid path and what was found on it, the leaf first.
type outcome struct {
	path     *certpath.Path
	findings []finding
}

func (o outcome) status() Status {
	status := StatusGood
	for _, f := range o.findings {
		switch {
		case f.status == StatusRevoked, f.status == StatusInvalid && status != StatusRevoked:
			status = f.status
		case f.status != StatusGood && status == StatusGood:
			status = StatusUndetermined
		}
	}
	return status
}

// The errors of a run; the reasons are in its outcomes.
var (
	errUndetermined = errors.New("a certificate of the path was not found good")
	errManyPaths    = fmt.Errorf("more than %d valid paths", maxPaths)
)

// Check implements certpath.Revocation.
func (r *run) Check(ctx context.Context, q certpath.Query) error {
	if last := len(r.outcomes) - 1; last < 0 || r.outcomes[last].path != q.Path {
		switch {
		case last >= 0 && r.outcomes[last].findings[0].status == StatusRevoked:
			return errUndetermined // another path does not make the leaf good
		case last+1 == maxPaths:
			return errManyPaths
		}
		r.outcomes = append(r.outcomes, r.path(ctx, q))
	}
	o := r.outcomes[len(r.outcomes)-1]
	switch leaf := o.findings[0].status; {
	case o.status() == StatusGood:
		return nil
	case leaf == StatusRevoked && q.Index == 0:
		return certpath.ErrRevoked
	case leaf == StatusRevoked && o.findings[q.Index].status == StatusGood:
		return nil // on to the leaf, which ends the search
	}
	return errUndetermined
}

// path looks for the certificates of one path: first for those of which everything
// is at hand, and then for the others, all at once.
func (r *run) path(ctx context.Context, q certpath.Query) outcome {
	o := outcome{q.Path, make([]finding, len(q.Path.Certificates))}
	var running sync.WaitGroup
	for i := range o.findings {
		if known, ok := r.seen[linkAt(q.Path, i)]; ok {
			o.findings[i] = known
			continue
		}
		one := certpath.Query{Path: q.Path, Index: i, Options: q.Options}
		if f, ok := r.certificate(ctx, one, true); ok {
			o.findings[i] = f
			continue
		}
		running.Go(func() { o.findings[i], _ = r.certificate(ctx, one, false) })
	}
	running.Wait()
	for i, f := range o.findings {
		r.seen[linkAt(q.Path, i)] = f
	}
	return o
}

func linkAt(path *certpath.Path, i int) link {
	return link{path.Certificates[i], path.IssuerKey(i).ID()}
}

// verdict joins what was found on all paths. accepted is the last one.
func (r *run) verdict(notes []Reason, accepted certpath.Path, ok bool) Verdict {
	v := Verdict{Status: StatusUndetermined, Reasons: notes}
	if ok && trustedItself(accepted) {
		v.Status = StatusGood
		v.Reasons = append(append(v.Reasons, weakened(accepted)...), newReason(Note, CodeAnchor, accepted.Certificates[0], ""))
		v.describe(accepted)
		return v
	}
	for _, o := range r.outcomes {
		status := o.status()
		reasons := weakened(*o.path)
		for _, f := range slices.Backward(o.findings) { // from the anchor down
			reasons = append(reasons, f.reasons...)
			v.due(f.next)
		}
		if status == StatusGood {
			v.Reasons = append(softened(v.Reasons), reasons...)
			v.Status, v.NextUpdate = StatusGood, time.Time{}
			for _, f := range o.findings {
				v.due(f.next)
			}
			v.describe(accepted)
			return v
		}
		v.add(status, reasons)
	}
	return v
}

// add joins the outcome of one more path, none of them good: revoked weighs most,
// then undetermined. A finding that two paths share is told once.
func (v *Verdict) add(status Status, reasons []Reason) {
	if status == StatusRevoked || status == StatusInvalid && v.Status != StatusRevoked {
		v.Status = status
	}
	for _, r := range reasons {
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

// describe puts the accepted path into the verdict.
func (v *Verdict) describe(path certpath.Path) {
	for _, c := range path.Certificates {
		v.Path = append(v.Path, certpath.Title(c))
	}
	if !trustedItself(path) && path.Anchor.Certificate != nil {
		v.Path = append(v.Path, certpath.Title(path.Anchor.Certificate))
	}
	for _, p := range path.Policies {
		v.Policies = append(v.Policies, p.String())
	}
}

// certificate looks for one certificate in revocation lists. ok is false where atOnce
// is demanded and a place would have to be waited for: what is remembered does not
// decide, or delta lists may say otherwise.
func (r *run) certificate(ctx context.Context, q certpath.Query, atOnce bool) (f finding, ok bool) {
	target := q.Certificate()
	points, err := pointsOf(target)
	switch {
	case err != nil:
		return finding{status: StatusInvalid, reasons: []Reason{newReason(Fatal, CodeMalformed, target, err.Error())}}, true
	case r.policy.Revocation == Off:
		return finding{status: StatusGood, reasons: []Reason{newReason(Note, CodeUnchecked, target, "the policy asks for none")}}, true
	}
	c := &ListChecker{verified: r.checker.verified, rules: listRules{r.policy.Grace, r.policy.MaxAge}}
	if len(r.checker.lists) > 0 {
		c.source = ListsAtHand(r.checker.lists)
		if a := c.Ask(ctx, q); a.Status != StatusUndetermined {
			return r.finding(target, a, nil), true
		}
	}
	source := newPlaceSource(r, q, atOnce)
	c.source = source
	a := c.Ask(ctx, q)
	if source.missing && (a.Status == StatusUndetermined || source.missingDelta) {
		return finding{}, false
	}
	if a.Status == StatusUndetermined && source.asked == 0 {
		source.reasons = append(source.reasons, newReason(Fatal, CodeNoSource, target, source.noSource))
	}
	f = r.finding(target, a, source.reasons)
	if f.status != StatusUndetermined {
		return f, true
	}
	if r.policy.Revocation == Relaxed || r.policy.Revocation == IfURI && len(points) == 0 {
		warning := newReason(Warning, CodeUnchecked, target, "the policy is "+r.policy.Revocation.String())
		return finding{status: StatusGood, reasons: append(softened(f.reasons), warning)}, true
	}
	return f, true
}

// finding turns an Answer, behind what the places said, into words.
func (r *run) finding(target *certpath.Certificate, a Answer, reasons []Reason) finding {
	for _, err := range a.Errors {
		reasons = append(reasons, newReason(Fatal, CodeMalformed, target, err.Error()))
	}
	for _, c := range a.Considered {
		if c.Why != "" {
			reasons = append(reasons, newReason(Fatal, c.Code, target, listName(c.List)+" "+c.Why).about(c.List))
		}
	}
	f := finding{status: a.Status}
	switch {
	case a.Status == StatusRevoked:
		f.reasons, f.next = append(softened(reasons), revokedReason(target, a.Entry, a.By)), a.By.NextUpdate
	case a.Named != nil:
		// Only a hold is ever lifted, and an issuer gives a serial number once:
		// a list of the issuer that names the certificate is believed, also
		// where it is old, early, for other certificates or not understood as a
		// whole. Of one that does not name it nothing follows.
		f.status, f.reasons = StatusRevoked, append(softened(reasons), revokedReason(target, *a.Named, a.By))
	case a.Status == StatusGood:
		f.reasons = softened(reasons)
		for _, c := range a.Considered {
			if c.Why == "" {
				f.reasons = append(f.reasons, r.counted(target, c.List))
				if f.next.IsZero() || c.List.NextUpdate.Before(f.next) {
					f.next = c.List.NextUpdate
				}
			}
		}
	default:
		f.reasons = reasons
		if a.Reasons != 0 {
			f.reasons = append(f.reasons, newReason(Fatal, CodeCRLScope, target,
				fmt.Sprintf("the lists that count leave out the reasons %#x", uint16(cert.AllReasons&^a.Reasons))))
		}
	}
	return f
}

// counted is the reason for a list that says that a certificate is good.
func (r *run) counted(target *certpath.Certificate, l *List) Reason {
	detail := "says " + listName(l) + ", next update " + when(l.NextUpdate)
	if l.expired(r.now) {
		warning := newReason(Warning, CodeChecked, target, detail+", out of date and accepted within the grace of "+r.policy.Grace.String())
		warning.Date = l.NextUpdate
		return warning.about(l)
	}
	return newReason(Note, CodeChecked, target, detail).about(l)
}

// revokedReason is the reason where a list says that a certificate is revoked.
func revokedReason(target *certpath.Certificate, e Entry, by *List) Reason {
	r := newReason(Fatal, CodeRevoked, target, fmt.Sprintf("on %s, reason %s, says %s", when(e.Date), e.Reason, listName(by))).about(by)
	r.Date = e.Date
	return r
}

// serialText writes a certificate's serial number.
func serialText(c *certpath.Certificate) string { return der.OctetsText(c.SerialOctets) }

// expired reports whether the list's time is over. A list that does not say
// when the next one is due has no time (RFC 5280, 5.1.2.5, demands the date).
func (l *List) expired(now time.Time) bool {
	return l.NextUpdate.IsZero() || now.After(l.NextUpdate)
}

// early reports whether the list is of a time to come.
func (l *List) early(now time.Time) bool { return l.ThisUpdate.After(now.Add(ClockSkew)) }

package crl

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"keyman/crl/certpath"
	"keyman/internal/cert"
)

// A ListSource gives a ListChecker the lists that it asks for. It is used by
// several goroutines at once and returns when the context ends. The lists are
// parsed, and not verified; those that do not fit are left aside, so that a
// source may give more than it was asked for.
type ListSource interface {
	ListsAt(ctx context.Context, at ListPlace) ([]*List, error)
}

// A ListPlace is where lists about a certificate are found.
type ListPlace struct {
	// Certificate is the one that is asked about.
	Certificate *certpath.Certificate
	// Issuer signs the lists: the DER encoding of a name.
	Issuer []byte
	// Names are those of the distribution point; none is where the lists of
	// the issuer are usually found.
	Names []cert.GeneralName
	// Delta says that delta lists are to be found there (RFC 5280, 4.2.1.15 and
	// 5.2.6).
	Delta bool
}

// issuerKey returns Issuer in the form of Certificate.IssuerKey, which it mostly is.
func (p ListPlace) issuerKey() string {
	if p.Certificate != nil && bytes.Equal(p.Issuer, p.Certificate.RawIssuer) {
		return p.Certificate.IssuerKey
	}
	return cert.NameKey(p.Issuer)
}

// ListsAtHand are lists that need no fetching.
type ListsAtHand []*List

// ListsAt returns the lists of the issuer.
func (all ListsAtHand) ListsAt(_ context.Context, at ListPlace) ([]*List, error) {
	if len(all) == 0 {
		return nil, nil
	}
	issuer := at.issuerKey()
	var own []*List
	for _, l := range all {
		if l.issuerKey == issuer {
			own = append(own, l)
		}
	}
	return own, nil
}

func (ListsAtHand) immediate() bool { return true }

// The limits of one check by a ListChecker.
const (
	// MaxSignerDepth bounds how far the check of a list's signer leads to
	// another list with a signer of its own, and so on.
	MaxSignerDepth = 3
	// MaxSignerChecks bounds the signers that are tried in one check, all
	// depths together.
	MaxSignerChecks = 64
	// MaxListsAtPlace bounds the lists that are looked at in one place.
	MaxListsAtPlace = 64
)

// A ListChecker answers certpath's question whether a certificate is revoked, by
// lists as RFC 5280, 6.3, has it: complete and delta lists, indirect ones, those
// for some reasons or kinds of certificates, and those whose signer has a key
// and a path of its own. It may be used by several goroutines at once.
type ListChecker struct {
	source   ListSource
	signers  []*certpath.Certificate
	verified *verified
	rules    listRules
}

// listRules say how old a list may be: grace after its nextUpdate, and maxAge
// since its thisUpdate, zero for as long as it says itself.
type listRules struct{ grace, maxAge time.Duration }

// NewListChecker returns a ListChecker over a source. signers are certificates
// that may have signed lists, beside those of the path; nobody need trust them.
func NewListChecker(source ListSource, signers []*certpath.Certificate) *ListChecker {
	return &ListChecker{source: source, signers: slices.Clone(signers), verified: newVerified()}
}

// Check implements certpath.Revocation.
func (c *ListChecker) Check(ctx context.Context, q certpath.Query) error {
	a := c.Ask(ctx, q)
	return a.Err()
}

// Ask is Check with the whole answer.
func (c *ListChecker) Ask(ctx context.Context, q certpath.Query) Answer {
	return listRun{checker: c, work: new(int)}.ask(ctx, q)
}

// A listRun is one check, or that of a list's signer within it.
type listRun struct {
	checker *ListChecker
	depth   int  // how many signers led here
	work    *int // signers that were tried
}

// Check implements certpath.Revocation for the path of a list's signer.
func (r listRun) Check(ctx context.Context, q certpath.Query) error { return r.ask(ctx, q).Err() }

// A listCheck is what is known while one certificate is looked for.
type listCheck struct {
	listRun
	query  certpath.Query
	target *certpath.Certificate
	isCA   bool
	answer Answer
}

// ask follows RFC 5280, 6.3.3.
func (r listRun) ask(ctx context.Context, q certpath.Query) Answer {
	c := &listCheck{listRun: r, query: q, target: q.Certificate(), answer: Answer{Status: StatusUndetermined}}
	if e, ok := c.target.Extension(cert.OIDBasicConstraints); ok {
		b, err := cert.ParseBasicConstraints(e.Value)
		c.isCA = err == nil && b.CA
	}
	var points []cert.DistributionPoint
	if e, ok := c.target.Extension(cert.OIDCRLPoints); ok {
		var err error
		if points, err = cert.ParseCRLDistributionPoints(e.Value); err != nil || len(points) > maxPoints {
			c.answer.Errors = append(c.answer.Errors, errMalformed("CRL distribution points"))
			return c.answer
		}
	}
	c.look(ctx, c.spots(points))
	if c.answer.Status == StatusUndetermined && c.answer.Reasons == cert.AllReasons {
		c.answer.Status, c.answer.Named, c.answer.By = StatusGood, nil, nil
	}
	return c.answer
}

// A spot is where the lists of one issuer about the certificate are looked for, and
// the distribution point that says so.
type spot struct {
	place ListPlace
	point cert.DistributionPoint
}

// spots returns where to look: at the distribution points of the certificate, best
// first, and at last where the issuer's own list usually is, which may tell what
// is not told by the points.
func (c *listCheck) spots(points []cert.DistributionPoint) []spot {
	at := func(issuer []byte, names []cert.GeneralName, p cert.DistributionPoint) spot {
		return spot{ListPlace{Certificate: c.target, Issuer: issuer, Names: names}, p}
	}
	all := make([]spot, 0, len(points)+1)
	for _, p := range points {
		if len(p.CRLIssuer) == 0 {
			all = append(all, at(c.target.RawIssuer, c.fullNames(p.Name, c.target.RawIssuer), p))
		}
		// Those who sign may be others than who issued the certificate.
		for _, g := range p.CRLIssuer {
			if g.Kind != cert.DirectoryName || len(all) >= maxPoints {
				continue
			}
			names := p.CRLIssuer
			if p.Name != nil {
				names = c.fullNames(p.Name, g.Value)
			}
			all = append(all, at(g.Value, names, p))
		}
	}
	if r, ok := c.checker.source.(ranker); ok {
		slices.SortStableFunc(all, func(a, b spot) int { return r.rank(a.place.Names) - r.rank(b.place.Names) })
	}
	return append(all, at(c.target.RawIssuer, nil, cert.DistributionPoint{Reasons: cert.AllReasons,
		Name: &cert.PointName{Full: []cert.GeneralName{{Kind: cert.DirectoryName, Value: c.target.RawIssuer}}}}))
}

// A ranker is a ListSource that asks some distribution points before others.
type ranker interface {
	rank(names []cert.GeneralName) int
}

// An immediate ListSource has what it says at once.
type immediate interface {
	immediate() bool
}

// look looks at the lists of the spots as they come, until nothing more need be
// asked. One that is slow does not keep the next from being asked.
func (c *listCheck) look(ctx context.Context, spots []spot) {
	type found struct {
		lists []*List
		err   error
	}
	ask := func(ctx context.Context, i int) found {
		lists, err := c.checker.source.ListsAt(ctx, spots[i].place)
		return found{lists, err}
	}
	take := func(i int, f found) (enough bool) {
		if f.err != nil {
			c.answer.Errors = append(c.answer.Errors, f.err)
		}
		c.lists(ctx, f.lists, spots[i].point)
		return c.done()
	}
	if source, ok := c.checker.source.(immediate); ok && source.immediate() {
		for i := range spots {
			if take(i, ask(ctx, i)) {
				return
			}
		}
		return
	}
	for i, f := range follow(ctx, len(spots), ask) {
		if take(i, f) {
			return
		}
	}
}

// done reports whether nothing more need be asked.
func (c *listCheck) done() bool {
	return c.answer.Status == StatusRevoked || c.answer.Reasons == cert.AllReasons
}

// fullNames returns the names of a point, with a relative one completed by the
// name of who signs the lists (RFC 5280, 4.2.1.13).
func (c *listCheck) fullNames(p *cert.PointName, issuer []byte) []cert.GeneralName {
	names, err := fullNames(p, issuer)
	if err != nil {
		c.answer.Errors = append(c.answer.Errors, fmt.Errorf("distribution point: %w", err))
	}
	return names
}

// lists looks at the lists that were found at one point.
func (c *listCheck) lists(ctx context.Context, lists []*List, p cert.DistributionPoint) {
	lists = newestFirst(lists)
	for _, l := range lists {
		if c.answer.Status == StatusRevoked {
			return
		}
		if c.done() && c.counted(l) {
			continue
		}
		if l.DeltaBase != nil {
			continue // it is looked at with the list that it completes
		}
		c.list(ctx, l, lists, p)
	}
	if !slices.ContainsFunc(lists, func(l *List) bool { return l.DeltaBase == nil }) {
		for _, l := range lists {
			c.refuse(l, fault{CodeCRLScope, "is a delta list, and the list that it completes is not there"})
		}
	}
}

// newestFirst returns the lists of one place, so that one which is still valid
// does not stand for the one that replaced it. What is no list is left out.
func newestFirst(lists []*List) []*List {
	sorted := slices.DeleteFunc(slices.Clone(lists[:min(len(lists), MaxListsAtPlace)]), func(l *List) bool { return l == nil })
	slices.SortStableFunc(sorted, func(a, b *List) int {
		switch {
		case a.newer(b):
			return -1
		case b.newer(a):
			return 1
		}
		return 0
	})
	return sorted
}

// A fault is why a list does not count: a code and words that follow the list's
// name. The zero value is none.
type fault struct{ code, text string }

// note notes why a list did not count; no fault says that it did.
func (c *listCheck) note(l *List, why fault) {
	// A list may be found in several places.
	if this := (Considered{List: l, Code: why.code, Why: why.text}); !slices.Contains(c.answer.Considered, this) {
		c.answer.Considered = append(c.answer.Considered, this)
	}
}

// refuse notes why a list does not count, and whether it names the certificate
// all the same.
func (c *listCheck) refuse(l *List, why fault) {
	c.note(l, why)
	if c.answer.Named != nil || l.issuerKey != c.target.IssuerKey ||
		l.point != nil && l.point.OnlyAttributeCerts { // they have serial numbers of their own
		return
	}
	// The signature first: a list that anybody may have made can have a million
	// entries with one serial number.
	path, i := c.query.Path, c.query.Index
	if _, err := c.signerOnPath(l, path.IssuerKey(i), path.Issuer(i), path.Anchor); err != nil {
		return
	}
	if entry, found := l.find(c.target.SerialOctets, c.target.IssuerKey); found && entry.Revokes() {
		c.answer.Named, c.answer.By = &entry, l
	}
}

// list looks at one complete list (RFC 5280, 6.3.3 (b) to (l)).
func (c *listCheck) list(ctx context.Context, l *List, others []*List, p cert.DistributionPoint) {
	if why := c.outside(l, p); why != (fault{}) { // (b)
		c.refuse(l, why)
		return
	}
	// (d), (e)
	reasons := p.Reasons & cert.AllReasons
	if l.point != nil {
		reasons &= l.point.Reasons
	}
	if reasons&^c.answer.Reasons == 0 && (reasons == 0 || c.counted(l)) {
		c.note(l, fault{CodeCRLScope, "is about no reason that others are not about"})
		return
	}
	if why := c.unusable(l); why != (fault{}) {
		c.refuse(l, why)
		return
	}
	// (f), (g)
	key, err := c.signedBy(ctx, l)
	if err != nil {
		c.note(l, fault{CodeCRLSignature, err.Error()})
		return
	}
	delta := c.delta(l, slices.Concat(others, c.freshest(ctx, l)), key) // (c), (h)
	if why := c.outdated(l); why != (fault{}) && delta == nil {
		c.refuse(l, why)
		return
	}
	c.note(l, fault{})
	// (i), (j), (k)
	by := l
	entry, found := Entry{}, false
	if delta != nil {
		c.note(delta, fault{})
		by = delta
		entry, found = delta.find(c.target.SerialOctets, c.target.IssuerKey)
	}
	if !found {
		by = l
		entry, found = l.find(c.target.SerialOctets, c.target.IssuerKey)
	}
	if found && entry.Revokes() {
		c.answer.Status, c.answer.Entry, c.answer.By, c.answer.Named = StatusRevoked, entry, by, nil
		return
	}
	c.answer.Reasons |= reasons // (l)
}

// counted reports whether a list of the same issuer and scope has counted: then
// this one is older. Lists of several scopes stand beside each other, and one that
// says revoked outweighs one that does not.
func (c *listCheck) counted(l *List) bool {
	return slices.ContainsFunc(c.answer.Considered, func(other Considered) bool {
		return other.Why == "" && other.List.DeltaBase == nil && other.List.issuerKey == l.issuerKey &&
			other.List.authority == l.authority && slices.Equal(other.List.extension(oidScopeText), l.extension(oidScopeText))
	})
}

// unusable returns why a list says nothing about any certificate.
func (c *listCheck) unusable(l *List) fault {
	switch {
	case len(l.UnknownCritical) > 0:
		// RFC 5280, 5.2 and 5.3.
		return fault{CodeCRLCritical, "has a critical extension that is not known, OID " + l.UnknownCritical[0]}
	case l.otherIssuers() && (l.point == nil || !l.point.Indirect):
		return fault{CodeCRLScope, "names other issuers in its entries without being an indirect list"}
	case l.early(c.query.Options.Time):
		return fault{CodeCRLNotYet, "is not valid yet, made " + when(l.ThisUpdate)}
	}
	return fault{}
}

// outdated returns why a list is not the last word any more.
func (c *listCheck) outdated(l *List) fault {
	now, rules := c.query.Options.Time, c.checker.rules
	switch {
	case l.NextUpdate.IsZero():
		// RFC 5280, 5.1.2.5, demands the date.
		return fault{CodeCRLExpired, "does not say when the next one is due"}
	case l.expired(now.Add(-rules.grace)):
		return fault{CodeCRLExpired, "was to be replaced by " + when(l.NextUpdate)}
	case rules.maxAge > 0 && now.Sub(l.ThisUpdate) > rules.maxAge:
		return fault{CodeCRLExpired, fmt.Sprintf("is of %s, longer ago than the %s that are allowed", when(l.ThisUpdate), rules.maxAge)}
	}
	return fault{}
}

package certpath

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"keyman/internal/cert"
)

// A search is one call of Validate. It goes from the leaf up, first where each
// certificate names its issuer's key or none, then where one names another, and
// so on; among those, all paths of one length before those of the next. So
// neither a mesh of CAs nor certificates in an issuer's name hide a short path.
type search struct {
	ctx     context.Context
	options *Options

	intermediates []*candidate
	queue         [][]*step         // what is to be looked at, by step.cost
	signatures    map[signing]error // those that were checked
	checks        int               // how many
	candidates    int               // how many were considered
	nameChecks    int               // how often a name was compared
	policyNodes   int               // how many nodes all policy graphs have
	attempts      []Attempt
	ended         bool // a limit was reached, or the leaf is revoked
}

// A candidate is an intermediate certificate, read when it is needed.
type candidate struct {
	cert *Certificate
	node *node
}

func (c *candidate) read() *node {
	if c.node == nil {
		c.node = newNode(c.cert)
	}
	return c.node
}

// A step is a certificate with the steps below it, down to the leaf.
type step struct {
	node  *node
	below *step
	depth int // 1 is the leaf
	wrong int // how often a certificate names another key than its issuer's
}

// cost orders the steps.
func (at *step) cost() int { return at.wrong*(MaxDepth+1) + at.depth }

func newSearch(ctx context.Context, o *Options) *search {
	s := &search{ctx: ctx, options: o, signatures: map[signing]error{}}
	if len(o.Intermediates) == 1 {
		s.intermediates = []*candidate{{cert: o.Intermediates[0]}}
		return s
	}
	seen := make(map[string]bool, len(o.Intermediates))
	for _, c := range o.Intermediates {
		// Twice the same certificate would double the paths.
		if !seen[string(c.Raw)] {
			seen[string(c.Raw)] = true
			s.intermediates = append(s.intermediates, &candidate{cert: c})
		}
	}
	return s
}

// find returns the first valid path, nil where there is none.
func (s *search) find(leaf *node) *Path {
	first := &step{node: leaf, depth: 1}
	if f := s.hopeless(leaf); f != nil {
		s.attempt(first, nil, f)
		return nil
	}
	for _, a := range s.options.Anchors {
		if a.is(leaf.cert) {
			path, f := s.trusted(a, leaf)
			if f == nil {
				return path
			}
			s.attempt(first, a, f)
		}
	}
	if f := s.options.Strength.weak(leaf); f != nil {
		s.attempt(first, nil, f)
		return nil
	}
	s.push(first)
	for at := s.pop(); at != nil && !s.ended; at = s.pop() {
		if path := s.extend(at); path != nil {
			return path
		}
	}
	return nil
}

// push puts a step behind those of the same cost.
func (s *search) push(at *step) {
	for len(s.queue) <= at.cost() {
		s.queue = append(s.queue, nil)
	}
	s.queue[at.cost()] = append(s.queue[at.cost()], at)
}

// pop takes the first step of the lowest cost, nil where there is none.
func (s *search) pop() *step {
	for cost, steps := range s.queue {
		if len(steps) > 0 {
			s.queue[cost] = steps[1:]
			return steps[0]
		}
	}
	return nil
}

// hopeless returns why a certificate is on no valid path at all, whatever lies
// around it.
func (s *search) hopeless(n *node) *Failure {
	if n.unfit != nil {
		return n.unfit
	}
	return current(n, s.options.Time)
}

// trusted judges a leaf that is itself an anchor: its signature proves nothing,
// and nobody can revoke it but who trusts it.
func (s *search) trusted(a *Anchor, leaf *node) (*Path, *Failure) {
	if f := a.current(s.options.Time); f != nil {
		return nil, f
	}
	if err := s.options.Strength.CheckKey(leaf.key); err != nil {
		return nil, fail(CodeWeakKey, leaf.cert, err.Error())
	}
	u := newUsages(s.options.Purpose)
	if f := u.leaf(leaf); f != nil {
		return nil, f
	}
	return &Path{
		Certificates: []*Certificate{leaf.cert}, Anchor: a, keys: []cert.PublicKey{a.key, a.key},
		Policies: newPolicyGraph(&s.policyNodes).intersect(s.options.InitialPolicies),
	}, nil
}

// extend looks for the issuers of a step's certificate: it returns a path that
// ends at an anchor, or puts the steps above into the queue.
func (s *search) extend(at *step) *Path {
	if f := s.signedBelow(at); f != nil {
		s.attempt(at, nil, f)
		s.ended = f.Code == CodeLimit
		return nil
	}
	known := false
	for _, a := range s.anchorsOf(at.node) {
		known = true
		if !s.consider(at) {
			return nil
		}
		if path := s.judge(at, a); path != nil || s.ended {
			return path
		}
	}
	for _, c := range s.issuersOf(at.node) {
		if at.holds(c.cert) {
			continue
		}
		known = true
		if !s.consider(at) {
			return nil
		}
		s.climb(at, c.read())
	}
	if !known {
		s.attempt(at, nil, fail(CodeNoAnchor, at.node.cert, "its issuer is "+issuerOf(at.node.cert)+", of whom there is no further certificate"))
	}
	return nil
}

// issuerOf names a certificate's issuer for people.
func issuerOf(c *Certificate) string {
	if c.SelfIssued() {
		return "itself"
	}
	return c.Issuer.String()
}

// consider counts a candidate and reports whether there may be one more.
func (s *search) consider(at *step) bool {
	if s.candidates == MaxCandidates {
		s.end(at, fmt.Sprintf("%d candidates", MaxCandidates))
		return false
	}
	s.candidates++
	return true
}

// end ends the search at a limit.
func (s *search) end(at *step, limit string) {
	s.ended = true
	s.attempt(at, nil, fail(CodeLimit, nil, limit))
}

// climb puts the step to an issuer into the queue, unless no path leads over it.
func (s *search) climb(at *step, issuer *node) {
	above := &step{node: issuer, below: at, depth: at.depth + 1, wrong: at.wrong}
	if hint(at.node, issuer.subjectKeyID) == otherKey {
		above.wrong++
	}
	f := s.hopeless(issuer)
	switch {
	case above.depth > MaxDepth:
		f = fail(CodeLimit, issuer.cert, fmt.Sprintf("a path of more than %d certificates", MaxDepth))
	case f == nil:
		if f = issuer.notCA(); f == nil {
			f = s.options.Strength.weak(issuer)
		}
	}
	if f != nil {
		s.attempt(above, nil, f)
		return
	}
	s.push(above)
}

// signedBelow returns why a step's certificate is not the issuer of the one
// below. A key without parameters is known when the path is.
func (s *search) signedBelow(at *step) *Failure {
	if at.below == nil || !at.node.key.Complete() {
		return nil
	}
	if err := s.signature(at.below.node, at.node.key); err != nil {
		return badSignature(at.below.node, err)
	}
	return nil
}

// judge validates a whole path and asks about revocation.
func (s *search) judge(at *step, a *Anchor) *Path {
	p := newProcess(s, a, at.nodes())
	f := p.run()
	var path *Path
	if f == nil {
		path = p.result()
		if f = s.revocation(path); f == nil {
			return path
		}
		// Another path will not make it good.
		s.ended = f.Code == CodeRevoked && f.Certificate == path.Certificates[0]
	}
	s.ended = s.ended || f.Code == CodeLimit
	s.attempt(at, a, f)
	return nil
}

// nodes returns the nodes of a step from the top down to the leaf.
func (at *step) nodes() []*node {
	nodes := make([]*node, 0, at.depth)
	for ; at != nil; at = at.below {
		nodes = append(nodes, at.node)
	}
	return nodes
}

// holds reports whether a certificate of the same name and key is there already:
// then the path would be a loop.
func (at *step) holds(c *Certificate) bool {
	for ; at != nil; at = at.below {
		if at.node.cert.SubjectKey == c.SubjectKey && bytes.Equal(at.node.cert.RawSPKI, c.RawSPKI) {
			return true
		}
	}
	return false
}

// attempt notes what was tried. Of many, those that came furthest are kept.
func (s *search) attempt(at *step, a *Anchor, f *Failure) {
	if len(s.attempts) == 2*MaxAttempts {
		rank(s.attempts)
		s.attempts = s.attempts[:MaxAttempts]
	}
	nodes := at.nodes()
	certs := make([]*Certificate, len(nodes))
	for i, n := range nodes {
		certs[len(nodes)-1-i] = n.cert
	}
	s.attempts = append(s.attempts, Attempt{Certificates: certs, Anchor: a, Failure: f})
}

// anchorsOf returns the anchors with the name of a certificate's issuer, those
// with the key that it names first.
func (s *search) anchorsOf(n *node) []*Anchor {
	var all []*Anchor
	for _, a := range s.options.Anchors {
		if a.nameKey == n.cert.IssuerKey && !a.NoIssuer {
			all = append(all, a)
		}
	}
	if len(all) > 1 {
		slices.SortStableFunc(all, func(a, b *Anchor) int { return hint(n, a.keyID) - hint(n, b.keyID) })
	}
	return all
}

// issuersOf returns the intermediate certificates with the name of a
// certificate's issuer, those with the key that it names first.
func (s *search) issuersOf(n *node) []*candidate {
	var all []*candidate
	for _, c := range s.intermediates {
		if c.cert.SubjectKey == n.cert.IssuerKey {
			all = append(all, c)
		}
	}
	if len(all) > 1 {
		slices.SortStableFunc(all, func(a, b *candidate) int { return hint(n, a.read().subjectKeyID) - hint(n, b.read().subjectKeyID) })
	}
	return all
}

// What hint returns.
const (
	sameKey = iota
	noHint
	otherKey
)

// hint compares a certificate's authority key identifier with an issuer's key
// identifier.
func hint(n *node, keyID []byte) int {
	switch {
	case len(n.authorityKeyID) == 0 || len(keyID) == 0:
		return noHint
	case bytes.Equal(n.authorityKeyID, keyID):
		return sameKey
	default:
		return otherKey
	}
}

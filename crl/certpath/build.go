package certpath

import (
	"bytes"
	"context"
	"fmt"
	"slices"
)

// A search is one call of Validate: it goes from the leaf up, all paths of one
// length before those of the next.
type search struct {
	ctx     context.Context
	options *Options

	intermediates []*candidate
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
}

func newSearch(ctx context.Context, o *Options) *search {
	s := &search{ctx: ctx, options: o, signatures: map[signing]error{}}
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
	for queue := []*step{first}; len(queue) > 0 && !s.ended; queue = queue[1:] {
		path, next := s.extend(queue[0])
		if path != nil {
			return path
		}
		queue = append(queue, next...)
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
		Certificates: []*Certificate{leaf.cert}, Anchor: a, key: a.key,
		Policies: newPolicyGraph(&s.policyNodes).intersect(s.options.InitialPolicies),
	}, nil
}

// extend looks for the issuers of a step's certificate: a path that ends at an
// anchor, or the steps above.
func (s *search) extend(at *step) (*Path, []*step) {
	known := false
	for _, a := range s.anchorsOf(at.node) {
		known = true
		if !s.consider(at) {
			return nil, nil
		}
		if path := s.judge(at, a); path != nil || s.ended {
			return path, nil
		}
	}
	var next []*step
	for _, c := range s.issuersOf(at.node) {
		if at.holds(c.cert) {
			continue
		}
		known = true
		if !s.consider(at) {
			return nil, nil
		}
		if above := s.climb(at, c.read()); above != nil {
			next = append(next, above)
		}
	}
	if !known {
		s.attempt(at, nil, fail(CodeNoAnchor, at.node.cert, "its issuer is "+issuerOf(at.node.cert)+", of whom there is no certificate"))
	}
	return nil, next
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

// climb returns the step to an issuer, nil where no path leads over it.
func (s *search) climb(at *step, issuer *node) *step {
	above := &step{node: issuer, below: at, depth: at.depth + 1}
	if above.depth > MaxDepth {
		s.attempt(at, nil, fail(CodeLimit, issuer.cert, fmt.Sprintf("a path of more than %d certificates", MaxDepth)))
		return nil
	}
	f := s.hopeless(issuer)
	if f == nil {
		f = issuer.notCA()
	}
	if f == nil {
		f = s.options.Strength.weak(issuer)
	}
	if f == nil && issuer.key.Complete() {
		// A key without parameters is known when the path is.
		if err := s.signature(at.node, issuer.key); err != nil {
			f = badSignature(at.node, err)
		}
	}
	if f == nil {
		return above
	}
	s.attempt(above, nil, f)
	s.ended = s.ended || f.Code == CodeLimit
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

// hint compares a certificate's authority key identifier with an issuer's key
// identifier: 0 where they are the same, 1 where one is missing, 2 otherwise.
func hint(n *node, keyID []byte) int {
	switch {
	case len(n.authorityKeyID) == 0 || len(keyID) == 0:
		return 1
	case bytes.Equal(n.authorityKeyID, keyID):
		return 0
	default:
		return 2
	}
}

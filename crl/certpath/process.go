package certpath

import (
	"fmt"
	"slices"
	"time"

	"keyman/internal/cert"
)

// A process is the state of one path's validation (RFC 5280, 6.1.2): the words
// there are in the comments here.
type process struct {
	search *search
	anchor *Anchor
	path   []*node // from the anchor down to the leaf

	policies      *policyGraph   // valid_policy_tree
	explicit      int            // explicit_policy
	inhibitAny    int            // inhibit_anyPolicy
	mapping       int            // policy_mapping
	issuer        string         // working_issuer_name
	key           cert.PublicKey // working_public_key, with its parameters
	maxPathLength int            // max_path_length
	constraints   [][]constraint // permitted_subtrees and excluded_subtrees, one element for each CA
	usages        usages
	keys          []cert.PublicKey // those that were the working key, from the anchor down
	valid         []OID
}

// newProcess initializes (RFC 5280, 6.1.2).
func newProcess(s *search, a *Anchor, path []*node) *process {
	unless := func(initial bool) int {
		if initial {
			return 0
		}
		return len(path) + 1
	}
	p := &process{
		search: s, anchor: a, path: path,
		policies: newPolicyGraph(&s.policyNodes),
		explicit: unless(s.options.RequireExplicitPolicy), inhibitAny: unless(s.options.InhibitAnyPolicy), mapping: unless(s.options.InhibitMapping),
		issuer: a.nameKey, key: a.key, keys: []cert.PublicKey{a.key},
		maxPathLength: len(path),
		usages:        newUsages(s.options.Purpose),
	}
	if a.MaxPathLen != nil {
		p.maxPathLength = min(p.maxPathLength, *a.MaxPathLen)
	}
	if a.NameConstraints != nil {
		p.constraints = append(p.constraints, compile(a.NameConstraints))
	}
	return p
}

// run validates the path and returns why it is not valid.
func (p *process) run() *Failure {
	o := p.search.options
	if f := p.anchor.current(o.Time); f != nil {
		return f
	}
	if err := o.Strength.CheckKey(p.anchor.key); err != nil {
		return p.anchor.fail(CodeWeakKey, "the anchor: "+err.Error())
	}
	if !o.IgnoreCAPurposes && !p.usages.restrict(p.anchor.Purposes) {
		return p.anchor.fail(CodePurpose, "the anchor, for "+o.Purpose.String())
	}
	for i, n := range p.path {
		last := i == len(p.path)-1
		if f := p.basic(n, last); f != nil {
			return f
		}
		next := p.prepare
		if last {
			next = p.wrapUp
		}
		if f := next(n); f != nil {
			return f
		}
	}
	return nil
}

// basic processes one certificate (RFC 5280, 6.1.3). Revocation, (a)(3), is
// asked when the rest of the path is known to be valid.
func (p *process) basic(n *node, last bool) *Failure {
	if n.unfit != nil {
		return n.unfit
	}
	// (a)(1)
	if err := p.search.signature(n, p.key); err != nil {
		return badSignature(n, err)
	}
	if f := p.search.options.Strength.weak(n); f != nil {
		return f
	}
	// (a)(2)
	if f := current(n, p.search.options.Time); f != nil {
		return f
	}
	// (a)(4)
	if n.cert.IssuerKey != p.issuer {
		return fail(CodeNoAnchor, n.cert, "the issuer has another name")
	}
	selfIssued := n.cert.SelfIssued()
	// (b), (c)
	if last || !selfIssued {
		for _, set := range p.constraints {
			if f := permits(set, n, &p.search.nameChecks); f != nil {
				return f
			}
		}
	}
	// (d), (e)
	switch {
	case n.policies == nil:
		p.policies.clear()
	case !p.policies.empty() && !p.policies.add(n.policies, p.inhibitAny > 0 || !last && selfIssued):
		return tooManyPolicies(n)
	}
	// (f)
	if p.explicit == 0 && p.policies.empty() {
		return fail(CodePolicy, n.cert, "")
	}
	return nil
}

func tooManyPolicies(n *node) *Failure {
	return fail(CodeLimit, n.cert, fmt.Sprintf("%d policies on the paths", MaxPolicyNodes))
}

// current returns why a certificate is not valid at a time.
func current(n *node, at time.Time) *Failure {
	switch {
	case at.Before(n.cert.NotBefore):
		return fail(CodeNotYetValid, n.cert, "before "+when(n.cert.NotBefore))
	case at.After(n.cert.NotAfter):
		return fail(CodeExpired, n.cert, "on "+when(n.cert.NotAfter))
	}
	return nil
}

// prepare prepares for the certificate below (RFC 5280, 6.1.4).
func (p *process) prepare(n *node) *Failure {
	// (a)
	for _, m := range n.mappings {
		if m.Issuer == AnyPolicy || m.Subject == AnyPolicy {
			return fail(CodePolicy, n.cert, "anyPolicy is mapped")
		}
	}
	// (b)
	if len(n.mappings) > 0 && !p.policies.mapPolicies(n.mappings, p.mapping > 0) {
		return tooManyPolicies(n)
	}
	// (c)
	p.issuer = n.cert.SubjectKey
	// (d), (e), (f)
	p.inherit(n)
	// (g)
	if own := n.constrainedBy(); len(own) > 0 {
		p.constraints = append(p.constraints, own)
	}
	// (h), (l)
	if !n.cert.SelfIssued() {
		p.explicit, p.mapping, p.inhibitAny = max(p.explicit-1, 0), max(p.mapping-1, 0), max(p.inhibitAny-1, 0)
		if p.maxPathLength == 0 {
			return fail(CodePathLength, n.cert, "")
		}
		p.maxPathLength--
	}
	// (i), (j)
	lower(&p.explicit, n.policyConstraints.RequireExplicit)
	lower(&p.mapping, n.policyConstraints.InhibitMapping)
	lower(&p.inhibitAny, n.inhibitAny)
	// (k), (n)
	if f := n.notCA(); f != nil {
		return f
	}
	// (m)
	lower(&p.maxPathLength, n.basic.MaxPathLen)
	// (o) is in newNode.
	if p.search.options.IgnoreCAPurposes {
		return nil
	}
	return p.usages.failure(n.cert, n.purposes)
}

func lower(to *int, limit *int) {
	if limit != nil {
		*to = min(*to, *limit)
	}
}

// inherit makes the certificate's key the working one, with the parameters of
// the one before where it has none (RFC 5280, 6.1.4 (d), (e), (f)).
func (p *process) inherit(n *node) {
	p.key = n.key.Inherit(p.key)
	p.keys = append(p.keys, p.key)
}

// wrapUp ends with the leaf (RFC 5280, 6.1.5).
func (p *process) wrapUp(n *node) *Failure {
	// (a)
	p.explicit = max(p.explicit-1, 0)
	// (b)
	if require := n.policyConstraints.RequireExplicit; require != nil && *require == 0 {
		p.explicit = 0
	}
	// (c), (d), (e)
	p.inherit(n)
	if err := p.search.options.Strength.CheckKey(p.key); err != nil {
		return fail(CodeWeakKey, n.cert, err.Error())
	}
	// (f) is in newNode.
	// (g)
	p.valid = p.policies.intersect(p.search.options.InitialPolicies)
	if p.explicit == 0 && len(p.valid) == 0 {
		return fail(CodePolicy, n.cert, "")
	}
	return p.usages.leaf(n)
}

// result returns the valid path.
func (p *process) result() *Path {
	path := &Path{Anchor: p.anchor, Policies: p.valid, keys: p.keys}
	slices.Reverse(path.keys)
	for _, n := range slices.Backward(p.path) {
		path.Certificates = append(path.Certificates, n.cert)
	}
	return path
}

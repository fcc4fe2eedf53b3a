package certpath

import (
	"crypto/x509"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"keyman/internal/cert"
)

// A treeNode is a node of the valid_policy_tree word for word as RFC 5280, 6.1,
// has it: it grows as fast as it likes, and is the measure for policyGraph.
type treeNode struct {
	policy   OID
	expected []OID
	children []*treeNode
}

// A tree is the reference implementation.
type tree struct {
	root  *treeNode // nil is NULL
	depth int
}

func newTree() *tree { return &tree{root: &treeNode{policy: AnyPolicy, expected: []OID{AnyPolicy}}} }

// at returns the nodes of a depth.
func (t *tree) at(depth int) []*treeNode {
	if t.root == nil {
		return nil
	}
	level := []*treeNode{t.root}
	for range depth {
		var next []*treeNode
		for _, n := range level {
			next = append(next, n.children...)
		}
		level = next
	}
	return level
}

// prune removes nodes above a depth that have no children.
func (t *tree) prune(depth int) {
	var keep func(n *treeNode, at int) bool
	keep = func(n *treeNode, at int) bool {
		if at == depth {
			return true
		}
		n.children = slices.DeleteFunc(n.children, func(c *treeNode) bool { return !keep(c, at+1) })
		return len(n.children) > 0
	}
	if t.root != nil && !keep(t.root, 0) {
		t.root = nil
	}
}

func (t *tree) add(policies []OID, anyCounts bool) {
	above := t.at(t.depth)
	t.depth++
	for _, p := range policies {
		if p == AnyPolicy {
			continue
		}
		matched := false
		for _, n := range above {
			if slices.Contains(n.expected, p) {
				n.children = append(n.children, &treeNode{policy: p, expected: []OID{p}})
				matched = true
			}
		}
		for _, n := range above {
			if !matched && n.policy == AnyPolicy {
				n.children = append(n.children, &treeNode{policy: p, expected: []OID{p}})
			}
		}
	}
	if slices.Contains(policies, AnyPolicy) && anyCounts {
		for _, n := range above {
			for _, e := range n.expected {
				if !slices.ContainsFunc(n.children, func(c *treeNode) bool { return c.policy == e }) {
					n.children = append(n.children, &treeNode{policy: e, expected: []OID{e}})
				}
			}
		}
	}
	t.prune(t.depth)
}

func (t *tree) mapPolicies(mappings []cert.PolicyMapping, allowed bool) {
	to := map[OID][]OID{}
	var order []OID
	for _, m := range mappings {
		if to[m.Issuer] == nil {
			order = append(order, m.Issuer)
		}
		to[m.Issuer] = append(to[m.Issuer], m.Subject)
	}
	for _, p := range order {
		if !allowed {
			for _, parent := range t.at(t.depth - 1) {
				parent.children = slices.DeleteFunc(parent.children, func(n *treeNode) bool { return n.policy == p })
			}
			continue
		}
		found := false
		for _, n := range t.at(t.depth) {
			if n.policy == p {
				n.expected, found = to[p], true
			}
		}
		if found {
			continue
		}
		for _, parent := range t.at(t.depth - 1) {
			if parent.policy == AnyPolicy && slices.ContainsFunc(parent.children, func(n *treeNode) bool { return n.policy == AnyPolicy }) {
				parent.children = append(parent.children, &treeNode{policy: p, expected: to[p]})
			}
		}
	}
	t.prune(t.depth)
}

func (t *tree) intersect(initial []OID) []OID {
	var valid []OID
	anyUser := len(initial) == 0 || slices.Contains(initial, AnyPolicy)
	for depth := range t.depth {
		for _, n := range t.at(depth) {
			if n.policy != AnyPolicy {
				continue
			}
			for _, c := range n.children {
				if c.policy != AnyPolicy && (anyUser || slices.Contains(initial, c.policy)) {
					valid = append(valid, c.policy)
				}
			}
		}
	}
	for _, n := range t.at(t.depth) {
		if n.policy == AnyPolicy && anyUser {
			valid = append(valid, AnyPolicy)
		} else if n.policy == AnyPolicy {
			valid = append(valid, initial...)
		}
	}
	slices.Sort(valid)
	return slices.Compact(valid)
}

// TestPolicyGraph: for every path of certificates with a few policies the graph
// says what the tree of RFC 5280 says.
func TestPolicyGraph(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		anyOf := func(label string, least int) []OID {
			numbers := rapid.SliceOfNDistinct(rapid.IntRange(least, 4), 0, 4, rapid.ID[int]).Draw(t, label)
			var all []OID
			for _, n := range numbers {
				all = append(all, policy(n))
			}
			return all
		}
		graph, reference := newPolicyGraph(new(int)), newTree()
		length := rapid.IntRange(1, 5).Draw(t, "length")
		for i := range length {
			if named := anyOf(fmt.Sprintf("policies %d", i), 0); len(named) == 0 {
				graph.clear()
				reference.root = nil
			} else if !graph.empty() {
				counts := rapid.Bool().Draw(t, "anyPolicy counts")
				var policies []cert.Policy
				for _, p := range named {
					policies = append(policies, cert.Policy{ID: p})
				}
				graph.add(policies, counts)
				reference.add(named, counts)
			}
			if graph.empty() != (reference.root == nil) {
				t.Fatalf("certificate %d: NULL is %t, and not %t", i, graph.empty(), reference.root == nil)
			}
			if i == length-1 || reference.root == nil {
				continue
			}
			var mappings []cert.PolicyMapping
			for range rapid.IntRange(0, 4).Draw(t, "mappings") {
				from, to := rapid.IntRange(1, 4).Draw(t, "from"), rapid.IntRange(1, 4).Draw(t, "to")
				mappings = append(mappings, cert.PolicyMapping{Issuer: policy(from), Subject: policy(to)})
			}
			if len(mappings) == 0 {
				continue
			}
			allowed := rapid.Bool().Draw(t, "mapping is allowed")
			graph.mapPolicies(mappings, allowed)
			reference.mapPolicies(mappings, allowed)
			if graph.empty() != (reference.root == nil) {
				t.Fatalf("mappings %d: NULL is %t, and not %t", i, graph.empty(), reference.root == nil)
			}
		}
		initial := anyOf("initial", 0)
		got, want := graph.intersect(initial), reference.intersect(initial)
		if !slices.Equal(got, want) {
			t.Fatalf("%s, want %s", got, want)
		}
	})
}

// TestPolicyGrowth: mappings that double a tree at each depth (CVE-2023-0464)
// leave the graph as large as the certificates.
func TestPolicyGrowth(t *testing.T) {
	root := newRoot(t, "Root")
	at := root
	var between []*entity
	for range MaxDepth - 1 {
		// Each of two policies becomes both, and so does any.
		at = at.issueCA(t, "CA", policies(1, 2, 0), mappings([2]int{1, 1}, [2]int{1, 2}, [2]int{2, 1}, [2]int{2, 2}), func(c *x509.Certificate) {
			c.Subject.CommonName = fmt.Sprintf("CA %d", len(between))
		})
		at.name = fmt.Sprintf("CA %d", len(between))
		between = append(between, at)
	}
	leaf := at.issue(t, "leaf", policies(1, 2, 0))
	o := under(t, root, between...)
	o.RequireExplicitPolicy = true
	s := newSearch(t.Context(), &o)
	p := s.find(newNode(leaf.own))
	if p == nil || !slices.Equal(p.Policies, []OID{policy(1), policy(2), AnyPolicy}) || s.policyNodes != 3*MaxDepth {
		t.Errorf("%+v, %d nodes, %v", p, s.policyNodes, s.attempts)
	}
}

// TestPolicyLimit: no more than MaxPolicyNodes nodes are made.
func TestPolicyLimit(t *testing.T) {
	var many []cert.Policy
	for i := range MaxPolicyNodes / 4 {
		many = append(many, cert.Policy{ID: policy(1 + i)})
	}
	nodes := 0
	g := newPolicyGraph(&nodes)
	for i := range 4 {
		if !g.add(many, true) || nodes != len(many)*(i+1) {
			t.Fatalf("%d nodes", nodes)
		}
	}
	if g.add(many[:1], true) {
		t.Error("one node more")
	}
}

// TestPolicies: the inputs of RFC 5280, 6.1.1 (c) and (e) to (g), and the
// extensions that weigh on them.
func TestPolicies(t *testing.T) {
	require := func(tag, n byte) change {
		return withExtension(cert.OIDPolicyConstraints, true, raw(string([]byte{0x30, 3, 0x80 | tag, 1, n})))
	}
	inhibitAny := func(n byte) change {
		return withExtension(cert.OIDInhibitAnyPolicy, true, raw(string([]byte{2, 1, n})))
	}
	both := func(changes ...change) change {
		return func(c *x509.Certificate) {
			for _, change := range changes {
				change(c)
			}
		}
	}
	none := func(*x509.Certificate) {}
	explicit := func(o *Options) { o.RequireExplicitPolicy = true }
	user := func(numbers ...int) func(*Options) {
		return func(o *Options) {
			o.RequireExplicitPolicy = true
			for _, n := range numbers {
				o.InitialPolicies = append(o.InitialPolicies, policy(n))
			}
		}
	}
	usual := func(*Options) {}
	for _, tc := range []struct {
		what     string
		ca, leaf change
		options  func(*Options)
		want     Code
		policies []int
	}{
		{"none", none, none, usual, "", nil},
		{"none, and one demanded", none, none, explicit, CodePolicy, nil},
		{"one", policies(1), policies(1), explicit, "", []int{1}},
		{"another", policies(1), policies(2), explicit, CodePolicy, nil},
		{"another, and none demanded", policies(1), policies(2), usual, "", nil},
		{"the user's", policies(1, 2), policies(1, 2), user(2), "", []int{2}},
		{"not the user's", policies(1, 2), policies(1, 2), user(3), CodePolicy, nil},
		{"any above", policies(0), policies(1), explicit, "", []int{1}},
		{"any below", policies(1), policies(0), explicit, "", []int{1}},
		{"any in both", policies(0), policies(0), explicit, "", []int{0}},
		{"any in both, for the user", policies(0), policies(0), user(1, 2), "", []int{1, 2}},
		{"the user takes any", policies(1), policies(1), user(0), "", []int{1}},
		{"any above, inhibited", policies(0), policies(1), func(o *Options) { o.RequireExplicitPolicy, o.InhibitAnyPolicy = true, true }, CodePolicy, nil},
		{"any below, inhibited", both(policies(1), inhibitAny(0)), policies(0), explicit, CodePolicy, nil},
		{"any below, inhibited later", both(policies(1), inhibitAny(1)), policies(0), explicit, "", []int{1}},
		{"mapped", both(policies(1), mappings([2]int{1, 2})), policies(2), user(1), "", []int{1}},
		{"mapped, and the user asks for the other", both(policies(1), mappings([2]int{1, 2})), policies(2), user(2), CodePolicy, nil},
		{"not used as mapped", both(policies(1), mappings([2]int{1, 2})), policies(1), explicit, CodePolicy, nil},
		{"mapped to two", both(policies(1), mappings([2]int{1, 2}, [2]int{1, 3})), policies(3), explicit, "", []int{1}},
		{"two mapped to one", both(policies(1, 2), mappings([2]int{1, 3}, [2]int{2, 3})), policies(3), user(2), "", []int{2}},
		{"mapped twice alike", both(policies(1), mappings([2]int{1, 2}, [2]int{1, 2})), policies(2), explicit, "", []int{1}},
		{"mapped out of any", both(policies(0), mappings([2]int{1, 2})), policies(2), explicit, "", []int{1}},
		{"mapped, inhibited", both(policies(1), mappings([2]int{1, 2})), policies(2), func(o *Options) { o.RequireExplicitPolicy, o.InhibitMapping = true, true }, CodePolicy, nil},
		{"mapped from any", both(policies(0), mappings([2]int{0, 1})), policies(1), usual, CodePolicy, nil},
		{"mapped to any", both(policies(1), mappings([2]int{1, 0})), policies(1), usual, CodePolicy, nil},
		{"demanded by the CA", both(policies(1), require(0, 0)), policies(2), usual, CodePolicy, nil},
		{"demanded by the CA for later", both(policies(1), require(0, 1)), policies(2), usual, CodePolicy, nil},
		{"demanded by the CA for much later", both(policies(1), require(0, 2)), policies(2), usual, "", nil},
		{"demanded by the leaf", policies(1), both(policies(2), require(0, 0)), usual, CodePolicy, nil},
		{"demanded by the leaf for later", policies(1), both(policies(2), require(0, 1)), usual, "", nil},
		{"mapping forbidden below", both(policies(1), require(1, 0), mappings([2]int{1, 2})), policies(2), explicit, "", []int{1}},
	} {
		root := newRoot(t, "Root")
		ca := root.issueCA(t, "CA", tc.ca)
		o := under(t, root, ca)
		tc.options(&o)
		p := validate(t, tc.what, ca.issue(t, "leaf", tc.leaf), o, tc.want)
		var want []OID
		for _, n := range tc.policies {
			want = append(want, policy(n))
		}
		if slices.Sort(want); !slices.Equal(p.Policies, want) {
			t.Errorf("%s: %s, want %s", tc.what, p.Policies, want)
		}
	}
}

// TestSelfIssuedAnyPolicy: where anyPolicy is inhibited, a CA's certificate for
// itself may still say it (RFC 5280, 6.1.3 (d)(2)), and nobody else's.
func TestSelfIssuedAnyPolicy(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.issueCA(t, "CA", policies(1))
	next := ca.sign(t, entityOf(t, "CA"), isCA, policies(0))
	other := ca.issueCA(t, "Other", policies(0))
	o := under(t, root, ca, next, other)
	o.RequireExplicitPolicy, o.InhibitAnyPolicy = true, true
	p := validate(t, "its own", next.issue(t, "leaf", policies(1)), o, "")
	if !slices.Equal(p.Policies, []OID{policy(1)}) {
		t.Errorf("%s", p.Policies)
	}
	validate(t, "another's", other.issue(t, "leaf", policies(1)), o, CodePolicy)
	validate(t, "its own leaf's", ca.sign(t, entityOf(t, "CA"), policies(0)), o, CodePolicy)
}

package certpath

import (
	"slices"

	"keyman/internal/cert"
)

// A policyGraph stands for the valid_policy_tree of RFC 5280, 6.1.2 (a).
//
// In the tree, all nodes of one depth and policy have the same children: how
// they came about does not matter to what lies below. So one node does for all
// of them, with several parents, and where a tree can double at each depth the
// graph has at each depth at most one node for each policy that was named so
// far. Branches that lead nowhere are not pruned; reach finds those that do not.
type policyGraph struct {
	// depths are the nodes of each depth; depth 0 is anyPolicy alone.
	depths [][]policyNode
	// expected says, for the last depth, in which nodes' expected_policy_set
	// a policy is.
	expected map[OID][]int
	// nodes counts those of all graphs of a validation.
	nodes *int
}

// A policyNode is one valid policy of a depth.
type policyNode struct {
	policy  OID
	parents []int // in the depth above
	// reaches says, once reach has run, that a node of the last depth is below.
	reaches bool
}

// newPolicyGraph returns the graph of depth 0, which counts its nodes in nodes.
func newPolicyGraph(nodes *int) *policyGraph {
	return &policyGraph{
		depths:   [][]policyNode{{{policy: AnyPolicy}}},
		expected: map[OID][]int{AnyPolicy: {0}},
		nodes:    nodes,
	}
}

// last returns the nodes of the last depth.
func (g *policyGraph) last() []policyNode { return g.depths[len(g.depths)-1] }

// empty reports whether the tree is NULL: a depth without nodes leaves nothing
// above it either.
func (g *policyGraph) empty() bool { return len(g.last()) == 0 }

// clear makes the tree NULL (RFC 5280, 6.1.3 (e)).
func (g *policyGraph) clear() {
	g.depths = append(g.depths, nil)
	g.expected = nil
}

// add makes the depth of one certificate (RFC 5280, 6.1.3 (d)); anyCounts says
// that its anyPolicy is processed. It returns false where there would be too
// many nodes.
func (g *policyGraph) add(policies []cert.Policy, anyCounts bool) bool {
	var next []policyNode
	seen := make(map[OID]bool, len(policies))
	hasAny := false
	above := g.expected[AnyPolicy] // at most one node: anyPolicy's
	for _, p := range policies {
		if p.ID == AnyPolicy {
			hasAny = true
			continue
		}
		// (d)(1)(i), and where no node expects the policy, (ii).
		parents := g.expected[p.ID]
		if len(parents) == 0 {
			parents = above
		}
		if len(parents) > 0 {
			next = append(next, policyNode{policy: p.ID, parents: parents})
			seen[p.ID] = true
		}
	}
	if hasAny && anyCounts {
		// (d)(2): whatever is expected and not there yet. Sorted, so that the
		// same certificates give the same graph.
		for _, policy := range sortedKeys(g.expected) {
			if !seen[policy] {
				next = append(next, policyNode{policy: policy, parents: g.expected[policy]})
			}
		}
	}
	g.depths = append(g.depths, next)
	*g.nodes += len(next)
	g.expected = make(map[OID][]int, len(next))
	for i, n := range next {
		// Until a mapping says otherwise, a policy expects itself.
		g.expected[n.policy] = []int{i}
	}
	return *g.nodes <= MaxPolicyNodes
}

// mapPolicies processes policy mappings (RFC 5280, 6.1.4 (b)); allowed says that
// policy_mapping is not 0.
func (g *policyGraph) mapPolicies(mappings []cert.PolicyMapping, allowed bool) bool {
	if g.empty() {
		return true
	}
	last := len(g.depths) - 1
	at := make(map[OID]int, len(g.depths[last]))
	for i, n := range g.depths[last] {
		at[n.policy] = i
	}
	if !allowed {
		// (b)(2): the policies are deleted.
		mapped := make(map[OID]bool, len(mappings))
		for _, m := range mappings {
			mapped[m.Issuer] = true
		}
		g.depths[last] = slices.DeleteFunc(g.depths[last], func(n policyNode) bool { return mapped[n.policy] })
		g.expected = make(map[OID][]int, len(g.depths[last]))
		for i, n := range g.depths[last] {
			g.expected[n.policy] = []int{i}
		}
		return true
	}
	// (b)(1): the expected policies of a node become those that it is mapped to.
	expected := make(map[OID][]int, len(g.depths[last])+len(mappings))
	mapped := make(map[OID]bool, len(mappings))
	pairs := make(map[cert.PolicyMapping]bool, len(mappings))
	anyNode, hasAny := at[AnyPolicy]
	for _, m := range mappings {
		i, ok := at[m.Issuer]
		if !ok {
			if !hasAny {
				continue
			}
			// No node has the policy, but anyPolicy does: a sibling of that.
			i = len(g.depths[last])
			g.depths[last] = append(g.depths[last], policyNode{policy: m.Issuer, parents: g.depths[last][anyNode].parents})
			*g.nodes++
			at[m.Issuer] = i
		}
		mapped[m.Issuer] = true
		if !pairs[m] {
			pairs[m] = true
			expected[m.Subject] = append(expected[m.Subject], i)
		}
	}
	for i, n := range g.depths[last] {
		if !mapped[n.policy] {
			expected[n.policy] = append(expected[n.policy], i)
		}
	}
	g.expected = expected
	return *g.nodes <= MaxPolicyNodes
}

// intersect returns the user-constrained-policy-set (RFC 5280, 6.1.5 (g)): the
// policies that are valid on the whole path, in the words of the anchor, among
// those that the user would take; none is any. The tree is not NULL after the
// intersection exactly where there are some.
func (g *policyGraph) intersect(initial []OID) []OID {
	if g.empty() {
		return nil
	}
	anyUser := len(initial) == 0 || slices.Contains(initial, AnyPolicy)
	g.reach()
	var valid []OID
	// (g)(iii)(1): the valid_policy_node_set are the children of anyPolicy.
	for depth := 1; depth < len(g.depths); depth++ {
		for _, n := range g.depths[depth] {
			if !n.reaches || n.policy == AnyPolicy || !g.childOfAny(depth, n) {
				continue
			}
			// (2): others than the user's are deleted.
			if anyUser || slices.Contains(initial, n.policy) {
				valid = append(valid, n.policy)
			}
		}
	}
	// (3): anyPolicy at the end stands for each policy of the user's.
	if slices.ContainsFunc(g.last(), func(n policyNode) bool { return n.policy == AnyPolicy }) {
		if anyUser {
			valid = append(valid, AnyPolicy)
		} else {
			valid = append(valid, initial...)
		}
	}
	slices.Sort(valid)
	return slices.Compact(valid)
}

// childOfAny reports whether anyPolicy is a parent of a node.
func (g *policyGraph) childOfAny(depth int, n policyNode) bool {
	return slices.ContainsFunc(n.parents, func(p int) bool { return g.depths[depth-1][p].policy == AnyPolicy })
}

// reach marks the nodes that have a leaf below, going up from the last depth.
func (g *policyGraph) reach() {
	for i := range g.last() {
		g.last()[i].reaches = true
	}
	for depth := len(g.depths) - 1; depth > 0; depth-- {
		for _, n := range g.depths[depth] {
			if !n.reaches {
				continue
			}
			for _, p := range n.parents {
				g.depths[depth-1][p].reaches = true
			}
		}
	}
}

// sortedKeys returns the policies that are expected, in order.
func sortedKeys(m map[OID][]int) []OID {
	keys := make([]OID, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

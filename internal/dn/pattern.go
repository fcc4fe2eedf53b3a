package dn

import (
	"cmp"
	"slices"
)

// wildcard is the value that stands for any value in a pattern.
const wildcard = "*"

// HasWildcard reports whether a value of the name is an asterisk alone, so that
// the name can serve as a pattern.
func (n Name) HasWildcard() bool {
	return slices.ContainsFunc(n.rdns, func(set rdn) bool { return slices.ContainsFunc(set, attribute.wild) })
}

// Fits reports whether the name is one of those that a pattern stands for: it has
// the same types of attributes in the same order, and the same values as Equal
// compares them, but for those of the pattern that are an asterisk alone, which
// stand for any value. An asterisk in the name itself is a value like others.
func (n Name) Fits(pattern Name) bool {
	return n.corresponds(pattern, func(own, wanted attribute) bool { return wanted.wild() || own.key() == wanted.key() })
}

// Overlaps reports whether a name may be one of those that two patterns stand for.
func (n Name) Overlaps(other Name) bool {
	return n.corresponds(other, func(a, b attribute) bool { return a.wild() || b.wild() || a.key() == b.key() })
}

// corresponds compares two names attribute by attribute.
func (n Name) corresponds(other Name, same func(a, b attribute) bool) bool {
	return slices.EqualFunc(n.rdns, other.rdns, func(a, b rdn) bool {
		return slices.EqualFunc(a.byType(), b.byType(), func(a, b attribute) bool { return a.oid == b.oid && same(a, b) })
	})
}

// wild reports whether the value stands for any in a pattern.
func (a attribute) wild() bool { return !a.opaque && a.value == wildcard }

// byType returns the attributes in an order of their own: an RDN is a set.
func (r rdn) byType() []attribute {
	if len(r) < 2 {
		return r
	}
	return slices.SortedFunc(slices.Values(r), func(a, b attribute) int {
		return cmp.Or(cmp.Compare(a.oid, b.oid), cmp.Compare(a.key(), b.key()))
	})
}

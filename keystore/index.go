package keystore

import (
	"crypto/sha256"
	"slices"

	"golang.org/x/text/unicode/norm"

	"keyman/keystore/format"
)

// A facet is something of an item by which others look for it.
type facet int

const (
	byCertificate facet = iota // the certificate
	bySubject                  // the name of the certificate's subject
	byIssuer                   // the name of its issuer
	byBits                     // the bits of the public key in it
	byKey                      // the private or secret key
	byPublic                   // the public key of a private one
	facets                     // how many there are
)

// of returns an item's facet as a map finds it; "" where the item has none.
// Certificates and keys are hashed: an index holds no secret.
func (f facet) of(item format.Item) string {
	switch {
	case f == byPublic:
		return publicOf(item)
	case f == byKey && item.Key != nil:
		return hashed(item.Key)
	case f == byKey || item.Certificate == nil:
		return ""
	case f == byCertificate:
		return hashed(item.Certificate)
	case f == byBits:
		return string(publicBits(item.Certificate))
	}
	l := outerLink(item.Certificate)
	if f == bySubject {
		return string(l.subject)
	}
	return string(l.issuer)
}

func hashed(data []byte) string {
	sum := sha256.Sum256(data)
	return string(sum[:])
}

// An index finds items without a look at all of them. Store.find returns the one
// that is right: put, take, replace, relabel and restore keep it so, and nothing else
// changes which items there are, their labels, certificates and keys.
type index struct {
	of     *format.Content
	items  int            // how many there were
	labels map[string]int // positions, by folded labels
	// alike has the positions of labels that are not in Unicode's normal form, by
	// what they are in it: they look like others, and are typed like them.
	alike map[string]int
	// found has the folded labels of the items with a facet, in the order in
	// which they came; nil where nobody has asked for the facet.
	found [facets]map[string][]string
	// next is the number from which LabelFor goes on for a folded label.
	next map[string]int
}

// find returns the index of the items that the store has now.
func (s *Store) find() *index {
	c := s.content()
	if s.indexed == nil || s.indexed.of != c || s.indexed.items != len(c.Items) {
		s.indexed = &index{of: c, labels: make(map[string]int, len(c.Items)), alike: map[string]int{}, next: map[string]int{}}
		s.indexed.place(0)
	}
	return s.indexed
}

// place notes where the items are, from a position on.
func (x *index) place(from int) {
	for i := from; i < len(x.of.Items); i++ {
		x.note(x.of.Items[i].Label, i)
	}
	x.items = len(x.of.Items)
}

// note notes where a label is.
func (x *index) note(label string, at int) {
	x.labels[fold(label)] = at
	if !norm.NFC.IsNormalString(label) {
		x.alike[normal(label)] = at
	}
}

// drop forgets a label.
func (x *index) drop(label string) {
	delete(x.labels, fold(label))
	if !norm.NFC.IsNormalString(label) {
		delete(x.alike, normal(label))
	}
}

// with returns the folded labels of the items with a facet.
func (x *index) with(f facet, value string) []string {
	if value == "" {
		return nil
	}
	if x.found[f] == nil {
		x.found[f] = map[string][]string{}
		for _, item := range x.of.Items {
			if v := f.of(item); v != "" {
				x.found[f][v] = append(x.found[f][v], fold(item.Label))
			}
		}
	}
	return x.found[f][value]
}

// each calls do for the list of an item's label in every facet that was asked for.
func (x *index) each(item format.Item, do func(labels []string) []string) {
	for f := range facets {
		if x.found[f] == nil {
			continue
		}
		v := f.of(item)
		if v == "" {
			continue
		}
		if x.found[f][v] = do(x.found[f][v]); len(x.found[f][v]) == 0 {
			delete(x.found[f], v)
		}
	}
}

// index finds an item by its label, or else by one that differs only in how Unicode
// writes the same characters; -1 where there is none.
func (s *Store) index(label string) int {
	x := s.find()
	if i, ok := x.labels[fold(label)]; ok {
		return i
	}
	form := normal(label)
	if i, ok := x.labels[form]; ok {
		return i
	}
	if i, ok := x.alike[form]; ok {
		return i
	}
	return -1
}

// itemsWith returns the items with a facet, in the order in which they came.
func (s *Store) itemsWith(f facet, value string) []*format.Item {
	x := s.find()
	var items []*format.Item
	for _, label := range x.with(f, value) {
		items = append(items, &x.of.Items[x.labels[label]])
	}
	return items
}

// put adds items with free labels at a position.
func (s *Store) put(at int, items ...format.Item) {
	x := s.find()
	x.of.Items = slices.Insert(x.of.Items, at, items...)
	x.place(at)
	for _, item := range items {
		x.each(item, func(labels []string) []string { return append(labels, fold(item.Label)) })
	}
}

// take removes the item at a position and returns it.
func (s *Store) take(at int) format.Item {
	x := s.find()
	item := x.of.Items[at]
	x.each(item, func(labels []string) []string {
		return slices.DeleteFunc(labels, func(label string) bool { return label == fold(item.Label) })
	})
	x.drop(item.Label)
	x.of.Items = slices.Delete(x.of.Items, at, at+1)
	x.place(at)
	return item
}

// replace puts an item in the place of that at a position. Its label is free, or
// that of the other one.
func (s *Store) replace(at int, item format.Item) {
	x := s.find()
	old := x.of.Items[at]
	x.each(old, func(labels []string) []string {
		return slices.DeleteFunc(labels, func(label string) bool { return label == fold(old.Label) })
	})
	x.drop(old.Label)
	x.of.Items[at] = item
	x.note(item.Label, at)
	x.each(item, func(labels []string) []string { return append(labels, fold(item.Label)) })
}

// relabel gives the item at a position another label, which is free.
func (s *Store) relabel(at int, to string) {
	x := s.find()
	item := &x.of.Items[at]
	x.each(*item, func(labels []string) []string {
		labels[slices.Index(labels, fold(item.Label))] = fold(to)
		return labels
	})
	x.drop(item.Label)
	item.Label = to
	x.note(to, at)
}

// restore makes items of before the items of the store again.
func (s *Store) restore(items []format.Item) {
	s.content().Items = items
	s.indexed = nil
}

package keystore

import (
	"fmt"
	"testing"
)

// manySigners puts n certificates of one CA into a store.
func manySigners(b testing.TB, n int) *Store {
	b.Helper()
	ca := newAuthority(b, "CA", nil)
	key := newKey(b)
	s := newStore(b)
	if _, err := s.AddSigner("ca", ca.der, true); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		if _, err := s.AddSigner(fmt.Sprintf("peer %d", i), ca.leaf(b, fmt.Sprintf("peer %d", i), key.Public()), false); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Save(b.Context()); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkList opens a key database of 1,000 certificates and lists it.
func BenchmarkList(b *testing.B) {
	s := manySigners(b, 1000)
	for b.Loop() {
		again, err := Open(b.Context(), s.Path(), Password(testPassword))
		if err != nil {
			b.Fatal(err)
		}
		for e := range again.Entries() {
			if _, err := e.Summary(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkChange opens a key database of 9,990 certificates, changes one entry
// and saves it.
func BenchmarkChange(b *testing.B) {
	s := manySigners(b, 9990)
	names := [2]string{"peer 17", "another name"}
	for b.Loop() {
		again, err := Open(b.Context(), s.Path(), Password(testPassword))
		if err != nil {
			b.Fatal(err)
		}
		if err := again.Rename(names[0], names[1]); err != nil {
			b.Fatal(err)
		}
		if err := again.Save(b.Context()); err != nil {
			b.Fatal(err)
		}
		names[0], names[1] = names[1], names[0]
	}
}

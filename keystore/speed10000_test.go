package keystore

import (
	"fmt"
	"path/filepath"
	"testing"
)

const (
	manyEntries  = 10_000
	manyPassword = "a password" // JCEKS wants ASCII
	manyKeys     = 10           // of those; in JCEKS each is derived for itself
)

// manyTrusted makes a store of manyEntries: a CA, keys with certificates, and
// certificates that are trusted, since JKS holds no others.
func manyTrusted(b *testing.B) *Store {
	b.Helper()
	ca, key := newAuthority(b, "CA", nil), newKey(b)
	s := newStore(b)
	if _, err := s.AddSigner("ca", ca.der, true); err != nil {
		b.Fatal(err)
	}
	for i := range manyKeys {
		own := newKey(b)
		if err := s.AddKey(fmt.Sprintf("key %d", i), own, [][]byte{ca.leaf(b, fmt.Sprintf("key %d", i), own.Public())}); err != nil {
			b.Fatal(err)
		}
	}
	for i := range manyEntries - manyKeys - 1 {
		if _, err := s.AddSigner(fmt.Sprintf("peer %d", i), ca.leaf(b, fmt.Sprintf("peer %d", i), key.Public()), true); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// BenchmarkStore10000 is what a key database of 10,000 entries costs in each
// format, with the iteration counts that keyman writes.
func BenchmarkStore10000(b *testing.B) {
	source := manyTrusted(b)
	for _, f := range Formats() {
		b.Run(f.Name(), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "keys")
			if _, _, err := source.Convert(b.Context(), path, Password(manyPassword), Options{Format: f}); err != nil {
				b.Fatal(err)
			}
			open := func(b *testing.B) *Store {
				s, err := Open(b.Context(), path, Password(manyPassword))
				if err != nil {
					b.Fatal(err)
				}
				return s
			}
			b.Run("open", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					open(b)
				}
			})
			b.Run("open+change+save", func(b *testing.B) {
				b.ReportAllocs()
				names := [2]string{"peer 17", "another name"}
				for b.Loop() {
					s := open(b)
					if err := s.Rename(names[0], names[1]); err != nil {
						b.Fatal(err)
					}
					if err := s.Save(b.Context()); err != nil {
						b.Fatal(err)
					}
					names[0], names[1] = names[1], names[0]
				}
			})
			b.Run("import", func(b *testing.B) {
				for b.Loop() {
					to, err := New(path+".new", Password(manyPassword), Options{Format: f})
					if err != nil {
						b.Fatal(err)
					}
					done, err := to.Import(source, ImportOptions{Trust: true})
					if err != nil || len(done.Added) != manyEntries {
						b.Fatal(len(done.Added), err)
					}
				}
			})
			b.Run("list", func(b *testing.B) {
				s := open(b)
				for b.Loop() {
					for e := range s.Entries() {
						if _, err := e.Summary(); err == nil {
							continue
						}
						b.Fatal(e.Label)
					}
				}
			})
		})
	}
}

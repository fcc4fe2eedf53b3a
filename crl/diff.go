package crl

import (
	"bytes"
	"fmt"
	"iter"
)

// A Change is what has become of one certificate from a list to a later one.
type Change struct {
	// Kind is "added", "removed" or "changed".
	Kind string `json:"change"`
	// Serial is the certificate's serial number, hexadecimal.
	Serial string `json:"serial"`
	// Old and New are the entries; nil where there is none.
	Old *EntryInfo `json:"old,omitempty"`
	New *EntryInfo `json:"new,omitempty"`
}

// Diff yields what has changed from an older list to a newer one: what was added
// and what was changed in the order of the newer one, then what was removed in that
// of the older one. Entries of indirect lists are the same where they name the
// same issuer in the same way. It is an error where the lists have two issuers.
func Diff(older, newer *List) (iter.Seq[Change], error) {
	if older.issuerKey != newer.issuerKey {
		return nil, fmt.Errorf("the lists have two issuers, %s and %s", older.Issuer, newer.Issuer)
	}
	return func(yield func(Change) bool) {
		for e, issuers := range newer.distinct() {
			old, known := older.entryOf(e.Serial, issuers)
			info := e.Info()
			change := Change{Kind: "added", Serial: info.Serial, New: &info}
			if known {
				before := older.entryAt(old).Info()
				if before == info {
					continue
				}
				change.Kind, change.Old = "changed", &before
			}
			if !yield(change) {
				return
			}
		}
		for e, issuers := range older.distinct() {
			if _, known := newer.entryOf(e.Serial, issuers); known {
				continue
			}
			info := e.Info()
			if !yield(Change{Kind: "removed", Serial: info.Serial, Old: &info}) {
				return
			}
		}
	}, nil
}

// distinct yields the first entry of each certificate, and the names of its issuer
// where it is another one than the list's.
func (l *List) distinct() iter.Seq2[Entry, []byte] {
	return func(yield func(Entry, []byte) bool) {
		for at := 0; at < len(l.revoked); {
			offset := uint32(at)
			e, issuers := l.entryAt(offset), l.issuersOf(offset)
			if first, ok := l.entryOf(e.Serial, issuers); ok && first == offset && !yield(e, issuers) {
				return
			}
			_, at = elementAt(l.revoked, at)
		}
	}
}

// entryOf returns where the first entry of a certificate begins: one with its
// serial number, below the same names of an issuer.
func (l *List) entryOf(serial, issuers []byte) (at uint32, ok bool) {
	for p := l.index.probe(serial); ; {
		if at, ok = l.next(&p, serial); !ok || bytes.Equal(l.issuersOf(at), issuers) {
			return at, ok
		}
	}
}

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
		inNewer, inOlder := finder{list: newer}, finder{list: older}
		for e, issuers := range inNewer.distinct() {
			old, known := inOlder.entryOf(e.Serial, issuers)
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
		for e, issuers := range inOlder.distinct() {
			if _, known := inNewer.entryOf(e.Serial, issuers); known {
				continue
			}
			info := e.Info()
			if !yield(Change{Kind: "removed", Serial: info.Serial, Old: &info}) {
				return
			}
		}
	}, nil
}

// maxAlike is how many entries with one serial number are looked at one by one.
const maxAlike = 64

// A finder finds the entries of a list for certificates of any issuer, one after
// the other. A list may have one serial number in all of its entries, each for
// another issuer: they are read once then, and not for each question. It is used
// by one goroutine.
type finder struct {
	list *List
	// crowds are the entries of serial numbers that have more than maxAlike: where
	// the first one below the names of an issuer begins.
	crowds map[string]map[string]uint32
}

// distinct yields the first entry of each certificate, and the names of its issuer
// where it is another one than the list's.
func (f *finder) distinct() iter.Seq2[Entry, []byte] {
	return func(yield func(Entry, []byte) bool) {
		l := f.list
		for at := 0; at < len(l.revoked); {
			offset := uint32(at)
			e, issuers := l.entryAt(offset), l.issuersOf(offset)
			if first, ok := f.entryOf(e.Serial, issuers); ok && first == offset && !yield(e, issuers) {
				return
			}
			_, at = elementAt(l.revoked, at)
		}
	}
}

// entryOf returns where the first entry of a certificate begins: one with its
// serial number, below the same names of an issuer.
func (f *finder) entryOf(serial, issuers []byte) (at uint32, ok bool) {
	crowd, ok := f.crowds[string(serial)]
	if !ok {
		p := f.list.index.probe(serial)
		for range maxAlike {
			if at, ok = f.list.next(&p, serial); !ok || bytes.Equal(f.list.issuersOf(at), issuers) {
				return at, ok
			}
		}
		crowd = f.crowd(serial)
	}
	at, ok = crowd[string(issuers)]
	return at, ok
}

// crowd reads all entries of a serial number.
func (f *finder) crowd(serial []byte) map[string]uint32 {
	crowd := map[string]uint32{}
	for p := f.list.index.probe(serial); ; {
		at, ok := f.list.next(&p, serial)
		if !ok {
			break
		}
		issuers := string(f.list.issuersOf(at))
		if _, known := crowd[issuers]; !known {
			crowd[issuers] = at
		}
	}
	if f.crowds == nil {
		f.crowds = map[string]map[string]uint32{}
	}
	f.crowds[string(serial)] = crowd
	return crowd
}

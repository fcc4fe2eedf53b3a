package keystore

import (
	"iter"
	"time"

	"keyman/internal/cert"
)

// A Head is what a list tells of an entry: the entry without its key, and without
// the certificates above its own. It is good until the store changes.
type Head struct {
	Label   string
	Kind    Kind
	Trusted bool
	Default bool

	certificate []byte // the store's, which nobody changes; nil where there is none
}

// A Brief is the part of a Summary that a list has room for.
type Brief struct {
	Subject []byte // a name, DER; the store's, which nobody changes
	// NotBefore and NotAfter are zero where the date cannot be read.
	NotBefore, NotAfter time.Time
	// Unusable tells why the certificate cannot be used; nil where it can. It
	// wraps ErrUnusable.
	Unusable error
}

// EndsBy does what Summary.EndsBy does.
func (b Brief) EndsBy(t time.Time) bool { return endsBy(b.NotAfter, t) }

// Heads lists the entries as Entries does, and copies nothing of them: a key
// database of thousands of entries is listed in little more memory than it has
// already. To find the certificates above each, as Entries does, costs a check of
// a signature each, too, which a list has no use for.
func (s *Store) Heads() iter.Seq[Head] {
	return func(yield func(Head) bool) {
		for i := range s.content().Items {
			item := &s.content().Items[i]
			if !yield(Head{item.Label, item.Kind, item.Trusted, item.Default, item.Certificate}) {
				return
			}
		}
	}
}

// Len returns how many entries there are.
func (s *Store) Len() int { return len(s.content().Items) }

// Head returns what a list tells of the entry.
func (e Entry) Head() Head {
	h := Head{Label: e.Label, Kind: e.Kind, Trusted: e.Trusted, Default: e.Default}
	if len(e.Chain) > 0 {
		h.certificate = e.Chain[0]
	}
	return h
}

// Brief tells of the entry's certificate what a list has room for. Its errors are
// those of Entry.Summary.
func (h Head) Brief() (Brief, error) {
	if h.certificate == nil {
		return Brief{}, errNoCertificate(h.Label, h.Kind)
	}
	if o, ok := cert.ReadOrdinary(h.certificate); ok {
		return Brief{Subject: o.Subject, NotBefore: o.NotBefore, NotAfter: o.NotAfter}, nil
	}
	s, err := Summarize(h.certificate)
	return Brief{s.Subject, s.NotBefore, s.NotAfter, s.Unusable}, err
}

package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"strings"
)

// renewalSuffix marks the label of a request for a new certificate of an entry.
const renewalSuffix = " (renewal)"

// Renew adds a Request for a new certificate of a Personal entry, under its label
// and " (renewal)". The request is what create makes with the key: key, or that
// of the entry for nil. The entry stays in use until Receive takes the new
// certificate, which then gets its label and its mark of the default.
//
// It returns ErrKind for an entry of another kind, and ErrDuplicateLabel where a
// renewal waits already.
func (s *Store) Renew(label string, key crypto.Signer, create func(crypto.Signer) ([]byte, error)) (Entry, error) {
	e, ok := s.Lookup(label)
	if !ok {
		return Entry{}, &EntryError{Label: label, Err: ErrNotFound}
	}
	if e.Kind != Personal {
		return Entry{}, &EntryError{Label: e.Label, Err: ErrKind, Detail: "only a personal entry can be renewed, and this is a " + e.Kind.String() + " entry"}
	}
	renewal := e.Label + renewalSuffix
	if err := s.CheckLabel(renewal); err != nil {
		return Entry{}, err
	}
	if key == nil {
		var err error
		if key, err = e.Signer(); err != nil {
			return Entry{}, err
		}
	}
	request, err := create(key)
	if err != nil {
		return Entry{}, err
	}
	if err := s.AddRequest(renewal, key, request); err != nil {
		return Entry{}, err
	}
	added, _ := s.Lookup(renewal)
	return added, nil
}

// renewed finds the Personal item that a request by its label renews, with a
// certificate for the same subject; -1 where there is none.
func (s *Store) renewed(request string, leaf *x509.Certificate) int {
	label, ok := strings.CutSuffix(request, renewalSuffix)
	if !ok {
		return -1
	}
	i := s.index(label)
	if i < 0 || s.content().Items[i].Kind != Personal {
		return -1
	}
	if old := readLink(s.content().Items[i].Certificate); !old.known || !bytes.Equal(old.subject, leaf.RawSubject) {
		return -1
	}
	return i
}

// SetRequest gives a Request entry another PKCS#10 request, DER, for its key.
func (s *Store) SetRequest(label string, request []byte) error {
	e, ok := s.Lookup(label)
	if !ok {
		return &EntryError{Label: label, Err: ErrNotFound}
	}
	if e.Kind != Request {
		return &EntryError{Label: e.Label, Err: ErrKind, Detail: "it is a " + e.Kind.String() + " entry"}
	}
	key, err := e.Signer()
	if err != nil {
		return err
	}
	parsed, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return fmt.Errorf("%q: not a certificate request: %w", e.Label, err)
	}
	if !samePublic(key.Public(), parsed.PublicKey) {
		return &EntryError{Label: e.Label, Err: ErrKeyMismatch, Detail: "the request is for another key"}
	}
	s.content().Items[s.index(label)].Request = bytes.Clone(request)
	return nil
}

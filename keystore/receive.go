package keystore

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"keyman/internal/dn"
	"keyman/keystore/format"
)

// Receive takes the certificate that a CA issued for a request of this store:
// the one among certificates (DER, in any order) whose public key a Request
// has. The request becomes a Personal entry with the same label, or with label
// where that is not "". One that Renew made takes the place of the entry that it
// renews, unless there is a label or the subject is another one. What among
// certificates crypto/x509 does not read is not looked at for a key.
//
// find must find a valid path to a trusted CA of this store. It is asked for the
// present, or for the first or last instant of a certificate that is not valid now:
// one that has ended may be needed all the same. The CAs of the path that came along
// are added as Signers that are not trusted; its end is not, because trust is never
// brought along.
//
// It returns ErrNoRequest where the key is not here, ErrDuplicateCertificate and
// ErrOwnKey where the key is here and no request waits, ErrKeyMismatch where a
// request asks for the same name with another key, ErrUnknownIssuer where the
// issuers lead to no CA of this store, ErrUntrustedIssuer where they lead to one
// that is not trusted, and ErrPath where they lead to a trusted one by no valid path.
func (s *Store) Receive(certificates [][]byte, label string, find PathFinder) (Entry, error) {
	parsed, err := parseAll(certificates)
	if err != nil {
		return Entry{}, err
	}
	i, leaf := s.requestFor(parsed)
	if leaf == nil {
		return Entry{}, s.noRequest(parsed)
	}
	item := s.content().Items[i]
	above, err := find(leaf.Raw, slices.Concat(certificates, s.certificates()), s.Anchors(), within(leaf, time.Now()))
	if err != nil {
		refusal := s.noPath(leaf, parsed, err)
		refusal.Label = item.Label
		return Entry{}, refusal
	}

	// From here on the request is out and the new item in, or nothing has changed.
	before := slices.Clone(s.content().Items)
	personal := format.Item{Kind: Personal, Label: label, Certificate: leaf.Raw, Key: item.Key, Kept: item.Kept}
	if label == "" {
		personal.Label = item.Label
	}
	old := s.renewed(item.Label, leaf)
	s.take(i)
	if label == "" && old >= 0 {
		// Requests come after certificates, so that old is where it was.
		personal.Label, personal.Default = s.content().Items[old].Label, s.content().Items[old].Default
		s.take(old)
	}
	if err := s.insert(personal); err != nil {
		s.restore(before)
		return Entry{}, err
	}
	if err := s.bring(above); err != nil {
		s.restore(before)
		return Entry{}, err
	}
	return s.entry(personal), nil
}

// noRequest says why none of the certificates is received: one is there already,
// its key has another certificate, or the key is not here, although one waits
// under the same name.
func (s *Store) noRequest(certificates []*x509.Certificate) error {
	for _, c := range certificates {
		owner, ok := s.keyOf(c.Raw)
		switch {
		case ok && bytes.Equal(owner.Certificate, c.Raw):
			return &EntryError{Label: owner.Label, Err: ErrDuplicateCertificate}
		case ok:
			return &EntryError{Label: owner.Label, Err: ErrOwnKey, Detail: "it has a certificate, and no request waits for another"}
		}
	}
	for _, item := range s.content().Items {
		request, err := x509.ParseCertificateRequest(item.Request)
		if err != nil {
			continue
		}
		for _, c := range certificates {
			if bytes.Equal(request.RawSubject, c.RawSubject) {
				return &EntryError{Label: item.Label, Err: ErrKeyMismatch, Detail: "its request is for " + nameText(c.RawSubject) + " with another key"}
			}
		}
	}
	return &EntryError{Err: ErrNoRequest, Detail: subjects(certificates)}
}

// requestFor finds the certificate that a request waits for, and the request.
func (s *Store) requestFor(certificates []*x509.Certificate) (int, *x509.Certificate) {
	for i, item := range s.content().Items {
		if item.Kind != Request {
			continue
		}
		key, err := parseKey(item.Key)
		if err != nil {
			continue // a key of a type that is not known has no certificate here
		}
		for _, c := range certificates {
			if samePublic(key.Public(), c.PublicKey) {
				return i, c
			}
		}
	}
	return -1, nil
}

// subjects lists the subjects of certificates for an error.
func subjects(certificates []*x509.Certificate) string {
	if len(certificates) == 1 {
		return nameText(certificates[0].RawSubject)
	}
	return fmt.Sprintf("%d certificates were looked at", len(certificates))
}

// nameText writes a name of a certificate.
func nameText(der []byte) string {
	name, err := dn.FromDER(der)
	if err != nil {
		return "a name that cannot be read"
	}
	return name.String()
}

// parseAll parses certificates. CAs hand out chains with old roots that Go does not
// read: the error is that of the first one where it reads none.
func parseAll(list [][]byte) ([]*x509.Certificate, error) {
	var (
		certificates []*x509.Certificate
		unread       error
	)
	for _, der := range list {
		c, err := parseCertificate(der)
		switch {
		case err == nil:
			certificates = append(certificates, c)
		case unread == nil:
			unread = &EntryError{Err: ErrCertificate, Detail: err.Error()}
		}
	}
	if len(certificates) == 0 {
		return nil, unread
	}
	return certificates, nil
}

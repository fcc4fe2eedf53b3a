package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"keyman/internal/escape"
	"keyman/keystore/format"
)

// ownPassword is why a key is not there that the file has.
const ownPassword = "it has a password of its own, which is not that of the key database"

// maxLabel bounds a label in bytes.
const maxLabel = 255

// An Entry is what a key database holds under one label. It is a copy: a change
// to it changes no store.
type Entry struct {
	Label string
	Kind  Kind
	// Chain is the certificate and those above it that the store has, DER,
	// as far as the root; nil for a Request and a SecretKey.
	Chain [][]byte
	// Trusted marks a Signer as a CA that is believed.
	Trusted bool
	// Default marks the Personal entry that is used where none is named.
	Default bool
	// Request is the PKCS#10 request, DER; of a Request, where it is known.
	Request []byte

	key hidden[[]byte] // PKCS#8; nil for a Signer
}

// Leaf returns the entry's own certificate. It returns ErrNoCertificate where it
// has none, and ErrUnusable where crypto/x509 does not read it.
func (e Entry) Leaf() (*x509.Certificate, error) {
	if len(e.Chain) == 0 {
		return nil, errNoCertificate(e.Label, e.Kind)
	}
	certificate, err := parseCertificate(e.Chain[0])
	if err != nil {
		return nil, &EntryError{Label: e.Label, Err: ErrUnusable, Detail: err.Error()}
	}
	return certificate, nil
}

// Summary tells what can be told of the entry's certificate, usable or not. It
// returns ErrNoCertificate where there is none, and ErrCertificate where it is
// none.
func (e Entry) Summary() (Summary, error) {
	if len(e.Chain) == 0 {
		return Summary{}, errNoCertificate(e.Label, e.Kind)
	}
	return Summarize(e.Chain[0])
}

func errNoCertificate(label string, kind Kind) error {
	return &EntryError{Label: label, Err: ErrNoCertificate, Detail: "it is a " + kind.String() + " entry"}
}

// Signer returns the use of the private key of a Personal entry or a Request.
// It signs and tells its public key; printed, it is a placeholder. It returns
// ErrNoKey for an entry without one, and ErrKeyMismatch where the certificate
// is not that of the key.
func (e Entry) Signer() (crypto.Signer, error) {
	switch {
	case e.Kind == Signer, e.Kind == SecretKey:
		return nil, &EntryError{Label: e.Label, Err: ErrNoKey, Detail: "it is a " + e.Kind.String() + " entry"}
	case e.key == nil:
		return nil, &EntryError{Label: e.Label, Err: ErrNoKey, Detail: ownPassword}
	}
	s, err := parseKey(e.key())
	if err != nil {
		return nil, fmt.Errorf("%q: %w", e.Label, err)
	}
	if e.Kind == Personal {
		leaf, err := e.Leaf()
		if err != nil {
			return nil, err
		}
		if !samePublic(s.Public(), leaf.PublicKey) {
			return nil, &EntryError{Label: e.Label, Err: ErrKeyMismatch}
		}
	}
	return s, nil
}

// entry makes an Entry of an item.
func (s *Store) entry(item format.Item) Entry {
	return newEntry(item, func(of link) link { return s.issuer(of, nil) })
}

// newEntry makes an Entry of an item, whose chain goes where issuerOf says; it is
// the item's certificate alone where that is nil.
func newEntry(item format.Item, issuerOf func(link) link) Entry {
	e := Entry{
		Label: item.Label, Kind: item.Kind, Trusted: item.Trusted, Default: item.Default,
		Request: bytes.Clone(item.Request),
	}
	switch {
	case item.Certificate == nil:
	case issuerOf == nil:
		e.Chain = [][]byte{bytes.Clone(item.Certificate)}
	default:
		e.Chain = chain(item.Certificate, issuerOf)
	}
	if item.Key != nil {
		e.key = hide(bytes.Clone(item.Key))
	}
	return e
}

// fold makes equal what counts as the same label. Java's key stores fold with
// toLowerCase, so two labels that differ in case only cannot live in one file.
func fold(label string) string { return strings.ToLower(label) }

// normal is what labels have in common that look the same because Unicode writes a
// character in more than one way (Unicode Standard Annex 15, form C).
func normal(label string) string { return fold(norm.NFC.String(label)) }

// CheckLabel refuses a label that cannot be shown or stored: ErrLabel.
func CheckLabel(label string) error {
	var detail string
	switch {
	case label == "":
		detail = "it is empty"
	case len(label) > maxLabel:
		detail = fmt.Sprintf("it is longer than %d bytes", maxLabel)
	case !utf8.ValidString(label):
		detail = "it is not UTF-8"
	case strings.TrimSpace(label) != label:
		detail = "it begins or ends with a space"
	case strings.ContainsFunc(label, func(r rune) bool { return !escape.IsVisible(r) }):
		detail = "it has a character that cannot be seen"
	default:
		return nil
	}
	return &EntryError{Label: label, Err: ErrLabel, Detail: detail}
}

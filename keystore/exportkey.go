package keystore

import (
	"encoding/pem"
	"errors"

	"keyman/internal/keyfile"
	"keyman/keystore/format"
)

// A KeyForm is how a private key is written to a file of its own. The zero value
// is PKCS#8 in PEM.
type KeyForm int

// The forms of a key.
const (
	KeyPEM         KeyForm = iota // PKCS#8 (RFC 5958) in PEM (RFC 7468, 10 and 11)
	KeyDER                        // PKCS#8, the octets alone
	KeyTraditional                // RSA or EC as old OpenSSL wrote them, in PEM; never encrypted
)

// KeyExport says how ExportKey writes a key. The zero value can write none: a key
// is encrypted, or Plain says that it is not.
type KeyExport struct {
	Form     KeyForm
	Password Password
	Plain    bool // without encryption; then there is no Password
}

// ExportKey returns the private key of an entry as a file of its own. It is the
// one way in which a key leaves the store by itself; the caller wipes what it got.
//
// It returns ErrNotFound, ErrNoKey for an entry without a private key and for one
// whose key the password did not open, ErrKind for a secret key, ErrEmptyPassword,
// and ErrUnsupported for a key that has no such form.
func (s *Store) ExportKey(label string, o KeyExport) ([]byte, error) {
	i := s.index(label)
	if i < 0 {
		return nil, &EntryError{Label: label, Err: ErrNotFound}
	}
	item := s.content().Items[i]
	switch {
	case item.Kind == SecretKey:
		return nil, &EntryError{Label: item.Label, Err: ErrKind, Detail: "a secret key is no private key"}
	case item.Key == nil:
		return nil, &EntryError{Label: item.Label, Err: ErrNoKey}
	case o.Plain && len(o.Password) > 0:
		return nil, errors.New("a key that is left plain has no password")
	}
	data, err := o.encode(item)
	switch {
	case errors.Is(err, keyfile.ErrEmptyPassword):
		return nil, &EntryError{Label: item.Label, Err: ErrEmptyPassword}
	case err != nil:
		return nil, &EntryError{Label: item.Label, Err: ErrUnsupported, Detail: err.Error()}
	}
	return data, nil
}

func (o KeyExport) encode(item format.Item) ([]byte, error) {
	block := &pem.Block{Type: keyfile.TypePKCS8, Bytes: item.Key}
	var err error
	switch {
	case o.Form == KeyTraditional && !o.Plain:
		return nil, errors.New("the traditional form has no encryption that is worth its name")
	case o.Form == KeyTraditional:
		if block.Type, block.Bytes, err = keyfile.Traditional(item.Key); err != nil {
			return nil, err
		}
	case !o.Plain:
		block.Type = keyfile.TypeEncrypted
		if block.Bytes, err = keyfile.Encrypt(item.Key, o.Password); err != nil {
			return nil, err
		}
	}
	if o.Form == KeyDER {
		return append([]byte(nil), block.Bytes...), nil
	}
	return pem.EncodeToMemory(block), nil
}

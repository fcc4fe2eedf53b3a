package keystore

import (
	"errors"
	"fmt"

	"keyman/keystore/format"
)

// MaxSecretKey is the length of the longest secret key that is added, in bytes.
const MaxSecretKey = 4096

// ErrSecretKey is a secret key that cannot be kept: empty, or longer than
// MaxSecretKey.
var ErrSecretKey = errors.New("not a secret key")

// AddSecretKey adds a symmetric key, bare bytes. Formats that name an algorithm
// beside it say AES where AES has keys of this length, and HMAC-SHA256 otherwise.
// It returns ErrSecretKey, ErrLabel, ErrDuplicateLabel, and ErrKind where the
// format holds no secret keys.
func (s *Store) AddSecretKey(label string, key []byte) error {
	if len(key) == 0 || len(key) > MaxSecretKey {
		return &EntryError{Label: label, Err: ErrSecretKey, Detail: fmt.Sprintf("it has %d bytes; 1 to %d are kept", len(key), MaxSecretKey)}
	}
	der, err := format.WrapSecret(key)
	if err != nil {
		return fmt.Errorf("%q: %w", label, err)
	}
	return s.insert(format.Item{Kind: SecretKey, Label: label, Key: der})
}

// SecretKey gives a symmetric key away, bare bytes. It is a secret, and the only
// one that leaves a store: a key of this kind is of use in no other way. It
// returns ErrKind for an entry of another kind, and ErrNoKey where the password
// did not open it.
func (e Entry) SecretKey() ([]byte, error) {
	if e.Kind != SecretKey {
		return nil, &EntryError{Label: e.Label, Err: ErrKind, Detail: "it is a " + e.Kind.String() + " entry"}
	}
	if e.key == nil {
		return nil, &EntryError{Label: e.Label, Err: ErrNoKey, Detail: "it has a password of its own"}
	}
	raw, _, err := format.UnwrapSecret(e.key())
	if err != nil {
		return nil, fmt.Errorf("%q: %w", e.Label, err)
	}
	return raw, nil
}

package kdb

import (
	"fmt"

	"keyman/keystore/format"
)

// unwrapSecret returns the bare bytes of a PrivateKeyInfo, which is all that a
// database holds of a secret key. It refuses a key that would come back with
// another algorithm: the length has to say which one it was.
func unwrapSecret(key []byte) ([]byte, error) {
	raw, algorithm, err := format.UnwrapSecret(key)
	if err != nil {
		return nil, err
	}
	if !algorithm.Equal(format.SecretAlgorithm(len(raw))) {
		return nil, fmt.Errorf("a CMS key database does not say for which algorithm a secret key is, and %d bytes would not be taken for %v", len(raw), algorithm)
	}
	return raw, nil
}

package demo

import (
	"context"
	"crypto"
	"crypto/rand"
	"os"
	"path/filepath"

	"keyman/internal/atomicfile"
	"keyman/keystore"
)

const (
	// keySpec is the kind of every key.
	keySpec = "rsa-2048"
	// passwordFile holds the password of a key database beside it, where the
	// files are kept.
	passwordFile = "password"
	// dirMode is the mode of folders that hold private keys, secretMode that
	// of files with secrets, publicMode that of the others.
	dirMode    = 0o700
	secretMode = 0o600
	publicMode = 0o644
)

// newKey makes a private key.
func newKey() (crypto.Signer, error) {
	spec, err := keystore.ParseKeySpec(keySpec)
	if err != nil {
		return nil, err
	}
	return keystore.GenerateKey(spec)
}

// newStore makes a key database in a folder, under a random password that nobody
// gets to see, or only who may read the files that are kept.
func (s *scenario) newStore(ctx context.Context, dir, name string) (*keystore.Store, error) {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil, err
	}
	password := keystore.Password(rand.Text())
	defer password.Wipe()
	store, err := keystore.Create(ctx, filepath.Join(dir, name), password, keystore.Options{})
	if err == nil && s.keep {
		err = atomicfile.Write(filepath.Join(dir, passwordFile), append(password, '\n'), secretMode)
	}
	return store, err
}

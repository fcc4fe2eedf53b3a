package keystore

import (
	"os"
	"path/filepath"
	"testing"

	"keyman/keystore/format"
	"keyman/keystore/pkcs12"
)

// TestImportEmptyPassword: under an empty password anybody makes a MAC, and the
// trust that it protects is nobody's word.
func TestImportEmptyPassword(t *testing.T) {
	ca := newAuthority(t, "stranger", nil)
	data, err := pkcs12.Format{}.Encode(&format.Content{Items: []format.Item{{Kind: Signer, Label: "stranger", Certificate: ca.der, Trusted: true}}}, []byte{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "stranger.p12")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, pw := range []Password{nil, {}} {
		from, err := Open(t.Context(), path, pw)
		if err != nil {
			t.Fatal(err)
		}
		s := newStore(t)
		done, err := s.Import(from, ImportOptions{Trust: true})
		if err != nil || len(done.Added) != 1 || done.Added[0].Trusted || len(s.Anchors()) != 0 {
			t.Errorf("password %v: %+v, %v; want a signer that is not trusted", pw == nil, done, err)
		}
	}
}

package keystore

import (
	"os"
	"path/filepath"
	"testing"

	"keyman/keystore/format"
	"keyman/keystore/pkcs12"
)

// TestEmptyPasswordTrustsNobody: under an empty password anybody makes a MAC, and the
// trust that it protects is nobody's word, be it imported or converted.
func TestEmptyPasswordTrustsNobody(t *testing.T) {
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
		if err != nil || len(done.Added) != 1 || done.Added[0].Trusted || len(s.Anchors()) != 0 || len(done.Lost) != 1 {
			t.Errorf("password %v: %+v, %v; want a signer that is not trusted", pw == nil, done, err)
		}
		for _, name := range []string{"pkcs12", "cms", "pem"} {
			f, _ := FormatNamed(name)
			path := filepath.Join(t.TempDir(), "target")
			made, lost, err := from.Convert(t.Context(), path, Password("password"), Options{Format: f})
			if err != nil {
				t.Fatal(err)
			}
			again, err := Open(t.Context(), path, Password("password"))
			if err != nil || len(made.Anchors()) != 0 || len(again.Anchors()) != 0 || len(lost) != 1 || lost[0] != done.Lost[0] {
				t.Errorf("%s: %v; told are %v, want that it is not trusted", name, err, lost)
			}
		}
		jks, _ := FormatNamed("jks") // where all signers are trusted
		if _, _, err := from.Convert(t.Context(), filepath.Join(t.TempDir(), "target"), Password("password"), Options{Format: jks}); err == nil {
			t.Error("jks: it was converted")
		}
		if len(from.Anchors()) != 1 {
			t.Error("the source has lost its own trust")
		}
	}
}

package outfile

import (
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"keyman/internal/atomicfile"
	"keyman/keystore/kdb"
)

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	for _, text := range []string{"one", "two"} {
		if err := Write(path, []byte(text), Public); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Fatalf("%q, %v", got, err)
		}
	}
	stash, err := kdb.Stash([]byte("secret"), kdb.Stash2)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"key in DER":   string(der),
		"secret key":   "-----BEGIN SECRET KEY-----\n",
		"stash file":   string(stash),
		"requests":     "\x37\x48\x06\x01\x00\x00\x00\x00X509KYP\x00",
		"key in PEM":   "-----BEGIN EC PRIVATE KEY-----\n",
		"key database": "\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var keys *KeysError
			if err := Write(path, []byte("new"), Public); !errors.As(err, &keys) || keys.Path != path || keys.Hint() == "" {
				t.Errorf("%v, want a KeysError", err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("the file became %q, %v", got, err)
			}
		})
	}
}

// TestSecretFolder: a folder that is named by mistake stays open.
func TestSecretFolder(t *testing.T) {
	path := t.TempDir()
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Secret(path, []byte("key")); !errors.Is(err, atomicfile.ErrNotRegular) {
		t.Errorf("%v, want ErrNotRegular", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
}

// TestSecretMode: what was for everybody is not when a key is in it.
func TestSecretMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte("public"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Secret(path, []byte("key")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
}

package keystore

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// TestSecretKey adds keys, saves, opens and takes them out again.
func TestSecretKey(t *testing.T) {
	testpeer.Long(t)
	pw := Password("secret")
	keys := map[string][]byte{
		"aes": bytes.Repeat([]byte{0xA5}, 32), "jwt": []byte("a shared secret\n"), "long": bytes.Repeat([]byte{1}, MaxSecretKey), "one": {0},
	}
	for _, name := range []string{"pkcs12", "jceks", "cms"} {
		t.Run(name, func(t *testing.T) {
			f, ok := FormatNamed(name)
			if !ok {
				t.Fatal("no such format")
			}
			path := filepath.Join(t.TempDir(), "keys")
			store, err := New(path, pw, Options{Format: f})
			if err != nil {
				t.Fatal(err)
			}
			for label, key := range keys {
				if err := store.AddSecretKey(label, key); err != nil {
					t.Fatal(err)
				}
			}
			if err := store.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			again, err := Open(t.Context(), path, pw)
			if err != nil {
				t.Fatal(err)
			}
			for label, want := range keys {
				entry, ok := again.Lookup(label)
				if !ok || entry.Kind != SecretKey {
					t.Fatalf("%s: %v, %v", label, entry.Kind, ok)
				}
				if got, err := entry.SecretKey(); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %d bytes, %v; want %d", label, len(got), err, len(want))
				}
				if text := fmt.Sprintf("%v %+v %#v", entry, entry, entry); strings.Contains(text, "shared") {
					t.Errorf("an entry prints its key: %s", text)
				}
			}
		})
	}
}

func TestSecretKeyRefused(t *testing.T) {
	pw := Password("secret")
	store, err := New(filepath.Join(t.TempDir(), "keys"), pw, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.AddSecretKey("there", []byte("key")); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		label string
		key   []byte
		want  error
	}{
		"empty":     {"new", nil, ErrSecretKey},
		"too long":  {"new", make([]byte, MaxSecretKey+1), ErrSecretKey},
		"duplicate": {"THERE", []byte("key"), ErrDuplicateLabel},
		"no label":  {"", []byte("key"), ErrLabel},
	} {
		if err := store.AddSecretKey(test.label, test.key); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	entry := request(t, store, "request")
	if _, err := entry.SecretKey(); !errors.Is(err, ErrKind) {
		t.Errorf("a request's key: %v, want ErrKind", err)
	}
	jks, _ := FormatNamed("jks")
	other, err := New(filepath.Join(t.TempDir(), "keys"), pw, Options{Format: jks})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.AddSecretKey("new", []byte("key")); !errors.Is(err, ErrKind) {
		t.Errorf("JKS: %v, want ErrKind", err)
	}
}

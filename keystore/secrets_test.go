package keystore

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
)

// TestErrorsTellNoSecrets opens key databases that are whole, cut and changed, with
// the right password and with wrong ones: no error holds a password or a piece of a
// key, in any form in which one could come to stand there.
func TestErrorsTellNoSecrets(t *testing.T) {
	const right, wrong = "Recognisable-7319", "Mistaken-8642"
	key := newKey(t)
	inner, ok := key.(*signer).key().(*ecdsa.PrivateKey)
	if !ok {
		t.Fatal("not an ECDSA key")
	}
	scalar, err := inner.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	secrets := forms([]byte(right))
	secrets = append(secrets, forms([]byte(wrong))...)
	for i := 0; i+8 <= len(scalar); i += 8 {
		secrets = append(secrets, forms(scalar[i:i+8])...)
	}
	ca := newAuthority(t, "CA", nil)
	for _, f := range Formats() {
		t.Run(f.Name(), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "keys")
			s, err := New(path, Password(right), Options{Format: f})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.AddKey("one", key, [][]byte{ca.leaf(t, "one", key.Public())}); err != nil {
				t.Fatal(err)
			}
			check := func(what string, shown ...any) {
				for _, one := range shown {
					for _, text := range []string{fmt.Sprintf("%v", one), fmt.Sprintf("%+v", one), fmt.Sprintf("%#v", one)} {
						for _, secret := range secrets {
							if strings.Contains(text, secret) {
								t.Errorf("%s: a secret (%q) stands in %s", what, secret, text)
							}
						}
					}
				}
			}
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			entry, _ := s.Lookup("one")
			check("the store", s, entry, s.content)
			check("a key that is there", s.AddKey("two", key, entry.Chain), s.AddRequest("one", key, nil))
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			failed := 0
			open := func(what string, data []byte, pw string) {
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				if s, err := Open(t.Context(), path, Password(pw)); err != nil {
					failed++
					check(what, err)
					for err = errors.Unwrap(err); err != nil; err = errors.Unwrap(err) {
						check(what, err)
					}
				} else {
					entry, ok := s.Lookup("one")
					_, err := entry.Signer()
					check(what, ok, err)
				}
			}
			const places = 12
			open("a wrong password", data, wrong)
			for i := range places {
				at := i * len(data) / places
				open(fmt.Sprintf("cut at %d", at), data[:at], right)
				changed := bytes.Clone(data)
				changed[at] ^= 0x40
				open(fmt.Sprintf("changed at %d", at), changed, right)
			}
			if failed < places {
				t.Errorf("only %d of the files were refused", failed)
			}
		})
	}
}

// forms writes a secret in the ways in which Go and people do.
func forms(secret []byte) []string {
	var wide []byte
	for _, r := range utf16.Encode([]rune(string(secret))) {
		wide = append(wide, byte(r>>8), byte(r))
	}
	return []string{
		string(secret), string(wide), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)),
		base64.StdEncoding.EncodeToString(secret)[:len(secret)], strings.Trim(fmt.Sprintf("%d", secret), "[]"),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret), "[]byte{"), "}"),
	}
}

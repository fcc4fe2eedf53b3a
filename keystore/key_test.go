package keystore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
)

// mustPublic returns the public key of an entry.
func (e Entry) mustPublic(t *testing.T) crypto.PublicKey {
	t.Helper()
	s, err := e.Signer()
	if err != nil {
		t.Fatal(err)
	}
	return s.Public()
}

func TestKeySpec(t *testing.T) {
	for text, want := range map[string]string{
		"rsa": "rsa-3072", "RSA-2048": "rsa-2048", "rsa-8192": "rsa-8192", "p256": "p256", "P384": "p384", "p521": "p521", "ed25519": "ed25519",
	} {
		spec, err := ParseKeySpec(text)
		if err != nil || spec.String() != want {
			t.Errorf("ParseKeySpec(%q) = %v, %v; want %s", text, spec, err, want)
		}
	}
	for _, text := range []string{"", "rsa-", "rsa-1024", "rsa-8200", "rsa-2049", "rsa--2048", "p224", "dsa"} {
		if spec, err := ParseKeySpec(text); err == nil {
			t.Errorf("ParseKeySpec(%q) = %v; want an error", text, spec)
		}
	}
	if zero := (KeySpec{}).String(); zero != "rsa-3072" {
		t.Errorf("the zero value is %s; want rsa-3072", zero)
	}
}

// TestKeysOfAllKinds stores keys of each kind and signs with what comes back.
func TestKeysOfAllKinds(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	s := newStore(t)
	kinds := []string{"rsa-2048", "p256", "p384", "p521", "ed25519"}
	for _, kind := range kinds {
		key, err := GenerateKey(mustSpec(t, kind))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AddKey(kind, key, [][]byte{ca.leaf(t, kind, key.Public())}); err != nil {
			t.Fatal(err)
		}
	}
	s = reopen(t, s)
	message := []byte("to be signed")
	digest := sha256.Sum256(message)
	for _, kind := range kinds {
		e, ok := s.Lookup(kind)
		if !ok {
			t.Fatalf("no entry %s", kind)
		}
		signer, err := e.Signer()
		if err != nil {
			t.Fatal(err)
		}
		var good bool
		switch public := signer.Public().(type) {
		case *rsa.PublicKey:
			signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
			good = err == nil && rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature) == nil
		case *ecdsa.PublicKey:
			signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
			good = err == nil && ecdsa.VerifyASN1(public, digest[:], signature)
		case ed25519.PublicKey:
			signature, err := signer.Sign(rand.Reader, message, crypto.Hash(0))
			good = err == nil && ed25519.Verify(public, message, signature)
		}
		if !good {
			t.Errorf("%s does not sign", kind)
		}
	}
}

// TestNothingPrintsAKey prints signers, entries and stores in every way there is.
func TestNothingPrintsAKey(t *testing.T) {
	s := newStore(t)
	add(t, s, "gw1", newAuthority(t, "CA", nil))
	e, _ := s.Lookup("gw1")
	signer, err := e.Signer()
	if err != nil {
		t.Fatal(err)
	}
	private, err := privateNumber(e.key())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, value := range []any{signer, e, &e, s, struct{ Key any }{signer}, struct{ key any }{signer}, struct{ store *Store }{s}, []any{signer}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		if data, err := json.Marshal(value); err == nil {
			out.Write(data)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "value", value)
	}
	text := strings.ToLower(out.String())
	for name, secret := range map[string]string{
		"hexadecimal": hex.EncodeToString(private), "raw": strings.ToLower(string(private)), "decimal": decimal(private[:8]),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("the key is printed, %s", name)
		}
	}
	for name, secret := range map[string]string{
		"as text": testPassword, "hexadecimal": hex.EncodeToString([]byte(testPassword)), "decimal": decimal([]byte(testPassword)),
	} {
		if strings.Contains(text, strings.ToLower(secret)) {
			t.Errorf("the password is printed, %s", name)
		}
	}
}

// TestMismatch reads a file whose certificate is not that of its key.
func TestMismatch(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	s := newStore(t)
	add(t, s, "gw1", ca)
	s.content().Items[0].Certificate = ca.leaf(t, "another", newKey(t).Public())
	e, _ := s.Lookup("gw1")
	if _, err := e.Signer(); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("a certificate of another key: %v; want ErrKeyMismatch", err)
	}
	s.content().Items[0].Certificate = []byte("x")
	e, _ = s.Lookup("gw1")
	if _, err := e.Signer(); !errors.Is(err, ErrUnusable) {
		t.Errorf("a certificate that is none: %v; want ErrUnusable", err)
	}
	s.content().Items[0].Key = []byte("x")
	e, _ = s.Lookup("gw1")
	if _, err := e.Signer(); err == nil {
		t.Error("a key that is none signs")
	}
}

// privateNumber returns the number that is the secret of an ECDSA key.
func privateNumber(der []byte) ([]byte, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	return key.(*ecdsa.PrivateKey).Bytes()
}

// decimal writes octets as fmt prints a slice of them.
func decimal(p []byte) string {
	words := make([]string, len(p))
	for i, b := range p {
		words[i] = strconv.Itoa(int(b))
	}
	return strings.Join(words, " ")
}

package keystore

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// brokenExtensions returns a certificate with a list of extensions that is none.
func brokenExtensions(t *testing.T) []byte {
	t.Helper()
	ca := newAuthority(t, "broken", nil)
	return resigned(t, ca.der, ca.key, func(fields []byte) []byte { return append(fields, "\xa3\x05\x30\x03\x30\x01\x06"...) })
}

// version1 makes a certificate one of version 1, which has no extensions.
func version1(t *testing.T, der []byte, key crypto.Signer) []byte {
	t.Helper()
	return resigned(t, der, key, func(fields []byte) []byte { return bytes.TrimPrefix(fields, []byte("\xa0\x03\x02\x01\x02")) })
}

// resigned changes the fields of a certificate without its extensions, and signs
// them with a key of ECDSA.
func resigned(t *testing.T, der []byte, key crypto.Signer, change func(fields []byte) []byte) []byte {
	t.Helper()
	whole := cryptobyte.String(der)
	var outer, tbs, algorithm cryptobyte.String
	if !whole.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) || !outer.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) {
		t.Fatal("not a certificate")
	}
	var fields []byte
	for !tbs.Empty() {
		var (
			element cryptobyte.String
			tag     cbasn1.Tag
		)
		if !tbs.ReadAnyASN1Element(&element, &tag) {
			t.Fatal("not a certificate")
		}
		if tag != cbasn1.Tag(3).ContextSpecific().Constructed() {
			fields = append(fields, element...)
		}
	}
	var signed, b cryptobyte.Builder
	signed.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(change(fields)) })
	digest := sha256.Sum256(signed.BytesOrPanic())
	signature, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(signed.BytesOrPanic())
		b.AddBytes(algorithm)
		b.AddASN1BitString(signature)
	})
	return b.BytesOrPanic()
}

// TestBrokenExtensions keeps, names and gives away a certificate whose extensions
// cannot be read, and trusts it in no way.
func TestBrokenExtensions(t *testing.T) {
	der := brokenExtensions(t)
	path := filepath.Join(t.TempDir(), "keys.p12")
	s, err := Create(t.Context(), path, Password("broken"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddSigner("broken", der, true); !errors.Is(err, ErrUnusable) {
		t.Fatalf("trusted: %v; want ErrUnusable", err)
	}
	if _, err := s.AddSigner("broken", der, false); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTrusted("broken", true); !errors.Is(err, ErrUnusable) {
		t.Errorf("trusted later: %v; want ErrUnusable", err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(t.Context(), path, Password("broken")); err != nil {
		t.Fatal(err)
	}
	e, _ := s.Lookup("broken")
	summary, err := e.Summary()
	if err != nil || !bytes.Equal(e.Chain[0], der) || nameText(summary.Subject) != "CN=broken" || summary.NotAfter.IsZero() {
		t.Errorf("%+v, %v; want the certificate as it was", summary, err)
	}
	if !errors.Is(summary.Unusable, ErrUnusable) || summary.EndsBy(time.Now()) {
		t.Errorf("unusable: %v", summary.Unusable)
	}
}

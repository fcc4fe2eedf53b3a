package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"keyman/keystore"
)

// fakeToken is a driver with objects that the test decides; it signs with a key.
type fakeToken struct {
	list []object
	key  crypto.Signer
}

func (f *fakeToken) objects() ([]object, error)                      { return f.list, nil }
func (*fakeToken) generate(pair) error                               { return ErrMechanism }
func (*fakeToken) createKey(crypto.PrivateKey, string, []byte) error { return ErrMechanism }
func (*fakeToken) createCertificate(certificate) error               { return ErrMechanism }
func (*fakeToken) destroy(uint) error                                { return nil }
func (*fakeToken) close() error                                      { return nil }

func (f *fakeToken) sign(_ uint, m mechanism, data []byte) ([]byte, error) {
	if m == rsaPKCS {
		return f.key.Sign(rand.Reader, data, crypto.Hash(0))
	}
	der, err := f.key.Sign(rand.Reader, data, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		return nil, err
	}
	size := (f.key.Public().(*ecdsa.PublicKey).Curve.Params().BitSize + 7) / 8
	return append(rs.R.FillBytes(make([]byte, size)), rs.S.FillBytes(make([]byte, size))...), nil
}

func ecKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate of a CA, or for name == issuer its own.
func issue(t *testing.T, name, issuer string, public crypto.PublicKey, caKey crypto.Signer, serial int64) []byte {
	t.Helper()
	now := time.Now()
	c := func(name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, c(name), c(issuer), public, caKey)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// A token can have more of everything than is good, and less.
func TestEntries(t *testing.T) {
	caKey, key, id := ecKey(t), ecKey(t), []byte{1}
	leaf := issue(t, "gw1", "CA", key.Public(), caKey, 1)
	cas := [][]byte{issue(t, "CA", "CA", caKey.Public(), caKey, 2), issue(t, "CA", "CA", caKey.Public(), caKey, 3)}
	token := &Token{name: "vpn", driver: &fakeToken{list: []object{
		{handle: 1, class: privateKey, label: "gw1", id: id},
		{handle: 2, class: privateKey, label: "lone", id: []byte{2}},
		{handle: 3, class: certificateClass, label: "broken", der: []byte("broken")},
		{handle: 4, class: certificateClass, label: "leaf", id: id, der: leaf},
		{handle: 5, class: certificateClass, label: "CA", der: cas[0]},
		{handle: 6, class: certificateClass, label: "CA", der: cas[1]},
	}}}
	for range 20 { // the order never depends on chance
		entries, err := token.Entries()
		if err != nil || len(entries) != 5 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		gw := entries[0]
		// The token tells no public key, so that of the certificate with its id is
		// taken.
		if gw.Kind != keystore.Personal || !samePublic(gw.Public, key.Public()) || len(gw.Chain) != 2 ||
			!bytes.Equal(gw.Chain[0], leaf) || !bytes.Equal(gw.Chain[1], cas[0]) {
			t.Fatalf("got %+v", gw)
		}
		if lone := entries[1]; lone.Kind != keystore.Request || lone.Public != nil {
			t.Fatalf("got %+v", lone)
		} else if _, err := token.Signer(lone); !errors.Is(err, ErrMechanism) {
			t.Fatalf("the signer of a key whose public half nobody knows: %v", err)
		}
		if broken := entries[2]; broken.Kind != keystore.Signer || broken.Public != nil {
			t.Fatalf("got %+v", broken)
		}
	}
	if _, err := token.Lookup(URI{Object: "CA"}); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("two with one label: %v", err)
	}
	var at *TokenError
	if _, err := token.Lookup(URI{Object: "gw9"}); !errors.Is(err, keystore.ErrNotFound) || !errors.As(err, &at) || !strings.Contains(at.Hint(), "token show") {
		t.Errorf("a label that is not there: %v", err)
	}
	if _, err := token.AddCertificate("leaf", leaf); !errors.Is(err, keystore.ErrDuplicateCertificate) {
		t.Errorf("a certificate that is there: %v", err)
	}
	for _, label := range []string{"", "a\x1b[31m", strings.Repeat("a", 256)} {
		if _, err := token.Generate(label, keystore.KeySpec{}); !errors.Is(err, keystore.ErrLabel) {
			t.Errorf("the label %q: %v", label, err)
		}
	}
	token.driver = &fakeToken{list: make([]object, maxObjects+1)}
	if _, err := token.Entries(); !errors.Is(err, ErrMechanism) {
		t.Errorf("too many objects: %v", err)
	}
}

// After a renewal the new certificate counts, in whichever order the token tells them,
// and the old one is still that of the key.
func TestRenewed(t *testing.T) {
	caKey, key, id := ecKey(t), ecKey(t), []byte{1}
	issued := func(serial int64, hours time.Duration) []byte {
		now := time.Now()
		c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "gw1"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(hours * time.Hour)}
		der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), caKey)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	before, after := issued(1, 1), issued(2, 2)
	for _, order := range [][][]byte{{before, after}, {after, before}} {
		token := &Token{name: "vpn", driver: &fakeToken{list: []object{
			{handle: 1, class: privateKey, label: "gw1", id: id, public: key.Public()},
			{handle: 2, class: certificateClass, label: "gw1", id: id, der: order[0]},
			{handle: 3, class: certificateClass, label: "gw1", id: id, der: order[1]},
		}}}
		entries, err := token.Entries()
		if err != nil || len(entries) != 1 || !bytes.Equal(entries[0].Chain[0], after) {
			t.Errorf("%+v, %v", entries, err)
		}
		if _, err := token.AddCertificate("", before); !errors.Is(err, keystore.ErrDuplicateCertificate) {
			t.Errorf("the old certificate again: %v", err)
		}
	}
}

// A signature that does not verify is not given away: it could tell the key, or be
// another key's.
func TestWrongSignature(t *testing.T) {
	digest := sha256.Sum256([]byte("signed"))
	rsaKeys := make([]*rsa.PrivateKey, 2)
	for i := range rsaKeys {
		var err error
		if rsaKeys[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			t.Fatal(err)
		}
	}
	ecKeys := []*ecdsa.PrivateKey{ecKey(t), ecKey(t)}
	tests := []struct {
		name        string
		public, key crypto.Signer
		hash        crypto.Hash
		want        string // in the error
	}{
		{"RSA", rsaKeys[0], rsaKeys[0], crypto.SHA256, ""},
		{"RSA, no hash function", rsaKeys[0], rsaKeys[0], 0, ""},
		{"RSA, another key", rsaKeys[0], rsaKeys[1], crypto.SHA256, ErrSignature.Error()},
		{"RSA, no hash function, another key", rsaKeys[0], rsaKeys[1], 0, ErrSignature.Error()},
		{"ECDSA", ecKeys[0], ecKeys[0], crypto.SHA256, ""},
		{"ECDSA, another key", ecKeys[0], ecKeys[1], crypto.SHA256, ErrSignature.Error()},
		{"RSA, a hash of another length", rsaKeys[0], rsaKeys[0], crypto.SHA512, "32 bytes, not the 64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token := &Token{name: "vpn", driver: &fakeToken{key: tt.key}}
			signer, err := token.Signer(Entry{Label: "gw1", Public: tt.public.Public(), key: &object{handle: 1}})
			if err != nil {
				t.Fatal(err)
			}
			signature, err := signer.Sign(rand.Reader, digest[:], tt.hash)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && signature != nil {
				t.Error("the signature was given away all the same")
			}
		})
	}
}

// A token is named by what is told of it; one that is empty is none.
func TestChoose(t *testing.T) {
	list := []Info{
		{Label: "vpn", Serial: "1", Model: "A", Manufacturer: "M", Initialized: true},
		{Label: "vpn", Serial: "2", Model: "B", Manufacturer: "M", Initialized: true},
		{Label: "lab", Serial: "3", Model: "B", Manufacturer: "N", Initialized: true},
		{},
	}
	for _, tt := range []struct {
		uri  URI
		want int
		err  error
	}{
		{URI{Token: "lab"}, 2, nil},
		{URI{Token: "vpn", Model: "B"}, 1, nil},
		{URI{Serial: "1"}, 0, nil},
		{URI{Manufacturer: "N"}, 2, nil},
		{URI{Token: "VPN"}, -1, ErrNoToken},
		{URI{Token: "lab", Serial: "1"}, -1, ErrNoToken},
		{URI{Token: "vpn"}, -1, ErrAmbiguous},
		{URI{}, -1, ErrAmbiguous},
	} {
		if got, err := choose(tt.uri, list); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s is token %d, %v; want %d, %v", tt.uri, got, err, tt.want, tt.err)
		}
	}
}

// A PIN is not given where it cannot help, and a wrong one says how many are left.
func TestPIN(t *testing.T) {
	pin := keystore.Password("1234-secret")
	for _, tt := range []struct {
		info Info
		pin  keystore.Password
		want error
	}{
		{Info{}, pin, nil},
		{Info{PINLow: true, PINFinal: true}, pin, nil},
		{Info{}, nil, ErrPIN},
		{Info{PINLocked: true, PINFinal: true}, pin, ErrLocked},
		{Info{Keypad: true}, pin, ErrMechanism},
	} {
		if err := tt.info.takesPIN(tt.pin); !errors.Is(err, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.info, err, tt.want)
		}
	}
	for _, tt := range []struct {
		info Info
		want string
	}{
		{Info{}, "the token refused the PIN"},
		{Info{PINLow: true}, "the token refused the PIN; a few wrong ones lock it"},
		{Info{PINLow: true, PINFinal: true}, "the token refused the PIN; the next wrong one locks it"},
		{Info{PINLow: true, PINLocked: true}, "the token refused the PIN, and it is locked now"},
	} {
		if err := tt.info.refused(); !errors.Is(err, ErrPIN) || err.Error() != tt.want {
			t.Errorf("%+v: %v, want %s", tt.info, err, tt.want)
		}
	}
}

// Two keys of one label, as other programs make them, are told apart by their ids; and
// a certificate without its key does not stand in the way of a key.
func TestSharedLabels(t *testing.T) {
	caKey, one, two := ecKey(t), ecKey(t), ecKey(t)
	token := &Token{name: "vpn", driver: &fakeToken{list: []object{
		{handle: 1, class: privateKey, label: "gw", id: []byte{1}, public: one.Public()},
		{handle: 2, class: privateKey, label: "GW", id: []byte{2}, public: two.Public()},
		{handle: 3, class: privateKey, label: "own", id: []byte{3}, public: ecKey(t).Public()},
		{handle: 4, class: privateKey, id: []byte{4}, public: ecKey(t).Public()},
		{handle: 5, class: certificateClass, label: "own", id: []byte{5}, der: issue(t, "x", "x", caKey.Public(), caKey, 1)},
		{handle: 6, class: certificateClass, label: "alone", id: []byte{6}, der: issue(t, "y", "y", caKey.Public(), caKey, 2)},
	}}}
	entries, err := token.Entries()
	if err != nil {
		t.Fatal(err)
	}
	for i, shared := range []bool{true, true, true, true, true, false} {
		if entries[i].Shared != shared {
			t.Errorf("entry %d, %q: shared %v", i, entries[i].Label, entries[i].Shared)
		}
		u := URI{Object: entries[i].Label}
		if shared {
			u.ID = entries[i].ID
		}
		if found, err := token.Lookup(u); err != nil || !bytes.Equal(found.ID, entries[i].ID) {
			t.Errorf("%s is %v, %v; want entry %d", u, found.ID, err, i)
		}
	}
	if _, err := token.Lookup(URI{Object: "gw"}); !errors.Is(err, ErrAmbiguous) {
		t.Errorf("by the label that two have: %v", err)
	}
	if found, err := token.Lookup(URI{Object: "own"}); err != nil || found.Kind != keystore.Request {
		t.Errorf("a key and a certificate of one label: %v, %v", found.Kind, err)
	}
	alone, err := token.Lookup(URI{Object: "alone"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Signer(alone); !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("a certificate without its key signs: %v", err)
	}
}

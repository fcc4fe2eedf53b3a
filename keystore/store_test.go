package keystore

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// testPassword opens all stores of the tests.
const testPassword = "a Password, ü"

// newKey makes a key quickly.
func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := GenerateKey(mustSpec(t, "p256"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustSpec(t testing.TB, s string) KeySpec {
	t.Helper()
	spec, err := ParseKeySpec(s)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// An authority issues certificates for the tests.
type authority struct {
	key crypto.Signer
	der []byte
}

// newAuthority makes a CA, a root where issuer is nil.
func newAuthority(t testing.TB, name string, issuer *authority) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.der = issue(t, name, a.key.Public(), true, issuer, a)
	return a
}

// leaf issues an end entity's certificate.
func (a *authority) leaf(t testing.TB, name string, public crypto.PublicKey) []byte {
	t.Helper()
	return issue(t, name, public, false, a, nil)
}

func issue(t testing.TB, name string, public crypto.PublicKey, isCA bool, issuer, self *authority) []byte {
	t.Helper()
	return issueWith(t, name, public, issuer, self, func(template *x509.Certificate) { template.IsCA = isCA })
}

// issueWith issues a certificate for which change has the last word.
func issueWith(t testing.TB, name string, public crypto.PublicKey, issuer, self *authority, change func(*x509.Certificate)) []byte {
	t.Helper()
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true,
	}
	change(template)
	parent, signer := template, self
	if issuer != nil {
		if parent, err = x509.ParseCertificate(issuer.der); err != nil {
			t.Fatal(err)
		}
		signer = issuer
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// newStore makes an empty store in a folder of the test.
func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Create(t.Context(), filepath.Join(t.TempDir(), "keys.p12"), Password(testPassword), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// reopen saves a store and reads it again.
func reopen(t testing.TB, s *Store) *Store {
	t.Helper()
	return reopenWith(t, s, testPassword)
}

// reopenWith does the same for a store with another password.
func reopenWith(t testing.TB, s *Store, password string) *Store {
	t.Helper()
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), s.Path(), Password(password))
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// add puts a personal entry with a new key into a store.
func add(t testing.TB, s *Store, label string, ca *authority) {
	t.Helper()
	key := newKey(t)
	if err := s.AddKey(label, key, [][]byte{ca.leaf(t, label, key.Public())}); err != nil {
		t.Fatal(err)
	}
}

func TestRoundTrip(t *testing.T) {
	root := newAuthority(t, "Root", nil)
	sub := newAuthority(t, "Sub", root)
	s := newStore(t)
	key := newKey(t)
	if err := s.AddKey("gw1", key, [][]byte{sub.leaf(t, "gw1", key.Public()), sub.der, root.der}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTrusted("Root", true); err != nil {
		t.Fatal(err)
	}
	if err := s.SetDefault("GW1"); err != nil {
		t.Fatal(err)
	}
	waiting := newKey(t)
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "gw2"}}, waiting)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddRequest("grüße 🔑", waiting, request); err != nil {
		t.Fatal(err)
	}
	var want []Entry
	for e := range s.Entries() {
		want = append(want, e)
	}
	again := reopen(t, s)
	i := 0
	for e := range again.Entries() {
		w := want[i]
		if e.Label != w.Label || e.Kind != w.Kind || e.Trusted != w.Trusted || e.Default != w.Default ||
			len(e.Chain) != len(w.Chain) || string(e.Request) != string(w.Request) {
			t.Errorf("entry %d is %v %q after a round trip; it was %v %q", i, e.Kind, e.Label, w.Kind, w.Label)
		}
		i++
	}
	if i != 4 || len(want) != 4 {
		t.Fatalf("%d entries of %d after a round trip", i, len(want))
	}
	e, ok := again.Lookup("gw1")
	if !ok || len(e.Chain) != 3 {
		t.Fatalf("chain of gw1: %d certificates; want 3", len(e.Chain))
	}
	signer, err := e.Signer()
	if err != nil || !samePublic(signer.Public(), key.Public()) {
		t.Fatalf("signer of gw1: %v", err)
	}
	if anchors := again.Anchors(); len(anchors) != 1 || string(anchors[0]) != string(root.der) {
		t.Errorf("%d anchors; want the root", len(anchors))
	}
}

func TestFormatNames(t *testing.T) {
	for name, want := range map[string]string{"pkcs12": "pkcs12", "P12": "pkcs12", "kdb": "cms", "CMS": "cms", "floppy": "", "": ""} {
		if f, ok := FormatNamed(name); ok != (want != "") || ok && f.Name() != want {
			t.Errorf("FormatNamed(%q) = %v, %v; want %q", name, f, ok, want)
		}
	}
	for path, want := range map[string]string{"a/keys.p12": "pkcs12", "KEYS.PFX": "pkcs12", "a.jks": "jks", "a.pem": "pem", "a.b.jceks": "jceks", "ikekey.kdb": "cms", "p12": "", "keys.p12.old": ""} {
		if f, ok := FormatForPath(path); ok != (want != "") || ok && f.Name() != want {
			t.Errorf("FormatForPath(%q) = %v, %v; want %q", path, f, ok, want)
		}
	}
}

// TestHeads lists entries without the certificates above their own.
func TestHeads(t *testing.T) {
	s := newStore(t)
	root := newAuthority(t, "Root CA", nil)
	if _, err := s.AddSigner("root", root.der, true); err != nil {
		t.Fatal(err)
	}
	add(t, s, "gateway", root)
	var entries, heads []Head
	for e := range s.Entries() {
		if e.Label == "gateway" && len(e.Chain) != 2 {
			t.Errorf("the chain of %s has %d certificates; want 2", e.Label, len(e.Chain))
		}
		entries = append(entries, e.Head())
	}
	for h := range s.Heads() {
		heads = append(heads, h)
	}
	if diff := cmp.Diff(entries, heads, cmp.AllowUnexported(Head{})); diff != "" || len(heads) != 2 {
		t.Errorf("heads (-want +got):\n%s", diff)
	}
}

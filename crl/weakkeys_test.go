package crl_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"slices"
	"strings"
	"testing"

	"keyman/crl"
)

// A publicOnly key is in a certificate and signs nothing.
type publicOnly struct {
	crypto.Signer
	key crypto.PublicKey
}

func (p publicOnly) Public() crypto.PublicKey { return p.key }

// TestWeakKeys: every key of a path counts, the anchor's, too.
func TestWeakKeys(t *testing.T) {
	rsaKey := func(bits int) crypto.Signer {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	short, long, curve := rsaKey(1024), rsaKey(2048), newKey(t)
	tiny := publicOnly{key: &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1022, 1), E: 65537}} // 1023 bits
	almost := publicOnly{key: &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 2046, 1), E: 65537}}
	edwards, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const good, invalid = crl.StatusGood, crl.StatusInvalid
	for _, c := range []struct {
		name             string
		root, sub, leaf  crypto.Signer
		strict, lenient  crl.Status
		weak             int // keys that are told of
		want, wantWeakly string
	}{
		{"RSA 2048", long, long, long, good, good, 0, "", ""},
		{"curves", curve, curve, publicOnly{key: edwards}, good, good, 0, "", ""},
		{"RSA 1024 as anchor", short, long, long, invalid, good, 1, "CN=Root (serial 01): its key is weak: RSA with 1024 bits, and not 2048", ""},
		{"RSA 1024 between", long, short, long, invalid, good, 1, "CN=Sub (serial 65): its key is weak", ""},
		{"RSA 1024 as leaf", long, curve, short, invalid, good, 1, "CN=leaf (serial 03e9): its key is weak", ""},
		{"RSA 1024 everywhere", short, short, short, invalid, good, 3, "RSA with 1024 bits", ""},
		{"RSA 2047", long, long, almost, invalid, good, 1, "RSA with 2047 bits, and not 2048", ""},
		{"RSA 1023", long, long, tiny, invalid, invalid, 1, "RSA with 1023 bits, and not 2048", "RSA with 1023 bits, and not 1024"},
		{"P-224", long, long, p224, invalid, invalid, 1, "ECDSA with 224 bits, and not 256", "ECDSA with 224 bits, and not 256"},
	} {
		root := newCAFrom(t, caTemplate("Root"), c.root)
		template := caTemplate("Sub")
		template.SerialNumber = big.NewInt(101)
		sub := &testCA{t: t, key: c.sub, serial: 1000, cert: sign(t, template, root.cert, c.sub, c.root)}
		leafTemplate := caTemplate("leaf")
		leafTemplate.SerialNumber, leafTemplate.IsCA, leafTemplate.KeyUsage = big.NewInt(1001), false, x509.KeyUsageDigitalSignature
		leaf := sign(t, leafTemplate, sub.cert, c.leaf, c.sub)
		checker := newChecker(t, crl.CheckerConfig{Lists: []*crl.List{mustParse(t, root.list()), mustParse(t, sub.list())}})
		for _, allow := range []bool{false, true} {
			status, want := c.strict, c.want
			if allow {
				status, want = c.lenient, c.wantWeakly
			}
			for _, mode := range []crl.Revocation{crl.Strict, crl.Off} {
				v := checker.Check(t.Context(), ders(leaf, sub.cert), crl.Policy{Anchors: ders(root.cert), AllowWeak: allow, Revocation: mode})
				if v.Status != status {
					t.Errorf("%s, weak allowed %v: %s %q, want %s", c.name, allow, v.Status, codes(v), status)
				}
				told := 0
				for _, r := range v.Reasons {
					if r.Code == crl.CodeWeakKey && (r.Severity == crl.Warning) == v.Accepted() {
						told++
					}
				}
				if told != c.weak {
					t.Errorf("%s, weak allowed %v: %q tells of %d weak keys, want %d", c.name, allow, codes(v), told, c.weak)
				}
				if err := v.Err(); want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Errorf("%s, weak allowed %v: error %v does not say %q", c.name, allow, err, want)
				}
			}
		}
	}
}

// TestWeakAnchorItself: a trusted certificate has no path, and its key counts.
func TestWeakAnchorItself(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	ca := newCAFrom(t, caTemplate("CA"), key)
	checkCase{"weak anchor", []*x509.Certificate{ca.cert}, crl.Strict, crl.StatusInvalid, []string{"fatal weak-key"}}.
		run(t, newChecker(t, crl.CheckerConfig{}), ca.cert)
}

// TestStrongPathBesideWeak: of two paths the one without a weak key counts.
func TestStrongPathBesideWeak(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak, strong, sub := newCAFrom(t, caTemplate("Weak"), short), newCA(t, "Strong"), newKey(t)
	var crosses []*x509.Certificate
	for _, ca := range []*testCA{weak, strong} {
		crosses = append(crosses, sign(t, caTemplate("Sub"), ca.cert, sub, ca.key))
	}
	leaf := (&testCA{t: t, key: sub, cert: crosses[0]}).issue("leaf")
	v := newChecker(t, crl.CheckerConfig{}).Check(t.Context(), ders(slices.Insert(crosses, 0, leaf)...),
		crl.Policy{Anchors: ders(weak.cert, strong.cert), Revocation: crl.Off})
	if !v.Accepted() || slices.Contains(codes(v), "warning weak-key") {
		t.Errorf("%s %q", v.Status, codes(v))
	}
}

// TestHugeKey: by a key that would cost seconds nothing is verified, whoever sent it.
func TestHugeKey(t *testing.T) {
	root, other := newCA(t, "Root"), newCA(t, "Other")
	n := new(big.Int).Lsh(big.NewInt(1), 200_000)
	huge := publicOnly{key: &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}}
	// A certificate of the name that issued the leaf, made by nobody in particular.
	fake := sign(t, caTemplate("Root"), other.cert, huge, other.key)
	leaf := sign(t, caTemplate("leaf"), caTemplate("Root"), newKey(t), mustRSA(t))
	v := newChecker(t, crl.CheckerConfig{}).Check(t.Context(), ders(leaf, fake), crl.Policy{Anchors: ders(root.cert), Revocation: crl.Off})
	told := slices.ContainsFunc(v.Reasons, func(r crl.Reason) bool {
		return strings.Contains(r.Text, "RSA modulus has more than 16384 bits")
	})
	if v.Accepted() || !told {
		t.Errorf("%s %v", v.Status, v.Reasons)
	}
}

func mustRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

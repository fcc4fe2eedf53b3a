package cert_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
)

// made returns a self-signed certificate by crypto/x509.
func made(t testing.TB, key crypto.Signer, algorithm x509.SignatureAlgorithm) *cert.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), SignatureAlgorithm: algorithm,
		NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(2e9, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, der)
}

func parsed(t testing.TB, der []byte) *cert.Certificate {
	t.Helper()
	c, err := cert.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func generate[K any](t testing.TB) func(key K, err error) K {
	return func(key K, err error) K {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
}

// TestCheckSignature has each scheme accept what was signed and nothing else.
func TestCheckSignature(t *testing.T) {
	rsaKey := generate[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curve := func(c elliptic.Curve) crypto.Signer {
		return generate[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(c, rand.Reader))
	}
	p256 := curve(elliptic.P256())
	for _, tc := range []struct {
		key       crypto.Signer
		algorithm x509.SignatureAlgorithm
		name      string
		bits      int
	}{
		{rsaKey, x509.SHA256WithRSA, "SHA256-RSA", 2048},
		{rsaKey, x509.SHA384WithRSA, "SHA384-RSA", 2048},
		{rsaKey, x509.SHA512WithRSA, "SHA512-RSA", 2048},
		{rsaKey, x509.SHA256WithRSAPSS, "SHA256-RSAPSS", 2048},
		{rsaKey, x509.SHA384WithRSAPSS, "SHA384-RSAPSS", 2048},
		{rsaKey, x509.SHA512WithRSAPSS, "SHA512-RSAPSS", 2048},
		{curve(elliptic.P224()), x509.ECDSAWithSHA256, "SHA256-ECDSA", 224},
		{p256, x509.ECDSAWithSHA256, "SHA256-ECDSA", 256},
		{p256, x509.ECDSAWithSHA512, "SHA512-ECDSA", 256},
		{curve(elliptic.P384()), x509.ECDSAWithSHA384, "SHA384-ECDSA", 384},
		{curve(elliptic.P521()), x509.ECDSAWithSHA512, "SHA512-ECDSA", 521},
		{edKey, x509.PureEd25519, "Ed25519", 256},
	} {
		c := made(t, tc.key, tc.algorithm)
		key, err := c.PublicKey()
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if name := c.Algorithm.Name(); name != tc.name || key.Bits() != tc.bits || !key.Complete() {
			t.Errorf("%s with %d bits, want %s with %d", name, key.Bits(), tc.name, tc.bits)
		}
		if err := c.CheckSignatureBy(key); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		signature := slices.Clone(c.Signature)
		signature[len(signature)/2] ^= 1
		if err := cert.CheckSignature(c.Algorithm, key, c.RawTBS, signature); !errors.Is(err, cert.ErrSignature) {
			t.Errorf("%s with a bit turned: %v", tc.name, err)
		}
		if err := cert.CheckSignature(c.Algorithm, key, c.RawTBS[1:], c.Signature); !errors.Is(err, cert.ErrSignature) {
			t.Errorf("%s over something else: %v", tc.name, err)
		}
		if err := cert.CheckSignature(c.Algorithm, key, c.RawTBS, nil); !errors.Is(err, cert.ErrSignature) {
			t.Errorf("%s without a signature: %v", tc.name, err)
		}
	}
	rsaCert, ecCert := made(t, rsaKey, x509.SHA256WithRSA), made(t, p256, x509.ECDSAWithSHA256)
	key, err := ecCert.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := rsaCert.CheckSignatureBy(key); err == nil || err.Error() != "a signature by SHA256-RSA, and a key for ECDSA" {
		t.Errorf("RSA by an ECDSA key: %v", err)
	}
	if err := rsaCert.CheckSignatureBy(cert.PublicKey{}); err == nil {
		t.Error("no key checks a signature")
	}
}

// algorithm makes an AlgorithmIdentifier of an OID and parameters.
func algorithm(t testing.TB, oid cert.OID, parameters string) cert.Algorithm {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(oid)) })
		b.AddBytes([]byte(parameters))
	})
	a, err := cert.ParseAlgorithm(b.BytesOrPanic())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestWeak: MD5 and SHA-1 are checked, and named.
func TestWeak(t *testing.T) {
	key := generate[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 1024))
	public := cert.PublicKey{Kind: cert.RSA, Key: &key.PublicKey}
	signed := []byte("signed")
	for oid, hash := range map[cert.OID]crypto.Hash{
		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04": crypto.MD5, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05": crypto.SHA1,
		"\x2b\x0e\x03\x02\x1d": crypto.SHA1, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e": crypto.SHA224,
		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x10": crypto.SHA512_256,
	} {
		h := hash.New()
		h.Write(signed)
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, hash, h.Sum(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, parameters := range []string{"", "\x05\x00"} {
			a := algorithm(t, oid, parameters)
			if err := cert.CheckSignature(a, public, signed, signature); err != nil {
				t.Errorf("%s: %v", a.Name(), err)
			}
			s, err := a.Scheme()
			if weak := hash == crypto.MD5 || hash == crypto.SHA1; err != nil || s.Weak() != weak {
				t.Errorf("%s: weak is %t, %v", s, s.Weak(), err)
			}
		}
	}
}

// pss makes RSASSA-PSS-params; an empty field is left out.
func pss(hash, mask string, salt, trailer int) string {
	var b cryptobyte.Builder
	tag := func(n int) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if hash != "" {
			b.AddASN1(tag(0), func(b *cryptobyte.Builder) { b.AddBytes([]byte(hash)) })
		}
		if mask != "" {
			b.AddASN1(tag(1), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes([]byte(mask)) })
			})
		}
		if salt >= 0 {
			b.AddASN1(tag(2), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(salt)) })
		}
		if trailer >= 0 {
			b.AddASN1(tag(3), func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(trailer)) })
		}
	})
	return string(b.BytesOrPanic())
}

func TestPSS(t *testing.T) {
	const (
		oid    = cert.OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a")
		mgf1   = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
		sha256 = "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00"
		bare   = "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
		sha384 = "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00"
	)
	for _, tc := range []struct {
		parameters string
		want       string // "" is refused
		salt       int
	}{
		{pss("", "", -1, -1), "SHA1-RSAPSS", 20},
		{pss(sha256, mgf1+sha256, 32, -1), "SHA256-RSAPSS", 32},
		{pss(bare, mgf1+bare, 20, 1), "SHA256-RSAPSS", 20},
		{pss(sha256, mgf1+sha256, -1, -1), "SHA256-RSAPSS", 20},
		{pss(sha256, mgf1+sha384, 32, -1), "", 0},
		{pss(sha256, "", 32, -1), "", 0}, // the default mask is by SHA-1
		{pss(sha256, mgf1+sha256, 32, 2), "", 0},
		{pss(sha256, mgf1+sha256, cert.MaxKeyBits/8, -1), "SHA256-RSAPSS", cert.MaxKeyBits / 8},
		{pss(sha256, mgf1+sha256, cert.MaxKeyBits/8+1, -1), "", 0},
		{pss(sha256, "\x06\x01\x2a"+sha256, 32, -1), "", 0},
		{pss("\x30\x03\x06\x01\x2a", "", 32, -1), "", 0},
		{"", "", 0},
		{"\x05\x00", "", 0},
	} {
		s, err := algorithm(t, oid, tc.parameters).Scheme()
		if (err == nil) != (tc.want != "") || err == nil && (s.String() != tc.want || s.SaltLength != tc.salt || !s.PSS) {
			t.Errorf("%x: %s with a salt of %d, %v", tc.parameters, s, s.SaltLength, err)
		}
	}

	// A key for RSASSA-PSS only, with and without limits of its own.
	private := generate[*rsa.PrivateKey](t)(rsa.GenerateKey(rand.Reader, 2048))
	c := made(t, private, x509.SHA256WithRSAPSS)
	plain := made(t, private, x509.SHA256WithRSA)
	for _, tc := range []struct {
		limits string
		ok     bool
	}{{"", true}, {pss(sha256, mgf1+sha256, 32, -1), true}, {pss(sha256, mgf1+sha256, 33, -1), false}, {pss(sha384, mgf1+sha384, 32, -1), false}} {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(algorithm(t, oid, tc.limits).Raw)
			b.AddASN1BitString(x509.MarshalPKCS1PublicKey(&private.PublicKey))
		})
		key, err := cert.ParsePublicKey(b.BytesOrPanic())
		if err != nil || key.Kind != cert.RSAPSS || key.Bits() != 2048 {
			t.Fatalf("%s: %v", key.Kind, err)
		}
		if err := c.CheckSignatureBy(key); (err == nil) != tc.ok {
			t.Errorf("limits %x: %v", tc.limits, err)
		}
		if err := plain.CheckSignatureBy(key); err == nil {
			t.Error("a key for RSASSA-PSS checks PKCS #1 v1.5")
		}
	}
}

// TestDSA checks NIST's DSA certificates, one of which has the parameters of its
// issuer's key.
func TestDSA(t *testing.T) {
	all := pkits(t)
	issuer := parsed(t, all["DSACACert"])
	key, err := issuer.PublicKey()
	if err != nil || key.Kind != cert.DSA || key.Bits() != 1024 {
		t.Fatalf("%s with %d bits: %v", key.Kind, key.Bits(), err)
	}
	for name, want := range map[string]error{"ValidDSASignaturesTest4EE": nil, "InvalidDSASignatureTest6EE": cert.ErrSignature, "DSAParametersInheritedCACert": nil} {
		if err := parsed(t, all[name]).CheckSignatureBy(key); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	heir, err := parsed(t, all["DSAParametersInheritedCACert"]).PublicKey()
	if err != nil || heir.Complete() || heir.Bits() != 0 {
		t.Fatalf("a key without parameters: %v", err)
	}
	leaf := parsed(t, all["ValidDSAParameterInheritanceTest5EE"])
	if err := leaf.CheckSignatureBy(heir); err == nil {
		t.Error("a key without parameters checks a signature")
	}
	if err := leaf.CheckSignatureBy(heir.Inherit(key)); err != nil {
		t.Errorf("with its issuer's parameters: %v", err)
	}
	root, err := parsed(t, all["TrustAnchorRootCertificate"]).PublicKey()
	if err != nil || heir.Inherit(root).Complete() {
		t.Errorf("RSA gives DSA its parameters: %v", err)
	}
}

func TestParsePublicKey(t *testing.T) {
	spki := func(algorithm cert.Algorithm, bits []byte) []byte {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(algorithm.Raw)
			b.AddASN1BitString(bits)
		})
		return b.BytesOrPanic()
	}
	numbers := func(n, e *big.Int) []byte {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1BigInt(n)
			b.AddASN1BigInt(e)
		})
		return b.BytesOrPanic()
	}
	const rsaOID, ecOID, edOID = cert.OID("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), cert.OID("\x2a\x86\x48\xce\x3d\x02\x01"), cert.OID("\x2b\x65\x70")
	const prime256 = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
	odd := func(bits uint) *big.Int { return new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1) }
	f4 := big.NewInt(65537)
	private := generate[*ecdsa.PrivateKey](t)(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	point, err := private.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	compressed := append([]byte{2 + point[64]&1}, point[1:33]...)
	off := slices.Clone(point)
	off[64] ^= 1
	for name, tc := range map[string]struct {
		spki []byte
		ok   bool
	}{
		"RSA":                          {spki(algorithm(t, rsaOID, "\x05\x00"), numbers(odd(2048), f4)), true},
		"RSA without NULL":             {spki(algorithm(t, rsaOID, ""), numbers(odd(2048), f4)), true},
		"RSA with other parameters":    {spki(algorithm(t, rsaOID, "\x02\x01\x01"), numbers(odd(2048), f4)), false},
		"RSA of the largest size":      {spki(algorithm(t, rsaOID, ""), numbers(odd(cert.MaxKeyBits), f4)), true},
		"RSA too large":                {spki(algorithm(t, rsaOID, ""), numbers(odd(cert.MaxKeyBits+8), f4)), false},
		"RSA, even modulus":            {spki(algorithm(t, rsaOID, ""), numbers(new(big.Int).Lsh(f4, 2000), f4)), false},
		"RSA, negative modulus":        {spki(algorithm(t, rsaOID, ""), numbers(new(big.Int).Neg(odd(2048)), f4)), false},
		"RSA, exponent 1":              {spki(algorithm(t, rsaOID, ""), numbers(odd(2048), big.NewInt(1))), false},
		"RSA, exponent of 32 bits":     {spki(algorithm(t, rsaOID, ""), numbers(odd(2048), odd(32))), false},
		"RSA, exponent of 31 bits":     {spki(algorithm(t, rsaOID, ""), numbers(odd(2048), odd(31))), true},
		"ECDSA":                        {spki(algorithm(t, ecOID, prime256), point), true},
		"ECDSA, compressed":            {spki(algorithm(t, ecOID, prime256), compressed), true},
		"ECDSA, not on the curve":      {spki(algorithm(t, ecOID, prime256), off), false},
		"ECDSA, the point at infinity": {spki(algorithm(t, ecOID, prime256), []byte{0}), false},
		"ECDSA, a curve with numbers":  {spki(algorithm(t, ecOID, "\x30\x00"), point), false},
		"ECDSA, an unknown curve":      {spki(algorithm(t, ecOID, "\x06\x05\x2b\x81\x04\x00\x0a"), point), false},
		"Ed25519":                      {spki(algorithm(t, edOID, ""), make([]byte, 32)), true},
		"Ed25519, short":               {spki(algorithm(t, edOID, ""), make([]byte, 31)), false},
		"Ed25519 with parameters":      {spki(algorithm(t, edOID, "\x05\x00"), make([]byte, 32)), false},
		"an unknown algorithm":         {spki(algorithm(t, "\x2a\x03", ""), point), false},
		"nothing":                      {nil, false},
	} {
		key, err := cert.ParsePublicKey(tc.spki)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
		if ec, ok := key.Key.(*ecdsa.PublicKey); ok && !ec.Equal(&private.PublicKey) {
			t.Errorf("%s: another key", name)
		}
	}

	// Larger keys are read, but by no key of more than MaxVerifyBits is a
	// signature checked.
	a := algorithm(t, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "")
	for bits, refused := range map[uint]bool{cert.MaxVerifyBits: false, cert.MaxVerifyBits + 1: true} {
		key := cert.PublicKey{Kind: cert.RSA, Key: &rsa.PublicKey{N: odd(bits), E: 65537}}
		err := cert.CheckSignature(a, key, nil, bytes.Repeat([]byte{1}, int(bits+7)/8))
		if err == nil || strings.Contains(err.Error(), "more than 8192") != refused {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

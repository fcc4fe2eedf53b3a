package interop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"keyman/keystore/format"
	"keyman/keystore/pkcs12"
)

// password is what all programs here take: Java wants six characters, and before
// version 18 it derives no PBES2 key from any that are not ASCII.
const password = "pass word"

// A subject is a kind of entry in the matrix, with something of that kind.
type subject struct {
	name  string
	label string
	kind  format.Kind
	// key is PKCS#8; chain begins with the entry's own certificate; request is
	// PKCS#10; trusted is of a signer. All DER.
	key     []byte
	chain   [][]byte
	trusted bool
	request []byte
	public  []byte // the bits of the public key, where another program made the key
	// The same in PEM files, for programs that want them: "" for what is not.
	keyFile, certFile, aboveFile, requestFile string
}

// items returns what keyman writes of the subject.
func (s subject) items() []format.Item {
	first := format.Item{Kind: s.kind, Label: s.label, Key: s.key, Request: s.request, Trusted: s.trusted}
	if len(s.chain) == 0 {
		return []format.Item{first}
	}
	first.Certificate, first.Default = s.chain[0], s.kind == format.Personal
	items := []format.Item{first}
	for i, above := range s.chain[1:] {
		items = append(items, format.Item{Kind: format.Signer, Label: s.label + []string{" sub", " root"}[i], Certificate: above, Trusted: i == 1})
	}
	return items
}

// keyBased reports whether the subject is a key of a kind, rather than an entry
// of another sort.
func (s subject) keyBased() bool { return s.kind == format.Personal && len(s.chain) == 1 }

// An issuer signs certificates.
type issuer struct {
	template *x509.Certificate
	key      crypto.Signer
	der      []byte
}

func issue(t testing.TB, name string, key crypto.Signer, ca bool, by *issuer) *issuer {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(240 * time.Hour),
		IsCA: ca, BasicConstraintsValid: ca,
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.template, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return &issuer{template, key, der}
}

func p256(t testing.TB) crypto.Signer { return ecKey(t, elliptic.P256()) }

func ecKey(t testing.TB, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pkcs8(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// personal returns the subject of a key with a certificate of its own.
func personal(t testing.TB, name string, key crypto.Signer) subject {
	t.Helper()
	return subject{name: name, kind: format.Personal, key: pkcs8(t, key), chain: [][]byte{issue(t, name, key, false, nil).der}}
}

// subjects returns one of each kind.
func subjects(t testing.TB) []subject {
	t.Helper()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	list := []subject{
		personal(t, "rsa", rsaKey),
		personal(t, "p256", p256(t)),
		personal(t, "p384", ecKey(t, elliptic.P384())),
		personal(t, "p521", ecKey(t, elliptic.P521())),
		personal(t, "ed25519", edKey),
	}
	// What crypto/x509 does not read; see keystore/testdata/unusable.
	for _, name := range []string{"brainpool", "ed448", "rsa-pss", "dsa", "negative-serial"} {
		data, err := os.ReadFile(filepath.Join("..", "testdata", "unusable", name+".p12"))
		if err != nil {
			t.Fatal(err)
		}
		content, err := pkcs12.Format{}.Decode(data, []byte("unusable"))
		if err != nil {
			t.Fatal(err)
		}
		item := content.Items[0]
		list = append(list, subject{name: name, kind: format.Personal, key: item.Key, chain: [][]byte{item.Certificate}})
	}

	root := issue(t, "root", p256(t), true, nil)
	sub := issue(t, "sub", p256(t), true, root)
	leaf := issue(t, "leaf", p256(t), false, sub)
	waiting := p256(t)
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "waiting"}}, waiting)
	if err != nil {
		t.Fatal(err)
	}
	list = append(list,
		subject{name: "chain", kind: format.Personal, key: pkcs8(t, leaf.key), chain: [][]byte{leaf.der, sub.der, root.der}},
		subject{name: "trusted", kind: format.Signer, chain: [][]byte{issue(t, "trusted", p256(t), true, nil).der}, trusted: true},
		subject{name: "untrusted", kind: format.Signer, chain: [][]byte{issue(t, "other", p256(t), true, nil).der}},
		subject{name: "request", kind: format.Request, key: pkcs8(t, waiting), request: request},
		subject{name: "secret key", kind: format.SecretKey, key: secretKey(t)},
	)
	dir := t.TempDir()
	for i := range list {
		list[i].label = "schlüssel " + list[i].name // no capitals, for Java has none
		list[i].write(t, dir)
	}
	return list
}

// secretKey returns an AES key as a PrivateKeyInfo, as Java has it in a file.
func secretKey(t testing.TB) []byte {
	t.Helper()
	// SEQUENCE { 0, SEQUENCE { 2.16.840.1.101.3.4.1, NULL }, OCTET STRING of 16 }
	der := []byte{0x30, 0x23, 2, 1, 0, 0x30, 0x0c, 6, 8, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 5, 0, 4, 0x10}
	return append(der, "sixteen bytes it"...)
}

// write puts the parts of a subject into PEM files.
func (s *subject) write(t testing.TB, dir string) {
	t.Helper()
	file := func(suffix, blockType string, ders ...[]byte) string {
		var data []byte
		for _, der := range ders {
			data = append(data, pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der})...)
		}
		return writeFile(t, filepath.Join(dir, s.name+suffix), data)
	}
	if s.key != nil && s.kind != format.SecretKey {
		s.keyFile = file(".key", "PRIVATE KEY", s.key)
	}
	if len(s.chain) > 0 {
		s.certFile = file(".crt", "CERTIFICATE", s.chain[0])
	}
	if len(s.chain) > 1 {
		s.aboveFile = file(".above", "CERTIFICATE", s.chain[1:]...)
	}
	if s.request != nil {
		s.requestFile = file(".csr", "CERTIFICATE REQUEST", s.request)
	}
}

func writeFile(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

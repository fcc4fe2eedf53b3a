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
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"keyman/internal/cert"
)

// ordinary makes certificates as CAs issue them, by the kinds of their keys.
func ordinary(t testing.TB) map[string][]byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: new(big.Int).Lsh(big.NewInt(1), 150), Subject: pkix.Name{Country: []string{"CH"}, Organization: []string{"Zürich"}, CommonName: "gw1"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(40, 0, 0), // a UTCTime and a GeneralizedTime
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageIPSECTunnel},
		UnknownExtKeyUsage:    []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 8, 2, 2}},
		BasicConstraintsValid: true, IsCA: true, MaxPathLen: 2, SubjectKeyId: []byte{1, 2, 3}, AuthorityKeyId: []byte{4},
		DNSNames: []string{"gw1.example"}, EmailAddresses: []string{"a@example"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1), net.IPv6loopback},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 16, 840, 1, 113730, 1, 13}, Value: []byte{5, 0}}},
	}
	all := map[string][]byte{}
	add := func(name string, key crypto.Signer, err error) {
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = der
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	add("RSA", rsaKey, err)
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		add(name, key, err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	add("Ed25519", key, err)
	template = &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now(), NotAfter: time.Now()}
	add("without anything", key, nil)
	return all
}

// checkOrdinary checks what is said of a certificate that is called ordinary
// against Parse and crypto/x509.
func checkOrdinary(der []byte) (isOrdinary bool, err error) {
	o, ok := cert.ReadOrdinary(der)
	if !ok {
		return false, nil
	}
	c, err := cert.Parse(der)
	if err != nil {
		return true, err
	}
	if !bytes.Equal(o.Subject, c.RawSubject) || !o.NotBefore.Equal(c.NotBefore) || !o.NotAfter.Equal(c.NotAfter) {
		return true, fmt.Errorf("%x, %v to %v; Parse reads %x, %v to %v", o.Subject, o.NotBefore, o.NotAfter, c.RawSubject, c.NotBefore, c.NotAfter)
	}
	usable, err := x509.ParseCertificate(der)
	if err != nil {
		return true, err
	}
	switch key := usable.PublicKey.(type) {
	case *ecdsa.PublicKey, ed25519.PublicKey:
	case *rsa.PublicKey:
		if key.N.BitLen() > cert.MaxKeyBits {
			return true, fmt.Errorf("an RSA key of %d bits", key.N.BitLen())
		}
	default:
		return true, fmt.Errorf("a key of type %T", key)
	}
	return true, nil
}

// TestOrdinary: what CAs issue is ordinary, and whatever becomes of it by a change
// of one octet is not called so where Parse or crypto/x509 refuse it.
func TestOrdinary(t *testing.T) {
	for name, der := range ordinary(t) {
		if is, err := checkOrdinary(der); !is || err != nil {
			t.Errorf("%s: ordinary %v, %v", name, is, err)
		}
		changed := bytes.Clone(der)
		for i := range der {
			for _, octet := range []byte{0, 0x30, 0x7f, 0x80, 0xff, der[i] ^ 1, der[i] + 1, der[i] - 1, der[i] ^ 0x20, der[i] ^ 0x80} {
				changed[i] = octet
				if _, err := checkOrdinary(changed); err != nil {
					t.Errorf("%s, octet %d is %#x: %v", name, i, octet, err)
				}
			}
			changed[i] = der[i]
		}
		for n := range der {
			if _, ok := cert.ReadOrdinary(der[:n]); ok {
				t.Errorf("%s is ordinary in %d octets of %d", name, n, len(der))
			}
		}
	}
}

// TestOrdinaryPKITS: the certificates of NIST's suite, most of which have policies.
func TestOrdinaryPKITS(t *testing.T) {
	n := 0
	for name, der := range pkits(t) {
		is, err := checkOrdinary(der)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if is {
			n++
		}
	}
	if n == 0 {
		t.Error("none is ordinary")
	}
}

// TestNotOrdinary: what Parse finds a flaw in, or crypto/x509 refuses, is not
// ordinary.
func TestNotOrdinary(t *testing.T) {
	plain := usual
	plain.rest = "a30f300d300b0603551d0f040403020106" // a key usage that X.690 allows
	if is, err := checkOrdinary(plain.der(t)); !is || err != nil {
		t.Fatalf("what is plain: %v, %v", is, err)
	}
	for name, change := range map[string]func(*parts){
		"version 2":         func(p *parts) { p.version, p.rest = "a003020101", "" },
		"version 1 with":    func(p *parts) { p.version = "" },
		"negative serial":   func(p *parts) { p.serial = "020180" },
		"zero serial":       func(p *parts) { p.serial = "020100" },
		"long serial":       func(p *parts) { p.serial = "0215" + strings.Repeat("7f", 21) },
		"algorithms differ": func(p *parts) { p.inner = "300d06092a864886f70d0101050500" },
		"broken issuer":     func(p *parts) { p.issuer = "30020500" },
		"an @ in a name":    func(p *parts) { p.subject = "300c310a30080603550403130140" },
		"BMPString":         func(p *parts) { p.subject = "300d310b300906035504031e020061" },
		"a large OID":       func(p *parts) { p.subject = "3010310e300c06072a8fffffff7f010c0161" },
		"no date":           func(p *parts) { p.validity = "3011170d3230303130313030303030305a0500" },
		"DSA key":           func(p *parts) { p.spki = "300e300906072a8648ce380401030100" },
		"no point":          func(p *parts) { p.spki = "3019301306072a8648ce3d020106082a8648ce3d03010703020004" },
		"short Ed25519 key": func(p *parts) { p.spki = "300b300506032b657003020055" },
		"unique identifier": func(p *parts) { p.rest = "81020055" },
		"no extension":      func(p *parts) { p.rest = "a3023000" },
		"extension twice":   func(p *parts) { p.rest = "a31c301a" + strings.Repeat("300b0603551d0f040403020106", 2) },
		"critical key id":   func(p *parts) { p.rest = "a3123010300e0603551d0e0101ff040404020102" },
		"policies":          func(p *parts) { p.rest = "a30d300b30090603551d2004023000" },
		"too many extensions": func(p *parts) {
			var all strings.Builder
			for i := range 300 {
				fmt.Fprintf(&all, "300a06042a81%02x%02x0402%04x", 0x80|i>>7, i&0x7f, i)
			}
			p.rest = fmt.Sprintf("a3820e1430820e10%s", all.String())
		},
		"bits of a key usage":   func(p *parts) { p.rest = usual.rest },
		"signature with 4 bits": func(p *parts) { p.signature = "03020450" },
	} {
		p := plain
		change(&p)
		if _, ok := cert.ReadOrdinary(p.der(t)); ok {
			t.Errorf("%s: ordinary", name)
		}
	}
}

// TestOrdinaryMakesLittle: a list of thousands of certificates is not made of
// thousands of parsed ones.
func TestOrdinaryMakesLittle(t *testing.T) {
	for name, der := range ordinary(t) {
		const runs = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			cert.ReadOrdinary(der)
		}
		runtime.ReadMemStats(&after)
		if used := (after.TotalAlloc - before.TotalAlloc) / runs; used > 1500 {
			t.Errorf("%s: %d bytes for a certificate of %d", name, used, len(der))
		}
	}
}

// FuzzOrdinary: nothing is called ordinary that Parse or crypto/x509 refuse.
func FuzzOrdinary(f *testing.F) {
	f.Add(usual.der(f))
	for _, der := range ordinary(f) {
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		if _, err := checkOrdinary(der); err != nil {
			t.Fatal(err)
		}
	})
}

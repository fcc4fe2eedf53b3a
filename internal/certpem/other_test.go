package certpem

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyman/internal/testpeer"
)

// material returns one of each thing that people take for a certificate, and a
// certificate.
func material(t *testing.T) (certificate []byte, others map[string][]byte) {
	t.Helper()
	must := func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotBefore: now, NotAfter: now.AddDate(1, 0, 0), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCRLSign | x509.KeyUsageCertSign, SubjectKeyId: []byte{1},
	}
	certificate = must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	ca, err := x509.ParseCertificate(certificate)
	if err != nil {
		t.Fatal(err)
	}
	list := must(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.AddDate(0, 0, 1)}, ca, key))
	return certificate, map[string][]byte{
		"a revocation list":     list,
		"a certificate request": must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)),
		"a private key":         must(x509.MarshalPKCS8PrivateKey(key)),
		"a private key, EC":     must(x509.MarshalECPrivateKey(key)),
		"a private key, RSA":    x509.MarshalPKCS1PrivateKey(rsaKey),
		"a public key":          must(x509.MarshalPKIXPublicKey(key.Public())),
	}
}

// What is no certificate is told by what it is, whether it comes as DER or as the
// block of a PEM file, and whatever the block calls itself.
func TestOthers(t *testing.T) {
	certificate, others := material(t)
	for name, der := range others {
		want, _, _ := strings.Cut(name, ",")
		for form, data := range map[string][]byte{
			"DER": der, "PEM that says CERTIFICATE": Encode(TypeCertificate, der),
			"DER behind a certificate": append(bytes.Clone(certificate), der...),
		} {
			_, err := Parse(data)
			if other := (*OtherError)(nil); !errors.As(err, &other) || !strings.HasPrefix(other.Kind, want) || other.Hint() == "" {
				t.Errorf("%s, %s: %v", name, form, err)
			}
		}
	}
	// A bundle of both is one of certificates.
	bundle := append(Encode("X509 CRL", others["a revocation list"]), Encode(TypeCertificate, certificate)...)
	if got, err := Parse(bundle); err != nil || len(got) != 1 {
		t.Errorf("a bundle: %d certificates, %v", len(got), err)
	}
	// Version 1 (RFC 5280, 5.1.2.1), and times after 2049.
	for name, times := range map[string]string{"UTCTime": "\x17\x01x", "GeneralizedTime": "\x18\x01x"} {
		_, err := Parse([]byte("\x30\x0d\x30\x07\x30\x00\x30\x00" + times + "\x30\x00\x03\x00"))
		if other := (*OtherError)(nil); !errors.As(err, &other) || other.Kind != aList.Kind {
			t.Errorf("version 1, %s: %v", name, err)
		}
	}
}

// Every certificate of NIST's suite is one, and every list is none.
func TestOthersPKITS(t *testing.T) {
	corpora := testpeer.Corpora(t)
	for pattern, isList := range map[string]bool{"pkits/certs/*.crt": false, "pkits/crls/*.crl": true, "crls/*.crl": true} {
		files, err := fs.Glob(os.DirFS(corpora), pattern)
		if err != nil || len(files) < 3 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			_, err := Read(filepath.Join(corpora, file))
			if other := (*OtherError)(nil); errors.As(err, &other) != isList || !isList && err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

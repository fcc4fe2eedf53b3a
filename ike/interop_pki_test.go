package ike_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"keyman/ike/suite"
	"keyman/internal/testpeer"
)

// labCA is a CA for the tests with real peers, whose certificates are valid now.
type labCA struct {
	t    testing.TB
	cert *x509.Certificate
	key  *rsa.PrivateKey
	urls []string // distribution points of what it issues
	next int64
	made int64 // lists
}

// labID is a gateway of the tests.
type labID struct {
	name string
	der  []byte
	key  crypto.Signer
}

func newLabCA(t testing.TB, urls ...string) *labCA {
	t.Helper()
	c := &labCA{t: t, key: labKey(t), urls: urls, next: 0x1000}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Country: []string{"CH"}, Organization: []string{"Lab"}, CommonName: "Lab CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, c.key.Public(), c.key)
	if err != nil {
		t.Fatal(err)
	}
	if c.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c
}

func labKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sub makes a CA below this one.
func (c *labCA) sub() *labCA {
	c.t.Helper()
	c.next++
	s := &labCA{t: c.t, key: labKey(c.t), urls: c.urls, next: 0x2000}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(c.next), Subject: pkix.Name{Country: []string{"CH"}, Organization: []string{"Lab"}, CommonName: "Lab Sub CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), CRLDistributionPoints: c.urls,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, s.key.Public(), c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	if s.cert, err = x509.ParseCertificate(der); err != nil {
		c.t.Fatal(err)
	}
	return s
}

// issue makes a gateway with an RSA key; distribution points are those of the CA.
func (c *labCA) issue(name string) labID { return c.issueFor(name, suite.RSASignature) }

// issueFor makes a gateway with a key for an authentication method.
func (c *labCA) issueFor(name string, method suite.AuthMethod) labID {
	c.t.Helper()
	c.next++
	var key crypto.Signer
	if curve := method.Curve(); curve != nil {
		k, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			c.t.Fatal(err)
		}
		key = k
	} else {
		key = labKey(c.t)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(c.next),
		Subject:      pkix.Name{Country: []string{"CH"}, Organization: []string{"Lab"}, CommonName: name},
		DNSNames:     []string{name}, CRLDistributionPoints: c.urls,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, key.Public(), c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	return labID{name, der, key}
}

// revokedAt is when the tests' certificates were revoked.
var revokedAt = time.Now().Add(-time.Minute).UTC().Truncate(time.Second)

// crl makes the CA's list.
func (c *labCA) crl(revoked ...labID) []byte {
	c.t.Helper()
	c.made++
	template := &x509.RevocationList{Number: big.NewInt(c.made), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}
	for _, id := range revoked {
		leaf, err := x509.ParseCertificate(id.der)
		if err != nil {
			c.t.Fatal(err)
		}
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: leaf.SerialNumber, RevocationTime: revokedAt, ReasonCode: 1})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, c.cert, c.key)
	if err != nil {
		c.t.Fatal(err)
	}
	return der
}

func (c *labCA) pem() []byte { return certPEM(c.cert.Raw) }

func (id labID) keyPEM(t *testing.T) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(id.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func certPEM(ders ...[]byte) []byte {
	var all []byte
	for _, der := range ders {
		all = append(all, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return all
}

// serveHTTP serves a list inside a host.
func serveHTTP(t *testing.T, host *testpeer.Host, port uint16, list []byte) {
	t.Helper()
	listener, err := host.ListenTCP(netip.AddrPortFrom(host.IPv4, port))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(list) }))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
}

// directory is the LDIF of a directory with the CA's list, under the CA's name.
func (c *labCA) directory(list []byte) string {
	return fmt.Sprintf(`dn: o=Lab,c=CH
objectClass: organization
o: Lab

dn: cn=Lab CA,o=Lab,c=CH
objectClass: applicationProcess
objectClass: certificationAuthority
cn: Lab CA
cACertificate;binary:: %s
authorityRevocationList;binary:: %[2]s
certificateRevocationList;binary:: %[2]s
`, base64.StdEncoding.EncodeToString(c.cert.Raw), base64.StdEncoding.EncodeToString(list))
}

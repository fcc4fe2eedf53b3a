package ike

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"keyman/crl"
	"keyman/ike/ikev1"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
	"keyman/internal/dn"
)

// selfSigned makes a certificate from a template.
func selfSigned(t *testing.T, template *x509.Certificate, key crypto.Signer) []byte {
	t.Helper()
	template.SerialNumber = big.NewInt(0x2a)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestMatchIdentity(t *testing.T) {
	subject := pkix.Name{Country: []string{"CH"}, Organization: []string{"Example"}, CommonName: "Gateway One"}
	full := &x509.Certificate{
		Subject: subject, DNSNames: []string{"gw1.example.org"}, EmailAddresses: []string{"ops@example.org"},
		IPAddresses: []net.IP{net.ParseIP("192.0.2.1"), net.ParseIP("2001:db8::1")},
	}
	key := rsaKey(t, 2048)
	leaf, err := x509.ParseCertificate(selfSigned(t, full, key))
	if err != nil {
		t.Fatal(err)
	}
	bare, err := x509.ParseCertificate(selfSigned(t, &x509.Certificate{}, key))
	if err != nil {
		t.Fatal(err)
	}
	name := func(text string) string {
		n, err := dn.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(n.DER())
	}
	ip := func(s string) string { return string(netip.MustParseAddr(s).AsSlice()) }
	for _, tc := range []struct {
		name string
		typ  isakmp.IDType
		data string
		ok   bool
	}{
		{"dns", isakmp.IDFQDN, "gw1.example.org", true},
		{"dns in capitals", isakmp.IDFQDN, "GW1.Example.ORG", true},
		{"another dns", isakmp.IDFQDN, "gw2.example.org", false},
		{"the dns of a parent", isakmp.IDFQDN, "example.org", false},
		{"the common name is no dns name", isakmp.IDFQDN, "Gateway", false},
		{"mail", isakmp.IDUserFQDN, "ops@example.org", true},
		{"mail, host in capitals", isakmp.IDUserFQDN, "ops@EXAMPLE.org", true},
		{"mail, another case of the mailbox", isakmp.IDUserFQDN, "Ops@example.org", false},
		{"another mail", isakmp.IDUserFQDN, "root@example.org", false},
		{"ipv4", isakmp.IDIPv4Addr, ip("192.0.2.1"), true},
		{"another ipv4", isakmp.IDIPv4Addr, ip("192.0.2.2"), false},
		{"ipv6", isakmp.IDIPv6Addr, ip("2001:db8::1"), true},
		{"dn", isakmp.IDDERASN1DN, name("C=CH, O=Example, CN=Gateway One"), true},
		{"dn in another case and spacing", isakmp.IDDERASN1DN, name("C=CH, O=EXAMPLE, CN=gateway  one"), true},
		{"dn of another", isakmp.IDDERASN1DN, name("C=CH, O=Example, CN=Gateway Two"), false},
		{"dn in part", isakmp.IDDERASN1DN, name("C=CH, O=Example"), false},
		{"dn that is none", isakmp.IDDERASN1DN, "gateway", false},
		{"key id: the common name", isakmp.IDKeyID, "Gateway One", true},
		{"key id: in another case", isakmp.IDKeyID, "gateway one", false},
		{"key id: another", isakmp.IDKeyID, "x", false},
		{"a subnet is no peer", isakmp.IDIPv4Subnet, ip("192.0.2.0") + ip("255.255.255.0"), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			id := &isakmp.Identification{IDType: tc.typ, Data: []byte(tc.data)}
			if err := matchIdentity(leaf, id); (err == nil) != tc.ok {
				t.Errorf("%v", err)
			}
			// A certificate without names stands for nobody.
			if err := matchIdentity(bare, id); err == nil {
				t.Error("a certificate without names matches")
			}
		})
	}
	if err := matchIdentity(bare, &isakmp.Identification{IDType: isakmp.IDKeyID, Data: []byte{}}); err == nil {
		t.Error("an empty key ID matches a certificate without a common name")
	}
}

func TestCheckUsage(t *testing.T) {
	for _, tc := range []struct {
		name string
		cert x509.Certificate
		ok   bool
	}{
		{"no usage", x509.Certificate{}, true},
		{"signature", x509.Certificate{KeyUsage: x509.KeyUsageDigitalSignature}, true},
		{"non-repudiation", x509.Certificate{KeyUsage: x509.KeyUsageContentCommitment}, true},
		{"encryption only", x509.Certificate{KeyUsage: x509.KeyUsageKeyEncipherment}, false},
		{"a CA's", x509.Certificate{KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}, false},
		{"IKE", x509.Certificate{UnknownExtKeyUsage: []asn1.ObjectIdentifier{ekuIPsecIKE}}, true},
		{"any", x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}, true},
		{"server", x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, true},
		{"code signing", x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}}, false},
		{"unknown", x509.Certificate{UnknownExtKeyUsage: []asn1.ObjectIdentifier{{1, 2, 3}}}, false},
	} {
		if err := checkUsage(&tc.cert); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// peerCheck asks in order: signature, usage, identity, chain; and the verifier
// only when the rest is right.
func TestPeerCheck(t *testing.T) {
	key, other := rsaKey(t, 2048), rsaKey(t, 2048)
	der := selfSigned(t, &x509.Certificate{DNSNames: []string{"gw1.test"}}, key)
	small := rsaKey(t, 1024)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	hash := []byte("a hash of twenty by.")
	sign := func(k *rsa.PrivateKey, h []byte) []byte {
		sig, err := rsa.SignPKCS1v15(nil, k, crypto.Hash(0), h)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	base := func() *peerCheck {
		return &peerCheck{Verify: ikev1.Verify{
			Policy:       methodPolicy(suite.RSASignature),
			ID:           isakmp.Identification{IDType: isakmp.IDFQDN, Data: []byte("gw1.test")},
			Certificates: [][]byte{der}, Hash: hash, Signature: sign(key, hash),
		}}
	}
	ecdsaPeer := func(c *peerCheck, method suite.AuthMethod) {
		c.Certificates = [][]byte{selfSigned(t, &x509.Certificate{DNSNames: []string{"gw1.test"}}, ec)}
		c.Hash = suite.SHA256.Sum([]byte("HASH_I"))
		if c.Signature, err = suite.ECDSA256.Sign(rand.Reader, ec, c.Hash); err != nil {
			t.Fatal(err)
		}
		c.Policy = methodPolicy(method)
	}
	for _, tc := range []struct {
		name   string
		change func(*peerCheck)
		status crl.Status
		want   string // "" is accepted
		asked  bool   // whether the verifier is
	}{
		{"good", nil, crl.StatusGood, "", true},
		{"revoked", nil, crl.StatusRevoked, "not accepted (revoked)", true},
		{"no verdict", nil, "", "not accepted", true},
		{"signature of another key", func(c *peerCheck) { c.Signature = sign(other, hash) }, crl.StatusGood, "signature is wrong", false},
		{"signature of another hash", func(c *peerCheck) { c.Signature = sign(key, []byte("another")) }, crl.StatusGood, "signature is wrong", false},
		{"empty signature", func(c *peerCheck) { c.Signature = nil }, crl.StatusGood, "signature is wrong", false},
		{"another identity", func(c *peerCheck) { c.ID.Data = []byte("gw2.test") }, crl.StatusGood, "does not stand for", false},
		{"not a certificate", func(c *peerCheck) { c.Certificates = [][]byte{{1, 2, 3}} }, crl.StatusGood, "cannot be read", false},
		{"elliptic curve", func(c *peerCheck) {
			c.Certificates = [][]byte{selfSigned(t, &x509.Certificate{DNSNames: []string{"gw1.test"}}, ec)}
		}, crl.StatusGood, "needs an RSA key", false},
		{"ECDSA", func(c *peerCheck) { ecdsaPeer(c, suite.ECDSA256) }, crl.StatusGood, "", true},
		{"ECDSA by another method", func(c *peerCheck) { ecdsaPeer(c, suite.ECDSA384) }, crl.StatusGood, "needs an ECDSA key on P-384", false},
		{"RSA where ECDSA was agreed", func(c *peerCheck) { c.Policy = methodPolicy(suite.ECDSA256) }, crl.StatusGood, "needs an ECDSA key on P-256", false},
		{"the leaf behind its CA", func(c *peerCheck) {
			c.Certificates = [][]byte{selfSigned(t, &x509.Certificate{DNSNames: []string{"gw1.test"}, IsCA: true, BasicConstraintsValid: true}, other), der}
		}, crl.StatusGood, "", true},
		{"no certificate's signature", func(c *peerCheck) {
			c.Certificates = [][]byte{der, der, {1, 2, 3}}
			c.Signature = sign(other, hash)
		}, crl.StatusGood, "signature is wrong", false},
		{"small key", func(c *peerCheck) {
			c.Certificates, c.Signature = [][]byte{selfSigned(t, &x509.Certificate{DNSNames: []string{"gw1.test"}}, small)}, sign(small, hash)
		}, crl.StatusGood, "1024 bits", false},
		{"small key allowed", func(c *peerCheck) {
			c.allowWeak = true
			c.Certificates, c.Signature = [][]byte{selfSigned(t, &x509.Certificate{DNSNames: []string{"gw1.test"}}, small)}, sign(small, hash)
		}, crl.StatusGood, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := base()
			if tc.change != nil {
				tc.change(c)
			}
			asked := false
			c.verifier = verifierFunc(func(chain [][]byte) crl.Verdict {
				asked = true
				leaf, err := x509.ParseCertificate(chain[0])
				if err != nil || c.Policy.Auth().Verify(leaf.PublicKey, c.Hash, c.Signature) != nil {
					t.Error("the chain does not begin with the peer's own certificate")
				}
				return crl.Verdict{Status: tc.status}
			})
			err := c.identify()
			if err == nil {
				_, err = c.decide(t.Context())
			}
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if asked != tc.asked {
				t.Errorf("the verifier was asked: %v", asked)
			}
		})
	}
}

// methodPolicy is a policy with an authentication method.
func methodPolicy(m suite.AuthMethod) *ikev1.Policy {
	return &ikev1.Policy{Transforms: []suite.Transform{{Auth: m}}}
}

type verifierFunc func(chain [][]byte) crl.Verdict

func (f verifierFunc) Check(_ context.Context, chain [][]byte, _ crl.Policy) crl.Verdict {
	return f(chain)
}

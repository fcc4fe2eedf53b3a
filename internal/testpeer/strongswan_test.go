package testpeer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// authority is a CA of the tests: its certificate is a.cert, with all above it
// in a.chain.
type authority struct {
	cert  *x509.Certificate
	key   *rsa.PrivateKey
	chain []byte // PEM, from this CA upward, without the root
	root  []byte // PEM
	crl   string // URL that goes into what it issues
}

// identity is an end entity of the tests, in PEM.
type identity struct {
	name       string
	chain, key []byte
	serial     *big.Int
}

// newAuthority makes a root CA, or one below parent.
func newAuthority(t *testing.T, name, crl string, parent *authority) *authority {
	t.Helper()
	a := &authority{key: newKey(t), crl: crl}
	template := &x509.Certificate{
		Subject: pkix.Name{Country: []string{"CH"}, Organization: []string{"Test"}, CommonName: name},
		IsCA:    true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	issuer := parent
	if parent == nil {
		issuer = &authority{cert: template, key: a.key}
	}
	der := issuer.sign(t, template, &a.key.PublicKey)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		a.root = pemOf("CERTIFICATE", der)
	} else {
		a.root, a.chain = parent.root, append(pemOf("CERTIFICATE", der), parent.chain...)
	}
	return a
}

// issue makes an end entity with a key.
func (a *authority) issue(t *testing.T, name string) identity {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		Subject:  pkix.Name{Country: []string{"CH"}, Organization: []string{"Test"}, CommonName: name},
		DNSNames: []string{name},
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der := a.sign(t, template, &key.PublicKey)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return identity{
		name:   name,
		chain:  append(pemOf("CERTIFICATE", der), a.chain...),
		key:    pemOf("PRIVATE KEY", pkcs8),
		serial: template.SerialNumber,
	}
}

// sign completes a template and signs it.
func (a *authority) sign(t *testing.T, template *x509.Certificate, pub *rsa.PublicKey) []byte {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	if a.crl != "" {
		template.CRLDistributionPoints = []string{a.crl}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, pub, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// revoke returns a CRL in DER that lists the given identities.
func (a *authority) revoke(t *testing.T, list ...identity) []byte {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour)}
	for _, id := range list {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: id.serial, RevocationTime: time.Now().Add(-time.Minute), ReasonCode: 1,
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, a.cert, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func pemOf(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// publish serves files by HTTP inside a host until the test ends.
func publish(t *testing.T, host *Host, port uint16, files map[string][]byte) {
	t.Helper()
	listener, err := host.ListenTCP(netip.AddrPortFrom(host.IPv4, port))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(file)
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

// TestStrongSwanSignatures has two strongSwans negotiate by RSA signature with
// revocation checking: the recipe on which the tests against keyman stand.
func TestStrongSwanSignatures(t *testing.T) {
	t.Parallel()
	const crlURL = "http://10.9.0.1:8088/"
	root := newAuthority(t, "Root CA", crlURL+"root.crl", nil)
	sub := newAuthority(t, "Sub CA", crlURL+"sub.crl", root)
	a, b := sub.issue(t, "a.test"), sub.issue(t, "b.test")
	for _, test := range []struct {
		name       string
		revoked    []identity
		dead       bool // nobody serves the CRLs
		revocation string
		refused    string // in the log of B; empty where the peers agree
	}{
		{name: "strict", revocation: "strict"},
		{name: "revoked", revocation: "strict", revoked: []identity{a}, refused: "certificate was revoked"},
		{name: "dead source strict", revocation: "strict", dead: true, refused: "RULE_CRL_VALIDATION is FAILED"},
		{name: "dead source relaxed", revocation: "relaxed", dead: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			network := NewNetwork(t)
			if !test.dead {
				publish(t, network.A, 8088, map[string][]byte{
					"/root.crl": root.revoke(t), "/sub.crl": sub.revoke(t, test.revoked...),
				})
			}
			config := func(self, peer identity, remote netip.Addr) StrongSwanConfig {
				return StrongSwanConfig{
					Remote: remote, LocalID: self.name, RemoteID: peer.name,
					Chain: self.chain, Key: self.key, CAs: root.root, Revocation: test.revocation,
				}
			}
			left := StartStrongSwan(t, network.A, config(a, b, network.B.IPv4))
			right := StartStrongSwan(t, network.B, config(b, a, network.A.IPv4))
			out, err := left.Initiate(t.Context())
			if test.refused != "" {
				if err == nil {
					t.Errorf("agreed:\n%s", out)
				}
				right.WaitLog(t, test.refused)
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			for _, s := range []*StrongSwan{left, right} {
				wantEstablished(t, s, a.name, b.name)
			}
			if !test.dead && !strings.Contains(right.Log(), "fetching crl from '"+crlURL+"sub.crl'") {
				t.Error("B has fetched no CRL")
			}
		})
	}
}

// TestStrongSwanPSK negotiates by pre-shared key over IPv6, ends the SA and
// checks that the peer hears of it.
func TestStrongSwanPSK(t *testing.T) {
	t.Parallel()
	network := NewNetwork(t)
	secret := []byte("a \"secret\" of\x00 any bytes #}")
	left := StartStrongSwan(t, network.A, StrongSwanConfig{
		Local: network.A.IPv6, Remote: network.B.IPv6, PSK: secret, Proposals: "aes256-sha384-ecp256", Encap: true,
	})
	right := StartStrongSwan(t, network.B, StrongSwanConfig{
		Local: network.B.IPv6, PSK: secret, Proposals: "aes256-sha384-ecp256", DPDDelay: time.Minute, Fragmentation: "no",
	})
	if out, err := left.Initiate(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	wantEstablished(t, right, network.A.IPv6.String(), network.B.IPv6.String(), "[4500]", "ECP_256")
	if out, err := left.Terminate(t.Context()); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	right.WaitLog(t, "received DELETE for IKE_SA "+Connection)
	if version, err := left.Version(t.Context()); err != nil || !strings.HasPrefix(version, "5.") && !strings.HasPrefix(version, "6.") {
		t.Errorf("version %q, %v", version, err)
	}
}

// TestStrongSwanLeavesNothing checks that charon's mounts are its own and that
// it is gone after Stop.
func TestStrongSwanLeavesNothing(t *testing.T) {
	t.Parallel()
	network := NewNetwork(t)
	s := StartStrongSwan(t, network.A, StrongSwanConfig{PSK: []byte("secret")})
	process := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	its, err := os.Readlink(process + "ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	if ours, err := os.Readlink("/proc/self/ns/mnt"); err != nil || its == ours {
		t.Errorf("charon mounts in the machine's own %s, %v", ours, err)
	}
	s.Stop()
	if _, err := os.Stat(process); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("charon is still there after Stop: %v", err)
	}
	if _, err := s.ListSAs(t.Context()); err == nil {
		t.Error("a stopped charon answers")
	}
	s.Stop()
}

// wantEstablished checks that there is an IKE SA with all of the texts.
func wantEstablished(t *testing.T, s *StrongSwan, texts ...string) {
	t.Helper()
	sas, err := s.ListSAs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range append(texts, "ESTABLISHED", "IKEv1") {
		if !strings.Contains(sas, text) {
			t.Errorf("no %q in\n%s", text, sas)
		}
	}
}

package csr

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/internal/dn"
	"keyman/internal/testpeer"
)

func name(t testing.TB, text string) dn.Name {
	t.Helper()
	n, err := dn.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func sans(t testing.TB, texts ...string) []SAN {
	t.Helper()
	var list []SAN
	for _, text := range texts {
		s, err := ParseSAN(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func ecdsaKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ed25519Key(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// openssl runs openssl with the input and returns what it prints.
func openssl(t *testing.T, input []byte, args ...string) string {
	t.Helper()
	testpeer.Need(t, "openssl")
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Stdin = bytes.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// openssl verifies and shows requests with every kind of key as we meant them.
func TestCreate(t *testing.T) {
	template := Template{
		Subject: name(t, "C=CH, O=Zürich AG, CN=gw1"),
		SANs:    sans(t, "dns:gw1.example.org", "ip:10.0.0.1", "ip:2001:db8::1", "email:admin@example.org", "uri:https://example.org/gw1"),
		IKE:     true,
	}
	for kind, key := range map[string]crypto.Signer{
		"rsa-2048": rsaKey(t, 2048),
		"p256":     ecdsaKey(t, elliptic.P256()),
		"p384":     ecdsaKey(t, elliptic.P384()),
		"p521":     ecdsaKey(t, elliptic.P521()),
		"ed25519":  ed25519Key(t),
	} {
		t.Run(kind, func(t *testing.T) {
			der, err := Create(template, key)
			if err != nil {
				t.Fatal(err)
			}
			out := openssl(t, der, "req", "-inform", "DER", "-verify", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus_space")
			for _, want := range []string{
				"verify OK", "C=CH, O=Zürich AG, CN=gw1",
				"DNS:gw1.example.org", "IP Address:10.0.0.1", "IP Address:2001:DB8:0:0:0:0:0:1", "email:admin@example.org", "URI:https://example.org/gw1",
				"Key Usage: critical\n", "Digital Signature\n", "Extended Key Usage: \n", "ipsec Internet Key Exchange\n",
			} {
				if !strings.Contains(out, want) {
					t.Errorf("openssl shows no %q:\n%s", want, out)
				}
			}
			request, err := Parse(der)
			if err != nil {
				t.Fatal(err)
			}
			if !request.Subject.Equal(template.Subject) || !request.IKE() || request.KeyUsage != x509.KeyUsageDigitalSignature || len(request.Extensions) != 3 {
				t.Errorf("read back: %+v", request)
			}
			for _, s := range template.SANs {
				if !slices.Contains(request.SANs, s) {
					t.Errorf("%s got lost: %v", s, request.SANs)
				}
			}
			if got := KeyName(request.PublicKey); got != kind {
				t.Errorf("the key of %s is called %s", kind, got)
			}
			if public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(request.PublicKey) {
				t.Error("another public key")
			}
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	good := Template{Subject: name(t, "CN=gw1")}
	many := make([]SAN, MaxSANs+1)
	for i := range many {
		many[i] = SAN{DNS, strings.Repeat("a", i/60+1) + strings.Repeat("b", i%60) + ".example"}
	}
	for what, tt := range map[string]struct {
		template Template
		key      crypto.Signer
		want     string
	}{
		"no name":       {Template{}, ed25519Key(t), "neither"},
		"bad subject":   {Template{Subject: name(t, "C=CHE")}, ed25519Key(t), "3 characters"},
		"bad SAN":       {Template{SANs: []SAN{{DNS, "a b"}}}, ed25519Key(t), "not allowed"},
		"SAN of a kind": {Template{SANs: []SAN{{"x400", "a"}}}, ed25519Key(t), "no kind"},
		"SAN twice":     {Template{SANs: []SAN{{DNS, "a"}, {DNS, "a"}}}, ed25519Key(t), "twice"},
		"many SANs":     {Template{SANs: many}, ed25519Key(t), "more than 100"},
		"short RSA":     {good, rsaKey(t, 1024), "1024 bits"},
		"odd curve":     {good, ecdsaKey(t, elliptic.P224()), "curve"},
	} {
		if _, err := Create(tt.template, tt.key); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", what, err, tt.want)
		}
	}
}

func TestSelfSign(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	template := Template{Subject: name(t, "C=CH, CN=gw1"), SANs: sans(t, "dns:gw1.example.org"), IKE: true}
	for _, key := range []crypto.Signer{rsaKey(t, 2048), ecdsaKey(t, elliptic.P384()), ed25519Key(t)} {
		der, err := SelfSign(template, key, Validity{now.Add(-time.Hour), now.Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "cert.pem")
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		if out := openssl(t, nil, "verify", "-x509_strict", "-partial_chain", "-check_ss_sig", "-trusted", file, file); !strings.Contains(out, "OK") {
			t.Error(out)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if cert.IsCA || !cert.BasicConstraintsValid || cert.SerialNumber.Sign() <= 0 || !cert.NotAfter.Equal(now.Add(time.Hour)) ||
			cert.KeyUsage != x509.KeyUsageDigitalSignature || len(cert.UnknownExtKeyUsage) != 1 || !cert.UnknownExtKeyUsage[0].Equal(OIDIPsecIKE()) {
			t.Errorf("%+v", cert)
		}
		if got := SANs(cert); !slices.Equal(got, template.SANs) {
			t.Errorf("alternative names %v", got)
		}
	}
}

func TestSelfSignRefuses(t *testing.T) {
	now := time.Now()
	hour := Validity{now, now.Add(time.Hour)}
	for what, tt := range map[string]struct {
		template Template
		validity Validity
		want     string
	}{
		"no subject":    {Template{SANs: sans(t, "dns:a")}, hour, "no subject"},
		"no validity":   {Template{Subject: name(t, "CN=a")}, Validity{}, "two dates"},
		"ends before":   {Template{Subject: name(t, "CN=a")}, Validity{now, now.Add(-time.Hour)}, "before it begins"},
		"beyond 9999":   {Template{Subject: name(t, "CN=a")}, Validity{now, now.AddDate(8000, 0, 0)}, "9999"},
		"empty in part": {Template{Subject: name(t, "CN=a, O=")}, hour, "empty"},
	} {
		if _, err := SelfSign(tt.template, ed25519Key(t), tt.validity); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", what, err, tt.want)
		}
	}
}

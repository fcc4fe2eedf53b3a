package ikev1

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
	"keyman/internal/pkcs7"
)

// sequence is DER that looks like a certificate to those who do not look inside.
func sequence(content byte) []byte { return []byte{0x30, 3, 2, 1, content} }

// bundle is certificates in PKCS #7.
func bundle(t *testing.T, certificates ...[]byte) []byte {
	t.Helper()
	data, err := pkcs7.Encode(pkcs7.Content{Certificates: certificates})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadCertificates(t *testing.T) {
	many := make([][]byte, maxCertificates+5)
	for i := range many {
		many[i] = sequence(byte(i))
	}
	for _, tc := range []struct {
		name   string
		sent   []*isakmp.Certificate
		want   [][]byte
		unread string
	}{
		{"none", nil, nil, ""},
		{"two payloads", []*isakmp.Certificate{{Encoding: isakmp.CertX509Signature, Data: sequence(1)}, {Encoding: isakmp.CertX509Signature, Data: sequence(2)}},
			[][]byte{sequence(1), sequence(2)}, ""},
		{"PKCS #7", []*isakmp.Certificate{{Encoding: isakmp.CertPKCS7, Data: bundle(t, sequence(1), sequence(2))}}, [][]byte{sequence(1), sequence(2)}, ""},
		{"PKCS #7 beside another", []*isakmp.Certificate{{Encoding: isakmp.CertX509Signature, Data: sequence(9)}, {Encoding: isakmp.CertPKCS7, Data: bundle(t, sequence(1))}},
			[][]byte{sequence(9), sequence(1)}, ""},
		{"too many in PKCS #7", []*isakmp.Certificate{{Encoding: isakmp.CertPKCS7, Data: bundle(t, many...)}}, many[:maxCertificates], ""},
		{"damaged PKCS #7", []*isakmp.Certificate{{Encoding: isakmp.CertPKCS7, Data: []byte("not ASN.1")}}, nil, "PKCS #7 that cannot be read"},
		{"hash and URL", []*isakmp.Certificate{{Encoding: isakmp.CertHashURL, Data: []byte("01234567890123456789http://peer.test/")}}, nil,
			"hash and URL of an X.509 certificate, which is not fetched"},
		{"hash and URL of a bundle", []*isakmp.Certificate{{Encoding: isakmp.CertHashURLBundle, Data: []byte("x")}}, nil, "X.509 bundle, which is not fetched"},
		{"PGP", []*isakmp.Certificate{{Encoding: isakmp.CertPGP, Data: []byte("x")}}, nil, "PGP"},
		{"a revocation list beside one", []*isakmp.Certificate{{Encoding: isakmp.CertCRL, Data: []byte("x")}, {Encoding: isakmp.CertX509Signature, Data: sequence(1)}},
			[][]byte{sequence(1)}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := &authentication{}
			a.readCertificates(tc.sent)
			// PKCS #7 is a set: its order is that of the bytes.
			if !slices.EqualFunc(a.certificates, tc.want, bytes.Equal) {
				t.Errorf("%d certificates, want %d", len(a.certificates), len(tc.want))
			}
			if got := strings.Join(a.unread, ", "); tc.unread == "" && got != "" || !strings.Contains(got, tc.unread) {
				t.Errorf("unread: %q, want %q", got, tc.unread)
			}
		})
	}
}

// A peer that signs and sends no certificate is refused with the reason.
func TestNoCertificate(t *testing.T) {
	for _, c := range []simConfig{testPair(t, "aes128-sha256-ecp256", suite.RSASignature), testPair(t, "aes128-sha256-ecp256", suite.ECDSA256).aggressive()} {
		s := newSimulation(t, 1, c, calm)
		s.sides[0].sa.policy.Chain = nil
		s.begin()
		s.run(5 * time.Minute)
		if err := s.sides[1].failed; err == nil || !strings.Contains(err.Error(), "sent no X.509 certificate") {
			t.Errorf("responder: %v", err)
		}
		if i := s.sides[0]; i.failed == nil && i.closed == "" {
			t.Errorf("initiator is %v", i.sa.State())
		}
	}
}

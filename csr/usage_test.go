package csr

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/internal/oids"
)

func TestParseKeyUsage(t *testing.T) {
	for text, want := range map[string][]string{
		"digitalSignature":                  {"digitalSignature"},
		"keyencipherment, DIGITALSIGNATURE": {"digitalSignature", "keyEncipherment"},
		"contentCommitment":                 {"nonRepudiation"},
		"keyAgreement,decipherOnly":         {"keyAgreement", "decipherOnly"},
		"keyCertSign,cRLSign,keyCertSign":   {"keyCertSign", "cRLSign"},
		"dataEncipherment,encipherOnly":     {"dataEncipherment", "encipherOnly"},
	} {
		got, err := ParseKeyUsage(text)
		if err != nil || !slices.Equal(oids.KeyUsageWords(uint16(got)), want) {
			t.Errorf("%q: %v, %v", text, oids.KeyUsageWords(uint16(got)), err)
		}
	}
	for _, text := range []string{"", "digitalSignature,", "signing", "digitalSignature keyAgreement", "\x1b[2J"} {
		if got, err := ParseKeyUsage(text); err == nil || !strings.Contains(err.Error(), "use digitalSignature, nonRepudiation, ") {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestParseExtKeyUsage(t *testing.T) {
	got, err := ParseExtKeyUsage("serverAuth, ipsecike,ANY,1.3.6.1.4.1.311.20.2.2,2.999.1")
	if err != nil {
		t.Fatal(err)
	}
	var text []string
	for _, id := range got {
		text = append(text, id.String())
	}
	want := []string{"1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.17", "2.5.29.37.0", "1.3.6.1.4.1.311.20.2.2", "2.999.1"}
	if !slices.Equal(text, want) {
		t.Errorf("got %v", text)
	}
	for text, want := range map[string]string{
		"":                         "1 to 128 characters",
		"serverAuth,":              "1 to 128 characters",
		strings.Repeat("1.2", 50):  "1 to 128 characters",
		"web":                      `"web" is no extended key usage`,
		"1":                        "is no extended key usage",
		"1.2.":                     "is no extended key usage",
		"3.1.1":                    "is no extended key usage",
		"1.40.1":                   "is no extended key usage",
		"1.2.99999999999999999999": "is no extended key usage",
	} {
		if got, err := ParseExtKeyUsage(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, %v; want %q", text, got, err, want)
		}
	}
}

// number returns a pointer to a path length.
func number(n int) *int { return &n }

func TestUsageContradictions(t *testing.T) {
	serverAuth := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	many := make([]asn1.ObjectIdentifier, MaxExtKeyUsages+1)
	for i := range many {
		many[i] = asn1.ObjectIdentifier{1, 2, 3, i}
	}
	for what, tt := range map[string]struct {
		template Template
		want     string
	}{
		"encipherOnly alone":   {Template{KeyUsage: x509.KeyUsageEncipherOnly}, "go with keyAgreement"},
		"keyCertSign of no CA": {Template{KeyUsage: x509.KeyUsageCertSign}, "for a CA"},
		"a CA that signs not":  {Template{KeyUsage: x509.KeyUsageCRLSign, BasicConstraints: &BasicConstraints{CA: true}}, "lacks keyCertSign"},
		"path length of no CA": {Template{BasicConstraints: &BasicConstraints{PathLen: number(0)}}, "for a CA"},
		"negative path length": {Template{BasicConstraints: &BasicConstraints{CA: true, PathLen: number(-1)}}, "0 to 255"},
		"long path":            {Template{BasicConstraints: &BasicConstraints{CA: true, PathLen: number(MaxPathLen + 1)}}, "0 to 255"},
		"a purpose twice":      {Template{ExtKeyUsage: []asn1.ObjectIdentifier{serverAuth, serverAuth}}, "serverAuth is there twice"},
		"many purposes":        {Template{ExtKeyUsage: many}, "more than 64"},
	} {
		tt.template.Subject = name(t, "CN=gw1")
		if err := tt.template.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", what, err, tt.want)
		}
	}
	for what, template := range map[string]Template{
		"MaxExtKeyUsages": {ExtKeyUsage: many[:MaxExtKeyUsages]},
		"MaxPathLen":      {BasicConstraints: &BasicConstraints{CA: true, PathLen: number(MaxPathLen)}},
		"IKE said twice":  {IKE: true, ExtKeyUsage: []asn1.ObjectIdentifier{OIDIPsecIKE()}},
	} {
		template.Subject = name(t, "CN=gw1")
		if err := template.Validate(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// What a template asks for stands in a request and in a certificate alike.
func TestUsages(t *testing.T) {
	key := ed25519Key(t)
	for what, tt := range map[string]struct {
		template Template
		want     []string // as openssl shows it
	}{
		"words": {
			Template{KeyUsage: x509.KeyUsageKeyAgreement | x509.KeyUsageDecipherOnly, ExtKeyUsage: []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 2}, {2, 999, 1}}},
			[]string{"Key Usage: critical\n", "Key Agreement, Decipher Only\n", "TLS Web Client Authentication, 2.999.1\n"},
		},
		"IKE and more": {
			Template{IKE: true, KeyUsage: x509.KeyUsageKeyEncipherment, ExtKeyUsage: []asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 1}}},
			[]string{"Digital Signature, Key Encipherment\n", "TLS Web Server Authentication, ipsec Internet Key Exchange\n"},
		},
		"CA": {
			Template{BasicConstraints: &BasicConstraints{CA: true}},
			[]string{"Certificate Sign, CRL Sign\n", "Basic Constraints: critical\n", "CA:TRUE\n"},
		},
		"CA with path length": {
			Template{BasicConstraints: &BasicConstraints{CA: true, PathLen: number(0)}, KeyUsage: x509.KeyUsageCertSign},
			[]string{"CA:TRUE, pathlen:0\n", "Certificate Sign\n"},
		},
	} {
		t.Run(what, func(t *testing.T) {
			tt.template.Subject = name(t, "CN=gw1")
			request, err := Create(tt.template, key)
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now()
			cert, err := SelfSign(tt.template, key, Validity{now, now.Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			asked := openssl(t, request, "req", "-inform", "DER", "-verify", "-noout", "-text")
			signed := openssl(t, cert, "x509", "-inform", "DER", "-noout", "-text")
			for _, want := range tt.want {
				if !strings.Contains(asked, want) {
					t.Errorf("openssl shows no %q in the request:\n%s", want, asked)
				}
				if !strings.Contains(signed, want) {
					t.Errorf("openssl shows no %q in the certificate:\n%s", want, signed)
				}
			}
		})
	}
}

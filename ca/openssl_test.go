package ca

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/certpem"
	"keyman/internal/testpeer"
)

// opensslRun runs openssl and returns what it prints and whether it succeeded.
func opensslRun(t *testing.T, args ...string) (string, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput()
	return string(out), err == nil
}

// openssl accepts a certificate under our list, and refuses it when it is
// revoked.
func TestOpenSSLVerifies(t *testing.T) {
	testpeer.Need(t, "openssl")
	c := newTestCA(t, nil)
	issued := issue(t, c, newRequest(t, "C=CH, O=Example, CN=gw1", newKey(t), "dns:gw1.example.org"), IssueOptions{})
	anchor := filepath.Join(c.dir, CertificateFile)
	verify := func() (string, bool) {
		crl, err := c.MakeCRL(t.Context(), CRLOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return opensslRun(t, "verify", "-x509_strict", "-crl_check", "-CAfile", anchor, "-CRLfile", crl.PEMFile, issued.File)
	}
	if out, ok := verify(); !ok {
		t.Fatal(out)
	}
	if _, err := c.Revoke(t.Context(), serialOf(t, issued), RevokeOptions{Reason: KeyCompromise}); err != nil {
		t.Fatal(err)
	}
	if out, ok := verify(); ok || !strings.Contains(out, "certificate revoked") {
		t.Errorf("after the revocation: %s", out)
	}
	out, ok := opensslRun(t, "crl", "-in", filepath.Join(c.dir, crlFile), "-inform", "DER", "-noout", "-text", "-CAfile", anchor)
	if !ok {
		t.Fatal(out)
	}
	for _, want := range []string{"verify OK", "Version 2", "X509v3 CRL Number: \n                2", "X509v3 Authority Key Identifier", "Key Compromise"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

// openssl shows the certificate's extensions as they were meant.
func TestOpenSSLShows(t *testing.T) {
	testpeer.Need(t, "openssl")
	c := newTestCA(t, nil)
	issued := issue(t, c, newRequest(t, "CN=gw1", newKey(t), "dns:gw1.example.org"), IssueOptions{})
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, certpem.Encode(certpem.TypeCertificate, issued.Certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	out, ok := opensslRun(t, "x509", "-in", file, "-noout", "-ext", "basicConstraints,keyUsage,extendedKeyUsage,crlDistributionPoints,subjectAltName,authorityKeyIdentifier,subjectKeyIdentifier")
	if !ok {
		t.Fatal(out)
	}
	if strings.Count(out, "Full Name:") != 1 {
		t.Errorf("not one distribution point:\n%s", out)
	}
	for _, want := range []string{
		"Key Usage: critical\n    Digital Signature\n", "Extended Key Usage: \n    ipsec Internet Key Exchange\n", "Basic Constraints: critical\n    CA:FALSE\n",
		"URI:http://pki.example.org/ca.crl", "URI:ldap://ldap.example.org/cn=Example%20CA,o=Example,c=CH?certificateRevocationList",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

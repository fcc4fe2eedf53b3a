package ca

import (
	"crypto"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"
)

// A brokenSigner fails, or signs something else than it is told.
type brokenSigner struct {
	crypto.Signer
	err error
}

func (s brokenSigner) Sign(random io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.Signer.Sign(random, make([]byte, len(digest)), opts)
}

// Where signing fails nothing is recorded, and no CRL number is used up.
func TestBrokenSigner(t *testing.T) {
	good := newTestCA(t, nil)
	unplugged := errors.New("the token was unplugged")
	for _, signer := range []brokenSigner{{good.signer, unplugged}, {good.signer, nil}} {
		c, err := Open(t.Context(), good.dir, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Issue(t.Context(), newRequest(t, "CN=gw1", newKey(t)), IssueOptions{}); err == nil || !errors.Is(err, signer.err) && signer.err != nil {
			t.Errorf("issue: %v", err)
		}
		if _, err := c.MakeCRL(t.Context(), CRLOptions{}); err == nil || !errors.Is(err, signer.err) && signer.err != nil {
			t.Errorf("CRL: %v", err)
		}
	}
	records, err := good.Certificates()
	if err != nil || len(records) != 0 {
		t.Errorf("%d certificates were recorded: %v", len(records), err)
	}
	if crl, err := good.MakeCRL(t.Context(), CRLOptions{}); err != nil || crl.Number != 1 {
		t.Errorf("the first list: %+v, %v", crl, err)
	}
}

// Nothing malformed is signed, whatever called for it.
func TestLint(t *testing.T) {
	c := newTestCA(t, nil)
	good := issue(t, c, newRequest(t, "CN=gw1", newKey(t)), IssueOptions{})
	for want, spoil := range map[string]func(*x509.Certificate){
		"":                            func(*x509.Certificate) {},
		"serial number is not":        func(cert *x509.Certificate) { cert.SerialNumber = new(big.Int) },
		"longer than 20 octets":       func(cert *x509.Certificate) { cert.SerialNumber.Lsh(big.NewInt(1), 160) },
		"validity is empty":           func(cert *x509.Certificate) { cert.NotAfter = cert.NotBefore },
		"not within that of the CA":   func(cert *x509.Certificate) { cert.NotAfter = c.cert.NotAfter.Add(time.Second) },
		"is no CA":                    func(cert *x509.Certificate) { cert.IsCA = true },
		"key usage is not":            func(cert *x509.Certificate) { cert.KeyUsage |= x509.KeyUsageCertSign },
		"extended key usage is not":   func(cert *x509.Certificate) { cert.UnknownExtKeyUsage = nil },
		"a key identifier is missing": func(cert *x509.Certificate) { cert.AuthorityKeyId = nil },
	} {
		cert, err := x509.ParseCertificate(good.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		spoil(cert)
		err = c.lint(cert)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestLintCRL(t *testing.T) {
	now := time.Now()
	entry := func(serial int64, reason Reason) x509.RevocationListEntry {
		return x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: now, ReasonCode: int(reason)}
	}
	for want, list := range map[string]*x509.RevocationList{
		"number is not positive": {Number: new(big.Int), ThisUpdate: now, NextUpdate: now.Add(1)},
		"due before":             {Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now},
		"out of order": {Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(1),
			RevokedCertificateEntries: []x509.RevocationListEntry{entry(2, Unspecified), entry(1, Unspecified)}},
		"there twice": {Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(1),
			RevokedCertificateEntries: []x509.RevocationListEntry{entry(1, Unspecified), entry(1, Unspecified)}},
		"removeFromCRL": {Number: big.NewInt(1), ThisUpdate: now, NextUpdate: now.Add(1),
			RevokedCertificateEntries: []x509.RevocationListEntry{entry(1, RemoveFromCRL)}},
	} {
		if err := lintCRL(list); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

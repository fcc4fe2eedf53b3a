package main

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"keyman/csr"
	"keyman/internal/dn"
	"keyman/internal/escape"
	"keyman/keystore"
)

// certInfo is a certificate as "keyman cert show" prints it. One that cannot be
// used has no more than what stands before CA, and the fingerprints.
type certInfo struct {
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"` // hexadecimal
	NotBefore   time.Time `json:"not_before,omitzero"`
	NotAfter    time.Time `json:"not_after,omitzero"`
	DaysLeft    int       `json:"days_left"` // negative where it has expired
	Key         string    `json:"key"`
	Signature   string    `json:"signature_algorithm"`
	PublicKey   string    `json:"public_key_sha256"`  // of the SubjectPublicKeyInfo
	Unusable    string    `json:"unusable,omitempty"` // the reason
	CA          bool      `json:"ca"`
	KeyID       string    `json:"key_id,omitempty"`
	SANs        []csr.SAN `json:"sans,omitempty"`
	KeyUsage    []string  `json:"key_usage,omitempty"`
	ExtKeyUsage []string  `json:"extended_key_usage,omitempty"`
	CRLs        []string  `json:"crl_distribution_points,omitempty"`
	SHA256      string    `json:"sha256"`
	SHA1        string    `json:"sha1"`
	validity    string
}

// newCertInfo describes a certificate. It returns keystore.ErrCertificate for
// what is none.
func newCertInfo(der []byte, now time.Time) (certInfo, error) {
	s, err := keystore.Summarize(der)
	if err != nil {
		return certInfo{}, err
	}
	sum256, sum1, key := sha256.Sum256(der), sha1.Sum(der), sha256.Sum256(s.PublicKey)
	info := certInfo{
		Subject: nameText(s.Subject), Issuer: nameText(s.Issuer), Serial: s.Serial.Text(16),
		NotBefore: s.NotBefore, NotAfter: s.NotAfter, DaysLeft: daysLeft(s.NotAfter, now), validity: validityText(s.NotBefore, s.NotAfter, now),
		Key: s.KeyType, Signature: s.Signature, PublicKey: colons(key[:]), SHA256: colons(sum256[:]), SHA1: colons(sum1[:]),
	}
	if s.Unusable != nil {
		info.Unusable = s.Unusable.Error()
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return info, nil // that is the reason in Unusable
	}
	info.CA, info.KeyID, info.SANs, info.CRLs = c.BasicConstraintsValid && c.IsCA, colons(c.SubjectKeyId), csr.SANs(c), c.CRLDistributionPoints
	info.KeyUsage, info.ExtKeyUsage = keyUsageWords(c.KeyUsage), extKeyUsageWords(c)
	if s.Unusable == nil {
		info.Key = csr.KeyName(c.PublicKey)
	}
	if c.SignatureAlgorithm != x509.UnknownSignatureAlgorithm {
		info.Signature = c.SignatureAlgorithm.String()
	}
	return info, nil
}

// write prints the certificate as text.
func (i certInfo) write(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t, "%s:\t%s\n", name, printable(value))
		}
	}
	line("subject", i.Subject)
	line("issuer", i.Issuer)
	line("serial", i.Serial)
	line("not usable", i.Unusable)
	line("valid from", dateText(i.NotBefore))
	line("valid until", dateText(i.NotAfter)+" ("+i.validity+")")
	if i.CA {
		line("CA", "yes")
	}
	line("key", i.Key)
	line("key id", i.KeyID)
	line("signed with", i.Signature)
	for _, san := range i.SANs {
		line("alternative name", san.String())
	}
	line("key usage", strings.Join(i.KeyUsage, ", "))
	line("extended key usage", strings.Join(i.ExtKeyUsage, ", "))
	for _, url := range i.CRLs {
		line("revocation list", url)
	}
	line("SHA-256", i.SHA256)
	line("SHA-1", i.SHA1)
	t.Flush()
}

// printable makes text from a file fit for a terminal.
func printable(s string) string { return escape.Printable(s) }

// nameText writes a name of a certificate.
func nameText(der []byte) string {
	name, err := dn.FromDER(der)
	if err != nil {
		return "(a name that cannot be read)"
	}
	return name.String()
}

// dateText writes a date of a certificate.
func dateText(t time.Time) string {
	if t.IsZero() {
		return "a date that cannot be read"
	}
	return t.UTC().Format(time.RFC3339)
}

// daysLeft returns the whole days that a certificate is still good for.
func daysLeft(notAfter, now time.Time) int {
	return int(math.Floor(notAfter.Sub(now).Hours() / 24))
}

// validityText says in words where now lies in a certificate's validity.
func validityText(notBefore, notAfter, now time.Time) string {
	days := daysLeft(notAfter, now)
	switch {
	case notBefore.IsZero() || notAfter.IsZero():
		return "validity that cannot be read"
	case now.Before(notBefore):
		return "not valid before " + notBefore.UTC().Format(time.DateOnly)
	case days < 0:
		return fmt.Sprintf("expired on %s", notAfter.UTC().Format(time.DateOnly))
	case days == 0:
		return "expires within a day"
	case days == 1:
		return "expires in 1 day"
	default:
		return fmt.Sprintf("expires in %d days", days)
	}
}

// colons writes octets in hexadecimal with colons between them.
func colons(p []byte) string {
	parts := make([]string, len(p))
	for i, b := range p {
		parts[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(parts, ":")
}

// keyUsages are the words of RFC 5280, 4.2.1.3.
var keyUsages = []struct {
	bit  x509.KeyUsage
	word string
}{
	{x509.KeyUsageDigitalSignature, "digitalSignature"},
	{x509.KeyUsageContentCommitment, "nonRepudiation"},
	{x509.KeyUsageKeyEncipherment, "keyEncipherment"},
	{x509.KeyUsageDataEncipherment, "dataEncipherment"},
	{x509.KeyUsageKeyAgreement, "keyAgreement"},
	{x509.KeyUsageCertSign, "keyCertSign"},
	{x509.KeyUsageCRLSign, "cRLSign"},
	{x509.KeyUsageEncipherOnly, "encipherOnly"},
	{x509.KeyUsageDecipherOnly, "decipherOnly"},
}

func keyUsageWords(usage x509.KeyUsage) []string {
	var words []string
	for _, u := range keyUsages {
		if usage&u.bit != 0 {
			words = append(words, u.word)
		}
	}
	return words
}

// extKeyUsages are the words of RFC 5280, 4.2.1.12 and RFC 4945, 5.1.3.12.
var extKeyUsages = map[x509.ExtKeyUsage]string{
	x509.ExtKeyUsageAny:             "any",
	x509.ExtKeyUsageServerAuth:      "serverAuth",
	x509.ExtKeyUsageClientAuth:      "clientAuth",
	x509.ExtKeyUsageCodeSigning:     "codeSigning",
	x509.ExtKeyUsageEmailProtection: "emailProtection",
	x509.ExtKeyUsageIPSECEndSystem:  "ipsecEndSystem",
	x509.ExtKeyUsageIPSECTunnel:     "ipsecTunnel",
	x509.ExtKeyUsageIPSECUser:       "ipsecUser",
	x509.ExtKeyUsageTimeStamping:    "timeStamping",
	x509.ExtKeyUsageOCSPSigning:     "OCSPSigning",
}

// oidIKEIntermediate is Microsoft's and Apple's older usage for IKE.
var oidIKEIntermediate = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 8, 2, 2}

func extKeyUsageWords(c *x509.Certificate) []string {
	var words []string
	for _, usage := range c.ExtKeyUsage {
		word, ok := extKeyUsages[usage]
		if !ok {
			word = fmt.Sprintf("usage %d", usage)
		}
		words = append(words, word)
	}
	for _, id := range c.UnknownExtKeyUsage {
		switch {
		case id.Equal(csr.OIDIPsecIKE()):
			words = append(words, "ipsecIKE")
		case id.Equal(oidIKEIntermediate):
			words = append(words, "iKEIntermediate")
		default:
			words = append(words, id.String())
		}
	}
	return words
}

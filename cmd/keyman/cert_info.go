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
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"keyman/csr"
	"keyman/internal/dn"
)

// certInfo is a certificate as "keyman cert show" prints it.
type certInfo struct {
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"` // hexadecimal
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	DaysLeft    int       `json:"days_left"` // negative where it has expired
	CA          bool      `json:"ca"`
	Key         string    `json:"key"`
	KeyID       string    `json:"key_id,omitempty"`
	Signature   string    `json:"signature_algorithm"`
	SANs        []csr.SAN `json:"sans,omitempty"`
	KeyUsage    []string  `json:"key_usage,omitempty"`
	ExtKeyUsage []string  `json:"extended_key_usage,omitempty"`
	CRLs        []string  `json:"crl_distribution_points,omitempty"`
	SHA256      string    `json:"sha256"`
	SHA1        string    `json:"sha1"`
	validity    string
}

// newCertInfo describes a certificate.
func newCertInfo(c *x509.Certificate, now time.Time) certInfo {
	sum256, sum1 := sha256.Sum256(c.Raw), sha1.Sum(c.Raw)
	return certInfo{
		Subject: nameText(c.RawSubject), Issuer: nameText(c.RawIssuer), Serial: serialText(c),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), DaysLeft: daysLeft(c, now), validity: validityText(c, now),
		CA: c.BasicConstraintsValid && c.IsCA, Key: csr.KeyName(c.PublicKey), KeyID: colons(c.SubjectKeyId), Signature: c.SignatureAlgorithm.String(),
		SANs: csr.SANs(c), KeyUsage: keyUsageWords(c.KeyUsage), ExtKeyUsage: extKeyUsageWords(c),
		CRLs: c.CRLDistributionPoints, SHA256: colons(sum256[:]), SHA1: colons(sum1[:]),
	}
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
	line("valid from", i.NotBefore.Format(time.RFC3339))
	line("valid until", i.NotAfter.Format(time.RFC3339)+" ("+i.validity+")")
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

// printable makes text from a file fit for a terminal: what is no character to
// be seen, such as an escape sequence, is written as an escape.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// nameText writes a name of a certificate.
func nameText(der []byte) string {
	name, err := dn.FromDER(der)
	if err != nil {
		return "(a name that cannot be read)"
	}
	return name.String()
}

// serialText writes the serial number in hexadecimal.
func serialText(c *x509.Certificate) string { return c.SerialNumber.Text(16) }

// daysLeft returns the whole days that a certificate is still good for.
func daysLeft(c *x509.Certificate, now time.Time) int {
	return int(math.Floor(c.NotAfter.Sub(now).Hours() / 24))
}

// validityText says in words where now lies in a certificate's validity.
func validityText(c *x509.Certificate, now time.Time) string {
	days := daysLeft(c, now)
	switch {
	case now.Before(c.NotBefore):
		return "not valid before " + c.NotBefore.UTC().Format(time.DateOnly)
	case days < 0:
		return fmt.Sprintf("expired on %s", c.NotAfter.UTC().Format(time.DateOnly))
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

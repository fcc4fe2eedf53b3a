package gskit

import (
	"encoding/asn1"
	"fmt"
	"io"
	"strings"
	"time"

	"keyman/internal/dn"
	"keyman/internal/escape"
)

// This file has IBM's ways of writing things.

// quoted writes a label or a name: in quotes where it has blanks.
func quoted(text string) string {
	text = escape.Printable(text)
	if strings.Contains(text, " ") {
		return `"` + text + `"`
	}
	return text
}

// nameText writes a name, CN first: in the reverse order of the DER.
func nameText(name dn.Name) string { return quoted(name.LDAP()) }

// dateText writes a date as gskcapicmd does in English, always in Greenwich's time.
func dateText(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	return t.UTC().Format("January 2, 2006 3:04:05 PM") + " GMT+00:00"
}

// hexLine is how many octets stand in a line.
const hexLine = 16

// writeHex writes octets, 16 a line behind four blanks.
func writeHex(w io.Writer, p []byte) {
	for len(p) > 0 {
		n := min(hexLine, len(p))
		fmt.Fprintf(w, "    % X\n", p[:n])
		p = p[n:]
	}
}

// keyAlgorithms and signatureAlgorithms are IBM's words for what it knows.
var keyAlgorithms = map[string]string{
	"1.2.840.113549.1.1.1": "RSA",
	"1.2.840.10040.4.1":    "DSA",
	"1.2.840.10045.2.1":    "EC_ecPublicKey",
	"1.3.101.112":          "Ed25519",
}

var signatureAlgorithms = map[string]string{
	"1.2.840.113549.1.1.4":  "MD5WithRSASignature",
	"1.2.840.113549.1.1.5":  "SHA1WithRSASignature",
	"1.2.840.113549.1.1.11": "SHA256WithRSASignature",
	"1.2.840.113549.1.1.12": "SHA384WithRSASignature",
	"1.2.840.113549.1.1.13": "SHA512WithRSASignature",
	"1.2.840.113549.1.1.14": "SHA224WithRSASignature",
	"1.2.840.10045.4.1":     "EC_ecdsa_with_SHA1",
	"1.2.840.10045.4.3.2":   "EC_ecdsa_with_SHA256",
	"1.2.840.10045.4.3.3":   "EC_ecdsa_with_SHA384",
	"1.2.840.10045.4.3.4":   "EC_ecdsa_with_SHA512",
	"1.3.101.112":           "Ed25519",
}

// algorithmText writes an algorithm by its word and its identifier.
func algorithmText(words map[string]string, id string) string {
	return strings.TrimSpace(words[id] + " (" + id + ")")
}

// An algorithmIdentifier is that of RFC 5280, 4.1.1.2.
type algorithmIdentifier struct {
	ID         asn1.ObjectIdentifier
	Parameters asn1.RawValue `asn1:"optional"`
}

// requestSignature returns the algorithm and the value of a request's signature
// (RFC 2986, 4.2).
func requestSignature(der []byte) (id string, value []byte, err error) {
	var request struct {
		Info      asn1.RawValue
		Algorithm algorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &request); err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	return request.Algorithm.ID.String(), request.Signature.Bytes, nil
}

// keyIdentifier returns the algorithm of a SubjectPublicKeyInfo (RFC 5280, 4.1).
func keyIdentifier(spki []byte) string {
	var info struct {
		Algorithm algorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return "unknown"
	}
	return info.Algorithm.ID.String()
}

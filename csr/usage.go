package csr

import (
	"crypto/x509"
	"encoding/asn1"
	"strings"

	"keyman/internal/oids"
)

// ParseKeyUsage reads words with commas between them, such as
// "digitalSignature,keyEncipherment" (RFC 5280, 4.2.1.3).
func ParseKeyUsage(text string) (x509.KeyUsage, error) { return oids.ParseKeyUsage(text) }

// ParseExtKeyUsage reads words or dotted identifiers with commas between them,
// such as "serverAuth,ipsecIKE,1.3.6.1.4.1.311.20.2.2".
func ParseExtKeyUsage(text string) ([]asn1.ObjectIdentifier, error) {
	var list []asn1.ObjectIdentifier
	for word := range strings.SplitSeq(text, ",") {
		id, err := oids.ParsePurpose(word)
		if err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, nil
}

package oids

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The extended key usages of IKE.
const (
	// IPsecIKE is id-kp-ipsecIKE (RFC 4945, 5.1.3.12).
	IPsecIKE = "1.3.6.1.5.5.7.3.17"
	// IKEIntermediate is the older usage that Microsoft and Apple ask for.
	IKEIntermediate = "1.3.6.1.5.5.8.2.2"
)

// keyUsages are the words of RFC 5280, 4.2.1.3, in the order of the bits, which is that
// of crypto/x509, too.
var keyUsages = []string{
	"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
	"keyCertSign", "cRLSign", "encipherOnly", "decipherOnly",
}

// KeyUsageWords lists the words of the bits of a key usage that are set, the first bit
// being the lowest; one that RFC 5280 does not name is written as bit(N).
func KeyUsageWords(bits uint16) []string {
	var words []string
	for bit := range 16 {
		switch {
		case bits&(1<<bit) == 0:
		case bit < len(keyUsages):
			words = append(words, keyUsages[bit])
		default:
			words = append(words, fmt.Sprintf("bit(%d)", bit))
		}
	}
	return words
}

// ParseKeyUsage reads words with commas between them, such as
// "digitalSignature,keyEncipherment", in upper or lower case. contentCommitment
// is the newer name of nonRepudiation.
func ParseKeyUsage(text string) (x509.KeyUsage, error) {
	var usage x509.KeyUsage
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		if strings.EqualFold(word, "contentCommitment") {
			word = "nonRepudiation"
		}
		i := slices.IndexFunc(keyUsages, func(known string) bool { return strings.EqualFold(known, word) })
		if i < 0 {
			return 0, fmt.Errorf("%.60q is no key usage: use %s", word, strings.Join(keyUsages, ", "))
		}
		usage |= 1 << i
	}
	return usage, nil
}

// purposes are the extended key usages by their words: those of RFC 5280,
// 4.2.1.12, RFC 4945, 5.1.3.12, and those that are seen in the wild.
var purposes = []struct{ word, id string }{
	{"serverAuth", "1.3.6.1.5.5.7.3.1"},
	{"clientAuth", "1.3.6.1.5.5.7.3.2"},
	{"codeSigning", "1.3.6.1.5.5.7.3.3"},
	{"emailProtection", "1.3.6.1.5.5.7.3.4"},
	{"ipsecEndSystem", "1.3.6.1.5.5.7.3.5"},
	{"ipsecTunnel", "1.3.6.1.5.5.7.3.6"},
	{"ipsecUser", "1.3.6.1.5.5.7.3.7"},
	{"timeStamping", "1.3.6.1.5.5.7.3.8"},
	{"OCSPSigning", "1.3.6.1.5.5.7.3.9"},
	{"dvcs", "1.3.6.1.5.5.7.3.10"},
	{"eapOverPPP", "1.3.6.1.5.5.7.3.13"},
	{"eapOverLAN", "1.3.6.1.5.5.7.3.14"},
	{"scvpServer", "1.3.6.1.5.5.7.3.15"},
	{"scvpClient", "1.3.6.1.5.5.7.3.16"},
	{"ipsecIKE", IPsecIKE},
	{"sshClient", "1.3.6.1.5.5.7.3.21"},
	{"sshServer", "1.3.6.1.5.5.7.3.22"},
	{"cmcCA", "1.3.6.1.5.5.7.3.27"},
	{"cmcRA", "1.3.6.1.5.5.7.3.28"},
	{"iKEIntermediate", IKEIntermediate},
	{"any", "2.5.29.37.0"},
	{"pkinitKDC", "1.3.6.1.5.2.3.5"},
	{"pkinitClient", "1.3.6.1.5.2.3.4"},
	{"msCodeInd", "1.3.6.1.4.1.311.2.1.21"},
	{"msCodeCom", "1.3.6.1.4.1.311.2.1.22"},
	{"msCTLSigning", "1.3.6.1.4.1.311.10.3.1"},
	{"msSGC", "1.3.6.1.4.1.311.10.3.3"},
	{"msEFS", "1.3.6.1.4.1.311.10.3.4"},
	{"msEFSRecovery", "1.3.6.1.4.1.311.10.3.4.1"},
	{"msDocumentSigning", "1.3.6.1.4.1.311.10.3.12"},
	{"msCertificateRequestAgent", "1.3.6.1.4.1.311.20.2.1"},
	{"msSmartcardLogon", "1.3.6.1.4.1.311.20.2.2"},
	{"nsSGC", "2.16.840.1.113730.4.1"},
}

// maxPurpose bounds the text of an extended key usage, in bytes.
const maxPurpose = 128

// ParsePurpose reads an extended key usage: a word such as serverAuth or ipsecIKE,
// in upper or lower case, or a dotted identifier.
func ParsePurpose(text string) (asn1.ObjectIdentifier, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxPurpose {
		return nil, fmt.Errorf("an extended key usage has 1 to %d characters", maxPurpose)
	}
	dotted := text
	for _, p := range purposes {
		if strings.EqualFold(p.word, text) {
			dotted = p.id
		}
	}
	id, err := Parse(dotted)
	if err != nil {
		return nil, fmt.Errorf("%q is no extended key usage: write a word such as serverAuth, clientAuth or ipsecIKE, or a dotted identifier", text)
	}
	return id, nil
}

// Parse reads an object identifier with dots, whose arcs fit an int.
func Parse(text string) (asn1.ObjectIdentifier, error) {
	oid, err := x509.ParseOID(text)
	if err != nil {
		return nil, err
	}
	der, err := oid.MarshalBinary()
	if err != nil {
		return nil, err
	}
	// The content octets of a short identifier, with its tag and length.
	var id asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(append([]byte{asn1.TagOID, byte(len(der))}, der...), &id); err != nil || len(rest) != 0 {
		return nil, errors.New("an arc is too large")
	}
	return id, nil
}

// PurposeWord returns the word of an extended key usage, or its digits.
func PurposeWord(dotted string) string {
	for _, p := range purposes {
		if p.id == dotted {
			return p.word
		}
	}
	return dotted
}

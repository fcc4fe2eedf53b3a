package csr

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/dn"
)

// MaxRequest is the longest request that Parse accepts, in bytes of DER or PEM.
const MaxRequest = 64 << 10

// PEMType is the label of a request in PEM (RFC 7468, 7).
const PEMType = "CERTIFICATE REQUEST"

// A Request is a certificate request whose signature has been verified: whoever
// made it held the private key. Nothing else in it is proved.
type Request struct {
	// Raw is the DER encoding.
	Raw []byte
	// Subject may be empty.
	Subject dn.Name
	// SANs are the alternative names asked for, by kind.
	SANs []SAN
	// OtherNames are alternative names of other kinds, each the DER encoding
	// of a GeneralName (RFC 5280, 4.2.1.6).
	OtherNames [][]byte
	// Extensions are all that the request asks for, known or not, each once.
	Extensions []pkix.Extension
	// KeyUsage and ExtKeyUsage are zero where the request does not ask.
	KeyUsage    x509.KeyUsage
	ExtKeyUsage []asn1.ObjectIdentifier
	// PublicKey may be weak: see CheckKey.
	PublicKey          crypto.PublicKey
	SignatureAlgorithm x509.SignatureAlgorithm
}

// IKE reports whether the request asks for the extended key usage ipsecIKE.
func (r *Request) IKE() bool {
	return slices.ContainsFunc(r.ExtKeyUsage, func(oid asn1.ObjectIdentifier) bool { return oid.Equal(oidIPsecIKE) })
}

// Parse reads one request, DER or PEM, and verifies its signature.
func Parse(data []byte) (*Request, error) {
	r, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return r, nil
}

func parse(data []byte) (*Request, error) {
	if len(data) > MaxRequest {
		return nil, fmt.Errorf("longer than %d bytes", MaxRequest)
	}
	der, err := unwrap(data)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if err := parsed.CheckSignature(); err != nil {
		return nil, fmt.Errorf("its signature does not verify: %w", err)
	}
	r := &Request{
		Raw:                parsed.Raw,
		Extensions:         parsed.Extensions,
		PublicKey:          parsed.PublicKey,
		SignatureAlgorithm: parsed.SignatureAlgorithm,
		SANs:               decoded(parsed.DNSNames, parsed.EmailAddresses, parsed.IPAddresses, parsed.URIs),
	}
	if r.Subject, err = dn.FromDER(parsed.RawSubject); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	for _, ext := range r.Extensions {
		if err := r.readExtension(ext); err != nil {
			return nil, fmt.Errorf("extension %s: %w", ext.Id, err)
		}
	}
	return r, nil
}

// unwrap returns the DER of one request in PEM, or what is no PEM as it is.
func unwrap(data []byte) ([]byte, error) {
	// DER begins with a SEQUENCE and a length octet that is no text.
	if !bytes.Contains(data, []byte("-----BEGIN ")) || data[0] == 0x30 && data[1] >= 0x80 {
		return data, nil
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, errors.New("the PEM block is damaged")
	case block.Type != PEMType && block.Type != "NEW "+PEMType:
		return nil, fmt.Errorf("the PEM block holds a %s", block.Type)
	case bytes.Contains(rest, []byte("-----BEGIN ")):
		return nil, errors.New("more than one PEM block")
	}
	return block.Bytes, nil
}

// readExtension takes what is known out of an extension.
func (r *Request) readExtension(ext pkix.Extension) error {
	switch {
	case ext.Id.Equal(oidAltName):
		return r.readAltName(ext.Value)
	case ext.Id.Equal(oidKeyUsage):
		var bits asn1.BitString
		if rest, err := asn1.Unmarshal(ext.Value, &bits); err != nil || len(rest) != 0 {
			return errors.New("the key usage is no bit string")
		}
		for i := range 9 {
			if bits.At(i) != 0 {
				r.KeyUsage |= 1 << i
			}
		}
	case ext.Id.Equal(oidExtKeyUsage):
		if rest, err := asn1.Unmarshal(ext.Value, &r.ExtKeyUsage); err != nil || len(rest) != 0 || len(r.ExtKeyUsage) == 0 {
			return errors.New("the extended key usage is no list of OIDs")
		}
	}
	return nil
}

// Context tags of the GeneralName alternatives that SANs hold (RFC 5280,
// 4.2.1.6).
const (
	tagEmail = 1
	tagDNS   = 2
	tagURI   = 6
	tagIP    = 7
)

// readAltName keeps the names of kinds that crypto/x509 leaves out.
func (r *Request) readAltName(value []byte) error {
	var names cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&names, cbasn1.SEQUENCE) || !input.Empty() {
		return errors.New("the alternative names are no SEQUENCE")
	}
	for count := 1; !names.Empty(); count++ {
		if count > MaxSANs {
			return fmt.Errorf("more than %d alternative names", MaxSANs)
		}
		var (
			element cryptobyte.String
			tag     cbasn1.Tag
		)
		if !names.ReadAnyASN1Element(&element, &tag) {
			return errors.New("an alternative name is damaged")
		}
		switch tag {
		case cbasn1.Tag(tagEmail).ContextSpecific(), cbasn1.Tag(tagDNS).ContextSpecific(),
			cbasn1.Tag(tagURI).ContextSpecific(), cbasn1.Tag(tagIP).ContextSpecific():
		default:
			r.OtherNames = append(r.OtherNames, element)
		}
	}
	return nil
}

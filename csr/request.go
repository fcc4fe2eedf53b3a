package csr

import (
	"bytes"
	"crypto"
	"crypto/rsa"
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
	"keyman/internal/oids"
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
	// KeyUsage, ExtKeyUsage and BasicConstraints are zero where the request
	// does not ask.
	KeyUsage         x509.KeyUsage
	ExtKeyUsage      []asn1.ObjectIdentifier
	BasicConstraints *BasicConstraints
	// Challenge is the challenge password; nil where there is none.
	Challenge Challenge
	// OtherAttributes are the identifiers of attributes beside the extensions
	// and the challenge password.
	OtherAttributes []asn1.ObjectIdentifier
	// PublicKey may be weak: see CheckKey.
	PublicKey          crypto.PublicKey
	SignatureAlgorithm x509.SignatureAlgorithm
}

// IKE reports whether the request asks for the extended key usage ipsecIKE.
func (r *Request) IKE() bool { return slices.ContainsFunc(r.ExtKeyUsage, OIDIPsecIKE().Equal) }

// Parse reads one request, DER or PEM, and verifies its signature.
func Parse(data []byte) (*Request, error) {
	r, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return r, nil
}

func parse(data []byte) (*Request, error) {
	der, err := unwrap(data)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if k, ok := parsed.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() > MaxRSABits {
		// Its signature would cost seconds.
		return nil, fmt.Errorf("its RSA key has %d bits, and %d are allowed", k.N.BitLen(), MaxRSABits)
	}
	if err := parsed.CheckSignature(); err != nil {
		return nil, fmt.Errorf("its signature does not verify: %w", err)
	}
	r := &Request{
		Raw:                parsed.Raw,
		PublicKey:          parsed.PublicKey,
		SignatureAlgorithm: parsed.SignatureAlgorithm,
	}
	if r.Subject, err = dn.FromDER(parsed.RawSubject); err != nil {
		return nil, fmt.Errorf("subject: %w", err)
	}
	if err := r.readExtensions(parsed.Extensions); err != nil {
		return nil, err
	}
	if err := r.readAttributes(parsed.RawTBSCertificateRequest); err != nil {
		return nil, err
	}
	return r, nil
}

// DER returns the DER of one request in PEM, or what is no PEM as it is. It does
// not look inside.
func DER(data []byte) ([]byte, error) {
	der, err := unwrap(data)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return der, nil
}

func unwrap(data []byte) ([]byte, error) {
	if len(data) > MaxRequest {
		return nil, fmt.Errorf("longer than %d bytes", MaxRequest)
	}
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

// readExtensions takes what is known out of extensions.
func (r *Request) readExtensions(extensions []pkix.Extension) error {
	r.Extensions = extensions
	for _, ext := range extensions {
		if err := r.readExtension(ext); err != nil {
			return fmt.Errorf("%s: %w", oids.ExtensionName(ext.Id.String()), err)
		}
	}
	return nil
}

// readExtension takes what is known out of an extension.
func (r *Request) readExtension(ext pkix.Extension) (err error) {
	switch {
	case ext.Id.Equal(oidAltName):
		if r.SANs, r.OtherNames, err = readAltName(ext.Value); err == nil && len(r.SANs)+len(r.OtherNames) > MaxSANs {
			err = fmt.Errorf("more than %d alternative names", MaxSANs)
		}
	case ext.Id.Equal(oidKeyUsage):
		var bits asn1.BitString
		if rest, err := asn1.Unmarshal(ext.Value, &bits); err != nil || len(rest) != 0 {
			return errors.New("the key usage is no bit string")
		}
		for i := range keyUsageBits {
			if bits.At(i) != 0 {
				r.KeyUsage |= 1 << i
			}
		}
	case ext.Id.Equal(oidExtKeyUsage):
		if rest, err := asn1.Unmarshal(ext.Value, &r.ExtKeyUsage); err != nil || len(rest) != 0 || len(r.ExtKeyUsage) == 0 {
			return errors.New("the extended key usage is no list of OIDs")
		}
	case ext.Id.Equal(oidBasicConstraints):
		r.BasicConstraints, err = readBasicConstraints(ext.Value)
	}
	return err
}

// readBasicConstraints reads RFC 5280, 4.2.1.9.
func readBasicConstraints(value []byte) (*BasicConstraints, error) {
	var (
		content cryptobyte.String
		c       BasicConstraints
		pathLen int
	)
	input := cryptobyte.String(value)
	if !input.ReadASN1(&content, cbasn1.SEQUENCE) || !input.Empty() ||
		content.PeekASN1Tag(cbasn1.BOOLEAN) && !content.ReadASN1Boolean(&c.CA) {
		return nil, errors.New("they cannot be read")
	}
	if content.PeekASN1Tag(cbasn1.INTEGER) {
		if !content.ReadASN1Integer(&pathLen) || pathLen < 0 {
			return nil, errors.New("the path length is no number of CAs")
		}
		c.PathLen = &pathLen
	}
	if !content.Empty() {
		return nil, errors.New("they cannot be read")
	}
	return &c, nil
}

// readAttributes reads the attributes of a CertificationRequestInfo (RFC 2986,
// 4.1); crypto/x509 has read the extensions among them.
func (r *Request) readAttributes(info cryptobyte.String) error {
	var content, attributes cryptobyte.String
	if !info.ReadASN1(&content, cbasn1.SEQUENCE) ||
		!content.SkipASN1(cbasn1.INTEGER) || !content.SkipASN1(cbasn1.SEQUENCE) || !content.SkipASN1(cbasn1.SEQUENCE) ||
		!content.ReadOptionalASN1(&attributes, nil, cbasn1.Tag(0).ContextSpecific().Constructed()) {
		return errors.New("the attributes cannot be read")
	}
	for !attributes.Empty() {
		var (
			attribute, values cryptobyte.String
			id                asn1.ObjectIdentifier
		)
		if !attributes.ReadASN1(&attribute, cbasn1.SEQUENCE) || !attribute.ReadASN1ObjectIdentifier(&id) || !attribute.ReadASN1(&values, cbasn1.SET) {
			return errors.New("an attribute cannot be read")
		}
		switch {
		case id.Equal(oidExtensionRequest):
		case !id.Equal(oidChallengePassword):
			r.OtherAttributes = append(r.OtherAttributes, id)
		case r.Challenge != nil:
			return errors.New("two challenge passwords")
		default:
			var err error
			if r.Challenge, err = readChallenge(values); err != nil {
				return fmt.Errorf("challenge password: %w", err)
			}
		}
	}
	return nil
}

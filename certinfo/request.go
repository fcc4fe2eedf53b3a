package certinfo

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/der"
	"keyman/internal/oids"
)

// RequestInfo is a certificate request in words. The challenge password is not in
// it: only whether there is one.
type RequestInfo struct {
	Subject   string `json:"subject"`
	Key       string `json:"key"`
	Signature string `json:"signature_algorithm"`
	// Unverified tells why the request's signature is not known to be made by
	// its key; "" where it is. SignatureError is the error.
	Unverified     string `json:"unverified,omitempty"`
	SignatureError error  `json:"-"`
	// Weak is as in Info.
	Weak []string `json:"weak,omitempty"`

	CA                bool     `json:"ca"`
	IKE               bool     `json:"ike"` // whether ipsecIKE is asked for
	SANs              []string `json:"sans,omitempty"`
	KeyUsage          []string `json:"key_usage,omitempty"`
	ExtKeyUsage       []string `json:"extended_key_usage,omitempty"`
	ChallengePassword bool     `json:"challenge_password"`
	// Attributes names those beside the extensions and the challenge password.
	Attributes []string `json:"attributes,omitempty"`

	Extensions []Extension `json:"extensions,omitempty"`

	PublicKey string `json:"public_key_sha256"` // of the SubjectPublicKeyInfo
}

// ErrRequest is an error of DescribeRequest: what was given is no request.
var ErrRequest = errors.New("it has not the structure of RFC 2986, 4")

// maxAttributes bounds the attributes of a request.
const maxAttributes = 64

// DescribeRequest reads a PKCS #10 request, DER.
func DescribeRequest(encoded []byte) (RequestInfo, error) {
	info, err := describeRequest(encoded)
	if err != nil {
		return RequestInfo{}, fmt.Errorf("certificate request: %w", err)
	}
	return info, nil
}

func describeRequest(encoded []byte) (RequestInfo, error) {
	var (
		info                                    RequestInfo
		request, signed, content, subject, spki cryptobyte.String
		element, signature, attributes          cryptobyte.String
	)
	if len(encoded) > cert.MaxSize {
		return info, fmt.Errorf("%d bytes, more than %d", len(encoded), cert.MaxSize)
	}
	input := cryptobyte.String(encoded)
	if !input.ReadASN1(&request, cbasn1.SEQUENCE) || !input.Empty() || !request.ReadASN1Element(&signed, cbasn1.SEQUENCE) ||
		!request.ReadASN1Element(&element, cbasn1.SEQUENCE) || !request.ReadASN1(&signature, cbasn1.BIT_STRING) || !request.Empty() {
		return info, ErrRequest
	}
	algorithm, err := cert.ParseAlgorithm(element)
	if err != nil {
		return info, err
	}
	whole := signed
	if !signed.ReadASN1(&content, cbasn1.SEQUENCE) || !content.SkipASN1(cbasn1.INTEGER) || !content.ReadASN1Element(&subject, cbasn1.SEQUENCE) ||
		!content.ReadASN1Element(&spki, cbasn1.SEQUENCE) || !content.ReadOptionalASN1(&attributes, nil, tag0Constructed) || !content.Empty() {
		return info, ErrRequest
	}
	key := sha256.Sum256(spki)
	info = RequestInfo{
		Subject: nameText(subject), Key: keyName(spki), Signature: signatureName(algorithm), Weak: weaknesses(algorithm, spki), PublicKey: Colons(key[:]),
	}
	if info.SignatureError = checkSignature(algorithm, spki, whole, signature); info.SignatureError != nil {
		info.Unverified = info.SignatureError.Error()
	}
	extensions, err := info.readAttributes(attributes)
	if err != nil {
		return info, err
	}
	for _, e := range extensions {
		info.Extensions = append(info.Extensions, describe(e))
		info.IKE = info.IKE || asksIKE(e)
	}
	usual := readUsual(extensions)
	info.CA, info.SANs, info.KeyUsage, info.ExtKeyUsage = usual.ca, usual.sans, usual.keyUsage, usual.purposes
	return info, nil
}

// checkSignature checks that the request is signed by its key (RFC 2986, 3).
func checkSignature(a cert.Algorithm, spki, signed, signature []byte) error {
	key, err := cert.ParsePublicKey(spki)
	if err != nil {
		return err
	}
	if len(signature) == 0 || signature[0] != 0 {
		return cert.ErrSignature
	}
	return cert.CheckSignature(a, key, signed, signature[1:])
}

// asksIKE reports whether an extension asks for ipsecIKE.
func asksIKE(e cert.Extension) bool {
	if e.OID != cert.OIDExtKeyUsage {
		return false
	}
	list, err := cert.ParseExtKeyUsage(e.Value)
	if err != nil {
		return false
	}
	for _, id := range list {
		if id == cert.OIDUsageIPsecIKE {
			return true
		}
	}
	return false
}

// readAttributes reads the attributes (RFC 2986, 4.1), and returns the extensions
// that are asked for.
func (r *RequestInfo) readAttributes(attributes cryptobyte.String) ([]cert.Extension, error) {
	var extensions []cert.Extension
	for n := 0; !attributes.Empty(); n++ {
		var attribute, set cryptobyte.String
		if n == maxAttributes {
			return nil, fmt.Errorf("more than %d attributes", maxAttributes)
		}
		if !attributes.ReadASN1(&attribute, cbasn1.SEQUENCE) {
			return nil, ErrRequest
		}
		id, ok := der.ReadOID(&attribute)
		if !ok || !attribute.ReadASN1(&set, cbasn1.SET) || !attribute.Empty() {
			return nil, ErrRequest
		}
		switch dotted := id.String(); dotted {
		case oids.ChallengePassword:
			r.ChallengePassword = true
		case oids.ExtensionRequest:
			list, err := readExtensions(set)
			if err != nil {
				return nil, err
			}
			if extensions = append(extensions, list...); len(extensions) > cert.MaxExtensions {
				return nil, fmt.Errorf("more than %d extensions", cert.MaxExtensions)
			}
		default:
			r.Attributes = append(r.Attributes, oids.AttributeName(dotted))
		}
	}
	return extensions, nil
}

// readExtensions reads an extension request (RFC 2985, 5.4.2).
func readExtensions(set cryptobyte.String) ([]cert.Extension, error) {
	var (
		content cryptobyte.String
		list    []cert.Extension
	)
	if !set.ReadASN1(&content, cbasn1.SEQUENCE) || !set.Empty() {
		return nil, ErrRequest
	}
	for !content.Empty() {
		e, ok := der.ReadExtension(&content)
		if !ok {
			return nil, ErrRequest
		}
		if len(list) == cert.MaxExtensions {
			return nil, fmt.Errorf("more than %d extensions", cert.MaxExtensions)
		}
		list = append(list, e)
	}
	return list, nil
}

package certpem

import (
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// An OtherError is something else where a certificate is wanted, by the look of
// its outermost parts.
type OtherError struct {
	// Kind is what it is, with its article, such as "a revocation list".
	Kind string
	hint string
}

// Error says what it is.
func (e *OtherError) Error() string { return "certificates: this is " + e.Kind }

// Hint says what to do with it.
func (e *OtherError) Hint() string { return e.hint }

// The things that people take for certificates.
var (
	aList = OtherError{"a revocation list, not a certificate",
		"keyman crl show reads it, and --crl FILE gives it to keyman crl check and keyman cert validate"}
	aRequest = OtherError{"a certificate request, not a certificate",
		"name the certificate that the CA has made of it"}
	aKey     = OtherError{"a private key, not a certificate", "name the file with its certificate"}
	aPublic  = OtherError{"a public key, not a certificate", "name the file with its certificate"}
	aPKCS12  = OtherError{"a PKCS#12 file, not a certificate", "keyman keydb list --keydb FILE shows what is in it, and --keydb opens it"}
	anAnswer = OtherError{"an OCSP answer, not a certificate", ""}
)

// blockKinds are the labels of PEM blocks that hold no certificate (RFC 7468, 6,
// 7, 10, 11 and 13, and traditional ones).
var blockKinds = map[string]OtherError{
	"X509 CRL": aList, "CRL": aList,
	"CERTIFICATE REQUEST": aRequest, "NEW CERTIFICATE REQUEST": aRequest,
	"PRIVATE KEY": aKey, "ENCRYPTED PRIVATE KEY": aKey, "RSA PRIVATE KEY": aKey, "EC PRIVATE KEY": aKey,
	"DSA PRIVATE KEY": aKey, "OPENSSH PRIVATE KEY": aKey,
	"PUBLIC KEY": aPublic, "RSA PUBLIC KEY": aPublic,
}

// other returns an OtherError for an element that is plainly no certificate, and
// nil for one and for what cannot be told from one.
func other(element []byte) error {
	var outer, inner cryptobyte.String
	input := cryptobyte.String(element)
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) {
		return nil
	}
	var found OtherError
	switch {
	case outer.PeekASN1Tag(cbasn1.ENUM): // RFC 6960, 4.2.1
		found = anAnswer
	case outer.PeekASN1Tag(cbasn1.INTEGER):
		found = versioned(outer)
	case outer.ReadASN1(&inner, cbasn1.SEQUENCE):
		found = nested(inner, outer)
	}
	if found.Kind == "" {
		return nil
	}
	return &found
}

// versioned tells what begins with a number: private keys, and PKCS#12.
func versioned(content cryptobyte.String) OtherError {
	var version int
	switch {
	case !content.ReadASN1Integer(&version):
	case content.PeekASN1Tag(cbasn1.OCTET_STRING), content.PeekASN1Tag(cbasn1.INTEGER):
		return aKey // RFC 5915, 3; RFC 8017, A.1.2
	case version == 3 && content.PeekASN1Tag(cbasn1.SEQUENCE): // RFC 7292, 4
		return aPKCS12
	case content.SkipASN1(cbasn1.SEQUENCE) && content.PeekASN1Tag(cbasn1.OCTET_STRING): // RFC 5958, 2
		return aKey
	}
	return OtherError{}
}

// nested tells what begins with a SEQUENCE: inner is its content, rest what follows.
func nested(inner, rest cryptobyte.String) OtherError {
	switch {
	case inner.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) && rest.PeekASN1Tag(cbasn1.OCTET_STRING): // RFC 5958, 3
		return aKey
	case inner.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) && rest.PeekASN1Tag(cbasn1.BIT_STRING): // RFC 5280, 4.1
		return aPublic
	case !rest.SkipASN1(cbasn1.SEQUENCE) || !rest.PeekASN1Tag(cbasn1.BIT_STRING):
		return OtherError{} // nothing that is signed
	}
	version := inner.PeekASN1Tag(cbasn1.INTEGER)
	if version && !inner.SkipASN1(cbasn1.INTEGER) || !inner.SkipASN1(cbasn1.SEQUENCE) || !inner.SkipASN1(cbasn1.SEQUENCE) {
		return OtherError{}
	}
	switch {
	// RFC 5280, 5.1: a version or none, algorithm, issuer, and the time. A
	// certificate has its validity there, a SEQUENCE.
	case inner.PeekASN1Tag(cbasn1.UTCTime), inner.PeekASN1Tag(cbasn1.GeneralizedTime):
		return aList
	// RFC 2986, 4.1: version, subject, key, attributes.
	case version && (inner.Empty() || inner.PeekASN1Tag(cbasn1.Tag(0).Constructed().ContextSpecific())):
		return aRequest
	}
	return OtherError{}
}

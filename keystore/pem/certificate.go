package pem

import (
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/dn"
)

// A subject is what certificates and requests tell about whom they are for,
// also where Go cannot read the rest.
type subject struct {
	name   string // the common name; "" where there is none
	public []byte // the bits of the public key
}

// tag0 is [0] EXPLICIT.
var tag0 = cbasn1.Tag(0).ContextSpecific().Constructed()

// certificateSubject reads a Certificate (RFC 5280, 4.1).
func certificateSubject(der []byte) (subject, bool) {
	var input, seq, tbs cryptobyte.String = der, nil, nil
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() || !seq.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(tag0) || // version
		!tbs.SkipASN1(cbasn1.INTEGER) || // serialNumber
		!tbs.SkipASN1(cbasn1.SEQUENCE) || // signature
		!tbs.SkipASN1(cbasn1.SEQUENCE) || // issuer
		!tbs.SkipASN1(cbasn1.SEQUENCE) { // validity
		return subject{}, false
	}
	return readSubject(&tbs)
}

// requestSubject reads a CertificationRequest (RFC 2986, 4).
func requestSubject(der []byte) (subject, bool) {
	var input, seq, info cryptobyte.String = der, nil, nil
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() || !seq.ReadASN1(&info, cbasn1.SEQUENCE) ||
		!info.SkipASN1(cbasn1.INTEGER) { // version
		return subject{}, false
	}
	return readSubject(&info)
}

// readSubject reads a Name and the SubjectPublicKeyInfo behind it.
func readSubject(s *cryptobyte.String) (subject, bool) {
	var (
		who        subject
		name, spki cryptobyte.String
	)
	if !s.ReadASN1Element(&name, cbasn1.SEQUENCE) || !s.ReadASN1(&spki, cbasn1.SEQUENCE) ||
		!spki.SkipASN1(cbasn1.SEQUENCE) || !spki.ReadASN1BitStringAsBytes(&who.public) || !spki.Empty() {
		return subject{}, false
	}
	if parsed, err := dn.FromDER(name); err == nil {
		who.name = parsed.CommonName()
	}
	return who, true
}

// splitTrusted takes OpenSSL's settings off a TRUSTED CERTIFICATE. Of them only
// the alias is read here (X509_CERT_AUX: trust, reject, alias, keyid, others).
func splitTrusted(data []byte) (certificate, settings []byte, alias string, ok bool) {
	input := cryptobyte.String(data)
	var first, aux, text cryptobyte.String
	if !input.ReadASN1Element(&first, cbasn1.SEQUENCE) {
		return nil, nil, "", false
	}
	settings = input
	if input.Empty() {
		return first, nil, "", true
	}
	if !input.ReadASN1(&aux, cbasn1.SEQUENCE) || !input.Empty() ||
		!aux.SkipOptionalASN1(cbasn1.SEQUENCE) || !aux.SkipOptionalASN1(tag0) ||
		!aux.ReadOptionalASN1(&text, nil, cbasn1.UTF8String) {
		return nil, nil, "", false
	}
	return first, settings, string(text), true
}

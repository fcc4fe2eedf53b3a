package cert

import (
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// An Outline is what thousands of certificates are looked up by. The slices are
// whole elements, and point into the input.
type Outline struct{ Issuer, Subject, SPKI []byte }

// ReadOutline reads a certificate only as far as its key, and allocates nothing.
// ok is false for what is no certificate; Parse says why.
func ReadOutline(encoded []byte) (o Outline, ok bool) {
	var outer, tbs, issuer, subject, spki cryptobyte.String
	input := cryptobyte.String(encoded)
	if !input.ReadASN1(&outer, cbasn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!outer.SkipASN1(cbasn1.SEQUENCE) || !outer.SkipASN1(cbasn1.BIT_STRING) || !outer.Empty() ||
		!tbs.SkipOptionalASN1(tag0Constructed) || !tbs.SkipASN1(cbasn1.INTEGER) || !tbs.SkipASN1(cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !tbs.SkipASN1(cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(&subject, cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&spki, cbasn1.SEQUENCE) {
		return Outline{}, false
	}
	return Outline{issuer, subject, spki}, true
}

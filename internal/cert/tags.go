package cert

import (
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The context tags of certificates and their extensions.
var (
	tag0 = cbasn1.Tag(0).ContextSpecific()
	tag1 = cbasn1.Tag(1).ContextSpecific()
	tag2 = cbasn1.Tag(2).ContextSpecific()
	tag3 = cbasn1.Tag(3).ContextSpecific()
	tag4 = cbasn1.Tag(4).ContextSpecific()
	tag5 = cbasn1.Tag(5).ContextSpecific()
	tag7 = cbasn1.Tag(7).ContextSpecific()

	tag0Constructed = tag0.Constructed()
	tag1Constructed = tag1.Constructed()
	tag2Constructed = tag2.Constructed()
	tag3Constructed = tag3.Constructed()
)

// readSequence reads the one SEQUENCE that must fill an extension's value.
func readSequence(value []byte, what string) (cryptobyte.String, error) {
	input := cryptobyte.String(value)
	var content cryptobyte.String
	if !input.ReadASN1(&content, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, errMalformed(what)
	}
	return content, nil
}

// count returns how many elements lie one behind the other, so that what holds
// them can be made once and no larger than needed. It returns false where they
// are no DER, or more than MaxNames.
func count(elements cryptobyte.String) (int, bool) {
	n := 0
	for ; !elements.Empty(); n++ {
		var (
			element cryptobyte.String
			tag     cbasn1.Tag
		)
		if n == MaxNames || !elements.ReadAnyASN1Element(&element, &tag) {
			return 0, false
		}
	}
	return n, true
}

package pkcs12

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// tagBMPString is BMPString (X.680, table 8).
const tagBMPString = cbasn1.Tag(30)

// text reads a string: BMPString as RFC 2985, 5.5.1 says, or UTF8String.
func text(values []byte) (string, bool) {
	var (
		input   = cryptobyte.String(values)
		content cryptobyte.String
		tag     cbasn1.Tag
	)
	if !input.ReadAnyASN1(&content, &tag) {
		return "", false
	}
	switch tag {
	case tagBMPString:
		if len(content)%2 != 0 {
			return "", false
		}
		units := make([]uint16, len(content)/2)
		for i := range units {
			units[i] = uint16(content[2*i])<<8 | uint16(content[2*i+1])
		}
		return string(utf16.Decode(units)), true
	case cbasn1.UTF8String:
		return string(content), utf8.Valid(content)
	default:
		return "", false
	}
}

// bmpString writes text as a BMPString; what lies outside of the BMP becomes
// two surrogates.
func bmpString(text string) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tagBMPString, func(b *cryptobyte.Builder) {
		for _, unit := range utf16.Encode([]rune(text)) {
			b.AddUint16(unit)
		}
	})
	return b.Bytes()
}

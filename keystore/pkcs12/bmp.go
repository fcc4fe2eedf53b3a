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
		return decodeUTF16(content), true
	case cbasn1.UTF8String:
		return string(content), utf8.Valid(content)
	default:
		return "", false
	}
}

// decodeUTF16 does what utf16.Decode does without its slices: a file has a label
// for each of its thousands of certificates.
func decodeUTF16(content []byte) string {
	text := make([]byte, 0, 128)
	for len(content) > 0 {
		unit := rune(content[0])<<8 | rune(content[1])
		content = content[2:]
		if utf16.IsSurrogate(unit) {
			pair := rune(utf8.RuneError)
			if len(content) > 0 {
				pair = utf16.DecodeRune(unit, rune(content[0])<<8|rune(content[1]))
			}
			if pair != utf8.RuneError {
				content = content[2:]
			}
			unit = pair
		}
		text = utf8.AppendRune(text, unit)
	}
	return string(text)
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

package certinfo

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// The tags that cryptobyte does not name (X.680, 8.4).
const (
	tagNumericString   = cbasn1.Tag(18)
	tagVisibleString   = cbasn1.Tag(26)
	tagUniversalString = cbasn1.Tag(28)
	tagBMPString       = cbasn1.Tag(30)
)

// errValue is a value that is not what its extension, or its element, asks for.
var errValue = errors.New("malformed value")

// stringText returns the text of a string of any type, in UTF-8. ok is false for
// what is no string, or a damaged one.
func stringText(tag cbasn1.Tag, content cryptobyte.String) (text string, ok bool) {
	switch tag {
	case cbasn1.UTF8String, cbasn1.PrintableString, cbasn1.IA5String, cbasn1.GeneralString, tagNumericString, tagVisibleString:
		return string(content), utf8.Valid(content)
	case cbasn1.T61String: // taken for Latin-1, as everyone writes it
		runes := make([]rune, len(content))
		for i, octet := range content {
			runes[i] = rune(octet)
		}
		return string(runes), true
	case tagBMPString:
		units := make([]uint16, len(content)/2)
		for i := range units {
			content.ReadUint16(&units[i])
		}
		return string(utf16.Decode(units)), content.Empty()
	case tagUniversalString:
		runes := make([]rune, len(content)/4)
		for i := range runes {
			var r uint32
			content.ReadUint32(&r)
			runes[i] = rune(r)
		}
		return string(runes), content.Empty()
	}
	return "", false
}

// readText reads one string off s.
func readText(s *cryptobyte.String) (string, error) {
	var (
		content cryptobyte.String
		tag     cbasn1.Tag
	)
	if !s.ReadAnyASN1(&content, &tag) {
		return "", errValue
	}
	text, ok := stringText(tag, content)
	if !ok {
		return "", errValue
	}
	return text, nil
}

// wholeText reads a value that is one string.
func wholeText(value []byte) (string, error) {
	s := cryptobyte.String(value)
	text, err := readText(&s)
	if err != nil || !s.Empty() {
		return "", errValue
	}
	return text, nil
}

// anyText writes an element of any type as well as it can: a string, a number, a
// time, an identifier, a truth, or the beginning of its octets.
func anyText(element []byte) string {
	s := cryptobyte.String(element)
	var (
		content cryptobyte.String
		tag     cbasn1.Tag
		truth   bool
	)
	if text, err := wholeText(element); err == nil {
		return text
	}
	if at, ok := der.ReadTime(&s); ok && s.Empty() {
		return timeText(at)
	}
	s = cryptobyte.String(element)
	if der.ReadBool(&s, cbasn1.BOOLEAN, &truth) && s.Empty() {
		return strconv.FormatBool(truth)
	}
	s = cryptobyte.String(element)
	if oid, ok := der.ReadOID(&s); ok && s.Empty() {
		return oid.String()
	}
	s = cryptobyte.String(element)
	if s.ReadAnyASN1(&content, &tag) && s.Empty() && tag == cbasn1.INTEGER {
		return numberText(content)
	}
	return hexText(element)
}

// numberText writes the content octets of an INTEGER in decimal digits where they
// are few, otherwise in hexadecimal ones.
func numberText(content []byte) string {
	if len(content) == 0 || len(content) > 8 {
		return "0x" + der.OctetsText(content)
	}
	n := int64(int8(content[0]))
	for _, octet := range content[1:] {
		n = n<<8 | int64(octet)
	}
	return strconv.FormatInt(n, 10)
}

// maxHex is how many octets of what cannot be told in words are shown.
const maxHex = 32

// hexText shows the beginning of octets.
func hexText(octets []byte) string {
	if len(octets) <= maxHex {
		return hex.EncodeToString(octets)
	}
	return fmt.Sprintf("%s... (%d octets)", hex.EncodeToString(octets[:maxHex]), len(octets))
}

// timeText writes a time.
func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339) }

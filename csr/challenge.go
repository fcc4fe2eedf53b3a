package csr

import (
	"errors"
	"fmt"
	"log/slog"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxChallenge is the longest challenge password, in characters:
// pkcs-9-ub-challengePassword of RFC 2985, appendix A.
const MaxChallenge = 255

// redacted stands wherever a Challenge is printed.
const redacted = "[challenge password]"

// A Challenge is the password by which the holder of a certificate may have it
// revoked (RFC 2985, 5.4.1), in UTF-8. It stands in the request in clear, so it
// should open nothing else; all the same it prints as a placeholder through fmt,
// log/slog and encoding/json.
type Challenge []byte

// String returns a placeholder, never the password.
func (Challenge) String() string { return redacted }

// GoString returns a placeholder, never the password.
func (Challenge) GoString() string { return redacted }

// LogValue returns a placeholder, never the password.
func (Challenge) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns a placeholder, never the password.
func (Challenge) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Validate tells why the password cannot stand in a request, or returns nil, as
// for none. The errors do not repeat it.
func (c Challenge) Validate() error {
	switch n := utf8.RuneCount(c); {
	case c == nil:
		return nil
	case !utf8.Valid(c):
		return errors.New("the challenge password is not in UTF-8")
	case n == 0 || n > MaxChallenge:
		return fmt.Errorf("a challenge password of %d characters: 1 to %d are accepted (RFC 2985, 5.4.1)", n, MaxChallenge)
	}
	for _, r := range string(c) {
		if unicode.IsControl(r) {
			return errors.New("the challenge password holds a control character")
		}
	}
	return nil
}

// add encodes the DirectoryString: a PrintableString where the characters allow
// it, as RFC 2985, 5.4.1 recommends, otherwise a UTF8String.
func (c Challenge) add(b *cryptobyte.Builder) {
	tag := cbasn1.PrintableString
	for _, octet := range c {
		if !isPrintableString(octet) {
			tag = cbasn1.UTF8String
		}
	}
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(c) })
}

// isPrintableString reports whether a character may stand in a PrintableString
// (X.680, 41.4).
func isPrintableString(c byte) bool {
	if isLetterOrDigit(c) {
		return true
	}
	switch c {
	case ' ', '\'', '(', ')', '+', ',', '-', '.', '/', ':', '=', '?':
		return true
	}
	return false
}

// readChallenge reads the DirectoryString of an attribute.
func readChallenge(value cryptobyte.String) (Challenge, error) {
	var (
		content cryptobyte.String
		tag     cbasn1.Tag
	)
	if !value.ReadAnyASN1(&content, &tag) || !value.Empty() {
		return nil, errors.New("it is not one string")
	}
	var c Challenge
	switch tag {
	case cbasn1.UTF8String, cbasn1.PrintableString, cbasn1.IA5String:
		c = append(c, content...)
	case cbasn1.T61String: // taken for Latin-1, as everyone writes it
		for _, octet := range content {
			c = utf8.AppendRune(c, rune(octet))
		}
	case tagBMPString:
		for !content.Empty() {
			var unit uint16
			if !content.ReadUint16(&unit) {
				return nil, errors.New("it is a BMPString of an odd length")
			}
			c = utf8.AppendRune(c, rune(unit))
		}
	default:
		return nil, errors.New("it is no directory string")
	}
	if c == nil {
		c = Challenge{}
	}
	return c, c.Validate()
}

// tagBMPString is the tag of a BMPString (X.680, 8.4).
const tagBMPString = cbasn1.Tag(30)

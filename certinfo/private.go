package certinfo

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// readNull reads an extension whose presence says all (RFC 6960, 4.2.2.2.1; RFC
// 6962, 3.1; RFC 9608, 2).
func readNull(value []byte) ([]Value, error) {
	if string(value) != "\x05\x00" {
		return nil, errValue
	}
	return values("yes"), nil
}

// readString reads an extension that is one string.
func readString(value []byte) ([]Value, error) {
	text, err := wholeText(value)
	if err != nil {
		return nil, err
	}
	return values(text), nil
}

// tlsFeatures are those that are seen (RFC 6066, 8; RFC 6961).
func tlsFeatures() map[string]string {
	return map[string]string{"5": "status_request (OCSP must staple)", "17": "status_request_v2"}
}

// readTLSFeature reads RFC 7633, 4.1.
func readTLSFeature(value []byte) ([]Value, error) {
	var content cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&content, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, errValue
	}
	var list []Value
	for !content.Empty() {
		var number cryptobyte.String
		if !content.ReadASN1(&number, cbasn1.INTEGER) {
			return nil, errValue
		}
		text := numberText(number)
		if word, ok := tlsFeatures()[text]; ok {
			text = word
		}
		list = append(list, Value{Text: text})
	}
	return list, nil
}

// netscapeTypes are the bits of the Netscape certificate type.
var netscapeTypes = [...]string{
	"SSL client", "SSL server", "S/MIME", "object signing", "reserved", "SSL CA", "S/MIME CA", "object signing CA",
}

func readNetscapeType(value []byte) ([]Value, error) {
	var content cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&content, cbasn1.BIT_STRING) || !input.Empty() {
		return nil, errValue
	}
	bits, ok := der.ReadBits(content)
	if !ok {
		return nil, errValue
	}
	var words []string
	for bit, word := range netscapeTypes {
		if bits&(1<<bit) != 0 {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return values("none"), nil
	}
	return values(strings.Join(words, ", ")), nil
}

// readTemplate reads Microsoft's CertificateTemplateOID ([MS-WCCE], 2.2.2.7.7.2).
func readTemplate(value []byte) ([]Value, error) {
	var content cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&content, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, errValue
	}
	id, ok := der.ReadOID(&content)
	if !ok {
		return nil, errValue
	}
	list := values("template " + id.String())
	for _, word := range []string{"major version ", "minor version "} {
		if content.Empty() {
			break
		}
		var number cryptobyte.String
		if !content.ReadASN1(&number, cbasn1.INTEGER) {
			return nil, errValue
		}
		list = append(list, Value{Text: word + numberText(number)})
	}
	if !content.Empty() {
		return nil, errValue
	}
	return list, nil
}

// readCAVersion reads Microsoft's version of a CA: how often its certificate and
// its key were renewed ([MS-WCCE], 2.2.2.7.5).
func readCAVersion(value []byte) ([]Value, error) {
	var number uint32
	input := cryptobyte.String(value)
	if !input.ReadASN1Integer(&number) || !input.Empty() {
		return nil, errValue
	}
	return values(fmt.Sprintf("V%d.%d (certificate %d, key %d)", number&0xffff, number>>16, number&0xffff, number>>16)), nil
}

// readNTDS reads Microsoft's security identifier of an account ([MS-WCCE],
// 2.2.2.7.7.4).
func readNTDS(value []byte) ([]Value, error) {
	var content, name, sid cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&content, cbasn1.SEQUENCE) || !input.Empty() || !content.ReadASN1(&name, tag0Constructed) || !content.Empty() {
		return nil, errValue
	}
	if _, ok := der.ReadOID(&name); !ok || !name.ReadASN1(&sid, tag0Constructed) || !name.Empty() ||
		!sid.ReadASN1(&sid, cbasn1.OCTET_STRING) {
		return nil, errValue
	}
	text, ok := stringText(cbasn1.UTF8String, sid)
	if !ok {
		return nil, errValue
	}
	return values("object " + text), nil
}

// readEntrust reads Entrust's version information.
func readEntrust(value []byte) ([]Value, error) {
	var content, flags cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&content, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, errValue
	}
	version, err := readText(&content)
	if err != nil || !content.ReadASN1(&flags, cbasn1.BIT_STRING) || !content.Empty() || len(flags) == 0 {
		return nil, errValue
	}
	return values("version "+version, "flags "+hexText(flags[1:])), nil
}

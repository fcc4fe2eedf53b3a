package certinfo

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/der"
	"keyman/internal/oids"
)

// readAuthorityKeyID reads RFC 5280, 4.2.1.1.
func readAuthorityKeyID(value []byte) ([]Value, error) {
	id, err := cert.ParseAuthorityKeyID(value)
	if err != nil {
		return nil, err
	}
	var list []Value
	if id.KeyID != nil {
		list = append(list, Value{Text: "key id " + Colons(id.KeyID)})
	}
	for _, name := range id.Issuer {
		list = append(list, Value{Text: "issuer " + generalName(name)})
	}
	if id.Serial != nil {
		list = append(list, Value{Text: "serial " + der.OctetsText(id.Serial)})
	}
	if list == nil {
		return values("nothing"), nil
	}
	return list, nil
}

// readSubjectKeyID reads one OCTET STRING, as in RFC 5280, 4.2.1.2.
func readSubjectKeyID(value []byte) ([]Value, error) {
	id, err := cert.ParseSubjectKeyID(value)
	if err != nil {
		return nil, err
	}
	return values(Colons(id)), nil
}

// readKeyUsage reads RFC 5280, 4.2.1.3.
func readKeyUsage(value []byte) ([]Value, error) {
	words, err := keyUsage(value)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return values("none"), nil
	}
	return values(strings.Join(words, ", ")), nil
}

func keyUsage(value []byte) ([]string, error) {
	usage, err := cert.ParseKeyUsage(value)
	if err != nil {
		return nil, err
	}
	return usage.Names(), nil
}

// readPurposes reads RFC 5280, 4.2.1.12.
func readPurposes(value []byte) ([]Value, error) {
	words, err := purposes(value)
	if err != nil {
		return nil, err
	}
	return values(strings.Join(words, ", ")), nil
}

func purposes(value []byte) ([]string, error) {
	list, err := cert.ParseExtKeyUsage(value)
	if err != nil {
		return nil, err
	}
	words := make([]string, len(list))
	for i, id := range list {
		words[i] = oids.PurposeWord(id.String())
	}
	return words, nil
}

// readKeyPeriod reads the private key usage period (RFC 3280, 4.2.1.4).
func readKeyPeriod(value []byte) ([]Value, error) {
	var content cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&content, cbasn1.SEQUENCE) || !input.Empty() || content.Empty() {
		return nil, errValue
	}
	var list []Value
	for _, part := range []struct {
		tag  cbasn1.Tag
		word string
	}{{tag0, "from "}, {tag1, "until "}} {
		if !content.PeekASN1Tag(part.tag) {
			continue
		}
		var text cryptobyte.String
		if !content.ReadASN1(&text, part.tag) {
			return nil, errValue
		}
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes(text) })
		element := cryptobyte.String(b.BytesOrPanic())
		at, ok := der.ReadGeneralizedTime(&element)
		if !ok {
			return nil, errValue
		}
		list = append(list, Value{Text: part.word + timeText(at)})
	}
	if !content.Empty() {
		return nil, errValue
	}
	return list, nil
}

// readAltName reads RFC 5280, 4.2.1.6 and 4.2.1.7.
func readAltName(value []byte) ([]Value, error) {
	names, err := cert.ParseGeneralNames(value)
	if err != nil {
		return nil, err
	}
	return values(namesText(names)...), nil
}

// readDirectoryAttributes reads RFC 5280, 4.2.1.8.
func readDirectoryAttributes(value []byte) ([]Value, error) {
	var attributes cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&attributes, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, errValue
	}
	var list []Value
	for !attributes.Empty() {
		var attribute, set cryptobyte.String
		if !attributes.ReadASN1(&attribute, cbasn1.SEQUENCE) {
			return nil, errValue
		}
		id, ok := der.ReadOID(&attribute)
		if !ok || !attribute.ReadASN1(&set, cbasn1.SET) || !attribute.Empty() {
			return nil, errValue
		}
		v := Value{Text: oids.NameAndDigits(id.String())}
		for !set.Empty() {
			var (
				element cryptobyte.String
				tag     cbasn1.Tag
			)
			if !set.ReadAnyASN1Element(&element, &tag) {
				return nil, errValue
			}
			v.Details = append(v.Details, anyText(element))
		}
		list = append(list, v)
	}
	return list, nil
}

// readBasicConstraints reads RFC 5280, 4.2.1.9.
func readBasicConstraints(value []byte) ([]Value, error) {
	c, err := cert.ParseBasicConstraints(value)
	switch {
	case err != nil:
		return nil, err
	case c.CA && c.MaxPathLen != nil:
		return values("CA: yes", fmt.Sprintf("CAs below it: at most %d", *c.MaxPathLen)), nil
	case c.CA:
		return values("CA: yes"), nil
	case c.MaxPathLen != nil: // RFC 5280, 4.2.1.9 forbids it
		return values("CA: no", fmt.Sprintf("path length %d, which means nothing here", *c.MaxPathLen)), nil
	}
	return values("CA: no"), nil
}

// readNameConstraints reads RFC 5280, 4.2.1.10.
func readNameConstraints(value []byte) ([]Value, error) {
	c, err := cert.ParseNameConstraints(value)
	if err != nil {
		return nil, err
	}
	var list []Value
	for _, part := range []struct {
		word  string
		trees []cert.Subtree
	}{{"permitted", c.Permitted}, {"excluded", c.Excluded}} {
		if len(part.trees) == 0 {
			continue
		}
		v := Value{Text: part.word}
		for _, tree := range part.trees {
			text := generalName(tree.Base)
			if tree.Bounded {
				text += " (with a minimum or maximum)"
			}
			v.Details = append(v.Details, text)
		}
		list = append(list, v)
	}
	return list, nil
}

// readAccess reads RFC 5280, 4.2.2.1 and 4.2.2.2.
func readAccess(value []byte) ([]Value, error) {
	all, err := cert.ParseAuthorityInfoAccess(value)
	if err != nil {
		return nil, err
	}
	list := make([]Value, len(all))
	for i, a := range all {
		method := oids.Name(a.Method.String())
		if method == "" {
			method = a.Method.String()
		}
		list[i].Text = method + ": " + generalName(a.Location)
	}
	return list, nil
}

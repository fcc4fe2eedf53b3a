package certinfo

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/der"
	"keyman/internal/oids"
)

// The context tags of extensions, constructed ones with another name.
var (
	tag0            = cbasn1.Tag(0).ContextSpecific()
	tag1            = cbasn1.Tag(1).ContextSpecific()
	tag0Constructed = tag0.Constructed()
	tag1Constructed = tag1.Constructed()
)

// nameWords are the words before names, those that csr.ParseSAN reads among them.
var nameWords = [...]string{
	cert.OtherName: "other", cert.RFC822Name: "email", cert.DNSName: "dns", cert.X400Address: "x400", cert.DirectoryName: "directory",
	cert.EDIPartyName: "edi", cert.URIName: "uri", cert.IPAddress: "ip", cert.RegisteredID: "id",
}

// generalName writes a GeneralName: "dns:gw1.example.org".
func generalName(n cert.GeneralName) string {
	word := ""
	if int(n.Kind) < len(nameWords) {
		word = nameWords[n.Kind]
	}
	return word + ":" + generalNameValue(n)
}

func generalNameValue(n cert.GeneralName) string {
	switch n.Kind {
	case cert.OtherName:
		return otherName(n.Value)
	case cert.RFC822Name, cert.DNSName, cert.URIName:
		if !utf8.Valid(n.Value) {
			return hexText(n.Value)
		}
		return n.Text()
	case cert.DirectoryName:
		return nameText(n.Value)
	case cert.IPAddress:
		return address(n.Value)
	case cert.RegisteredID:
		// The content of an OBJECT IDENTIFIER without its tag.
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(n.Value) })
		element := cryptobyte.String(b.BytesOrPanic())
		if oid, ok := der.ReadOID(&element); ok {
			return oid.String()
		}
	}
	return hexText(n.Value)
}

// namesText writes GeneralNames.
func namesText(names []cert.GeneralName) []string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = generalName(n)
	}
	return list
}

// address writes an address of 4 or 16 octets, or twice as many with a mask, as
// name constraints have it (RFC 5280, 4.2.1.10).
func address(octets []byte) string {
	if addr, ok := netip.AddrFromSlice(octets); ok {
		return addr.String()
	}
	half := len(octets) / 2
	addr, okAddr := netip.AddrFromSlice(octets[:half])
	mask, okMask := netip.AddrFromSlice(octets[half:])
	if !okAddr || !okMask || addr.BitLen() != mask.BitLen() {
		return hexText(octets)
	}
	ones := 0
	for _, octet := range octets[half:] {
		for bit := 7; bit >= 0 && octet&(1<<bit) != 0; bit-- {
			ones++
		}
		if octet != 0xff {
			break
		}
	}
	if prefix, err := mask.Prefix(ones); err == nil && prefix.Addr() == mask {
		return fmt.Sprintf("%s/%d", addr, ones)
	}
	return addr.String() + " mask " + mask.String() // ones and zeros mixed
}

// otherName writes the content of an otherName: its form, and its value as far as
// it can be told.
func otherName(content cryptobyte.String) string {
	var value cryptobyte.String
	id, ok := der.ReadOID(&content)
	if !ok || !content.ReadASN1(&value, tag0Constructed) || !content.Empty() {
		return "a name that cannot be read"
	}
	form := oids.Name(id.String())
	switch form {
	case "":
		form = id.String()
	case "Kerberos principal":
		if text, ok := kerberosName(value); ok {
			return form + " " + text
		}
	case "hardware module name":
		if text, ok := hardwareName(value); ok {
			return form + " " + text
		}
	}
	return form + " " + anyText(value)
}

// kerberosName reads KRB5PrincipalName (RFC 4556, 3.2.2).
func kerberosName(value cryptobyte.String) (string, bool) {
	var principal, realm, name, kind, parts cryptobyte.String
	if !value.ReadASN1(&principal, cbasn1.SEQUENCE) || !principal.ReadASN1(&realm, tag0Constructed) ||
		!principal.ReadASN1(&name, tag1Constructed) || !name.ReadASN1(&name, cbasn1.SEQUENCE) ||
		!name.ReadASN1(&kind, tag0Constructed) || !name.ReadASN1(&parts, tag1Constructed) || !parts.ReadASN1(&parts, cbasn1.SEQUENCE) {
		return "", false
	}
	realmText, err := readText(&realm)
	if err != nil {
		return "", false
	}
	var texts []string
	for !parts.Empty() {
		text, err := readText(&parts)
		if err != nil {
			return "", false
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, "/") + "@" + realmText, true
}

// hardwareName reads HardwareModuleName (RFC 4108, 5).
func hardwareName(value cryptobyte.String) (string, bool) {
	var module, number cryptobyte.String
	if !value.ReadASN1(&module, cbasn1.SEQUENCE) {
		return "", false
	}
	id, ok := der.ReadOID(&module)
	if !ok || !module.ReadASN1(&number, cbasn1.OCTET_STRING) || !module.Empty() {
		return "", false
	}
	return "type " + id.String() + " number " + hexText(number), true
}

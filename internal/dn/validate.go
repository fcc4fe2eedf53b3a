package dn

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Validate tells why a name must not be signed into a new certificate: an empty
// or overlong value (RFC 5280, A.1), a country that is not two letters, a value
// that is no text or has control characters, or a string type that the
// attribute does not allow. Names that others have signed need not pass it.
func (n Name) Validate() error {
	for _, set := range n.rdns {
		seen := make(map[string]bool, len(set))
		for _, a := range set {
			if err := a.validate(); err != nil {
				return fmt.Errorf("name %q: %s: %w", n, typeByOID(a.oid), err)
			}
			if seen[a.oid] {
				return fmt.Errorf("name %q: %s: twice in one RDN", n, typeByOID(a.oid))
			}
			seen[a.oid] = true
		}
	}
	return nil
}

func (a attribute) validate() error {
	t := typeByOID(a.oid)
	switch length := utf8.RuneCountInString(a.value); {
	case a.opaque:
		return errors.New("the value is no text")
	case strings.TrimSpace(a.value) == "":
		return errors.New("the value is empty")
	case t.max > 0 && length > t.max:
		return fmt.Errorf("%d characters, more than %d", length, t.max)
	}
	for _, r := range a.value {
		if r < ' ' || 0x7f <= r && r <= 0x9f {
			return fmt.Errorf("control character %U", r)
		}
	}
	switch a.oid {
	case oidCountry:
		if len(a.value) != 2 || !isLetter(a.value[0]) || !isLetter(a.value[1]) {
			return fmt.Errorf("%q is no two-letter country code", a.value)
		}
	case oidSerialNumber, oidDNQualifier:
		if !isPrintable(a.value) {
			return fmt.Errorf("%q does not fit PrintableString", a.value)
		}
	case oidEmailAddress, oidDomainComponent:
		if !isASCII(a.value) {
			return fmt.Errorf("%q is not ASCII", a.value)
		}
	}
	return nil
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

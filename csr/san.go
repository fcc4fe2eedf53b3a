package csr

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/dn"
)

// A SANType is a kind of subject alternative name (RFC 5280, 4.2.1.6).
type SANType string

// The kinds of names that IKE identities are checked against, and URIs.
const (
	DNS   SANType = "dns"
	IP    SANType = "ip"
	Email SANType = "email"
	URI   SANType = "uri"
)

// A SAN is one subject alternative name. ParseSAN makes one that is well
// formed; other values are checked where they are used.
type SAN struct {
	Type  SANType
	Value string
}

// Limits of names, in bytes.
const (
	maxDNSName   = 253  // RFC 1035, 2.3.4
	maxLabel     = 63   // RFC 1035, 2.3.4
	maxLocalPart = 64   // RFC 5321, 4.5.3.1.1
	maxURI       = 2048 // ours
	// MaxSANs is the largest number of alternative names in one request.
	MaxSANs = 100
)

// ParseSAN reads "dns:gw1.example.org", "ip:10.0.0.1", "ip:2001:db8::1",
// "email:admin@example.org" or "uri:https://example.org/".
func ParseSAN(text string) (SAN, error) {
	kind, value, ok := strings.Cut(strings.TrimSpace(text), ":")
	if !ok {
		return SAN{}, fmt.Errorf("alternative name %q: write dns:, ip:, email: or uri: before it", text)
	}
	s := SAN{Type: SANType(strings.ToLower(kind)), Value: strings.TrimSpace(value)}
	if s.Type == IP {
		if addr, err := netip.ParseAddr(s.Value); err == nil {
			s.Value = addr.Unmap().String()
		}
	}
	if err := s.Validate(); err != nil {
		return SAN{}, err
	}
	return s, nil
}

// String returns the form that ParseSAN reads.
func (s SAN) String() string { return string(s.Type) + ":" + s.Value }

// MarshalText implements encoding.TextMarshaler.
func (s SAN) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler by ParseSAN.
func (s *SAN) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSAN(string(text))
	return err
}

// Validate tells what is wrong with a name, or returns nil.
func (s SAN) Validate() error {
	var err error
	switch s.Type {
	case DNS:
		err = checkDNS(s.Value)
	case IP:
		err = checkIP(s.Value)
	case Email:
		err = checkEmail(s.Value)
	case URI:
		err = checkURI(s.Value)
	default:
		err = fmt.Errorf("%q is no kind of name: use dns, ip, email or uri", string(s.Type))
	}
	if err != nil {
		shown := s.String()
		if s.Type == URI && strings.Contains(s.Value, "@") {
			shown = "uri:..." // it may hold a password
		}
		return fmt.Errorf("alternative name %.300q: %w", shown, err)
	}
	return nil
}

// checkDNS accepts the preferred name syntax of RFC 1034, 3.5, as RFC 5280,
// 4.2.1.6 demands, with the leading digits of RFC 1123, 2.1.
func checkDNS(name string) error {
	if name == "" || len(name) > maxDNSName {
		return fmt.Errorf("a DNS name has 1 to %d characters", maxDNSName)
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return errors.New("this is an IP address: write ip: before it")
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if label == "" || len(label) > maxLabel {
			return fmt.Errorf("the parts of a DNS name have 1 to %d characters", maxLabel)
		}
		for i := range len(label) {
			if c := label[i]; !isLetterOrDigit(c) && c != '-' {
				if c >= 0x80 {
					return errors.New(`write an internationalized name in its "xn--" form (RFC 5890)`)
				}
				if c == '*' {
					return errors.New("a wildcard names no gateway")
				}
				return fmt.Errorf("%q is not allowed in a DNS name", c)
			}
		}
		if label[0] == '-' || label[len(label)-1] == '-' {
			return fmt.Errorf("%q begins or ends with a hyphen", label)
		}
		if len(label) >= 4 && label[2:4] == "--" && !strings.EqualFold(label[:2], "xn") {
			return fmt.Errorf("%q has a reserved form (RFC 5890, 2.3.1)", label)
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return errors.New("a DNS name does not end with a number (RFC 3696, 2)")
	}
	return nil
}

func checkIP(text string) error {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return errors.New("no IPv4 or IPv6 address")
	}
	switch {
	case addr.Zone() != "":
		return errors.New("a zone has no place in a certificate")
	case addr.IsUnspecified():
		return errors.New("the unspecified address names no machine")
	case addr.Is4In6() || addr.String() != text:
		return fmt.Errorf("write it as %s", addr.Unmap())
	}
	return nil
}

// checkEmail accepts Local-part@Domain with a dot-string before the "@" (RFC
// 5321, 4.1.2).
func checkEmail(address string) error {
	local, domain, ok := strings.Cut(address, "@")
	if !ok || local == "" || len(local) > maxLocalPart {
		return fmt.Errorf("an e-mail address has 1 to %d characters before its %q", maxLocalPart, "@")
	}
	for _, atom := range strings.Split(local, ".") {
		if atom == "" {
			return errors.New("a dot stands at the wrong place")
		}
		for i := range len(atom) {
			if c := atom[i]; !isLetterOrDigit(c) && strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) < 0 {
				return fmt.Errorf("%q is not allowed in an e-mail address", c)
			}
		}
	}
	return checkDNS(domain)
}

// checkURI accepts an absolute URI with more than its scheme; a host, where
// there is one, is a name or an address (RFC 5280, 4.2.1.6).
func checkURI(text string) error {
	if len(text) > maxURI {
		return fmt.Errorf("longer than %d bytes", maxURI)
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c >= 0x7f {
			return fmt.Errorf("%q is not allowed in a URI: write it as %%%02X", c, c)
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return errors.New("it cannot be read as a URI")
	case !u.IsAbs():
		return errors.New("it has no scheme such as https")
	case u.Opaque == "" && u.Host == "" && strings.Trim(u.Path, "/") == "":
		return errors.New("nothing follows the scheme")
	case u.User != nil:
		return errors.New("a certificate is public: it must not carry a user name or password")
	}
	if host := u.Hostname(); host != "" {
		if _, err := netip.ParseAddr(host); err != nil {
			return checkDNS(host)
		}
	}
	return nil
}

func isLetterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Context tags of the GeneralName alternatives that SANs hold (RFC 5280,
// 4.2.1.6).
const (
	tagEmail = 1
	tagDNS   = 2
	tagURI   = 6
	tagIP    = 7
)

// AltNameExtension encodes the alternative names of a certificate for a subject.
// The extension is critical where the subject is empty (RFC 5280, 4.2.1.6).
func AltNameExtension(subject dn.Name, sans []SAN) (pkix.Extension, error) {
	if err := checkSANs(sans, 0); err != nil {
		return pkix.Extension{}, err
	}
	return altNameExtension(subject, sans, nil)
}

// altNameExtension encodes checked names, and after them others as they stand.
func altNameExtension(subject dn.Name, sans []SAN, others [][]byte) (pkix.Extension, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, s := range sans {
			s.add(b)
		}
		for _, name := range others {
			b.AddBytes(name)
		}
	})
	value, err := b.Bytes()
	return pkix.Extension{Id: oidAltName, Critical: subject.IsEmpty(), Value: value}, err
}

// add encodes a name as a GeneralName.
func (s SAN) add(b *cryptobyte.Builder) {
	var tag cbasn1.Tag
	value := []byte(s.Value)
	switch s.Type {
	case DNS:
		tag = tagDNS
	case Email:
		tag = tagEmail
	case URI:
		tag = tagURI
	case IP:
		addr, err := netip.ParseAddr(s.Value)
		if err != nil {
			b.SetError(err)
			return
		}
		tag, value = tagIP, addr.AsSlice()
	default:
		b.SetError(fmt.Errorf("%q is no kind of name", string(s.Type)))
		return
	}
	b.AddASN1(tag.ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(value) })
}

// checkSANs checks names, beside which others stand.
func checkSANs(sans []SAN, others int) error {
	if n := len(sans) + others; n > MaxSANs {
		return fmt.Errorf("%d alternative names, more than %d", n, MaxSANs)
	}
	for i, s := range sans {
		if err := s.Validate(); err != nil {
			return err
		}
		if slices.Contains(sans[:i], s) {
			return fmt.Errorf("alternative name %q is there twice", s)
		}
	}
	return nil
}

// SANs lists the DNS, e-mail, IP and URI names of a certificate, in its order.
func SANs(cert *x509.Certificate) []SAN {
	for _, ext := range cert.Extensions {
		if ext.Id.Equal(oidAltName) {
			sans, _, err := readAltName(ext.Value)
			if err != nil {
				return nil // crypto/x509 has read it, so this cannot be
			}
			return sans
		}
	}
	return nil
}

// readAltName reads GeneralNames (RFC 5280, 4.2.1.6): the names that a SAN can
// hold, well formed or not, and the others as they stand.
func readAltName(value []byte) (sans []SAN, others [][]byte, err error) {
	var names cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&names, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, nil, errors.New("the alternative names are no SEQUENCE")
	}
	for !names.Empty() {
		var (
			element, content cryptobyte.String
			tag              cbasn1.Tag
		)
		if !names.ReadAnyASN1Element(&element, &tag) {
			return nil, nil, errors.New("an alternative name is damaged")
		}
		raw := bytes.Clone(element)
		if !element.ReadASN1(&content, tag) {
			return nil, nil, errors.New("an alternative name is damaged")
		}
		if san, ok := readSAN(tag, content); ok {
			sans = append(sans, san)
		} else {
			others = append(others, raw)
		}
	}
	return sans, others, nil
}

// readSAN reads the content of a GeneralName that a SAN can hold.
func readSAN(tag cbasn1.Tag, content []byte) (SAN, bool) {
	var kind SANType
	switch tag {
	case cbasn1.Tag(tagDNS).ContextSpecific():
		kind = DNS
	case cbasn1.Tag(tagEmail).ContextSpecific():
		kind = Email
	case cbasn1.Tag(tagURI).ContextSpecific():
		kind = URI
	case cbasn1.Tag(tagIP).ContextSpecific():
		addr, ok := netip.AddrFromSlice(content)
		return SAN{IP, addr.String()}, ok
	default:
		return SAN{}, false
	}
	for _, c := range content {
		if c >= utf8.RuneSelf { // not an IA5String
			return SAN{}, false
		}
	}
	return SAN{kind, string(content)}, true
}

package csr

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
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

// altNames are alternative names in the shape that crypto/x509 encodes.
type altNames struct {
	dns, email []string
	ips        []net.IP
	uris       []*url.URL
}

// encodable checks names and sorts them by kind.
func encodable(sans []SAN) (altNames, error) {
	var a altNames
	if len(sans) > MaxSANs {
		return a, fmt.Errorf("%d alternative names, more than %d", len(sans), MaxSANs)
	}
	seen := make(map[SAN]bool, len(sans))
	for _, s := range sans {
		if err := s.Validate(); err != nil {
			return a, err
		}
		if seen[s] {
			return a, fmt.Errorf("alternative name %q is there twice", s)
		}
		seen[s] = true
		switch s.Type {
		case DNS:
			a.dns = append(a.dns, s.Value)
		case Email:
			a.email = append(a.email, s.Value)
		case IP:
			a.ips = append(a.ips, netip.MustParseAddr(s.Value).AsSlice())
		case URI:
			u, err := url.Parse(s.Value)
			if err != nil {
				return a, fmt.Errorf("alternative name %q: %w", s, err)
			}
			a.uris = append(a.uris, u)
		}
	}
	return a, nil
}

// SetSANs checks names and puts them into a certificate that is about to be
// signed.
func SetSANs(cert *x509.Certificate, sans []SAN) error {
	names, err := encodable(sans)
	if err != nil {
		return err
	}
	cert.DNSNames, cert.EmailAddresses, cert.IPAddresses, cert.URIs = names.dns, names.email, names.ips, names.uris
	return nil
}

// SANs lists the DNS, e-mail, IP and URI names of a certificate.
func SANs(cert *x509.Certificate) []SAN {
	return decoded(cert.DNSNames, cert.EmailAddresses, cert.IPAddresses, cert.URIs)
}

// decoded lists names as crypto/x509 decodes them.
func decoded(dns, email []string, ips []net.IP, uris []*url.URL) []SAN {
	var sans []SAN
	for _, name := range dns {
		sans = append(sans, SAN{DNS, name})
	}
	for _, ip := range ips {
		// crypto/x509 lets 4 and 16 bytes through, nothing else.
		if addr, ok := netip.AddrFromSlice(ip); ok {
			sans = append(sans, SAN{IP, addr.String()})
		}
	}
	for _, address := range email {
		sans = append(sans, SAN{Email, address})
	}
	for _, u := range uris {
		sans = append(sans, SAN{URI, u.String()})
	}
	return sans
}

package certpath

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"keyman/internal/cert"
	"keyman/internal/dn"
)

// An Identity is who a certificate is to stand for: a host, an address, a
// mailbox, a URI or a distinguished name. The zero value is nobody.
type Identity struct {
	kind cert.NameKind
	text string
	ip   netip.Addr
	name dn.Name
}

// ParseIdentity reads an identity, and tells its kind by its form: an IP address,
// a URI with its scheme, a distinguished name with its =, a mailbox with its @, or
// else the name of a host.
func ParseIdentity(text string) (Identity, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return Identity{kind: cert.IPAddress, text: text, ip: ip.Unmap()}, nil
	}
	local, domain, mailbox := strings.Cut(text, "@")
	switch {
	case strings.Contains(text, "://"), strings.HasPrefix(text, "urn:"):
		return Identity{kind: cert.URIName, text: text}, nil
	case strings.Contains(text, "="):
		name, err := dn.Parse(text)
		if err != nil || name.IsEmpty() {
			return Identity{}, fmt.Errorf("name %.80q: it has a = and is no distinguished name", text)
		}
		return Identity{kind: cert.DirectoryName, text: text, name: name}, nil
	case mailbox && local != "" && isHost(domain):
		return Identity{kind: cert.RFC822Name, text: text}, nil
	case !mailbox && isHost(text):
		return Identity{kind: cert.DNSName, text: text}, nil
	}
	return Identity{}, fmt.Errorf("name %.80q is no host, address, mailbox, URI or distinguished name", text)
}

// isHost reports whether a text has the form of a host's name.
func isHost(text string) bool {
	return text != "" && len(text) < 254 && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
	})
}

// String returns the identity as it was written.
func (id Identity) String() string { return id.text }

// IsZero reports whether it is nobody.
func (id Identity) IsZero() bool { return id.text == "" }

// In reports whether a certificate stands for the identity: by a subject
// alternative name of its kind, and a distinguished name by the subject, too. A
// host in the common name does not count (RFC 9525, 2).
func (id Identity) In(c *Certificate) bool {
	if id.kind == cert.DirectoryName && c.Subject.Equal(id.name) {
		return true
	}
	e, ok := c.Extension(cert.OIDSubjectAltName)
	if !ok || id.IsZero() {
		return false
	}
	names, err := cert.ParseGeneralNames(e.Value)
	return err == nil && slices.ContainsFunc(names, id.is)
}

// is compares the identity with one name of a certificate.
func (id Identity) is(g cert.GeneralName) bool {
	if g.Kind != id.kind {
		return false
	}
	switch id.kind {
	case cert.IPAddress:
		ip, ok := g.Address()
		return ok && ip.Unmap() == id.ip
	case cert.DirectoryName:
		name, err := g.Directory()
		return err == nil && name.Equal(id.name)
	case cert.RFC822Name:
		// The local part as it stands, the host without regard to case (RFC
		// 5280, 7.5).
		local, host, _ := strings.Cut(id.text, "@")
		gotLocal, gotHost, ok := strings.Cut(g.Text(), "@")
		return ok && local == gotLocal && strings.EqualFold(host, gotHost)
	case cert.DNSName:
		return sameHost(g.Text(), id.text)
	default:
		return g.Text() == id.text
	}
}

// sameHost compares a host with a pattern, whose first label may be * and stand
// for exactly one label of a name with at least three (RFC 9525, 6.3).
func sameHost(pattern, host string) bool {
	host = strings.TrimSuffix(host, ".")
	if parent, wild := strings.CutPrefix(pattern, "*."); wild {
		first, rest, ok := strings.Cut(host, ".")
		return ok && first != "" && strings.Contains(rest, ".") && strings.EqualFold(parent, rest)
	}
	return strings.EqualFold(pattern, host)
}

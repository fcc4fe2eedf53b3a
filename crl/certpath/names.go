package certpath

import (
	"net/netip"
	"net/url"
	"strings"

	"keyman/internal/cert"
)

// A name is one that constraints apply to, in the form in which it is compared.
type name struct {
	kind cert.NameKind
	// text is a host in small letters, the host of a URI or of an e-mail
	// address, or the Key of a directory name.
	text string
	// local is what stands before the "@" of an e-mail address.
	local   string
	address netip.Addr
	// unclear says that the name is not what it should be, or has no host:
	// no constraint of its kind can be kept by it.
	unclear bool
	shown   string
}

// oidEmailAddress is the subject attribute emailAddress of PKCS #9.
const oidEmailAddress = "1.2.840.113549.1.9.1"

// constrained returns the names that constraints apply to (RFC 5280, 4.2.1.10):
// the subject, its alternative names, and the e-mail addresses in the subject
// where there are no others. A host in the common name is none of them: nothing
// here takes it for a host.
func (n *node) constrained() []name {
	if n.hasNames {
		return n.names
	}
	n.hasNames = true
	if !n.cert.Subject.IsEmpty() {
		n.names = append(n.names, name{kind: cert.DirectoryName, text: n.cert.Subject.Key(), shown: n.cert.Subject.String()})
	}
	emails := false
	for _, g := range n.altNames {
		n.names = append(n.names, newName(g))
		emails = emails || g.Kind == cert.RFC822Name
	}
	if !emails {
		for _, address := range n.cert.Subject.Values(oidEmailAddress) {
			n.names = append(n.names, newName(cert.GeneralName{Kind: cert.RFC822Name, Value: []byte(address)}))
		}
	}
	return n.names
}

// newName reads a name.
func newName(g cert.GeneralName) name {
	n := name{kind: g.Kind}
	ok := true
	switch g.Kind {
	case cert.DNSName:
		n.text, ok = hostName(g.Text())
	case cert.RFC822Name:
		n.local, n.text, ok = mailbox(g.Text())
	case cert.URIName:
		n.text, ok = uriHost(g.Text())
	case cert.IPAddress:
		n.address, ok = g.Address()
	case cert.DirectoryName:
		d, err := g.Directory()
		n.text, ok, n.shown = d.Key(), err == nil, d.String()
	}
	n.unclear = !ok
	if n.shown == "" {
		n.shown = quote(g.Text())
		if ok && g.Kind == cert.IPAddress {
			n.shown = n.address.String()
		}
	}
	return n
}

// maxHost is the longest host name (RFC 1034, 3.1).
const maxHost = 253

// hostName returns a host's name in small letters. It is made of labels that are
// not empty, of visible ASCII characters; underscores occur, and a star may be
// the first label.
func hostName(text string) (string, bool) {
	if text == "" || len(text) > maxHost || text[0] == '.' || text[len(text)-1] == '.' || strings.Contains(text, "..") {
		return "", false
	}
	lower := []byte(text)
	for i, c := range lower {
		switch {
		case 'A' <= c && c <= 'Z':
			lower[i] = c + 'a' - 'A'
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		case c == '*' && i == 0 && strings.HasPrefix(text, "*."):
		default:
			return "", false
		}
	}
	return string(lower), true
}

// mailbox splits an e-mail address (RFC 5321, 4.1.2). A local part in quotes is
// returned as what it stands for.
func mailbox(text string) (local, host string, ok bool) {
	at := strings.LastIndexByte(text, '@')
	if at <= 0 {
		return "", "", false
	}
	local = text[:at]
	for i := range len(local) {
		if local[i] < ' ' || local[i] >= 0x7f {
			return "", "", false
		}
	}
	if local[0] == '"' {
		if local, ok = unquote(local); !ok {
			return "", "", false
		}
	} else if strings.ContainsAny(local, `"@\ `) {
		return "", "", false
	}
	host, ok = hostName(text[at+1:])
	return local, host, ok && host[0] != '*'
}

// unquote reads a Quoted-string (RFC 5321, 4.1.2).
func unquote(text string) (string, bool) {
	if len(text) < 2 || text[len(text)-1] != '"' {
		return "", false
	}
	var b strings.Builder
	for inner := text[1 : len(text)-1]; inner != ""; inner = inner[1:] {
		if inner[0] == '"' {
			return "", false
		}
		if inner[0] == '\\' {
			if inner = inner[1:]; inner == "" {
				return "", false
			}
		}
		b.WriteByte(inner[0])
	}
	return b.String(), true
}

// uriHost returns the host of a URI, which must have one that is no IP address
// (RFC 5280, 4.2.1.10).
func uriHost(text string) (string, bool) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return "", false
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil || strings.ContainsAny(u.Host, "[]") {
		return "", false
	}
	host, ok := hostName(host)
	return host, ok && host[0] != '*'
}

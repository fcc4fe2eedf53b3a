package crl

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// The attributes that hold revocation lists (RFC 4523, 2.4 to 2.6), asked for
// as RFC 4522 demands and as old servers know them.
var listAttributes = []string{
	"certificateRevocationList;binary", "authorityRevocationList;binary",
	"certificateRevocationList", "authorityRevocationList",
	"deltaRevocationList;binary", "deltaRevocationList",
}

// authorityAttribute holds lists about CA certificates.
const authorityAttribute = "authorityRevocationList"

// anyEntry is the filter that every entry passes.
const anyEntry = "(objectClass=*)"

// An ldapQuery is one search.
type ldapQuery struct {
	server     string // host:port, or "" for the configured ones
	configured bool   // the server is a configured one
	tls        bool
	base       string
	scope      int
	filter     string
	attributes []string
}

// parseLDAPURL reads ldap[s]://[host[:port]][/dn[?attrs[?scope[?filter[?ext]]]]]
// (RFC 4516, 2). The filter may lack its parentheses, as Windows writes it.
func parseLDAPURL(u *url.URL) (ldapQuery, error) {
	q := ldapQuery{tls: u.Scheme == "ldaps", base: strings.TrimPrefix(u.Path, "/"), filter: anyEntry, attributes: listAttributes}
	if u.Host != "" {
		port := u.Port()
		switch {
		case u.Hostname() == "":
			return q, errors.New("the URL names a port without a host")
		case port == "" && q.tls:
			port = "636"
		case port == "":
			port = "389"
		}
		q.server = net.JoinHostPort(u.Hostname(), port)
	}
	if q.tls && q.server == "" {
		return q, errors.New("an ldaps URL must name its host")
	}
	// Not u.Query: it has another grammar, in which a semicolon separates.
	fields := strings.Split(u.RawQuery, "?")
	if len(fields) > 4 {
		return q, errors.New("the LDAP URL has too many question marks")
	}
	var part [4]string
	for i, field := range fields {
		var err error
		if part[i], err = url.PathUnescape(field); err != nil {
			return q, fmt.Errorf("LDAP URL: %w", err)
		}
	}
	if part[0] != "" {
		q.attributes = strings.Split(part[0], ",")
	}
	switch strings.ToLower(part[1]) {
	case "", "base":
		q.scope = ldap.ScopeBaseObject
	case "one":
		q.scope = ldap.ScopeSingleLevel
	case "sub":
		q.scope = ldap.ScopeWholeSubtree
	default:
		return q, fmt.Errorf("LDAP URL: scope %q is not known", part[1])
	}
	if filter := part[2]; filter != "" {
		if !strings.HasPrefix(filter, "(") {
			filter = "(" + filter + ")"
		}
		if _, err := ldap.CompileFilter(filter); err != nil {
			return q, fmt.Errorf("LDAP URL: filter %q: %w", part[2], err)
		}
		q.filter = filter
	}
	for extension := range strings.SplitSeq(part[3], ",") {
		// RFC 4516, 2: an exclamation mark makes an extension critical.
		if strings.HasPrefix(extension, "!") {
			return q, fmt.Errorf("LDAP URL: the critical extension %q is not known", extension)
		}
	}
	return q, nil
}

package certpath

import (
	"fmt"
	"math/bits"
	"net/netip"
	"strings"

	"keyman/internal/cert"
)

// A constraint is one subtree of names, in the form in which it is compared (RFC
// 5280, 4.2.1.10).
type constraint struct {
	kind     cert.NameKind
	excluded bool
	// text is a host or domain in small letters, a domain with a leading dot
	// where only what lies below it counts, or the Key of a directory name.
	text string
	// local is what stands before the "@" of a mailbox.
	local     string
	mailbox   bool
	addresses netip.Prefix
	// unknown says that the constraint is of a form not known here: no name
	// of its kind is taken.
	unknown bool
}

// constrainedBy returns the certificate's own constraints.
func (n *node) constrainedBy() []constraint {
	if n.compiled == nil && n.constraints != nil {
		n.compiled = compile(n.constraints)
	}
	return n.compiled
}

// compile reads constraints.
func compile(c *cert.NameConstraints) []constraint {
	all := make([]constraint, 0, len(c.Permitted)+len(c.Excluded))
	for _, s := range c.Permitted {
		all = append(all, newConstraint(s, false))
	}
	for _, s := range c.Excluded {
		all = append(all, newConstraint(s, true))
	}
	return all
}

func newConstraint(s cert.Subtree, excluded bool) constraint {
	c := constraint{kind: s.Base.Kind, excluded: excluded}
	text, ok := s.Base.Text(), false
	switch c.kind {
	case cert.DNSName:
		c.text, ok = domain(text)
	case cert.URIName:
		c.text, ok = domain(text)
		ok = ok && text != ""
	case cert.RFC822Name:
		if c.mailbox = strings.Contains(text, "@"); c.mailbox {
			c.local, c.text, ok = mailbox(text)
		} else {
			c.text, ok = domain(text)
			ok = ok && text != ""
		}
	case cert.IPAddress:
		c.addresses, ok = network(s.Base.Value)
	case cert.DirectoryName:
		d, err := s.Base.Directory()
		c.text, ok = d.Key(), err == nil
	}
	// RFC 5280, 4.2.1.10: minimum and maximum are not used with any name.
	c.unknown = !ok || s.Bounded
	return c
}

// domain returns a host or domain in small letters; it may begin with a dot, and
// be empty.
func domain(text string) (string, bool) {
	rest, dot := strings.CutPrefix(text, ".")
	if rest == "" {
		return "", !dot
	}
	host, ok := hostName(rest)
	if !ok || host[0] == '*' {
		return "", false
	}
	if dot {
		host = "." + host
	}
	return host, true
}

// network reads an address and a mask of as many octets, in the style of RFC
// 4632: no bit is set behind one that is not.
func network(value []byte) (netip.Prefix, bool) {
	half := len(value) / 2
	address, ok := netip.AddrFromSlice(value[:half])
	if !ok || len(value) != 2*half {
		return netip.Prefix{}, false
	}
	size, ended := 0, false
	for _, octet := range value[half:] {
		ones := bits.LeadingZeros8(^octet)
		if octet<<ones != 0 || ended && octet != 0 {
			return netip.Prefix{}, false
		}
		size += ones
		ended = ones < 8
	}
	return netip.PrefixFrom(address, size).Masked(), true
}

// matches reports whether a name of the same kind lies in the subtree.
func (c *constraint) matches(n *name) bool {
	switch c.kind {
	case cert.DirectoryName:
		// A Key begins with that of every name above: see dn.Name.HasPrefix.
		return strings.HasPrefix(n.text, c.text)
	case cert.IPAddress:
		return c.addresses.Contains(n.address)
	case cert.DNSName:
		return c.matchesHost(n.text)
	case cert.URIName:
		return exactOrBelow(c.text, n.text)
	case cert.RFC822Name:
		if c.mailbox {
			return c.local == n.local && c.text == n.text
		}
		return exactOrBelow(c.text, n.text)
	default:
		return false
	}
}

// exactOrBelow compares hosts as constraints on URIs and e-mail addresses do: a
// host is itself, and a leading dot stands for one or more labels.
func exactOrBelow(constraint, host string) bool {
	if constraint[0] == '.' {
		return len(host) > len(constraint) && strings.HasSuffix(host, constraint)
	}
	return constraint == host
}

// matchesHost compares hosts as constraints on DNS names do: labels may be added
// on the left, or with a leading dot, which RFC 5280 does not have but practice,
// must be. The star of a wildcard is one label that may be any.
func (c *constraint) matchesHost(host string) bool {
	if c.text == "" || c.text == host {
		return true
	}
	if c.text[0] == '.' {
		if len(host) > len(c.text) && strings.HasSuffix(host, c.text) {
			return true
		}
	} else if strings.HasSuffix(host, c.text) && host[len(host)-len(c.text)-1] == '.' {
		return true
	}
	// A wildcard stands for hosts of which some are excluded; it is permitted
	// only where all are.
	below, wildcard := strings.CutPrefix(host, "*")
	if !c.excluded || !wildcard || c.text[0] == '.' {
		return false
	}
	label, found := strings.CutSuffix(c.text, below)
	return found && label != "" && !strings.Contains(label, ".")
}

// permits returns why constraints do not let a certificate's names be; checks
// counts the comparisons.
func permits(constraints []constraint, n *node, checks *int) *Failure {
	if len(constraints) == 0 {
		return nil
	}
	names := n.constrained()
	for i := range names {
		if f := permitsName(constraints, n, &names[i], checks); f != nil {
			return f
		}
	}
	return nil
}

func permitsName(constraints []constraint, n *node, subject *name, checks *int) *Failure {
	demanded, permitted := false, false
	for i := range constraints {
		c := &constraints[i]
		if c.kind != subject.kind {
			continue
		}
		if *checks++; *checks > MaxNameChecks {
			return fail(CodeLimit, n.cert, fmt.Sprintf("%d comparisons of names", MaxNameChecks))
		}
		switch {
		case c.unknown:
			return subject.refused(n, "meets a constraint of a form that is not known")
		case subject.unclear:
			return subject.refused(n, "is malformed")
		case !c.excluded:
			demanded, permitted = true, permitted || c.matches(subject)
		case c.matches(subject):
			return subject.refused(n, "is excluded")
		}
	}
	if demanded && !permitted {
		return subject.refused(n, "is not permitted")
	}
	return nil
}

// refused makes a Failure about a name of a certificate.
func (subject *name) refused(n *node, why string) *Failure {
	return fail(CodeNameConstraint, n.cert, fmt.Sprintf("%s %s %s", subject.kind, subject.shown, why))
}

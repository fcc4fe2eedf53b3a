package certpath

import (
	"fmt"
	"slices"
	"strings"

	"keyman/internal/cert"
	"keyman/internal/oids"
)

// A Purpose is what a leaf is to be used for.
type Purpose int

// The purposes.
const (
	// AnyPurpose demands nothing.
	AnyPurpose Purpose = iota
	// IKE is authentication in IKE (RFC 4945, 5.1.3), with the usages that
	// CAs for VPNs give.
	IKE
	// Server and Client are the two ends of TLS (RFC 5280, 4.2.1.12).
	Server
	Client
)

// purposes say, for each purpose, its word, the extended key usages of which one
// must be there, and the bits of which the key usage has one.
var purposes = [...]struct {
	word     string
	extended []OID
	usage    cert.KeyUsage
}{
	AnyPurpose: {word: "any"},
	IKE: {
		"ike", []OID{
			cert.OIDUsageIPsecIKE, cert.OIDUsageIKEIntermediate, cert.OIDUsageIPsecEndSystem, cert.OIDUsageIPsecTunnel,
			cert.OIDUsageIPsecUser, cert.OIDUsageServerAuth, cert.OIDUsageClientAuth,
		},
		cert.DigitalSignature | cert.ContentCommitment,
	},
	Server: {"server", []OID{cert.OIDUsageServerAuth}, cert.DigitalSignature | cert.KeyEncipherment | cert.KeyAgreement},
	Client: {"client", []OID{cert.OIDUsageClientAuth}, cert.DigitalSignature | cert.KeyAgreement},
}

// String returns the word used on the command line.
func (p Purpose) String() string {
	if p < 0 || int(p) >= len(purposes) {
		return fmt.Sprintf("Purpose(%d)", int(p))
	}
	return purposes[p].word
}

// MarshalText implements encoding.TextMarshaler.
func (p Purpose) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler; it accepts the four words
// and nothing else.
func (p *Purpose) UnmarshalText(text []byte) error {
	for i, known := range purposes {
		if string(text) == known.word {
			*p = Purpose(i)
			return nil
		}
	}
	return fmt.Errorf("purpose %.40q is not known: use any, ike, server or client", text)
}

// usages follow the extended key usages down a path: those that are left are
// allowed by every certificate so far.
type usages struct {
	purpose Purpose
	left    []OID
}

func newUsages(p Purpose) usages { return usages{p, purposes[p].extended} }

// restrict leaves only what a certificate's extended key usages name; none, and
// the one for any, leave everything. It reports whether something is left.
func (u *usages) restrict(extended []OID) bool {
	if u.purpose == AnyPurpose || len(extended) == 0 || slices.Contains(extended, cert.OIDAnyExtKeyUsage) {
		return true
	}
	var left []OID
	for _, o := range u.left {
		if slices.Contains(extended, o) {
			left = append(left, o)
		}
	}
	u.left = left
	return len(left) > 0
}

// leaf returns why a leaf is not for the purpose.
func (u *usages) leaf(n *node) *Failure {
	if want := purposes[u.purpose].usage; want != 0 && n.usage != nil && *n.usage&want == 0 {
		return fail(CodeKeyUsage, n.cert, fmt.Sprintf("it has %s, and %s needs one of %s", n.usage, u.purpose, want))
	}
	return u.failure(n.cert, n.purposes)
}

// failure is restrict as a Failure.
func (u *usages) failure(c *Certificate, extended []OID) *Failure {
	if u.restrict(extended) {
		return nil
	}
	var all []string
	for _, o := range extended[:min(len(extended), 8)] {
		all = append(all, oids.PurposeWord(o.String()))
	}
	return fail(CodePurpose, c, fmt.Sprintf("%s, by the extended key usages %s", u.purpose, strings.Join(all, ", ")))
}

package ikev1

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A Policy is one way in which a peer may be met: what is offered or accepted,
// who we are, and whom we expect. A Policy is not changed once it is in use.
type Policy struct {
	// Name tells the policy apart in reports; the SA does not read it.
	Name string
	// Transforms are offered, or accepted, in order of preference. All have
	// the same authentication method.
	Transforms []suite.Transform
	// LocalID is the identity we claim.
	LocalID isakmp.Identification
	// MatchID says whether a peer's identity is one that this policy is for.
	// It must be a pure function.
	MatchID func(isakmp.Identification) bool
	// PSK is the preshared key, for transforms that use one. In aggressive
	// mode it may be nil where KeyFor is there.
	PSK []byte
	// KeyFor returns the preshared key of a peer with an identity, nil if it
	// has none; a nil KeyFor says PSK for everybody. Only the responder of
	// aggressive mode asks it: nobody else knows the identity when the key is
	// needed. It must be a pure function.
	KeyFor func(isakmp.Identification) []byte
	// Chain is our certificate and those between it and the anchor, DER,
	// leaf first, for transforms that sign.
	Chain [][]byte
	// Authorities are the names, DER, of the CAs that we accept certificates
	// of; they are sent as certificate requests.
	Authorities [][]byte
}

// Auth returns the authentication method of the policy.
func (p *Policy) Auth() suite.AuthMethod { return p.Transforms[0].Auth }

// oneGroup reports whether all transforms have the same Diffie-Hellman group.
func (p *Policy) oneGroup() bool {
	return !slices.ContainsFunc(p.Transforms, func(t suite.Transform) bool { return t.Group != p.Transforms[0].Group })
}

// keyFor returns the preshared key of a peer whose identity is known.
func (p *Policy) keyFor(id isakmp.Identification) []byte {
	if p.KeyFor == nil {
		return p.PSK
	}
	return p.KeyFor(id)
}

// validate checks what the SA relies on.
func (p *Policy) validate() error {
	if len(p.Transforms) == 0 {
		return errors.New("no transforms")
	}
	if len(p.Transforms) > maxTransforms {
		return fmt.Errorf("%d transforms: at most %d", len(p.Transforms), maxTransforms)
	}
	for _, t := range p.Transforms {
		if t.Auth != p.Auth() {
			return fmt.Errorf("transforms with different authentication methods: %v and %v", p.Auth(), t.Auth)
		}
	}
	if p.MatchID == nil {
		return errors.New("no remote identity")
	}
	switch p.Auth() {
	case suite.PresharedKey:
		if len(p.PSK) == 0 && p.KeyFor == nil {
			return errors.New("no preshared key")
		}
	case suite.RSASignature, suite.ECDSA256, suite.ECDSA384, suite.ECDSA521:
		if len(p.Chain) == 0 {
			return errors.New("no certificate")
		}
	default:
		return fmt.Errorf("authentication method %v is not supported", p.Auth())
	}
	return nil
}

// Limits on what one negotiation holds.
const (
	// maxTransforms bounds the transforms of a policy; a transform's number
	// is one octet.
	maxTransforms = 100
	// maxCertificates bounds the certificates that a peer may send.
	maxCertificates = 16
	// maxAuthorities bounds the certificate requests that we send.
	maxAuthorities = 16
	// maxInformational bounds the informational messages that an SA accepts
	// before it is established; those after are bounded by authentication.
	maxInformational = 64
)

// Timing says how long an SA waits. Zero fields take the value of DefaultTiming.
type Timing struct {
	// Retransmit is the time to the first retransmission of a message; each
	// further one waits Backoff times as long, up to RetransmitMax.
	Retransmit    time.Duration
	Backoff       float64
	RetransmitMax time.Duration
	// Deadline bounds the negotiation from the first message to the last.
	Deadline time.Duration
	// HalfOpen is how long a responder waits for message 3, by which the
	// initiator shows that it has seen our cookie.
	HalfOpen time.Duration
	// ErrorPatience is how long an initiator goes on after the peer answered
	// with an error. Some engines refuse a message while they fetch a
	// revocation list and accept its retransmission; and an error that is not
	// authenticated may be anybody's.
	ErrorPatience time.Duration
	// Confirm is how long a responder that has established waits for a sign
	// of the initiator before it asks for one (RFC 3706), and Probes how often
	// it asks, with the intervals of retransmission, before it gives up.
	Confirm time.Duration
	Probes  int
	// Linger is how long an SA that ended still answers retransmissions.
	Linger time.Duration
}

// DefaultTiming is patient enough for a lossy path and a revocation list that
// takes its time, and below the minute after which people give up.
var DefaultTiming = Timing{
	Retransmit:    time.Second,
	Backoff:       1.6,
	RetransmitMax: 8 * time.Second,
	Deadline:      60 * time.Second,
	HalfOpen:      15 * time.Second,
	ErrorPatience: 6 * time.Second,
	Confirm:       10 * time.Second,
	Probes:        10,
	Linger:        30 * time.Second,
}

// withDefaults fills the zero fields.
func (t Timing) withDefaults() Timing {
	d := DefaultTiming
	set := func(field *time.Duration, value time.Duration) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&t.Retransmit, d.Retransmit)
	set(&t.RetransmitMax, d.RetransmitMax)
	set(&t.Deadline, d.Deadline)
	set(&t.HalfOpen, d.HalfOpen)
	set(&t.ErrorPatience, d.ErrorPatience)
	set(&t.Confirm, d.Confirm)
	set(&t.Linger, d.Linger)
	if t.Backoff < 1 {
		t.Backoff = d.Backoff
	}
	if t.Probes <= 0 {
		t.Probes = d.Probes
	}
	return t
}

// A Config makes an SA.
type Config struct {
	// Role says who begins.
	Role Role
	// Mode is isakmp.IdentityProtection, which is main mode and what zero
	// means, or isakmp.Aggressive. A responder is made for the mode of the
	// initiator's first message.
	Mode isakmp.ExchangeType
	// Policies are what the SA may use: exactly one for an initiator; for a
	// responder those that fit the peer's address, in order of preference.
	Policies []*Policy
	// Path is where an initiator sends its first message, and from where.
	Path Path
	// NATTPath is where an initiator moves to when it finds a NAT (RFC 3947, 4).
	NATTPath Path
	// ExportKeys lets the encryption key out, as an ExportedKey: whoever has it
	// reads all messages of the SA.
	ExportKeys bool
	// ForceNATT claims a NAT even where there is none, so that the peers move
	// to the NAT traversal port.
	ForceNATT bool
	// Cookie is our cookie. It must be random and not zero.
	Cookie isakmp.Cookie
	// Seed feeds the nonce and the message IDs. It must be 32 random bytes
	// that are used for nothing else.
	Seed [32]byte
	// InitialContact tells the peer that we hold no other SA with it.
	InitialContact bool
	// FragmentSize is the largest message, in bytes without UDP and IP
	// headers, that is sent in one datagram to a peer that announced
	// fragmentation; zero is DefaultFragmentSize.
	FragmentSize int
	// Describe writes an identity for people; nil writes type and bytes. It
	// must be a pure function.
	Describe func(isakmp.Identification) string
	Timing   Timing
}

// DefaultFragmentSize keeps a fragment within IPv6's minimum MTU of 1280 bytes
// with IPv6 and UDP headers and the non-ESP marker.
const DefaultFragmentSize = 1280 - 40 - 8 - 4

// minFragmentSize leaves room for headers and some data.
const minFragmentSize = 128

// validate checks the configuration and fills defaults.
func (c *Config) validate() error {
	if c.Cookie.IsZero() {
		return errors.New("ikev1: the cookie is zero")
	}
	if c.Role != Initiator && c.Role != Responder {
		return fmt.Errorf("ikev1: role %d is not known", c.Role)
	}
	if c.Mode == 0 {
		c.Mode = isakmp.IdentityProtection
	}
	if c.Mode != isakmp.IdentityProtection && c.Mode != isakmp.Aggressive {
		return fmt.Errorf("ikev1: %v makes no SA", c.Mode)
	}
	if len(c.Policies) == 0 || c.Role == Initiator && len(c.Policies) != 1 {
		return fmt.Errorf("ikev1: %d policies: an initiator has one, a responder at least one", len(c.Policies))
	}
	for _, p := range c.Policies {
		if err := p.validate(); err != nil {
			return fmt.Errorf("ikev1: policy %q: %w", p.Name, err)
		}
		if c.Role == Initiator && p.Auth() == suite.PresharedKey && len(p.PSK) == 0 {
			return fmt.Errorf("ikev1: policy %q: no preshared key", p.Name)
		}
		if c.Role == Initiator && c.Mode == isakmp.Aggressive && !p.oneGroup() {
			// RFC 2409, 5: message 1 has the public value already.
			return fmt.Errorf("ikev1: policy %q: transforms of several groups: aggressive mode cannot negotiate the group", p.Name)
		}
	}
	if c.FragmentSize == 0 {
		c.FragmentSize = DefaultFragmentSize
	}
	if c.FragmentSize < minFragmentSize {
		return fmt.Errorf("ikev1: fragment size %d: at least %d", c.FragmentSize, minFragmentSize)
	}
	if c.Describe == nil {
		c.Describe = func(id isakmp.Identification) string { return fmt.Sprintf("%v %q", id.IDType, id.Data) }
	}
	c.Timing = c.Timing.withDefaults()
	return nil
}

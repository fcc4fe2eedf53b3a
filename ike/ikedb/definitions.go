package ikedb

import (
	"net/netip"
	"time"

	"keyman/crl"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// The limits of definitions, beside those of identities and secrets.
const (
	// MaxTunnels is the largest number of tunnels, protections, groups,
	// preshared keys, data tunnels, data protections or proposals, each
	// counted by itself.
	MaxTunnels = 65536
	// MaxNumber is the largest number of a tunnel.
	MaxNumber = 1_000_000
	// MaxName is the longest name of a tunnel, protection or group, in
	// bytes.
	MaxName = 128
	// MaxCertificate is the longest LocalEnd.Certificate, in bytes: the URI of
	// a token's key says more than a label.
	MaxCertificate = 4096
	// MaxTransforms is the largest number of transforms in one protection.
	MaxTransforms = 32
	// MaxGroup is the size of a group, in bytes: its name and, for each
	// identity, the written form and one byte more. The limit of 1 KiB is
	// that of the AIX groups.
	MaxGroup = 1024
	// MinLifetime and MaxLifetime bound a protection's Lifetime.
	MinLifetime = time.Minute
	MaxLifetime = 30 * 24 * time.Hour
	// MaxCRLTimeout keeps a check below the minute that a negotiation may
	// take, and below the patience of peers, which give up after some 30 to
	// 165 seconds.
	MaxCRLTimeout = 50 * time.Second
	// MaxCRLGrace bounds how long a list that is out of date may count.
	MaxCRLGrace = 30 * 24 * time.Hour
)

// DefaultLifetime is how long a phase 1 lasts where nothing is said.
const DefaultLifetime = 8 * time.Hour

// The ports of a peer where nothing is said (RFC 2408, 2.5.1; RFC 3947, 4).
const (
	DefaultPort     = 500
	DefaultNATTPort = 4500
)

// Definitions are what New makes a DB of.
type Definitions struct {
	// Tunnels and DataTunnels stand in the order of their numbers.
	Tunnels         []Tunnel
	Protections     []Protection
	Groups          []Group
	PresharedKeys   []PresharedKey
	DataTunnels     []DataTunnel
	DataProtections []DataProtection
	Proposals       []Proposal
}

// A Tunnel is a phase 1 tunnel: two ends and what protects the talk between
// them.
type Tunnel struct {
	Name string
	// Number calls the tunnel, too. New fills it where it is zero: with one
	// more than the tunnel before it has, and 1 for the first.
	Number int
	// Protection is the name of a Protection.
	Protection string
	Local      LocalEnd
	Remote     RemoteEnd
	// AutoStart tells the daemon to activate the tunnel when it starts.
	AutoStart bool
	// OptionalIPRule asks for filter rules for the peer's address where its
	// identity is none.
	OptionalIPRule bool
}

// A LocalEnd is this end of a tunnel.
type LocalEnd struct {
	// Address is where the tunnel ends; the zero Addr is any address of the
	// machine.
	Address netip.Addr
	// ID is who this end says it is. New fills it from Address where it is
	// zero.
	ID Identity
	// Certificate is the label of the personal certificate, with its key, in
	// the key database, or the URI of a key on a token (RFC 7512). Tunnels
	// with preshared keys have none.
	Certificate string
}

// A RemoteEnd is the peer.
type RemoteEnd struct {
	// Address is the peer's; the zero Addr is any address, and then only the
	// peer can start.
	Address netip.Addr
	// ID is who the peer must be. New fills it from Address where both ID
	// and Group are empty.
	ID Identity
	// Group is the name of a Group whose members the peer may be, in place
	// of ID.
	Group string
	// Port is the peer's UDP port before NAT traversal, NATTPort the one
	// after it. New fills 500 and 4500.
	Port, NATTPort uint16
}

// A Role says which part a tunnel may play. The empty Role is RoleBoth.
type Role string

// The roles.
const (
	RoleBoth      Role = "both"
	RoleInitiator Role = "initiator"
	RoleResponder Role = "responder"
)

// A Protection is a phase 1 policy, which many tunnels may share.
type Protection struct {
	Name string
	Role Role
	Mode Mode
	Auth AuthMethod
	// Transforms are what is proposed and accepted, best first. New sets
	// their Auth to that of the protection, and their Lifetime where it is
	// zero.
	Transforms []suite.Transform
	// AllowWeak accepts algorithms that are broken or close to it, in
	// Transforms and in the peer's certificates.
	AllowWeak bool
	// Revocation is how much an Auth that asks for revocation lists demands;
	// it is crl.Off with one that signs and does not ask, and only there.
	Revocation crl.Revocation
	// CRLTimeout bounds the check of the peer's certificate; New fills
	// crl.DefaultTimeout.
	CRLTimeout time.Duration
	// CRLGrace is how long a revocation list counts after the time when the
	// next one was due.
	CRLGrace time.Duration
	// Lifetime is how long a phase 1 lasts where its transform says nothing;
	// New fills DefaultLifetime, and once every transform has its own, that
	// of the first.
	Lifetime time.Duration
	Life
	// Generic answers a phase 2 that no data tunnel of the tunnel is for.
	Generic Generic
}

// A Generic is the data tunnel of peers whose addresses are not known
// beforehand. It answers only. The zero value is none.
type Generic struct {
	// Protection is the name of a DataProtection.
	Protection string
	// Local and Remote are the types of endpoint that the peer may ask for at
	// each end; both are needed.
	Local, Remote []isakmp.IDType
}

// Signatures reports whether the ends authenticate by certificates.
func (p Protection) Signatures() bool {
	m := p.Auth.Suite()
	return m != 0 && m != suite.PresharedKey
}

// MayInitiate reports whether the role lets this end start.
func (p Protection) MayInitiate() bool { return p.Role == RoleBoth || p.Role == RoleInitiator }

// MayRespond reports whether the role lets this end answer.
func (p Protection) MayRespond() bool { return p.Role == RoleBoth || p.Role == RoleResponder }

// A Group is a list of identities that share one tunnel definition. It is
// searched from the first to the last.
type Group struct {
	Name string
	IDs  []Identity
}

// A PresharedKey is the secret shared with the peers that have one of the
// identities.
type PresharedKey struct {
	IDs    []Identity
	Secret Secret
}

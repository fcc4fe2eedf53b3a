package ikedb

import (
	"time"

	"keyman/ike/suite"
)

// The limits of phase 2 definitions.
const (
	// MaxProposals is the largest number of proposals that one data protection
	// refers to.
	MaxProposals = 32
	// MinDataLifetime and MaxDataLifetime bound the lifetime of a phase 2
	// transform.
	MinDataLifetime = 10 * time.Second
	MaxDataLifetime = 30 * 24 * time.Hour
)

// DefaultDataLifetime is how long the keys of a phase 2 last where nothing is
// said.
const DefaultDataLifetime = 4 * time.Hour

// A DataTunnel is a phase 2 tunnel: the data that a phase 1 tunnel carries
// between two ends, and what protects it.
type DataTunnel struct {
	Name string
	// Number counts phase 2 tunnels alone; New fills it where it is zero, as
	// Tunnel.Number.
	Number int
	// Tunnel is the name of the phase 1 Tunnel that carries it. Several may
	// share one.
	Tunnel string
	// Protection is the name of a DataProtection.
	Protection string
	// Local is this end's data. New fills its Endpoint from the address of
	// the tunnel's local end where it is zero.
	Local  Selector
	Remote DataRemote
	// AutoStart tells the daemon to activate the tunnel when it starts.
	AutoStart bool
	// OnDemand asks for the tunnel to be started by the first packet that
	// needs it.
	OnDemand bool
}

// A DataRemote is the peer's data.
type DataRemote struct {
	// Selector's Endpoint is filled by New from the address of the tunnel's
	// remote end where both it and Group are zero.
	Selector
	// Group is the name of a Group whose members that are addresses the
	// data may belong to, one member to each SA, in place of an Endpoint.
	Group string
}

// A DataProtection is a phase 2 policy, which many data tunnels may share.
type DataProtection struct {
	Name string
	Role Role
	// Proposals are names of what is proposed and accepted, best first.
	Proposals []string
	// PFS is the Diffie-Hellman group that this end asks for when it starts;
	// 0 is none.
	PFS suite.Group
	// AcceptPFS are the groups that this end takes when it answers, 0 for
	// none. New fills PFS alone where it is empty.
	AcceptPFS []suite.Group
	// AllowWeak accepts algorithms that are broken or close to it.
	AllowWeak bool
	// CommitBit asks the peer not to send before it has seen that the SA is
	// there (RFC 2408, 3.1).
	CommitBit bool
	Life
}

// MayInitiate reports whether the role lets this end start.
func (p DataProtection) MayInitiate() bool { return p.Role == RoleBoth || p.Role == RoleInitiator }

// MayRespond reports whether the role lets this end answer.
func (p DataProtection) MayRespond() bool { return p.Role == RoleBoth || p.Role == RoleResponder }

// A Proposal is a combination that protects data: ESP, AH, or both, each with
// its transforms, best first.
type Proposal struct {
	Name string
	ESP  []DataTransform
	AH   []DataTransform
}

// The limits of Life.
const (
	// MaxKeyOverlap is the largest KeyOverlap, in percent.
	MaxKeyOverlap = 90
	// MaxTunnelLifetime bounds how long a tunnel may last in all.
	MaxTunnelLifetime = 10 * 365 * 24 * time.Hour
)

// A Life is what both phases say about lifetimes beside those of their
// transforms. Sizes count kilobytes of 1,024 bytes.
type Life struct {
	// KeyOverlap is how long before the end of a key, in percent of its
	// life, the next one is negotiated. New fills DefaultKeyOverlap, or
	// DefaultDataKeyOverlap.
	KeyOverlap int
	// TunnelLifetime and TunnelKB end a tunnel, with all its keys; 0 is never.
	TunnelLifetime time.Duration
	TunnelKB       uint32
	// IgnoreSizes leaves out the sizes of transforms: only time ends a key.
	// New clears it in phase 1 where no transform has a size.
	IgnoreSizes bool
	// Responder bounds what this end takes from a peer that starts.
	Responder LifeBounds
}

// The key refresh overlap where nothing is said, in percent, of phase 1 and of
// phase 2.
const (
	DefaultKeyOverlap     = 5
	DefaultDataKeyOverlap = 15
)

// LifeBounds are the shortest and longest life of a key, in time and in
// kilobytes; 0 is no bound.
type LifeBounds struct {
	MinLifetime, MaxLifetime time.Duration
	MinKB, MaxKB             uint32
}

package ike

import (
	"net/netip"
	"time"

	"keyman/crl"
	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
)

// A TunnelState is how a tunnel stands.
type TunnelState string

// How a tunnel stands.
const (
	TunnelDormant     TunnelState = "dormant"     // defined, and nothing has happened
	TunnelNegotiating TunnelState = "negotiating" // a negotiation is under way
	TunnelActive      TunnelState = "active"      // phase 1 is established
	TunnelFailed      TunnelState = "failed"      // the last negotiation ended without a tunnel
	TunnelClosed      TunnelState = "closed"      // it was active, and ended
)

// A Status is one negotiation or established tunnel, or a definition that has
// neither. It is a copy: the engine does not change it any more.
type Status struct {
	Tunnel string      `json:"tunnel,omitempty"` // empty while a responder does not know
	Number int         `json:"number,omitempty"` // of the definition
	ID     uint64      `json:"id,omitempty"`     // of the negotiation; 0 for a dormant tunnel
	State  TunnelState `json:"state"`
	Detail string      `json:"detail,omitempty"` // the step of a negotiation that is under way
	Role   string      `json:"role,omitempty"`
	Mode   string      `json:"mode"`

	Local    netip.AddrPort `json:"local,omitzero"`
	Remote   netip.AddrPort `json:"remote,omitzero"`
	LocalID  string         `json:"local_id,omitempty"`
	RemoteID string         `json:"remote_id,omitempty"` // whom it is for; once active, who it is

	AutoStart  bool      `json:"autostart,omitempty"` // it begins with the daemon
	Protection string    `json:"protection,omitempty"`
	Auth       string    `json:"auth,omitempty"`
	Transform  string    `json:"transform,omitempty"`
	Encryption string    `json:"encryption,omitempty"`
	Hash       string    `json:"hash,omitempty"`
	Group      string    `json:"group,omitempty"`
	Weak       []string  `json:"weak,omitempty"` // the weak ones among the algorithms
	NAT        ikev1.NAT `json:"nat"`

	Started     time.Time `json:"started,omitzero"`
	Established time.Time `json:"established,omitzero"`
	Expires     time.Time `json:"expires,omitzero"`
	Ended       time.Time `json:"ended,omitzero"`

	// Data are the phase 2 tunnels that it carries, in lists; one that its peer has
	// without a phase 1 stands with the tunnel's last line.
	Data []ChildStatus `json:"data,omitempty"`

	// Error says why it failed or was closed; Reasons are the findings of the
	// check of the peer's certificate.
	Error   string       `json:"error,omitempty"`
	Reasons []crl.Reason `json:"reasons,omitempty"`
	// OwnReasons are why peers will not accept our own certificate: it is
	// revoked, has expired, or is not valid yet.
	OwnReasons []crl.Reason `json:"own_reasons,omitempty"`
}

// dormant is the status of a definition without a negotiation.
func dormant(db *ikedb.DB, t ikedb.Tunnel) Status {
	s := Status{State: TunnelDormant, Mode: ModeMain}
	if p, ok := db.Protection(t.Protection); ok && p.Mode == ikedb.ModeAggressive {
		s.Mode = ModeAggressive
	}
	s.describe(db, t)
	return s
}

// The words of Status.Mode. A tunnel that may use both has the one that it starts
// in before it is negotiated.
const (
	ModeMain       = "Main"
	ModeAggressive = "Aggressive"
)

// describe fills what the definition says.
func (s *Status) describe(db *ikedb.DB, t ikedb.Tunnel) {
	s.Tunnel, s.Number, s.Protection, s.AutoStart = t.Name, t.Number, t.Protection, t.AutoStart
	s.LocalID, s.RemoteID = t.Local.ID.String(), t.Remote.ID.String()
	if t.Remote.Group != "" {
		s.RemoteID = "group:" + t.Remote.Group
	}
	if p, ok := db.Protection(t.Protection); ok {
		s.Auth = string(p.Auth)
	}
	if t.Remote.Address.IsValid() {
		s.Remote = netip.AddrPortFrom(t.Remote.Address, t.Remote.Port)
	}
}

package ike

import (
	"fmt"
	"slices"
	"time"

	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
)

// A ChildStatus is a phase 2 tunnel with one peer, or a definition that has none.
// It is a copy: the engine does not change it any more.
type ChildStatus struct {
	Tunnel string `json:"tunnel"`
	Number int    `json:"number,omitempty"` // of the definition; 0 for the generic one
	ID     uint64 `json:"id,omitempty"`     // 0 for a dormant one
	Phase1 string `json:"phase1"`           // the tunnel that carries it
	// AutoStart says that it starts with the daemon, OnDemand with the first
	// packet.
	AutoStart bool `json:"autostart,omitempty"`
	OnDemand  bool `json:"on_demand,omitempty"`

	State  TunnelState `json:"state"`
	Role   string      `json:"role,omitempty"` // in the negotiation of the SA in use
	PeerID string      `json:"peer_id,omitempty"`

	// Local and Remote are the traffic: addresses, protocol and port.
	Local      string `json:"local,omitempty"`
	Remote     string `json:"remote,omitempty"`
	Protection string `json:"protection,omitempty"`

	// SAs are those that there are, the oldest first.
	SAs []ChildSAStatus `json:"sas,omitempty"`

	Started       time.Time `json:"started,omitzero"`
	Established   time.Time `json:"established,omitzero"` // when the SA in use came up
	Expires       time.Time `json:"expires,omitzero"`     // when it ends
	TunnelExpires time.Time `json:"tunnel_expires,omitzero"`
	Ended         time.Time `json:"ended,omitzero"`
	KeyOverlap    int       `json:"key_overlap_percent,omitempty"`
	// NegotiatedOnly says that there is no data plane: no packet is protected.
	NegotiatedOnly bool `json:"negotiated_only,omitempty"`

	// Error says why it failed, why it ended, or why the SA in use has no
	// successor yet.
	Error string `json:"error,omitempty"`
}

// A ChildSAStatus is one SA of a phase 2 tunnel, in both directions.
type ChildSAStatus struct {
	State       string    `json:"state"` // receiving, up, or used: packets go out by it
	Role        string    `json:"role"`
	Established time.Time `json:"established,omitzero"`
	Rekey       time.Time `json:"rekey,omitzero"` // when this side replaces it
	Expires     time.Time `json:"expires,omitzero"`

	Protocols []ChildProtocolStatus `json:"protocols"`
	PFS       string                `json:"pfs,omitempty"` // the group; empty without
	Weak      []string              `json:"weak,omitempty"`

	LifetimeSeconds int64  `json:"lifetime_seconds"`
	LifeKB          uint32 `json:"life_kb,omitempty"`
	// Counters is absent where there is no data plane.
	Counters *DataCounters `json:"counters,omitempty"`
}

// A ChildProtocolStatus is one of AH and ESP of an SA.
type ChildProtocolStatus struct {
	Protocol      string `json:"protocol"`
	Algorithms    string `json:"algorithms"`
	Encapsulation string `json:"encapsulation"`
	SPIIn         string `json:"spi_in"` // hexadecimal
	SPIOut        string `json:"spi_out"`
}

// describeData is the status of a definition.
func (e *Engine) describeData(d ikedb.DataTunnel) ChildStatus {
	st := ChildStatus{
		Tunnel: d.Name, Number: d.Number, Phase1: d.Tunnel, State: TunnelDormant, Protection: d.Protection,
		AutoStart: d.AutoStart, OnDemand: d.OnDemand,
		Local: d.Local.String(), Remote: d.Remote.String(), NegotiatedOnly: e.plane == nil,
	}
	if d.Remote.Group != "" {
		st.Remote = "group:" + d.Remote.Group
	}
	if p, ok := e.db.DataProtection(d.Protection); ok {
		st.KeyOverlap = p.KeyOverlap
	}
	return st
}

// childStatus describes a phase 2 tunnel.
func (e *Engine) childStatus(c *child) ChildStatus {
	st := e.describeData(c.data)
	st.ID, st.PeerID, st.Started = c.id, c.key.peer, c.started
	st.Local, st.Remote = c.local.String(), c.remote.String()
	st.State = map[ikev1.ChildState]TunnelState{
		ikev1.ChildIdle: TunnelNegotiating, ikev1.ChildWaiting: TunnelNegotiating, ikev1.ChildActive: TunnelActive,
	}[c.core.State()]
	st.TunnelExpires = c.core.TunnelExpires()
	if err := c.core.Err(); err != nil {
		st.Error = err.Error()
	}
	for _, info := range c.core.SAs() {
		st.SAs = append(st.SAs, e.childSAStatus(info))
		if info.Used {
			st.Role, st.Established, st.Expires = info.SA.Role.String(), info.Up, info.Expires
		}
	}
	return st
}

// childSAStatus describes one SA.
func (e *Engine) childSAStatus(info ikev1.ChildInfo) ChildSAStatus {
	sa := info.SA
	st := ChildSAStatus{
		State: "receiving", Role: sa.Role.String(), Established: info.Up, Rekey: info.Rekey, Expires: info.Expires,
		Weak: sa.Weak(), LifetimeSeconds: int64(sa.Lifetime / time.Second), LifeKB: sa.LifeKB,
	}
	switch {
	case info.Used:
		st.State = "used"
	case !info.Up.IsZero():
		st.State = "up"
	}
	if sa.Group != 0 {
		st.PFS = sa.Group.String()
	}
	for _, p := range sa.Pairs {
		st.Protocols = append(st.Protocols, ChildProtocolStatus{
			Protocol: p.Algorithms.Protocol.String(), Algorithms: p.Algorithms.String(), Encapsulation: p.Encapsulation.String(),
			SPIIn: fmt.Sprintf("%08x", p.In.SPI), SPIOut: fmt.Sprintf("%08x", p.Out.SPI),
		})
	}
	if e.plane != nil {
		if counters, err := e.plane.Counters(sa.SPI()); err == nil {
			st.Counters = &counters
		}
	}
	return st
}

// childList describes the phase 2 of a phase 1 tunnel: for each definition what is
// active or being negotiated, and else how it ended last or that it is dormant;
// and what serves generic definitions.
func (e *Engine) childList(tunnel string) []ChildStatus {
	var list []ChildStatus
	live := func(name string) {
		cs := slices.SortedFunc(slices.Values(e.children.byData[name]), func(a, b *child) int { return int(a.id) - int(b.id) })
		for _, c := range cs {
			if c.def.tunnel.Name == tunnel {
				list = append(list, e.childStatus(c))
			}
		}
	}
	for _, d := range e.db.DataTunnelsOf(tunnel) {
		before := len(list)
		live(d.Name)
		if len(list) > before {
			continue
		}
		if last, ok := e.children.last[d.Name]; ok {
			list = append(list, last)
		} else {
			list = append(list, e.describeData(d))
		}
	}
	if t, ok := e.db.Tunnel(tunnel); ok {
		if p, ok := e.db.Protection(t.Protection); ok && p.Generic.Protection != "" {
			live(p.Generic.Protection)
		}
	}
	return list
}

// attachData gives the phase 2 of a tunnel to its lines in a list: to the last one
// of the same peer, or else to the last.
func attachData(lines []Status, data []ChildStatus) {
	if len(lines) == 0 {
		return
	}
	for _, d := range data {
		to := len(lines) - 1
		for i, s := range lines {
			if d.PeerID != "" && s.State == TunnelActive && s.RemoteID == d.PeerID {
				to = i
			}
		}
		lines[to].Data = append(lines[to].Data, d)
	}
}

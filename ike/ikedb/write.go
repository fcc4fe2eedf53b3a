package ikedb

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"keyman/crl"
)

// MarshalTOML writes definitions as Load reads them: those of a DB, with its
// defaults filled. What is as by default is left out. Without secrets, preshared
// keys are left out and only said to be there.
func MarshalTOML(d Definitions, secrets bool) ([]byte, error) {
	f := file{
		Tunnel:         tables(d.Tunnels, tableOfTunnel),
		Protection:     tables(d.Protections, tableOfProtection),
		Group:          tables(d.Groups, tableOfGroup),
		DataTunnel:     tables(d.DataTunnels, tableOfDataTunnel),
		DataProtection: tables(d.DataProtections, tableOfDataProtection),
		Proposal:       tables(d.Proposals, tableOfProposal),
	}
	for i := range f.Tunnel {
		f.Tunnel[i].Number = 0
		if before := numberBefore(d.Tunnels, i, func(t Tunnel) int { return t.Number }); d.Tunnels[i].Number != before+1 {
			f.Tunnel[i].Number = d.Tunnels[i].Number
		}
	}
	for i := range f.DataTunnel {
		f.DataTunnel[i].Number = 0
		if before := numberBefore(d.DataTunnels, i, func(t DataTunnel) int { return t.Number }); d.DataTunnels[i].Number != before+1 {
			f.DataTunnel[i].Number = d.DataTunnels[i].Number
		}
	}
	for _, k := range d.PresharedKeys {
		f.PresharedKey = append(f.PresharedKey, tableOfSecret(k, secrets))
	}
	return toml.Marshal(f)
}

// numberBefore returns the number of the tunnel before the one with an index, 0
// for the first.
func numberBefore[T any](tunnels []T, i int, number func(T) int) int {
	if i == 0 {
		return 0
	}
	return number(tunnels[i-1])
}

func tables[D, T any](definitions []D, table func(D) T) []T {
	all := make([]T, 0, len(definitions))
	for _, d := range definitions {
		all = append(all, table(d))
	}
	return all
}

// unless returns a pointer to a word, nil where it is what is meant without it.
func unless(word, usual string) *string {
	if word == usual {
		return nil
	}
	return &word
}

func tableOfTunnel(t Tunnel) tunnelTable {
	table := tunnelTable{
		Name: t.Name, Number: t.Number, Protection: t.Protection, AutoStart: t.AutoStart, OptionalIPRule: t.OptionalIPRule,
	}
	local := localTable{Address: unless(addressWord(t.Local.Address), anyAddress), Certificate: t.Local.Certificate}
	local.ID = unless(t.Local.ID.String(), addressID(t.Local.Address))
	if local != (localTable{}) {
		table.Local = &local
	}
	remote := remoteTable{Group: t.Remote.Group}
	if t.Remote.Group == "" {
		remote.ID = unless(t.Remote.ID.String(), addressID(t.Remote.Address))
	}
	usual := anyAddress
	if remote.ID != nil {
		usual = addressWord(t.Remote.ID.Addr())
	}
	remote.Address = unless(addressWord(t.Remote.Address), usual)
	remote.Port, remote.NATTPort = portUnless(t.Remote.Port, DefaultPort), portUnless(t.Remote.NATTPort, DefaultNATTPort)
	if remote != (remoteTable{}) {
		table.Remote = &remote
	}
	return table
}

func addressWord(addr netip.Addr) string {
	if !addr.IsValid() {
		return anyAddress
	}
	return addr.String()
}

// addressID writes the identity that an address has, "" for none.
func addressID(addr netip.Addr) string {
	id, err := AddrIdentity(addr)
	if err != nil || !addr.IsValid() {
		return ""
	}
	return id.String()
}

func portUnless(port, usual uint16) *uint16 {
	if port == usual || port == 0 {
		return nil
	}
	return &port
}

func tableOfProtection(p Protection) protectionTable {
	table := protectionTable{
		Name: p.Name, Auth: string(p.Auth), Weak: weakWord(p.AllowWeak),
		CRLTimeout: durationUnless(p.CRLTimeout, crl.DefaultTimeout), CRLGrace: durationUnless(p.CRLGrace, 0), Lifetime: durationUnless(p.Lifetime, DefaultLifetime),
		TunnelLifetime: durationUnless(p.TunnelLifetime, 0), TunnelSize: sizeUnlessZero(p.TunnelKB),
		KeyOverlap: overlapUnless(p.KeyOverlap, DefaultKeyOverlap), IgnoreSizes: p.IgnoreSizes, Responder: tableOfBounds(p.Responder),
	}
	if p.Role != RoleBoth {
		table.Role = p.Role
	}
	if p.Mode != ModeMain {
		table.Mode = p.Mode
	}
	if !p.Signatures() || p.Auth.CRL() {
		table.Revocation = unless(p.Revocation.String(), crl.Strict.String())
	}
	for _, t := range p.Transforms {
		table.Transforms = append(table.Transforms, t.String()+lifeWords(t.Lifetime, p.Lifetime, t.LifeKB))
	}
	if g := p.Generic; g.Protection != "" {
		table.Generic = &genericTable{Protection: g.Protection, Local: endpointTypeWords(g.Local), Remote: endpointTypeWords(g.Remote)}
	}
	return table
}

func weakWord(allowed bool) *string {
	if !allowed {
		return nil
	}
	word := allow
	return &word
}

func durationUnless(d, usual time.Duration) *string {
	if d == usual || d == 0 {
		return nil
	}
	word := durationWord(d)
	return &word
}

func sizeUnlessZero(kb uint32) *string { return unless(sizeWord(kb), sizeWord(0)) }

func overlapUnless(percent, usual int) *int {
	if percent == usual {
		return nil
	}
	return &percent
}

func tableOfBounds(b LifeBounds) *responderTable {
	if b == (LifeBounds{}) {
		return nil
	}
	return &responderTable{
		MinLifetime: durationUnless(b.MinLifetime, 0), MaxLifetime: durationUnless(b.MaxLifetime, 0),
		MinSize: sizeUnlessZero(b.MinKB), MaxSize: sizeUnlessZero(b.MaxKB),
	}
}

func tableOfGroup(g Group) groupTable {
	return groupTable{Name: g.Name, IDs: tables(g.IDs, Identity.String)}
}

// tableOfSecret writes a preshared key: as text where it is some, else as octets.
func tableOfSecret(k PresharedKey, secrets bool) presharedKeyTable {
	table := presharedKeyTable{IDs: tables(k.IDs, Identity.String)}
	switch text := string(k.Secret.Bytes()); {
	case !secrets:
		table.SecretHidden = true
	case printable(text) && strings.TrimSpace(text) == text:
		table.Secret = &text
	default:
		digits := hex.EncodeToString([]byte(text))
		table.SecretHex = &digits
	}
	return table
}

func tableOfDataTunnel(t DataTunnel) dataTunnelTable {
	table := dataTunnelTable{
		Name: t.Name, Number: t.Number, Tunnel: t.Tunnel, Protection: t.Protection,
		Protocol: unless(ProtocolWord(t.Local.Protocol), ProtocolWord(0)), AutoStart: t.AutoStart, OnDemand: t.OnDemand,
		Local:  &dataLocalTable{Endpoint: unless(t.Local.Endpoint.String(), ""), Port: t.Local.Port},
		Remote: &dataRemoteTable{Endpoint: unless(t.Remote.Endpoint.String(), ""), Group: t.Remote.Group, Port: t.Remote.Port},
	}
	return table
}

func tableOfDataProtection(p DataProtection) dataProtectionTable {
	table := dataProtectionTable{
		Name: p.Name, Proposals: p.Proposals, PFS: unless(pfsWord(p.PFS), noPFS), Weak: weakWord(p.AllowWeak), CommitBit: p.CommitBit,
		TunnelLifetime: durationUnless(p.TunnelLifetime, 0), TunnelSize: sizeUnlessZero(p.TunnelKB),
		KeyOverlap: overlapUnless(p.KeyOverlap, DefaultDataKeyOverlap), IgnoreSizes: p.IgnoreSizes, Responder: tableOfBounds(p.Responder),
	}
	if p.Role != RoleBoth {
		table.Role = p.Role
	}
	if len(p.AcceptPFS) != 1 || p.AcceptPFS[0] != p.PFS {
		table.AcceptPFS = tables(p.AcceptPFS, pfsWord)
	}
	return table
}

func tableOfProposal(p Proposal) proposalTable {
	return proposalTable{Name: p.Name, ESP: tables(p.ESP, DataTransform.String), AH: tables(p.AH, DataTransform.String)}
}

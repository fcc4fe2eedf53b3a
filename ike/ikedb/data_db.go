package ikedb

import (
	"fmt"
	"slices"
	"strconv"
)

// DataTunnels returns all data tunnels in order of their numbers.
func (db *DB) DataTunnels() []DataTunnel { return slices.Clone(db.defs.DataTunnels) }

// DataTunnelsOf returns the data tunnels that a tunnel carries, in order of their
// numbers.
func (db *DB) DataTunnelsOf(tunnel string) []DataTunnel {
	found := make([]DataTunnel, 0, len(db.carried[tunnel]))
	for _, i := range db.carried[tunnel] {
		found = append(found, db.defs.DataTunnels[i])
	}
	return found
}

// FindData returns a data tunnel by its name or its number in decimal.
func (db *DB) FindData(nameOrNumber string) (DataTunnel, bool) {
	if i, ok := db.dataNames[nameOrNumber]; ok {
		return db.defs.DataTunnels[i], true
	}
	n, err := strconv.Atoi(nameOrNumber)
	if err != nil {
		return DataTunnel{}, false
	}
	i, ok := slices.BinarySearchFunc(db.defs.DataTunnels, n, func(t DataTunnel, n int) int { return t.Number - n })
	if !ok {
		return DataTunnel{}, false
	}
	return db.defs.DataTunnels[i], true
}

// DataProtection returns a data protection by its name; that of a data tunnel of
// this DB is always there.
func (db *DB) DataProtection(name string) (DataProtection, bool) {
	p, ok := db.dataProtections[name]
	return p, ok
}

// Proposals returns the proposals of a data protection of this DB, best first,
// without sizes where these are ignored. They must not be changed.
func (db *DB) Proposals(p DataProtection) []Proposal {
	found := make([]Proposal, 0, len(p.Proposals))
	for _, name := range p.Proposals {
		proposal := db.proposals[name]
		if p.IgnoreSizes {
			proposal.ESP, proposal.AH = withoutSizes(proposal.ESP), withoutSizes(proposal.AH)
		}
		found = append(found, proposal)
	}
	return found
}

func withoutSizes(transforms []DataTransform) []DataTransform {
	return tables(transforms, func(t DataTransform) DataTransform {
		t.LifeKB = 0
		return t
	})
}

// MatchData returns the data tunnel by which a peer of a tunnel that asks for
// data may be answered: the first with these selectors, or else the tunnel's
// generic one. That has the name of its protection, no number, and the
// selectors that were asked for. local is this end's.
func (db *DB) MatchData(t Tunnel, local, remote Selector) (DataTunnel, bool) {
	for _, i := range db.carried[t.Name] {
		d := db.defs.DataTunnels[i]
		if d.Local.Same(local) && db.carries(d.Remote, remote) && db.dataProtections[d.Protection].MayRespond() {
			return d, true
		}
	}
	g := db.protections[t.Protection].Generic
	if g.Protection == "" || !slices.Contains(g.Local, local.Endpoint.typ) || !slices.Contains(g.Remote, remote.Endpoint.typ) ||
		local.Protocol != remote.Protocol {
		return DataTunnel{}, false
	}
	return DataTunnel{Name: g.Protection, Tunnel: t.Name, Protection: g.Protection, Local: local, Remote: DataRemote{Selector: remote}}, true
}

// carries reports whether the remote data of a data tunnel is what was asked for:
// of a group, that of one member.
func (db *DB) carries(r DataRemote, asked Selector) bool {
	if r.Group == "" {
		return r.Same(asked)
	}
	return r.Protocol == asked.Protocol && r.Port == asked.Port && asked.Endpoint.first == asked.Endpoint.last &&
		slices.ContainsFunc(db.groups[r.Group].IDs, func(id Identity) bool { return id.Addr().IsValid() && id.Addr() == asked.Endpoint.first })
}

// CanInitiateData tells why this end cannot start a data tunnel; nil where it
// can.
func (db *DB) CanInitiateData(t DataTunnel) error {
	if carrier, ok := db.Tunnel(t.Tunnel); ok {
		if err := db.CanInitiate(carrier); err != nil {
			return err
		}
	}
	switch {
	case !db.dataProtections[t.Protection].MayInitiate():
		return fmt.Errorf("data tunnel %q only answers: the role of data protection %q is responder", t.Name, t.Protection)
	case t.Remote.Group != "":
		return fmt.Errorf("data tunnel %q only answers: its data belongs to the group %q", t.Name, t.Remote.Group)
	}
	return nil
}

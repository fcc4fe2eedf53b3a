package ikedb

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
)

// A DB is a set of definitions that belong together and have been checked. It
// is immutable and may be used from many goroutines.
type DB struct {
	defs        Definitions    // as completed
	tunnels     []Tunnel       // those of defs
	names       map[string]int // of tunnels, to the index
	protections map[string]Protection
	groups      map[string]Group
	secrets     map[string]Secret // by Identity.Key

	dataNames       map[string]int // of data tunnels, to the index
	dataProtections map[string]DataProtection
	proposals       map[string]Proposal
	carried         map[string][]int // data tunnels by the name of their tunnel

	// Indexes of tunnels by the peer's address, in order of number. The zero
	// Addr stands for any.
	remotes map[netip.Addr][]int
}

// New checks definitions as a whole and makes a DB of them. The error is an
// *Error. New does not hold on to the slices of d.
func New(d Definitions) (*DB, error) {
	db, err := assemble(d)
	if err != nil {
		return nil, err
	}
	if err := db.checkRivals(); err != nil {
		return nil, err
	}
	return db, nil
}

// assemble checks each definition and what it refers to.
func assemble(d Definitions) (*DB, error) {
	db := &DB{
		names:       make(map[string]int, len(d.Tunnels)),
		protections: make(map[string]Protection, len(d.Protections)),
		groups:      make(map[string]Group, len(d.Groups)),
		secrets:     make(map[string]Secret, len(d.PresharedKeys)),
		remotes:     make(map[netip.Addr][]int, len(d.Tunnels)),

		dataNames:       make(map[string]int, len(d.DataTunnels)),
		dataProtections: make(map[string]DataProtection, len(d.DataProtections)),
		proposals:       make(map[string]Proposal, len(d.Proposals)),
		carried:         make(map[string][]int, len(d.Tunnels)),
	}
	// What is referred to comes first.
	for _, step := range []func(Definitions) error{
		db.addProposals, db.addDataProtections, db.addProtections, db.addGroups, db.addSecrets, db.addTunnels, db.addDataTunnels,
	} {
		if err := step(d); err != nil {
			return nil, err
		}
	}
	return db, nil
}

// Tunnels returns all tunnels in order of their numbers.
func (db *DB) Tunnels() []Tunnel { return slices.Clone(db.tunnels) }

// Tunnel returns a tunnel by its name.
func (db *DB) Tunnel(name string) (Tunnel, bool) {
	i, ok := db.names[name]
	if !ok {
		return Tunnel{}, false
	}
	return db.tunnels[i], true
}

// Find returns a tunnel by its name or its number in decimal.
func (db *DB) Find(nameOrNumber string) (Tunnel, bool) {
	if t, ok := db.Tunnel(nameOrNumber); ok {
		return t, true
	}
	n, err := strconv.Atoi(nameOrNumber)
	if err != nil {
		return Tunnel{}, false
	}
	i, ok := slices.BinarySearchFunc(db.tunnels, n, func(t Tunnel, n int) int { return t.Number - n })
	if !ok {
		return Tunnel{}, false
	}
	return db.tunnels[i], true
}

// Definitions returns what the DB was made of, with its defaults filled. It must
// not be changed.
func (db *DB) Definitions() Definitions { return db.defs }

// Protection returns a protection by its name; that of a tunnel of this DB is
// always there. Its Transforms must not be changed.
func (db *DB) Protection(name string) (Protection, bool) {
	p, ok := db.protections[name]
	return p, ok
}

// Responders returns the tunnels by which a peer that starts from remote, with
// a message that came in at local, may be answered: those bound to its address
// first, then those for any address, each in order of number.
func (db *DB) Responders(local, remote netip.Addr) []Tunnel {
	var found []Tunnel
	local, remote = local.Unmap(), remote.Unmap()
	for _, key := range []netip.Addr{remote, {}} {
		for _, i := range db.remotes[key] {
			t := db.tunnels[i]
			if t.Local.Address.IsValid() && t.Local.Address != local {
				continue
			}
			if db.protections[t.Protection].MayRespond() {
				found = append(found, t)
			}
		}
	}
	return found
}

// admits reports whether the peer of a tunnel may have an identity: the
// tunnel's remote identity, or the first match in its group.
func (db *DB) admits(t Tunnel, peer Identity) bool {
	if t.Remote.Group == "" {
		return t.Remote.ID.admitsBut(peer, t.Local.ID)
	}
	return slices.ContainsFunc(db.groups[t.Remote.Group].IDs, func(id Identity) bool { return id.admitsBut(peer, t.Local.ID) })
}

// AdmitsAt reports whether the peer of a tunnel may have an identity when it
// talks from an address in a mode. It is as admits, except for preshared keys and
// a group in main mode: that chooses the key by the address (RFC 2409, 5.4), so
// that it proves no more than who is at the address, and only the member that is
// this address is admitted.
func (db *DB) AdmitsAt(t Tunnel, mode Mode, peer Identity, addr netip.Addr) bool {
	if !db.admits(t, peer) {
		return false
	}
	if mode == ModeAggressive || t.Remote.Group == "" || db.protections[t.Protection].Signatures() {
		return true
	}
	id, err := AddrIdentity(addr.Unmap())
	return err == nil && id.Match(peer)
}

// HasAddresses reports whether the definitions have an address for each end of a
// tunnel whose peer is at an address: that of the end, or an identity that is one;
// of a group, the member that is the peer's.
func (db *DB) HasAddresses(t Tunnel, peer netip.Addr) bool {
	if !t.Local.Address.IsValid() && !t.Local.ID.Addr().IsValid() {
		return false
	}
	if t.Remote.Address.IsValid() {
		return true
	}
	id, err := AddrIdentity(peer.Unmap())
	return err == nil && db.admits(t, id)
}

// CanInitiate tells why this end cannot start a tunnel; nil where it can.
func (db *DB) CanInitiate(t Tunnel) error {
	switch {
	case !db.protections[t.Protection].MayInitiate():
		return fmt.Errorf("tunnel %q only answers: the role of protection %q is responder", t.Name, t.Protection)
	case !t.Remote.Address.IsValid():
		return fmt.Errorf("tunnel %q only answers: it has no remote.address", t.Name)
	case t.Remote.Group != "":
		return fmt.Errorf("tunnel %q only answers: its peer is the group %q", t.Name, t.Remote.Group)
	}
	return nil
}

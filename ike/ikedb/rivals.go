package ikedb

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"keyman/crl"
)

// Two tunnels are rivals if one peer can be answered by both of them. The peer
// chooses between them by what it offers, so that rivals must demand the same of
// it: of two that do not, the laxer one would be all that there is.

// demands are what a protection asks of a peer. Strength of transforms is not
// among them: weak ones stand under AllowWeak, and of the others all will do.
type demands struct {
	auth       AuthMethod
	revocation crl.Revocation
	grace      time.Duration
	allowWeak  bool
}

func (p Protection) demands() demands { return demands{p.Auth, p.Revocation, p.CRLGrace, p.AllowWeak} }

// differences tells in which words of the file two demands differ.
func (d demands) differences(other demands) string {
	var words []string
	switch {
	case d.auth != other.auth:
		words = append(words, fmt.Sprintf("auth (%s here, %s there)", d.auth, other.auth))
	case d.revocation != other.revocation:
		words = append(words, fmt.Sprintf("revocation (%v here, %v there)", d.revocation, other.revocation))
	case d.grace != other.grace:
		words = append(words, fmt.Sprintf("crl-grace (%v here, %v there)", d.grace, other.grace))
	}
	if d.allowWeak != other.allowWeak {
		here, there := "allowed here", "not there"
		if other.allowWeak {
			here, there = "not allowed here", "but there"
		}
		words = append(words, fmt.Sprintf("weak (%s, %s)", here, there))
	}
	return strings.Join(words, " and ")
}

// checkRivals refuses rivals with different demands. Its time is that of going
// through the peers of every tunnel once, not that of comparing every two tunnels.
func (db *DB) checkRivals() error {
	// Tunnels that answer the same group or the same identity are one party.
	var (
		parties [][]int // of indexes of tunnels
		byPeers = make(map[string]int)
	)
	for i, t := range db.tunnels {
		if !db.protections[t.Protection].MayRespond() {
			continue
		}
		key := t.Remote.Group
		if key == "" {
			// No name of a group starts so.
			key = "\x00" + t.Remote.ID.Key()
		}
		n, ok := byPeers[key]
		if !ok {
			n = len(parties)
			byPeers[key] = n
			parties = append(parties, nil)
		}
		parties[n] = append(parties[n], i)
	}

	// The parties of each identity, in the order of the file.
	var (
		ids        []Identity
		byIdentity = make(map[string][]int)
	)
	for n, party := range parties {
		for _, id := range db.peers(db.tunnels[party[0]]) {
			key := id.Key()
			if byIdentity[key] == nil {
				ids = append(ids, id)
			}
			byIdentity[key] = append(byIdentity[key], n)
		}
	}

	// Identities with the same parties, such as those of one group, are checked
	// together.
	checked := make(map[string]bool)
	for _, id := range ids {
		var (
			key     []byte
			tunnels []int
		)
		for _, n := range byIdentity[id.Key()] {
			key = append(strconv.AppendInt(key, int64(n), 10), ' ')
			tunnels = append(tunnels, parties[n]...)
		}
		if checked[string(key)] {
			continue
		}
		checked[string(key)] = true
		if err := db.checkMeeting(id, tunnels); err != nil {
			return err
		}
	}
	return db.checkPatternRivals(ids, func(id Identity) []int {
		var tunnels []int
		for _, n := range byIdentity[id.Key()] {
			tunnels = append(tunnels, parties[n]...)
		}
		return tunnels
	})
}

// peers returns the identities that the peer of a tunnel may have.
func (db *DB) peers(t Tunnel) []Identity {
	if t.Remote.Group == "" {
		return []Identity{t.Remote.ID}
	}
	return db.groups[t.Remote.Group].IDs
}

// A span is a set of addresses at one end: an address, that of the tunnels for
// any address (the zero Addr), or with all of every tunnel.
type span struct {
	addr netip.Addr
	all  bool
}

// spansOf returns under which spans a tunnel with an address is found.
func spansOf(addr netip.Addr) [2]span { return [2]span{{addr: addr}, {all: true}} }

// spansMeeting returns the spans of the tunnels that an address overlaps.
func spansMeeting(addr netip.Addr) []span {
	if !addr.IsValid() {
		return []span{{all: true}}
	}
	return []span{{addr: addr}, {}}
}

// checkMeeting refuses different demands among tunnels whose peers may all have
// one identity, where their addresses overlap at both ends.
func (db *DB) checkMeeting(id Identity, tunnels []int) error {
	type ends struct{ local, remote span }
	type found struct{ first, other int } // other is the first with demands unlike those of first, or -1
	demandsOf := func(i int) demands { return db.protections[db.tunnels[i].Protection].demands() }

	seen := make(map[ends]found)
	for _, i := range tunnels {
		own, t := demandsOf(i), db.tunnels[i]
		for _, local := range spansMeeting(t.Local.Address) {
			for _, remote := range spansMeeting(t.Remote.Address) {
				f, ok := seen[ends{local, remote}]
				switch {
				case !ok:
				case demandsOf(f.first) != own:
					return db.rivals(id, f.first, i)
				case f.other >= 0:
					return db.rivals(id, f.other, i)
				}
			}
		}
		for _, local := range spansOf(t.Local.Address) {
			for _, remote := range spansOf(t.Remote.Address) {
				f, ok := seen[ends{local, remote}]
				switch {
				case !ok:
					seen[ends{local, remote}] = found{i, -1}
				case f.other < 0 && demandsOf(f.first) != own:
					seen[ends{local, remote}] = found{f.first, i}
				}
			}
		}
	}
	return nil
}

// rivals is the error for two tunnels that demand different things of a peer.
func (db *DB) rivals(id Identity, a, b int) error {
	first, second := db.tunnels[min(a, b)], db.tunnels[max(a, b)]
	return &Error{
		Table: "tunnel", Index: max(a, b), Name: second.Name, Key: "protection",
		Text: fmt.Sprintf("the peer %v could choose between this tunnel and tunnel %q, which demand different things of it: %s", id, first.Name,
			db.protections[second.Protection].demands().differences(db.protections[first.Protection].demands())),
		Fix: "give both protections the same auth, revocation and weak, or the tunnels different peers",
	}
}

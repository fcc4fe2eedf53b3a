package ikedb

import "net/netip"

// PresharedKey returns the secret for a tunnel whose peer has an address. Main
// mode needs it before the peer has said who it is (RFC 2409, 5.4). If the
// tunnel has one remote identity, the address is its remote address, and the
// secret that of the identity, or else of the address. If it has a group, the
// address is a member, and the secret that of this member.
func (db *DB) PresharedKey(t Tunnel, peer netip.Addr) (Secret, bool) {
	peer = peer.Unmap()
	id, err := AddrIdentity(peer)
	if err != nil || t.Remote.Address.IsValid() && t.Remote.Address != peer {
		return Secret{}, false
	}
	switch {
	case t.Remote.Group != "":
		if !db.admits(t, id) {
			return Secret{}, false
		}
	case !t.Remote.Address.IsValid():
		return Secret{}, false
	default:
		if s, ok := db.secrets[t.Remote.ID.Key()]; ok {
			return s, true
		}
	}
	s, ok := db.secrets[id.Key()]
	return s, ok
}

// PresharedKeyOf returns the secret for a tunnel whose peer has said who it is,
// as it does in the first message of aggressive mode. The tunnel admits the
// identity, and the secret is that of the identity, or else, where it is the only
// one of the tunnel, that of the tunnel's remote address. So a key proves the
// identity that it belongs to, also in a group.
func (db *DB) PresharedKeyOf(t Tunnel, peer Identity) (Secret, bool) {
	if !db.admits(t, peer) {
		return Secret{}, false
	}
	if s, ok := db.secrets[peer.Key()]; ok || t.Remote.Group != "" || !t.Remote.Address.IsValid() {
		return s, ok
	}
	id, err := AddrIdentity(t.Remote.Address)
	if err != nil {
		return Secret{}, false
	}
	s, ok := db.secrets[id.Key()]
	return s, ok
}

// checkPresharedKey demands the keys that the modes of a tunnel need.
func (db *DB) checkPresharedKey(t *Tunnel, mode Mode, fail failure) error {
	if mode.Main() {
		return db.checkKeyByAddress(t, fail)
	}
	for _, id := range db.peers(*t) {
		if _, ok := db.PresharedKeyOf(*t, id); !ok {
			return fail("remote", "there is no preshared key for "+id.String(), addKey)
		}
	}
	return nil
}

const addKey = "add a [[preshared-key]] with it among the ids"

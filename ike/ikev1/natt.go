package ikev1

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"keyman/ike/isakmp"
)

// A NAT says where address translation was found (RFC 3947, 3.2).
type NAT struct {
	Local  bool `json:"local"`  // before us
	Remote bool `json:"remote"` // before the peer
}

// Found reports whether there is any.
func (n NAT) Found() bool { return n.Local || n.Remote }

// natHash is HASH(CKY-I | CKY-R | IP | Port) (RFC 3947, 3.2).
func (s *SA) natHash(a netip.AddrPort) []byte {
	port := binary.BigEndian.AppendUint16(nil, a.Port())
	return s.transform.Hash.Sum(s.exchange.cookieI[:], s.exchange.cookieR[:], a.Addr().Unmap().AsSlice(), port)
}

// natDiscovery returns our NAT-D payloads, the peer's address first; none where
// the peer does not understand them.
func (s *SA) natDiscovery(path Path) []isakmp.Payload {
	if !s.peer.natt {
		return nil
	}
	local := s.natHash(path.Local)
	if s.cfg.ForceNATT {
		// A hash of nothing that is on the path looks like a NAT.
		local = s.natHash(netip.AddrPort{})
	}
	return []isakmp.Payload{
		&isakmp.NATDiscovery{Data: s.natHash(path.Remote)},
		&isakmp.NATDiscovery{Data: local},
	}
}

// discoverNAT compares the peer's NAT-D payloads with the path of its message:
// the first stands for our address, the others for the peer's.
func (s *SA) discoverNAT(payloads []isakmp.Payload, path Path) {
	var hashes [][]byte
	for _, d := range isakmp.All[*isakmp.NATDiscovery](payloads) {
		if !d.Draft {
			hashes = append(hashes, d.Data)
		}
	}
	if !s.peer.natt || len(hashes) < 2 {
		return
	}
	s.nat.Local = s.cfg.ForceNATT || !bytes.Equal(hashes[0], s.natHash(path.Local))
	s.nat.Remote = true
	for _, h := range hashes[1:] {
		if bytes.Equal(h, s.natHash(path.Remote)) {
			s.nat.Remote = false
		}
	}
}

// float moves an initiator to the NAT traversal port (RFC 3947, 4).
func (s *SA) float() {
	if s.nat.Found() && s.cfg.NATTPath.Remote.IsValid() {
		s.path = s.cfg.NATTPath
	}
}

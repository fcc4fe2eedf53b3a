package ikev1

import "keyman/ike/isakmp"

// peerFeatures is what the peer's vendor IDs announced.
type peerFeatures struct {
	dpd, fragmentation, natt, keyman bool
}

// vendorIDs are what we announce.
func vendorIDs() []isakmp.Payload {
	return []isakmp.Payload{
		isakmp.VendorKeyman.Payload(),
		isakmp.VendorDPD.Payload(),
		isakmp.VendorNATT.Payload(),
		isakmp.VendorFragmentation.Payload(),
	}
}

// learnVendors notes what the peer announced.
func (s *SA) learnVendors(payloads []isakmp.Payload) {
	for _, v := range isakmp.All[*isakmp.VendorID](payloads) {
		switch known, _ := isakmp.KnownVendor(v.Data); known {
		case isakmp.VendorDPD:
			s.peer.dpd = true
		case isakmp.VendorFragmentation:
			s.peer.fragmentation = true
		case isakmp.VendorNATT:
			s.peer.natt = true
		case isakmp.VendorKeyman:
			s.peer.keyman = true
		}
	}
}

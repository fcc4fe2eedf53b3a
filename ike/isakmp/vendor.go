package isakmp

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// Vendor is a vendor ID that this package knows.
type Vendor uint8

// The known vendor IDs. Those that announce an extension come first.
const (
	VendorNATT         Vendor = iota + 1 // RFC 3947
	VendorNATTDraft03                    // as RFC 3947, with the drafts' payload types
	VendorNATTDraft02n                   // draft 02 with the newline that slipped into its hash
	VendorNATTDraft02
	VendorDPD           // RFC 3706
	VendorFragmentation // Fragment payloads are understood
	VendorXAuth         // draft-ietf-ipsra-isakmp-xauth-06
	VendorUnity         // Cisco's mode configuration
	VendorKeyman        // this program
	VendorStrongSwan
	VendorRacoon
	VendorWindows
	VendorCheckPoint
	VendorJuniper
	VendorFortinet
	VendorCiscoConcentrator
)

// vendorID is what is known about a vendor ID.
type vendorID struct {
	name   string
	id     string
	prefix bool // versions follow the ID
}

// vendorIDs is indexed by Vendor. Where an ID is a hash, a test derives it.
var vendorIDs = [...]vendorID{
	VendorNATT:              {name: "NAT-T RFC 3947", id: "\x4a\x13\x1c\x81\x07\x03\x58\x45\x5c\x57\x28\xf2\x0e\x95\x45\x2f"},
	VendorNATTDraft03:       {name: "NAT-T draft 03", id: "\x7d\x94\x19\xa6\x53\x10\xca\x6f\x2c\x17\x9d\x92\x15\x52\x9d\x56"},
	VendorNATTDraft02n:      {name: `NAT-T draft 02\n`, id: "\x90\xcb\x80\x91\x3e\xbb\x69\x6e\x08\x63\x81\xb5\xec\x42\x7b\x1f"},
	VendorNATTDraft02:       {name: "NAT-T draft 02", id: "\xcd\x60\x46\x43\x35\xdf\x21\xf8\x7c\xfd\xb2\xfc\x68\xb6\xa4\x48"},
	VendorDPD:               {name: "DPD", id: "\xaf\xca\xd7\x13\x68\xa1\xf1\xc9\x6b\x86\x96\xfc\x77\x57\x01\x00"},
	VendorFragmentation:     {name: "fragmentation", id: "\x40\x48\xb7\xd5\x6e\xbc\xe8\x85\x25\xe7\xde\x7f\x00\xd6\xc2\xd3\x80\x00\x00\x00"},
	VendorXAuth:             {name: "XAuth", id: "\x09\x00\x26\x89\xdf\xd6\xb7\x12"},
	VendorUnity:             {name: "Cisco Unity", id: "\x12\xf5\xf2\x8c\x45\x71\x68\xa9\x70\x2d\x9f\xe2\x74\xcc\x01\x00"},
	VendorKeyman:            {name: "keyman", id: "\x5e\x47\xcd\x16\x42\x2b\x68\xc6\xb1\xba\xcd\x9f\xbb\xa4\xbb\xca"},
	VendorStrongSwan:        {name: "strongSwan", id: "\x88\x2f\xe5\x6d\x6f\xd2\x0d\xbc\x22\x51\x61\x3b\x2e\xbe\x5b\xeb"},
	VendorRacoon:            {name: "KAME racoon", id: "\x70\x03\xcb\xc1\x09\x7d\xbe\x9c\x26\x00\xba\x69\x83\xbc\x8b\x35"},
	VendorWindows:           {name: "Windows", id: "\x1e\x2b\x51\x69\x05\x99\x1c\x7d\x7c\x96\xfc\xbf\xb5\x87\xe4\x61", prefix: true},
	VendorCheckPoint:        {name: "Check Point", id: "\xf4\xed\x19\xe0\xc1\x14\xeb\x51\x6f\xaa\xac\x0e\xe3\x7d\xaf\x28\x07\xb4\x38\x1f", prefix: true},
	VendorJuniper:           {name: "Juniper", id: "\x69\x93\x69\x22\x87\x41\xc6\xd4\xca\x09\x4c\x93\xe2\x42\xc9\xde\x19\xe7\xb7\xc6", prefix: true},
	VendorFortinet:          {name: "Fortinet", id: "\x1d\x6e\x17\x8f\x6c\x2c\x0b\xe2\x84\x98\x54\x65\x45\x0f\xe9\xd4"},
	VendorCiscoConcentrator: {name: "Cisco VPN Concentrator", id: "\x1f\x07\xf7\x0e\xaa\x65\x14\xd3\xb0\xfa\x96\x54\x2a\x50", prefix: true},
}

const (
	// fragmentationHash is the length of the hash in VendorFragmentation;
	// capabilities may follow it.
	fragmentationHash = 16
	// fragmentationPhase1 is the capability to fragment phase 1 messages.
	fragmentationPhase1 = 1 << 31
)

// KnownVendor looks a vendor ID up.
func KnownVendor(data []byte) (Vendor, bool) {
	s := string(data)
	for v := VendorNATT; int(v) < len(vendorIDs); v++ {
		known := vendorIDs[v]
		switch {
		case s == known.id, known.prefix && strings.HasPrefix(s, known.id):
			return v, true
		case v == VendorFragmentation && isFragmentation(s):
			return v, true
		}
	}
	return 0, false
}

// isFragmentation reports whether s announces fragmentation of phase 1: the
// hash alone, as Windows sends it, or with capabilities that say so. Cisco sets
// another bit beside it.
func isFragmentation(s string) bool {
	if !strings.HasPrefix(s, vendorIDs[VendorFragmentation].id[:fragmentationHash]) {
		return false
	}
	capabilities := []byte(s[fragmentationHash:])
	return len(capabilities) == 0 || len(capabilities) == 4 && binary.BigEndian.Uint32(capabilities)&fragmentationPhase1 != 0
}

// Payload gives the payload that announces v. A v that KnownVendor did not
// give has none and panics.
func (v Vendor) Payload() *VendorID { return &VendorID{Data: []byte(vendorIDs[v].id)} }

// String gives the name for logs.
func (v Vendor) String() string {
	if v == 0 || int(v) >= len(vendorIDs) {
		return fmt.Sprintf("vendor %d", uint8(v))
	}
	return vendorIDs[v].name
}

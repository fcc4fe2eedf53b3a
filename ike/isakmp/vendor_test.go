package isakmp_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"testing"

	"keyman/ike/isakmp"
)

// TestVendorHashes derives the vendor IDs that are hashes of a text.
func TestVendorHashes(t *testing.T) {
	for v, text := range map[isakmp.Vendor]string{
		isakmp.VendorNATT:          "RFC 3947",
		isakmp.VendorNATTDraft03:   "draft-ietf-ipsec-nat-t-ike-03",
		isakmp.VendorNATTDraft02n:  "draft-ietf-ipsec-nat-t-ike-02\n",
		isakmp.VendorNATTDraft02:   "draft-ietf-ipsec-nat-t-ike-02",
		isakmp.VendorFragmentation: "FRAGMENTATION",
		isakmp.VendorXAuth:         "draft-ietf-ipsra-isakmp-xauth-06.txt",
		isakmp.VendorStrongSwan:    "strongSwan",
		isakmp.VendorRacoon:        "KAME/racoon",
		isakmp.VendorWindows:       "MS NT5 ISAKMPOAKLEY",
	} {
		sum := md5.Sum([]byte(text))
		id := v.Payload().Data
		n := min(len(id), len(sum)) // XAuth is cut short, fragmentation has capabilities
		if !bytes.Equal(id[:n], sum[:n]) {
			t.Errorf("%s is % x, the hash of %q is % x", v, id, text, sum)
		}
	}
	// The last two bytes of Cisco Unity are a version.
	sum := md5.Sum([]byte("CISCO-UNITY"))
	if id := isakmp.VendorUnity.Payload().Data; !bytes.Equal(id[:14], sum[:14]) {
		t.Errorf("Unity is % x", id)
	}
	own := sha256.Sum256([]byte("keyman IKEv1"))
	if id := isakmp.VendorKeyman.Payload().Data; !bytes.Equal(id, own[:16]) {
		t.Errorf("our own is % x", id)
	}
}

func TestKnownVendor(t *testing.T) {
	hash := isakmp.VendorFragmentation.Payload().Data[:16]
	with := func(b []byte, more ...byte) []byte { return append(bytes.Clone(b), more...) }
	for _, c := range []struct {
		name string
		data []byte
		want isakmp.Vendor
	}{
		{"fragmentation of phase 1", with(hash, 0x80, 0, 0, 0), isakmp.VendorFragmentation},
		{"fragmentation as Cisco sends it", with(hash, 0xc0, 0, 0, 0), isakmp.VendorFragmentation},
		{"fragmentation as Windows sends it", hash, isakmp.VendorFragmentation},
		{"fragmentation of other messages only", with(hash, 0x40, 0, 0, 0), 0},
		{"half of fragmentation's capabilities", with(hash, 0x80, 0), 0},
		{"Windows with a version", with(isakmp.VendorWindows.Payload().Data, 0, 0, 0, 9), isakmp.VendorWindows},
		{"DPD with a byte more", with(isakmp.VendorDPD.Payload().Data, 0), 0},
		{"DPD with a byte less", isakmp.VendorDPD.Payload().Data[:15], 0},
		{"nothing", nil, 0},
	} {
		if got, ok := isakmp.KnownVendor(c.data); got != c.want || ok != (c.want != 0) {
			t.Errorf("%s: %s, %v", c.name, got, ok)
		}
	}
	names := make(map[string]bool)
	for v := isakmp.VendorNATT; v <= isakmp.VendorCiscoConcentrator; v++ {
		if got, ok := isakmp.KnownVendor(v.Payload().Data); !ok || got != v {
			t.Errorf("%s is recognised as %s", v, got)
		}
		if names[v.String()] || v.String() == "" {
			t.Errorf("vendor %d has the name %q", v, v)
		}
		names[v.String()] = true
	}
}

package isakmp_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"keyman/ike/isakmp"
)

// unhex reads hexadecimal digits with spaces between them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantRefusal checks the notification and the words of an Error.
func wantRefusal(t *testing.T, err error, notify isakmp.NotifyType, words string) {
	t.Helper()
	var e *isakmp.Error
	switch {
	case !errors.As(err, &e):
		t.Errorf("error is %v, want an *Error", err)
	case e.Notify != notify:
		t.Errorf("%v: notification %s, want %s", err, e.Notify, notify)
	case !strings.Contains(err.Error(), words):
		t.Errorf("%v: does not say %q", err, words)
	}
}

func TestHeaderRefusals(t *testing.T) {
	good := isakmp.Header{Initiator: isakmp.Cookie{1}, Next: isakmp.PayloadHash, Version: isakmp.Version,
		Exchange: isakmp.IdentityProtection, Length: isakmp.HeaderLen}
	for _, c := range []struct {
		name   string
		change func(h *isakmp.Header)
		extra  int
		notify isakmp.NotifyType
		words  string
	}{
		{"IKEv2", func(h *isakmp.Header) { h.Version = 0x20 }, 0, isakmp.InvalidMajorVersion, "major version 2"},
		{"minor version", func(h *isakmp.Header) { h.Version = 0x11 }, 0, isakmp.InvalidMinorVersion, "minor version 1"},
		{"flags", func(h *isakmp.Header) { h.Flags = 0x88 }, 0, isakmp.InvalidFlags, "0x88"},
		{"length too small", func(h *isakmp.Header) { h.Length = 27 }, 0, isakmp.UnequalPayloadLengths, "says 27 bytes, 28 arrived"},
		{"length too great", func(h *isakmp.Header) { h.Length = 29 }, 0, isakmp.UnequalPayloadLengths, "says 29 bytes"},
		{"length of 4 GB", func(h *isakmp.Header) { h.Length = 1<<32 - 1 }, 0, isakmp.UnequalPayloadLengths, "says 4294967295 bytes"},
		{"trailing bytes", func(*isakmp.Header) {}, 4, isakmp.UnequalPayloadLengths, "28 bytes, 32 arrived"},
		{"too long", func(h *isakmp.Header) { h.Length = isakmp.MaxMessage + 1 }, isakmp.MaxMessage + 1 - isakmp.HeaderLen, isakmp.UnequalPayloadLengths, "at most 65507"},
		{"too short", func(*isakmp.Header) {}, -1, isakmp.UnequalPayloadLengths, "27 bytes are too few"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := good
			c.change(&h)
			b := append(h.AppendTo(nil), make([]byte, max(c.extra, 0))...)
			b = b[:isakmp.HeaderLen+c.extra]
			_, err := isakmp.ParseHeader(b)
			wantRefusal(t, err, c.notify, c.words)
			_, err = isakmp.Parse(b)
			wantRefusal(t, err, c.notify, c.words)
		})
	}
	m := isakmp.Message{Header: isakmp.Header{Flags: 0x80}, Payloads: []isakmp.Payload{&isakmp.Hash{Data: []byte{1}}}}
	_, err := m.Marshal()
	wantRefusal(t, err, isakmp.InvalidFlags, "0x80")
	if h, err := isakmp.ParseHeader(good.AppendTo(nil)); err != nil || h != good {
		t.Errorf("the header they were made of: %+v, %v", h, err)
	}
}

// TestRefusals gives payloads by their bytes, generic header and all. A T that
// stands behind an SA's bytes comes from RFC 2408, 3.4 to 3.6.
func TestRefusals(t *testing.T) {
	const sa = "00000001 00000001 " // DOI and situation
	for _, c := range []struct {
		name   string
		first  isakmp.PayloadType
		bytes  string // the body of the only payload if it starts with "="
		notify isakmp.NotifyType
		words  string
	}{
		{"no payload", isakmp.PayloadNone, "", isakmp.PayloadMalformed, "no payload"},
		{"nothing behind the header", isakmp.PayloadHash, "", isakmp.PayloadMalformed, "0 bytes left"},
		{"length below 4", isakmp.PayloadHash, "00000003", isakmp.PayloadMalformed, "length 3"},
		{"length 0", isakmp.PayloadHash, "00000000", isakmp.PayloadMalformed, "length 0"},
		{"length beyond the end", isakmp.PayloadHash, "00000006 01", isakmp.PayloadMalformed, "length 6 with 5 bytes left"},
		{"reserved byte", isakmp.PayloadHash, "00010005 01", isakmp.PayloadMalformed, "reserved byte is 0x01"},
		{"bytes behind the last", isakmp.PayloadHash, "00000005 01 00", isakmp.UnequalPayloadLengths, "1 bytes after"},
		{"next without bytes", isakmp.PayloadHash, "08000005 01", isakmp.PayloadMalformed, "HASH payload: 0 bytes left"},
		{"proposal alone", isakmp.PayloadProposal, "00000008 01010000", isakmp.InvalidPayloadType, "outside an SA"},
		{"transform alone", isakmp.PayloadTransform, "00000008 01010000", isakmp.InvalidPayloadType, "outside an SA"},

		{"empty KE", isakmp.PayloadKeyExchange, "=", isakmp.InvalidKeyInformation, "KE payload: empty"},
		{"empty hash", isakmp.PayloadHash, "=", isakmp.InvalidHashInformation, "empty"},
		{"empty signature", isakmp.PayloadSignature, "=", isakmp.InvalidSignature, "empty"},
		{"nonce of 7 bytes", isakmp.PayloadNonce, "=01020304 050607", isakmp.PayloadMalformed, "7 bytes, want 8 to 256"},
		{"nonce of 257 bytes", isakmp.PayloadNonce, "=" + strings.Repeat("00", 257), isakmp.PayloadMalformed, "257 bytes"},
		{"empty NAT-D", isakmp.PayloadNATD, "=", isakmp.PayloadMalformed, "empty"},

		{"ID too short", isakmp.PayloadIdentification, "=010000", isakmp.PayloadMalformed, "3 bytes"},
		{"ID without data", isakmp.PayloadIdentification, "=02000000", isakmp.InvalidIDInformation, "ID_FQDN is empty"},
		{"IPv4 address of 5 bytes", isakmp.PayloadIdentification, "=01000000 0102030405", isakmp.InvalidIDInformation, "5 bytes, want 4"},
		{"IPv6 address of 4 bytes", isakmp.PayloadIdentification, "=05000000 01020304", isakmp.InvalidIDInformation, "4 bytes, want 16"},
		{"IPv4 subnet of 4 bytes", isakmp.PayloadIdentification, "=04000000 01020304", isakmp.InvalidIDInformation, "want 8"},
		{"IPv6 range of 8 bytes", isakmp.PayloadIdentification, "=08000000 0102030405060708", isakmp.InvalidIDInformation, "want 32"},

		{"CERT without encoding", isakmp.PayloadCertificate, "=", isakmp.PayloadMalformed, "no encoding"},
		{"CERT without data", isakmp.PayloadCertificate, "=04", isakmp.InvalidCertificate, "empty X.509 signature"},
		{"CERTREQ without encoding", isakmp.PayloadCertificateRequest, "=", isakmp.PayloadMalformed, "no encoding"},

		{"N too short", isakmp.PayloadNotification, "=00000001 010000", isakmp.PayloadMalformed, "7 bytes"},
		{"N with an SPI beyond it", isakmp.PayloadNotification, "=00000001 01040018 010203", isakmp.InvalidSPI, "SPI of 4 bytes with 3 left"},
		{"N with an SPI of 17 bytes", isakmp.PayloadNotification, "=00000001 01110018" + strings.Repeat("00", 17), isakmp.InvalidSPI, "at most 16"},

		{"D too short", isakmp.PayloadDelete, "=00000001 011000", isakmp.PayloadMalformed, "7 bytes"},
		{"D without SPI", isakmp.PayloadDelete, "=00000001 01100000", isakmp.InvalidSPI, "0 SPIs"},
		{"D of 65535 SPIs of no bytes", isakmp.PayloadDelete, "=00000001 0300ffff", isakmp.InvalidSPI, "65535 SPIs of 0 bytes"},
		{"D with an SPI missing", isakmp.PayloadDelete, "=00000001 03040002 01020304", isakmp.InvalidSPI, "2 SPIs of 4 bytes in 4 bytes"},
		{"D with a byte too many", isakmp.PayloadDelete, "=00000001 03040001 0102030405", isakmp.InvalidSPI, "in 5 bytes"},
		{"D of ISAKMP with 4 bytes", isakmp.PayloadDelete, "=00000001 01040001 01020304", isakmp.InvalidSPI, "SPI of 4 bytes for ISAKMP"},
		{"D of ESP with 16 bytes", isakmp.PayloadDelete, "=00000001 03100001" + strings.Repeat("00", 16), isakmp.InvalidSPI, "16 bytes for ESP"},
		{"D of an unknown protocol", isakmp.PayloadDelete, "=00000001 09040001 01020304", isakmp.InvalidProtocolID, "protocol 9"},

		{"NAT-OA too short", isakmp.PayloadNATOA, "=010000", isakmp.PayloadMalformed, "3 bytes"},
		{"NAT-OA with reserved bytes", isakmp.PayloadNATOA, "=01000100 01020304", isakmp.PayloadMalformed, "reserved"},
		{"NAT-OA of a name", isakmp.PayloadNATOA, "=02000000 61626364", isakmp.PayloadMalformed, "ID_FQDN, want an address"},
		{"NAT-OA of 5 bytes", isakmp.PayloadNATOADraft, "=01000000 0102030405", isakmp.PayloadMalformed, "5 bytes, want 4"},

		{"fragment too short", isakmp.PayloadFragment, "=000101", isakmp.PayloadMalformed, "3 bytes"},
		{"fragment 0", isakmp.PayloadFragment, "=00010000 01", isakmp.PayloadMalformed, "number 0"},
		{"fragment without data", isakmp.PayloadFragment, "=00010100", isakmp.PayloadMalformed, "empty"},
		{"fragment with unknown flags", isakmp.PayloadFragment, "=00010103 01", isakmp.PayloadMalformed, "flags 0x02"},

		{"SA too short", isakmp.PayloadSA, "=00000001 000000", isakmp.PayloadMalformed, "7 bytes"},
		{"SA of DOI 0", isakmp.PayloadSA, "=00000000 00000001", isakmp.DOINotSupported, "DOI 0"},
		{"SA with labels", isakmp.PayloadSA, "=00000001 00000003", isakmp.SituationNotSupported, "situation 0x3"},
		{"SA without proposal", isakmp.PayloadSA, "=" + sa, isakmp.PayloadMalformed, "P payload: 0 bytes left"},
		{"proposal too short", isakmp.PayloadSA, "=" + sa + "00000007 010100", isakmp.PayloadMalformed, "P payload: 3 bytes"},
		{"proposal followed by a nonce", isakmp.PayloadSA, "=" + sa + "0a000010 01010001 00000008 01010000", isakmp.BadProposalSyntax, "followed by a payload of type 10"},
		{"proposal without transform", isakmp.PayloadSA, "=" + sa + "00000008 01010000", isakmp.BadProposalSyntax, "more transforms than the 0"},
		{"proposal short of transforms", isakmp.PayloadSA, "=" + sa + "00000010 01010002 00000008 01010000", isakmp.BadProposalSyntax, "1 transforms, but it announces 2"},
		{"proposal with transforms too many", isakmp.PayloadSA, "=" + sa + "00000018 01010001 03000008 01010000 00000008 02010000", isakmp.BadProposalSyntax, "more transforms than the 1"},
		{"proposal with bytes behind", isakmp.PayloadSA, "=" + sa + "00000011 01010001 00000008 01010000 00", isakmp.PayloadMalformed, "1 bytes after the last transform"},
		{"SA with bytes behind", isakmp.PayloadSA, "=" + sa + "00000010 01010001 00000008 01010000 00", isakmp.PayloadMalformed, "1 bytes after the last proposal"},
		{"SPI beyond the proposal", isakmp.PayloadSA, "=" + sa + "00000010 01010901 00000008 01010000", isakmp.InvalidSPI, "SPI of 9 bytes with 8 left"},
		{"SPI of 17 bytes", isakmp.PayloadSA, "=" + sa + "00000021 01011101" + strings.Repeat("00", 17) + "00000008 01010000", isakmp.InvalidSPI, "at most 16"},
		{"proposals that go back", isakmp.PayloadSA, "=" + sa + "02000010 02010001 00000008 01010000 00000010 01010001 00000008 01010000", isakmp.BadProposalSyntax, "proposal 1 after proposal 2"},
		{"transform twice", isakmp.PayloadSA, "=" + sa + "00000018 01010002 03000008 01010000 00000008 01010000", isakmp.BadProposalSyntax, "transform 1 after transform 1"},
		{"transform followed by a proposal", isakmp.PayloadSA, "=" + sa + "00000010 01010001 02000008 01010000", isakmp.BadProposalSyntax, "T payload: followed by a payload of type 2"},
		{"transform too short", isakmp.PayloadSA, "=" + sa + "0000000f 01010001 00000007 010100", isakmp.PayloadMalformed, "T payload: 3 bytes"},
		{"transform beyond its proposal", isakmp.PayloadSA, "=" + sa + "00000010 01010001 0000000c 01010000", isakmp.PayloadMalformed, "length 12 with 8 bytes left"},
		{"transform with reserved bytes", isakmp.PayloadSA, "=" + sa + "00000010 01010001 00000008 01010001", isakmp.PayloadMalformed, "reserved bytes"},
		{"half an attribute", isakmp.PayloadSA, "=" + sa + "00000013 01010001 0000000b 01010000 800100", isakmp.PayloadMalformed, "too few for an attribute"},
		{"attribute beyond its transform", isakmp.PayloadSA, "=" + sa + "00000016 01010001 0000000e 01010000 000c0004 0000", isakmp.PayloadMalformed, "attribute 12 of 4 bytes with 2 left"},
		{"33 attributes", isakmp.PayloadSA, "=" + sa + "00000094 01010001 0000008c 01010000" + strings.Repeat("80010001", 33), isakmp.PayloadMalformed, "more than 32 attributes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b []byte
			if s, only := strings.CutPrefix(c.bytes, "="); only {
				body := unhex(t, s)
				b = binary.BigEndian.AppendUint16([]byte{0, 0}, uint16(4+len(body)))
				b = append(b, body...)
			} else {
				b = unhex(t, c.bytes)
			}
			_, err := isakmp.ParsePayloads(c.first, b)
			wantRefusal(t, err, c.notify, c.words)
		})
	}
}

func TestCountLimits(t *testing.T) {
	transform := isakmp.Transform{Number: 1, ID: 1}
	proposals := func(n int) *isakmp.SA {
		sa := &isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly}
		for range n {
			sa.Proposals = append(sa.Proposals, isakmp.Proposal{Number: 1, Protocol: isakmp.ProtocolISAKMP, Transforms: []isakmp.Transform{transform}})
		}
		return sa
	}
	transforms := func(n int) *isakmp.SA {
		sa := proposals(1)
		sa.Proposals[0].Transforms = nil
		for i := range n {
			sa.Proposals[0].Transforms = append(sa.Proposals[0].Transforms, isakmp.Transform{Number: uint8(i), ID: 1})
		}
		return sa
	}
	with := func(change func(p *isakmp.Proposal, t *isakmp.Transform)) []isakmp.Payload {
		sa := proposals(1)
		change(&sa.Proposals[0], &sa.Proposals[0].Transforms[0])
		return []isakmp.Payload{sa}
	}
	attributes := func(as ...isakmp.Attribute) []isakmp.Payload {
		return with(func(_ *isakmp.Proposal, t *isakmp.Transform) { t.Attributes = as })
	}
	vendors := func(n int) (ps []isakmp.Payload) {
		for range n {
			ps = append(ps, isakmp.VendorDPD.Payload())
		}
		return ps
	}
	for _, c := range []struct {
		name string
		ps   []isakmp.Payload
		ok   bool
	}{
		{"all payloads", vendors(isakmp.MaxPayloads), true},
		{"a payload too many", vendors(isakmp.MaxPayloads + 1), false},
		{"no payload", nil, false},
		{"all proposals", []isakmp.Payload{proposals(isakmp.MaxProposals)}, true},
		{"a proposal too many", []isakmp.Payload{proposals(isakmp.MaxProposals + 1)}, false},
		{"no proposal", []isakmp.Payload{proposals(0)}, false},
		{"all transforms", []isakmp.Payload{transforms(isakmp.MaxTransforms)}, true},
		{"a transform too many", []isakmp.Payload{transforms(isakmp.MaxTransforms + 1)}, false},
		{"no transform", []isakmp.Payload{transforms(0)}, false},
		{"an SPI of 16 bytes", with(func(p *isakmp.Proposal, _ *isakmp.Transform) { p.SPI = make([]byte, isakmp.MaxSPI) }), true},
		{"an SPI of 17 bytes", with(func(p *isakmp.Proposal, _ *isakmp.Transform) { p.SPI = make([]byte, isakmp.MaxSPI+1) }), false},
		{"all attributes", attributes(make([]isakmp.Attribute, isakmp.MaxAttributes)...), true},
		{"an attribute too many", attributes(make([]isakmp.Attribute, isakmp.MaxAttributes+1)...), false},
		{"an attribute type with the format bit", attributes(isakmp.AttrLong(1<<15, nil)), false},
		{"a short attribute of three bytes", attributes(isakmp.Attribute{Type: 1, Value: make([]byte, 3), Short: true}), false},
		{"an attribute beyond its length field", attributes(isakmp.AttrLong(1, make([]byte, 1<<16))), false},
		{"another DOI", []isakmp.Payload{&isakmp.SA{Situation: isakmp.SituationIdentityOnly, Proposals: proposals(1).Proposals}}, false},
		{"the longest payload", []isakmp.Payload{&isakmp.Hash{Data: make([]byte, isakmp.MaxMessage-isakmp.HeaderLen-4)}}, true},
		{"a byte more", []isakmp.Payload{&isakmp.Hash{Data: make([]byte, isakmp.MaxMessage-isakmp.HeaderLen-3)}}, false},
		{"a payload beyond its length field", []isakmp.Payload{&isakmp.Hash{Data: make([]byte, 1<<16)}}, false},
		{"a nonce too short", []isakmp.Payload{&isakmp.Nonce{Data: make([]byte, isakmp.MinNonce-1)}}, false},
		{"no SPI to delete", []isakmp.Payload{&isakmp.Delete{Protocol: isakmp.ProtocolESP}}, false},
		{"SPIs of two lengths", []isakmp.Payload{&isakmp.Delete{Protocol: isakmp.ProtocolIPComp, SPIs: [][]byte{{1, 2}, {1, 2, 3, 4}}}}, false},
		{"no address", []isakmp.Payload{&isakmp.NATOriginalAddress{}}, false},
		{"a known type as unknown", []isakmp.Payload{&isakmp.Unknown{PayloadType: isakmp.PayloadHash, Data: []byte{1}}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			first, b, err := isakmp.MarshalPayloads(c.ps)
			if (err == nil) != c.ok {
				t.Fatalf("marshalling: %v", err)
			}
			if !c.ok {
				var e *isakmp.Error
				if !errors.As(err, &e) {
					t.Errorf("error is %v, want an *Error", err)
				}
				return
			}
			ps, err := isakmp.ParsePayloads(first, b)
			if err != nil || len(ps) != len(c.ps) {
				t.Errorf("%d payloads, %v", len(ps), err)
			}
		})
	}
	// The parser counts by itself.
	_, b, err := isakmp.MarshalPayloads(vendors(isakmp.MaxPayloads))
	if err != nil {
		t.Fatal(err)
	}
	one := append([]byte{byte(isakmp.PayloadVendorID)}, b[1:len(b)/isakmp.MaxPayloads]...)
	_, err = isakmp.ParsePayloads(isakmp.PayloadVendorID, append(one, b...))
	wantRefusal(t, err, isakmp.PayloadMalformed, "more than 128 payloads")
}

func TestAttributeUint(t *testing.T) {
	for _, c := range []struct {
		value uint64
		short bool
		n     int
	}{{0, true, 2}, {65535, true, 2}, {65536, false, 4}, {1<<32 - 1, false, 4}, {1 << 32, false, 8}, {1<<64 - 1, false, 8}} {
		a := isakmp.AttrUint(isakmp.AttrLifeDuration, c.value)
		got, err := a.Uint()
		if err != nil || got != c.value || a.Short != c.short || len(a.Value) != c.n {
			t.Errorf("%d became %+v and %d, %v", c.value, a, got, err)
		}
	}
	if v, err := isakmp.AttrLong(1, []byte{1, 0, 0}).Uint(); err != nil || v != 65536 {
		t.Errorf("three bytes: %d, %v", v, err)
	}
	for _, n := range []int{0, 9} {
		if _, err := isakmp.AttrLong(1, make([]byte, n)).Uint(); err == nil {
			t.Errorf("a number of %d bytes", n)
		}
	}
}

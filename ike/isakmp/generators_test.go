package isakmp_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"keyman/ike/isakmp"
)

// same compares payloads by value; a missing slice is an empty one.
var same = cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})}

// generators has one entry for each type of payload. A test fails where a type
// is missing.
var generators = map[isakmp.PayloadType]*rapid.Generator[isakmp.Payload]{
	isakmp.PayloadSA: rapid.Custom(genSA),
	isakmp.PayloadKeyExchange: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.KeyExchange{Data: genBytes(t, "public", 1, 300)}
	}),
	isakmp.PayloadIdentification: rapid.Custom(genIdentification),
	isakmp.PayloadCertificate: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.Certificate{Encoding: isakmp.CertEncoding(rapid.Byte().Draw(t, "encoding")), Data: genBytes(t, "certificate", 1, 3000)}
	}),
	isakmp.PayloadCertificateRequest: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.CertificateRequest{Encoding: isakmp.CertEncoding(rapid.Byte().Draw(t, "encoding")), Authority: genBytes(t, "authority", 0, 200)}
	}),
	isakmp.PayloadHash: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.Hash{Data: genBytes(t, "hash", 1, 64)}
	}),
	isakmp.PayloadSignature: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.Signature{Data: genBytes(t, "signature", 1, 512)}
	}),
	isakmp.PayloadNonce: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.Nonce{Data: genBytes(t, "nonce", isakmp.MinNonce, isakmp.MaxNonce)}
	}),
	isakmp.PayloadNotification: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.Notification{
			DOI:        rapid.Uint32().Draw(t, "doi"),
			Protocol:   isakmp.Protocol(rapid.Byte().Draw(t, "protocol")),
			NotifyType: isakmp.NotifyType(rapid.Uint16().Draw(t, "type")),
			SPI:        genBytes(t, "spi", 0, isakmp.MaxSPI),
			Data:       genBytes(t, "data", 0, 100),
		}
	}),
	isakmp.PayloadDelete: rapid.Custom(genDelete),
	isakmp.PayloadVendorID: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.VendorID{Data: genBytes(t, "vendor", 0, 40)}
	}),
	isakmp.PayloadNATD:       genNATD(false),
	isakmp.PayloadNATDDraft:  genNATD(true),
	isakmp.PayloadNATOA:      genNATOA(false),
	isakmp.PayloadNATOADraft: genNATOA(true),
	isakmp.PayloadFragment: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.Fragment{
			ID:     rapid.Uint16().Draw(t, "id"),
			Number: rapid.Uint8Min(1).Draw(t, "number"),
			Last:   rapid.Bool().Draw(t, "last"),
			Data:   genBytes(t, "data", 1, 1500),
		}
	}),
	99: rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.Unknown{PayloadType: 99, Data: genBytes(t, "data", 0, 100)}
	}),
}

// genPayload draws a payload of any type.
func genPayload() *rapid.Generator[isakmp.Payload] {
	var all []*rapid.Generator[isakmp.Payload]
	for t := range 256 {
		if g := generators[isakmp.PayloadType(t)]; g != nil {
			all = append(all, g)
		}
	}
	return rapid.OneOf(all...)
}

func genMessage(t *rapid.T) *isakmp.Message {
	return &isakmp.Message{
		Header: isakmp.Header{
			Initiator: isakmp.Cookie(genBytes(t, "initiator", 8, 8)),
			Responder: isakmp.Cookie(genBytes(t, "responder", 8, 8)),
			Exchange:  isakmp.ExchangeType(rapid.Byte().Draw(t, "exchange")),
			Flags:     rapid.SampledFrom([]isakmp.Flags{0, isakmp.FlagCommit, isakmp.FlagAuthOnly}).Draw(t, "flags"),
			MessageID: rapid.Uint32().Draw(t, "message id"),
		},
		Payloads: rapid.SliceOfN(genPayload(), 1, 8).Draw(t, "payloads"),
	}
}

func genBytes(t *rapid.T, label string, least, most int) []byte {
	return rapid.SliceOfN(rapid.Byte(), least, most).Draw(t, label)
}

func genNATD(draft bool) *rapid.Generator[isakmp.Payload] {
	return rapid.Custom(func(t *rapid.T) isakmp.Payload {
		return &isakmp.NATDiscovery{Data: genBytes(t, "hash", 1, 64), Draft: draft}
	})
}

func genNATOA(draft bool) *rapid.Generator[isakmp.Payload] {
	return rapid.Custom(func(t *rapid.T) isakmp.Payload {
		n := rapid.SampledFrom([]int{4, 16}).Draw(t, "length")
		a, _ := netip.AddrFromSlice(genBytes(t, "address", n, n))
		return &isakmp.NATOriginalAddress{Address: a, Draft: draft}
	})
}

func genIdentification(t *rapid.T) isakmp.Payload {
	typ := isakmp.IDType(rapid.Byte().Draw(t, "id type"))
	least, most := 1, 100
	switch typ {
	case isakmp.IDIPv4Addr:
		least, most = 4, 4
	case isakmp.IDIPv4Subnet, isakmp.IDIPv4Range:
		least, most = 8, 8
	case isakmp.IDIPv6Addr:
		least, most = 16, 16
	case isakmp.IDIPv6Subnet, isakmp.IDIPv6Range:
		least, most = 32, 32
	default:
	}
	return &isakmp.Identification{
		IDType:   typ,
		Protocol: rapid.Byte().Draw(t, "protocol"),
		Port:     rapid.Uint16().Draw(t, "port"),
		Data:     genBytes(t, "data", least, most),
	}
}

func genDelete(t *rapid.T) isakmp.Payload {
	d := &isakmp.Delete{
		DOI:      rapid.Uint32().Draw(t, "doi"),
		Protocol: rapid.SampledFrom([]isakmp.Protocol{isakmp.ProtocolISAKMP, isakmp.ProtocolAH, isakmp.ProtocolESP, isakmp.ProtocolIPComp}).Draw(t, "protocol"),
	}
	n := 4
	switch d.Protocol {
	case isakmp.ProtocolISAKMP:
		n = 16
	case isakmp.ProtocolIPComp:
		n = rapid.SampledFrom([]int{2, 4}).Draw(t, "cpi size")
	default:
	}
	for range rapid.IntRange(1, 5).Draw(t, "spis") {
		d.SPIs = append(d.SPIs, genBytes(t, "spi", n, n))
	}
	return d
}

func genSA(t *rapid.T) isakmp.Payload {
	sa := &isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly}
	number := 0
	for range rapid.IntRange(1, 3).Draw(t, "proposals") {
		number = rapid.IntRange(number, number+3).Draw(t, "number")
		p := isakmp.Proposal{
			Number:   uint8(number),
			Protocol: isakmp.Protocol(rapid.Byte().Draw(t, "protocol")),
			SPI:      genBytes(t, "spi", 0, isakmp.MaxSPI),
		}
		count := rapid.IntRange(1, 4).Draw(t, "transforms")
		for i := range count {
			p.Transforms = append(p.Transforms, isakmp.Transform{
				Number:     uint8(i * 7),
				ID:         rapid.Byte().Draw(t, "id"),
				Attributes: rapid.SliceOfN(rapid.Custom(genAttribute), 0, 6).Draw(t, "attributes"),
			})
		}
		sa.Proposals = append(sa.Proposals, p)
	}
	return sa
}

func genAttribute(t *rapid.T) isakmp.Attribute {
	a := isakmp.Attribute{Type: rapid.Uint16Max(1<<15-1).Draw(t, "type"), Short: rapid.Bool().Draw(t, "short")}
	if a.Short {
		a.Value = genBytes(t, "value", 2, 2)
	} else {
		a.Value = genBytes(t, "value", 0, 40)
	}
	return a
}

// TestEveryTypeHasAGenerator holds the table above to the parser: what the
// parser knows by a type of its own is in the table.
func TestEveryTypeHasAGenerator(t *testing.T) {
	for n := range 256 {
		typ := isakmp.PayloadType(n)
		_, _, err := isakmp.MarshalPayloads([]isakmp.Payload{&isakmp.Unknown{PayloadType: typ}})
		known := err != nil
		inside := typ == isakmp.PayloadNone || typ == isakmp.PayloadProposal || typ == isakmp.PayloadTransform
		if known && !inside && generators[typ] == nil {
			t.Errorf("no generator for payload %s", typ)
		}
	}
}

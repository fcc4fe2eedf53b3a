package isakmp_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"math/big"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyman/ike/isakmp"
)

// mainMode gives the messages of a main mode with certificates as they look
// before encryption, and notifications around it.
func mainMode() []*isakmp.Message {
	cky := isakmp.Header{Initiator: isakmp.Cookie{0x11, 1}, Responder: isakmp.Cookie{0x22, 2}, Exchange: isakmp.IdentityProtection}
	begin := isakmp.Header{Initiator: cky.Initiator, Exchange: isakmp.IdentityProtection}
	informational := isakmp.Header{Initiator: cky.Initiator, Responder: cky.Responder, Exchange: isakmp.Informational, MessageID: 0x01020304}
	cookies := append(append([]byte(nil), cky.Initiator[:]...), cky.Responder[:]...)
	transform := func(n uint8, keyBits, hash, group uint16) isakmp.Transform {
		return isakmp.Transform{Number: n, ID: isakmp.TransformKeyIKE, Attributes: []isakmp.Attribute{
			isakmp.AttrShort(isakmp.AttrEncryption, 7),
			isakmp.AttrShort(isakmp.AttrKeyLength, keyBits),
			isakmp.AttrShort(isakmp.AttrHash, hash),
			isakmp.AttrShort(isakmp.AttrGroup, group),
			isakmp.AttrShort(isakmp.AttrAuth, 3),
			isakmp.AttrShort(isakmp.AttrLifeType, isakmp.LifeTypeSeconds),
			isakmp.AttrUint(isakmp.AttrLifeDuration, 86400),
		}}
	}
	sa := func(ts ...isakmp.Transform) *isakmp.SA {
		return &isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly,
			Proposals: []isakmp.Proposal{{Number: 1, Protocol: isakmp.ProtocolISAKMP, Transforms: ts}}}
	}
	keyExchange := []isakmp.Payload{
		&isakmp.KeyExchange{Data: bytes.Repeat([]byte{0x5a}, 256)},
		&isakmp.Nonce{Data: bytes.Repeat([]byte{0x0f}, 32)},
		&isakmp.NATDiscovery{Data: bytes.Repeat([]byte{0xd1}, 32)},
		&isakmp.NATDiscovery{Data: bytes.Repeat([]byte{0xd2}, 32)},
	}
	return []*isakmp.Message{
		{Header: begin, Payloads: []isakmp.Payload{sa(transform(1, 256, 4, 14), transform(2, 128, 2, 19)), isakmp.VendorNATT.Payload(), isakmp.VendorDPD.Payload(), isakmp.VendorFragmentation.Payload()}},
		{Header: cky, Payloads: []isakmp.Payload{sa(transform(2, 128, 2, 19)), isakmp.VendorNATT.Payload()}},
		{Header: cky, Payloads: keyExchange},
		{Header: cky, Payloads: append(keyExchange[:len(keyExchange):len(keyExchange)], &isakmp.CertificateRequest{Encoding: isakmp.CertX509Signature, Authority: []byte{0x30, 0}})},
		{Header: cky, Payloads: []isakmp.Payload{
			&isakmp.Identification{IDType: isakmp.IDFQDN, Data: []byte("a.test")},
			&isakmp.Certificate{Encoding: isakmp.CertX509Signature, Data: certificate()},
			&isakmp.Signature{Data: bytes.Repeat([]byte{0x51}, 256)},
			&isakmp.Notification{DOI: isakmp.DOIIPsec, Protocol: isakmp.ProtocolISAKMP, NotifyType: isakmp.InitialContact, SPI: cookies},
		}},
		{Header: cky, Payloads: []isakmp.Payload{isakmp.AddrID(netip.MustParseAddr("10.9.0.1")), &isakmp.Hash{Data: bytes.Repeat([]byte{0x4a}, 32)}}},
		{Header: informational, Payloads: []isakmp.Payload{&isakmp.Notification{DOI: isakmp.DOIIPsec, Protocol: isakmp.ProtocolISAKMP, NotifyType: isakmp.NoProposalChosen}}},
		{Header: informational, Payloads: []isakmp.Payload{&isakmp.Hash{Data: bytes.Repeat([]byte{0x4a}, 32)}, &isakmp.Delete{DOI: isakmp.DOIIPsec, Protocol: isakmp.ProtocolISAKMP, SPIs: [][]byte{cookies}}}},
		{Header: cky, Payloads: []isakmp.Payload{&isakmp.Fragment{ID: 1, Number: 1, Data: bytes.Repeat([]byte{0xf1}, 500)}}},
	}
}

// certificate gives the same small certificate every time.
func certificate() []byte {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a.test"}, DNSNames: []string{"a.test"}}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return der
}

func FuzzParse(f *testing.F) {
	for _, m := range mainMode() {
		b, err := m.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := isakmp.Parse(b)
		if err != nil {
			var e *isakmp.Error
			if !errors.As(err, &e) && !errors.Is(err, isakmp.ErrEncrypted) {
				t.Fatalf("an error of another type: %v", err)
			}
			if len(b) > isakmp.HeaderLen {
				// Not a message as it stands; its payloads may be one after
				// decryption.
				decrypted(t, isakmp.PayloadType(b[16]), b[isakmp.HeaderLen:])
			}
			return
		}
		again, err := m.Marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("parsed and marshalled again: %v\n% x\n% x", err, b, again)
		}
		back, err := isakmp.Parse(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, back, same); diff != "" {
			t.Fatal(diff)
		}
	})
}

// decrypted checks that what ParseDecrypted accepts marshals to the same bytes
// without the padding.
func decrypted(t *testing.T, first isakmp.PayloadType, body []byte) {
	ps, err := isakmp.ParseDecrypted(first, body)
	if err != nil {
		return
	}
	again, b, err := isakmp.MarshalPayloads(ps)
	if err != nil {
		// A body alone may be longer than what fits into a message.
		if len(body) <= isakmp.MaxMessage-isakmp.HeaderLen {
			t.Fatal(err)
		}
		return
	}
	if again != first || !bytes.HasPrefix(body, b) || len(body)-len(b) > isakmp.MaxPadding {
		t.Fatalf("% x became % x", body, b)
	}
}

// FuzzReassemble reads its input as a row of fragment payloads, each behind
// its length.
func FuzzReassemble(f *testing.F) {
	var row []byte
	for _, fr := range split(f, longMessage(f, 300, 0), 1, 3) {
		_, b, err := isakmp.MarshalPayloads([]isakmp.Payload{fr})
		if err != nil {
			f.Fatal(err)
		}
		row = append(binary.BigEndian.AppendUint16(row, uint16(len(b))), b...)
	}
	f.Add(row)
	f.Add(append(row[:120:120], row...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r isakmp.Reassembler
		held := 0 // bytes of the fragments since the last whole message
		for len(b) >= 2 {
			n := min(int(binary.BigEndian.Uint16(b)), len(b)-2)
			ps, err := isakmp.ParsePayloads(isakmp.PayloadFragment, b[2:2+n])
			b = b[2+n:]
			if err != nil {
				continue
			}
			for _, fr := range isakmp.All[*isakmp.Fragment](ps) {
				held += len(fr.Data)
				msg, err := r.Add(fr)
				if err != nil || msg == nil {
					continue
				}
				if h, err := isakmp.ParseHeader(msg); err != nil || int(h.Length) != len(msg) || len(msg) > held {
					t.Fatalf("%d bytes came in, this came out: % x, %v", held, msg, err)
				}
				held = 0
			}
		}
	})
}

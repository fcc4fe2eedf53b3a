package isakmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"keyman/ike/isakmp"
)

func TestRoundTrip(t *testing.T) {
	check := func(t *rapid.T, want *isakmp.Message) {
		b, err := want.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := isakmp.Parse(b)
		if err != nil {
			t.Fatalf("%v\n% x", err, b)
		}
		// Marshal has filled the header and SA.Raw in.
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Fatalf("marshalled (-) and parsed (+):\n%s", diff)
		}
		again, err := got.Marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("marshalled again: %v\n% x\n% x", err, again, b)
		}
		for n := range b {
			if _, err := isakmp.Parse(b[:n:n]); err == nil {
				t.Fatalf("the first %d of %d bytes parse", n, len(b))
			}
		}
		body := b[isakmp.HeaderLen:]
		for n := range body {
			if _, err := isakmp.ParsePayloads(want.Header.Next, body[:n:n]); err == nil {
				t.Fatalf("the first %d of %d bytes of payloads parse", n, len(body))
			}
		}
	}
	for typ, g := range generators {
		t.Run(typ.String(), rapid.MakeCheck(func(t *rapid.T) {
			p := g.Draw(t, "payload")
			if p.Type() != typ {
				t.Fatalf("the generator of %s gives %s", typ, p.Type())
			}
			check(t, &isakmp.Message{Payloads: []isakmp.Payload{p}})
		}))
	}
	t.Run("message", rapid.MakeCheck(func(t *rapid.T) { check(t, genMessage(t)) }))
}

// TestTruncatedInside shortens payloads of a fixed structure together with the
// lengths around them, so that only the inner checks can notice.
func TestTruncatedInside(t *testing.T) {
	for _, typ := range []isakmp.PayloadType{isakmp.PayloadSA, isakmp.PayloadDelete, isakmp.PayloadNATOA} {
		t.Run(typ.String(), rapid.MakeCheck(func(t *rapid.T) {
			_, b, err := isakmp.MarshalPayloads([]isakmp.Payload{generators[typ].Draw(t, "payload")})
			if err != nil {
				t.Fatal(err)
			}
			for n := 4; n < len(b); n++ {
				short := bytes.Clone(b[:n])
				binary.BigEndian.PutUint16(short[2:], uint16(n))
				if _, err := isakmp.ParsePayloads(typ, short); err == nil {
					t.Fatalf("%d of %d bytes parse:\n% x", n, len(b), short)
				}
			}
		}))
	}
}

// TestParsedPayloadsEndTheirMemory makes sure that appending to a parsed value
// does not write into the one behind it.
func TestParsedPayloadsEndTheirMemory(t *testing.T) {
	_, b, err := isakmp.MarshalPayloads([]isakmp.Payload{
		&isakmp.Hash{Data: []byte("hash")}, &isakmp.Nonce{Data: []byte("a nonce, long enough")},
	})
	if err != nil {
		t.Fatal(err)
	}
	ps, err := isakmp.ParsePayloads(isakmp.PayloadHash, b)
	if err != nil {
		t.Fatal(err)
	}
	h, _ := isakmp.Find[*isakmp.Hash](ps)
	_ = append(h.Data, "overwritten"...)
	if n, _ := isakmp.Find[*isakmp.Nonce](ps); string(n.Data) != "a nonce, long enough" {
		t.Errorf("the nonce became %q", n.Data)
	}
}

func TestParseDecryptedPadding(t *testing.T) {
	first, body, err := isakmp.MarshalPayloads([]isakmp.Payload{&isakmp.Hash{Data: []byte("hash")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		padding int
		ok      bool
	}{{0, true}, {1, true}, {15, true}, {isakmp.MaxPadding, true}, {isakmp.MaxPadding + 1, false}} {
		padded := append(bytes.Clone(body), bytes.Repeat([]byte{0xa5}, c.padding)...)
		ps, err := isakmp.ParseDecrypted(first, padded)
		if (err == nil) != c.ok || c.ok && len(ps) != 1 {
			t.Errorf("%d bytes of padding: %d payloads, %v", c.padding, len(ps), err)
		}
		if _, err := isakmp.ParsePayloads(first, padded); (err == nil) != (c.padding == 0) {
			t.Errorf("%d bytes after a message in the clear: %v", c.padding, err)
		}
	}
}

func TestSARaw(t *testing.T) {
	sa := &isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly, Proposals: []isakmp.Proposal{{
		Number: 1, Protocol: isakmp.ProtocolISAKMP,
		Transforms: []isakmp.Transform{{Number: 1, ID: isakmp.TransformKeyIKE, Attributes: []isakmp.Attribute{isakmp.AttrShort(isakmp.AttrGroup, 14)}}},
	}}}
	// An SA that has no bytes of its own behind it, and one that has.
	m := isakmp.Message{Payloads: []isakmp.Payload{sa, isakmp.VendorDPD.Payload()}}
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want := b[isakmp.HeaderLen+4 : len(b)-4-len(isakmp.VendorDPD.Payload().Data)]
	if !bytes.Equal(sa.Raw, want) {
		t.Errorf("marshalled Raw is % x, want % x", sa.Raw, want)
	}
	got, err := isakmp.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	parsed, ok := isakmp.Find[*isakmp.SA](got.Payloads)
	if !ok || !bytes.Equal(parsed.Raw, want) {
		t.Errorf("parsed Raw is % x, want % x", parsed.Raw, want)
	}
	parsed.Raw = []byte("not read")
	if again, err := got.Marshal(); err != nil || !bytes.Equal(again, b) {
		t.Errorf("Marshal used Raw: %v % x", err, again)
	}
}

func TestEncrypted(t *testing.T) {
	h := isakmp.Header{Initiator: isakmp.Cookie{1}, Responder: isakmp.Cookie{2}, Next: isakmp.PayloadIdentification,
		Version: isakmp.Version, Exchange: isakmp.IdentityProtection, Flags: isakmp.FlagEncryption, Length: isakmp.HeaderLen + 16}
	b := append(h.AppendTo(nil), make([]byte, 16)...)
	if _, err := isakmp.Parse(b); !errors.Is(err, isakmp.ErrEncrypted) {
		t.Errorf("parsing: %v, want ErrEncrypted", err)
	}
	if got, err := isakmp.ParseHeader(b); err != nil || got != h || !got.Encrypted() {
		t.Errorf("header %+v, %v, want %+v", got, err, h)
	}
	m := isakmp.Message{Header: h, Payloads: []isakmp.Payload{&isakmp.Hash{Data: []byte{1}}}}
	if _, err := m.Marshal(); !errors.Is(err, isakmp.ErrEncrypted) {
		t.Errorf("marshalling: %v, want ErrEncrypted", err)
	}
	// racoon leaves the flag on fragments, which are in the clear.
	m.Payloads = []isakmp.Payload{&isakmp.Fragment{ID: 1, Number: 1, Last: true, Data: []byte{1}}}
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := isakmp.Parse(b); err != nil {
		t.Errorf("a fragment with the encryption flag: %v", err)
	}
}

func TestFind(t *testing.T) {
	ps := []isakmp.Payload{isakmp.VendorNATT.Payload(), &isakmp.Nonce{Data: []byte("12345678")}, isakmp.VendorDPD.Payload()}
	if n, ok := isakmp.Find[*isakmp.Nonce](ps); !ok || n != ps[1] {
		t.Errorf("nonce %v, %v", n, ok)
	}
	if h, ok := isakmp.Find[*isakmp.Hash](ps); ok || h != nil {
		t.Errorf("a hash from nowhere: %v", h)
	}
	if vs := isakmp.All[*isakmp.VendorID](ps); len(vs) != 2 || vs[0] != ps[0] || vs[1] != ps[2] {
		t.Errorf("vendor IDs %v", vs)
	}
	if hs := isakmp.All[*isakmp.Hash](ps); hs != nil {
		t.Errorf("hashes %v", hs)
	}
}

package isakmp_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"keyman/ike/isakmp"
)

// longMessage makes a message of n bytes whose content tells every byte apart
// from its neighbours and from other seeds.
func longMessage(t testing.TB, n int, seed byte) []byte {
	t.Helper()
	data := make([]byte, n-isakmp.HeaderLen-4)
	for i := range data {
		data[i] = byte(i) + byte(i>>8)*31 + seed
	}
	m := isakmp.Message{
		Header:   isakmp.Header{Initiator: isakmp.Cookie{1, 2}, Responder: isakmp.Cookie{3, 4}, Exchange: isakmp.QuickMode, MessageID: 77},
		Payloads: []isakmp.Payload{&isakmp.Hash{Data: data}},
	}
	b, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fragments parses the fragments out of datagrams.
func fragments(t testing.TB, datagrams [][]byte) []*isakmp.Fragment {
	t.Helper()
	var fs []*isakmp.Fragment
	for _, d := range datagrams {
		m, err := isakmp.Parse(d)
		if err != nil {
			t.Fatal(err)
		}
		f, ok := isakmp.Find[*isakmp.Fragment](m.Payloads)
		if !ok || len(m.Payloads) != 1 {
			t.Fatalf("payloads %v", m.Payloads)
		}
		fs = append(fs, f)
	}
	return fs
}

// split cuts msg into count fragments.
func split(t testing.TB, msg []byte, id uint16, count int) []*isakmp.Fragment {
	t.Helper()
	datagrams, err := isakmp.Split(msg, id, 36+(len(msg)+count-1)/count)
	if err != nil {
		t.Fatal(err)
	}
	if len(datagrams) != count {
		t.Fatalf("%d fragments, want %d", len(datagrams), count)
	}
	return fragments(t, datagrams)
}

// TestSplitHeaders holds the datagrams to what strongSwan writes and reads.
func TestSplitHeaders(t *testing.T) {
	msg := longMessage(t, 1276, 0)
	datagrams, err := isakmp.Split(msg, 7, 1252)
	if err != nil {
		t.Fatal(err)
	}
	if len(datagrams) != 2 || len(datagrams[0]) != 1252 || len(datagrams[1]) != 1276-(1252-36)+36 {
		t.Fatalf("%d datagrams", len(datagrams))
	}
	for i, d := range datagrams {
		h, err := isakmp.ParseHeader(d)
		if err != nil {
			t.Fatal(err)
		}
		want := isakmp.Header{Initiator: isakmp.Cookie{1, 2}, Responder: isakmp.Cookie{3, 4}, Next: isakmp.PayloadFragment,
			Version: isakmp.Version, Exchange: isakmp.IdentityProtection, Length: uint32(len(d))}
		if h != want {
			t.Errorf("header %+v, want %+v", h, want)
		}
		f := fragments(t, datagrams)[i]
		if f.ID != 7 || int(f.Number) != i+1 || f.Last != (i == 1) {
			t.Errorf("fragment %d has ID %d, number %d, last %v", i, f.ID, f.Number, f.Last)
		}
	}
}

func TestSplitLimits(t *testing.T) {
	msg := longMessage(t, 1000, 0)
	for _, c := range []struct {
		name string
		msg  []byte
		max  int
		want int // 0 for an error
	}{
		{"no room for data", msg, 36, 0},
		{"negative room", msg, -1, 0},
		{"256 fragments", msg, 36 + 3, 0},
		{"250 fragments", msg, 36 + 4, 250},
		{"it would fit", msg, 1500, 1},
		{"room beyond a payload's length", msg, 1 << 20, 1},
		{"not a message", msg[:999], 500, 0},
	} {
		datagrams, err := isakmp.Split(c.msg, 1, c.max)
		if len(datagrams) != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%s: %d fragments, %v", c.name, len(datagrams), err)
		}
		for _, d := range datagrams {
			if len(d) > c.max {
				t.Errorf("%s: a datagram of %d bytes", c.name, len(d))
			}
		}
	}
}

func TestSplitAndReassemble(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		msg := longMessage(t, rapid.IntRange(isakmp.HeaderLen+5, 6000).Draw(rt, "length"), 0)
		id := rapid.Uint16().Draw(rt, "id")
		datagrams, err := isakmp.Split(msg, id, rapid.IntRange(36+24, 1500).Draw(rt, "size"))
		if err != nil {
			rt.Fatal(err)
		}
		fs := rapid.Permutation(fragments(t, datagrams)).Draw(rt, "order")
		var r isakmp.Reassembler
		for i, f := range fs {
			again := rapid.SliceOfN(rapid.SampledFrom(fs[:i+1]), 0, 2).Draw(rt, "duplicates")
			if i+1 == len(fs) {
				again = nil // they would begin the message anew
			}
			for j, f := range append([]*isakmp.Fragment{f}, again...) {
				got, err := r.Add(f)
				if err != nil {
					rt.Fatal(err)
				}
				if whole := i+1 == len(fs) && j == 0; (got != nil) != whole {
					rt.Fatalf("after fragment %d of %d: %d bytes", i+1, len(fs), len(got))
				} else if whole && !bytes.Equal(got, msg) {
					rt.Fatal("another message came out")
				}
			}
		}
	})
}

// TestReassemblerCopies makes sure that a reused receive buffer does no harm.
func TestReassemblerCopies(t *testing.T) {
	msg := longMessage(t, 200, 0)
	fs := split(t, msg, 1, 2)
	var r isakmp.Reassembler
	if got, err := r.Add(fs[0]); got != nil || err != nil {
		t.Fatal(got, err)
	}
	clear(fs[0].Data)
	if got, err := r.Add(fs[1]); err != nil || !bytes.Equal(got, msg) {
		t.Errorf("%v: % x", err, got)
	}
}

func TestReassemblerStartsAnew(t *testing.T) {
	old, fresh := longMessage(t, 300, 0), longMessage(t, 300, 99)
	longer := longMessage(t, 500, 99)
	cut := func(msg []byte, id uint16) []*isakmp.Fragment { return split(t, msg, id, len(msg)/100) }
	for _, c := range []struct {
		name string
		in   []*isakmp.Fragment
		want []byte
	}{
		{"another ID", append(cut(old, 1)[:2], cut(fresh, 2)...), fresh},
		{"the same ID with other data", append(cut(old, 1)[:1], cut(fresh, 1)...), fresh},
		{"an end after the end", append(cut(old, 1)[2:], append(cut(longer, 1)[4:], cut(longer, 1)[:4]...)...), longer},
		{"an end before what is there", append(cut(longer, 1)[3:4], append(cut(old, 1)[2:], cut(old, 1)[:2]...)...), old},
		{"a number after the end", append(cut(old, 1)[2:], append(cut(longer, 1)[3:], cut(longer, 1)[:3]...)...), longer},
		// The second fragment is left of the old message when the first of the
		// new one has passed; the retransmission of the new one completes it.
		{"a retransmission heals", append(cut(old, 1)[1:2], append(cut(fresh, 1)[:2], cut(fresh, 1)...)...), fresh},
		{"twice the same message", append(cut(old, 1), cut(old, 1)...), old},
	} {
		var r isakmp.Reassembler
		var last []byte
		for _, f := range c.in {
			got, err := r.Add(f)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			if got != nil {
				last = got
			}
		}
		if !bytes.Equal(last, c.want) {
			t.Errorf("%s: got % x", c.name, last)
		}
	}
}

func TestReassemblerRefusals(t *testing.T) {
	add := func(fs ...*isakmp.Fragment) (msg []byte, err error) {
		var r isakmp.Reassembler
		for _, f := range fs {
			if msg, err = r.Add(f); err != nil {
				return nil, err
			}
		}
		return msg, nil
	}
	big := func(n uint8) *isakmp.Fragment {
		return &isakmp.Fragment{ID: 1, Number: n, Data: make([]byte, 40000)}
	}
	inner, err := isakmp.Split(longMessage(t, 200, 0), 1, 150)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		in     []*isakmp.Fragment
		notify isakmp.NotifyType
		words  string
	}{
		{"number 0", []*isakmp.Fragment{{ID: 1, Data: []byte{1}}}, isakmp.PayloadMalformed, "number 0"},
		{"no data", []*isakmp.Fragment{{ID: 1, Number: 1}}, isakmp.PayloadMalformed, "empty"},
		{"too much data", []*isakmp.Fragment{big(1), big(2)}, isakmp.PayloadMalformed, "more than 65507 bytes"},
		{"not a message", []*isakmp.Fragment{{ID: 1, Number: 1, Last: true, Data: []byte{1}}}, isakmp.UnequalPayloadLengths, "too few for a header"},
		{"pieces of two messages", []*isakmp.Fragment{split(t, longMessage(t, 300, 0), 1, 3)[0], split(t, longMessage(t, 350, 0), 1, 2)[1]}, isakmp.UnequalPayloadLengths, "says 300 bytes, 275 arrived"},
		{"fragments of a fragment", split(t, inner[0], 1, 2), isakmp.PayloadMalformed, "inside"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := add(c.in...)
			wantRefusal(t, err, c.notify, c.words)
		})
	}
}

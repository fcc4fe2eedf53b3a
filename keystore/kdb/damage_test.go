package kdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// smallLimits keep a changed iteration count from costing the tests minutes.
var smallLimits = pbe.Limits{Iterations: 2_000, Total: 20_000}

// known reports whether an error is of a kind that the contract names.
func known(err error) bool {
	return errors.Is(err, format.ErrDamaged) || errors.Is(err, format.ErrPassword) || errors.Is(err, format.ErrUnsupported)
}

func TestTruncated(t *testing.T) {
	data := sample(t, "mixed.kdb")
	for n := range data {
		if _, err := (Format{}).Decode(data[:n], []byte(samplePassword)); !errors.Is(err, format.ErrDamaged) {
			t.Errorf("cut to %d bytes: %v; want ErrDamaged", n, err)
		}
	}
	if _, err := (Format{}).Decode(append(bytes.Clone(data), 0), []byte(samplePassword)); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("with a byte behind it: %v; want ErrDamaged", err)
	}
}

// TestByteFlips changes each byte of the sample: always an error, and with a key
// in the file never the wrong one.
func TestByteFlips(t *testing.T) {
	data := sample(t, "mixed.kdb")
	for i := range data {
		changed := bytes.Clone(data)
		changed[i] ^= 1 << (i % 8)
		_, err := Format{}.Decode(changed, []byte(samplePassword))
		want := format.ErrDamaged
		if i == versionAt {
			want = format.ErrUnsupported
		}
		if !errors.Is(err, want) {
			t.Errorf("byte %d: %v; want %v", i, err, want)
		}
	}
}

func TestWrongPassword(t *testing.T) {
	data := sample(t, "mixed.kdb")
	for _, password := range []string{"", "Password", "password ", "password\x00", "\xff"} {
		if _, err := (Format{}).Decode(data, []byte(password)); !errors.Is(err, format.ErrPassword) {
			t.Errorf("%q: %v; want ErrPassword", password, err)
		}
	}
	if _, err := (Format{}).Decode(data, nil); !errors.Is(err, format.ErrPassword) {
		t.Errorf("no password: %v; want ErrPassword", err)
	}
}

// TestMixedSet puts files together that do not belong together.
func TestMixedSet(t *testing.T) {
	m := newMaterial(t, "m")
	content := &format.Content{Items: []format.Item{m.personal("m"), m.waiting("w")}}
	ours, other := encode(t, content, pw), encode(t, content, []byte("another"))
	for name, s := range map[string]Set{
		"requests under another password": {KDB: ours.KDB, RDB: other.RDB},
		"lists under another password":    {KDB: ours.KDB, RDB: ours.RDB, CRL: other.CRL},
		"a list in place of the requests": {KDB: ours.KDB, RDB: ours.CRL},
		"requests in place of the keys":   {KDB: ours.RDB},
		"no keys":                         {RDB: ours.RDB},
		"an empty file of requests":       {KDB: ours.KDB, RDB: []byte{}},
	} {
		if _, err := DecodeSet(s, pw); !errors.Is(err, format.ErrDamaged) {
			t.Errorf("%s: %v; want ErrDamaged", name, err)
		}
	}
	// The file of lists is kept, whatever is in it.
	lists := assemble(6, "X509CRL", 5000, string(pw), slotOf(1, 1, []byte("a list"), "label"))
	after := encode(t, decode(t, Set{KDB: ours.KDB, RDB: ours.RDB, CRL: lists}, pw), pw)
	if !bytes.Equal(after.CRL, lists) {
		t.Error("the file of lists is not written as it was")
	}
	after = encode(t, decode(t, Set{KDB: ours.KDB, RDB: ours.RDB, CRL: lists}, pw), []byte("another"))
	if !bytes.Equal(after.CRL[0x90:], lists[0x90:]) {
		t.Error("with another password the lists are others")
	}
}

func TestBounds(t *testing.T) {
	with := func(slotSize, count uint32, body int) []byte {
		data := append(assemble(6, "X509KEY", 5000, string(pw)), make([]byte, body)...)
		binary.BigEndian.PutUint32(data[slotSizeAt:], slotSize)
		binary.BigEndian.PutUint32(data[countAt:], count)
		return resign(data, string(pw))
	}
	tests := map[string]struct {
		data []byte
		want error
	}{
		"the largest slot":          {with(maxSlot, 1, maxSlot), nil},
		"a slot that is larger":     {with(maxSlot+1, 1, maxSlot+1), format.ErrDamaged},
		"the smallest slots":        {with(minSlot, 3, 3*minSlot), nil},
		"a slot that is smaller":    {with(minSlot-1, 1, minSlot-1), format.ErrDamaged},
		"the most records":          {with(minSlot, maxRecords, minSlot*maxRecords), nil},
		"one more":                  {with(minSlot, maxRecords+1, minSlot*(maxRecords+1)), format.ErrUnsupported},
		"a product that overflows":  {with(1<<20, 1<<12, 0), format.ErrDamaged},
		"the largest numbers":       {with(1<<32-1, 1<<32-1, 1), format.ErrDamaged},
		"no slots of no known size": {with(0, 0, 0), format.ErrDamaged},
	}
	for name, test := range tests {
		if _, err := (Format{}).Decode(test.data, pw); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
	c := newContainer(typeKDB, version6)
	if _, err := c.write(make([][]byte, maxRecords+1), pw); err == nil {
		t.Error("too many records are written")
	}
	if _, err := c.write(append(make([][]byte, 2000), make([]byte, maxSlot)), pw); err == nil {
		t.Error("a file that is too large is written")
	}
}

// TestBadKeys reads records whose keys cannot be had.
func TestBadKeys(t *testing.T) {
	m := newMaterial(t, "m")
	algorithm := sequence(t, []byte{6, 3, 0x2a, 3, 4})
	content := encode(t, &format.Content{Items: []format.Item{m.personal("m")}}, []byte("another"))
	foreign := content.KDB[0x90:]
	for name, test := range map[string]struct {
		slot []byte
		want error
	}{
		"an unknown scheme":         {slotOf(1, 1, derOf(t, 1, 2, sequence(t, m.certificate, sequence(t, algorithm, []byte{4, 0})), "x", 7, 0x80), "x", 0, 0, 0, 0), format.ErrUnsupported},
		"nonsense":                  {slotOf(1, 1, derOf(t, 1, 2, sequence(t, m.certificate, sequence(t)), "x", 7, 0x80), "x", 0, 0, 0, 0), format.ErrDamaged},
		"a key of another password": {foreign, format.ErrUnsupported},
	} {
		data := assemble(6, "X509KEY", 5000, string(pw), test.slot)
		if _, err := (Format{}).Decode(data, pw); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
	data := sample(t, "mixed.kdb")
	if _, err := decodeSet(Set{KDB: data}, []byte(samplePassword), pbe.Limits{Iterations: 4}, true); !errors.Is(err, format.ErrUnsupported) || !errors.Is(err, pbe.ErrLimit) {
		t.Errorf("more iterations than allowed: %v; want ErrUnsupported and ErrLimit", err)
	}
}

// takeSlot returns a slot of a version 6 file.
func takeSlot(data []byte, n int) []byte {
	size := int(u32(data[16:]))
	return data[0x90+n*size:][:size]
}

// FuzzDecode looks for panics and endless work, as the file is and with its MACs
// made right, which a fuzzer cannot do. What is read must be written as it was.
func FuzzDecode(f *testing.F) {
	whole := sample(f, "mixed.kdb")
	f.Add(whole)
	// Keys as IBM encrypts them cost few iterations.
	small, ok := parseRecord(takeSlot(whole, 1))
	if !ok {
		f.Fatal("the sample's second record is not understood")
	}
	der := func(tag int, parts ...[]byte) []byte {
		return derOf(f, 1, tag, bytes.Join(parts, nil), "la\xffbel", 3, 0xA8)
	}
	file := func(version byte, name string, records ...[]byte) {
		var slots [][]byte
		for i, r := range records {
			slots = append(slots, slotOf(2, uint32(i+1), r, "la\xffbel\x00", 0, 0, 0, 0))
		}
		f.Add(assemble(version, name, 800, samplePassword, append(slots, []byte("strange"))...))
	}
	pair := sequence(f, small.document, small.encrypted)
	file(6, "X509KEY", der(1, small.document), der(2, pair), der(3, small.encrypted))
	file(4, "X509KEY", der(2, pair), der(2, pair))
	file(6, "X509KYP", der(0, pair))
	file(4, "X509CRL")
	password := []byte(samplePassword)
	base := assemble(6, "X509KEY", 5000, samplePassword)
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = Format{}.Detect(data)
		signed := data
		if len(data) >= 0x90 && (data[2] == 4 || data[2] == 6) {
			signed = resign(data, samplePassword)
		}
		for _, s := range []Set{{KDB: data}, {KDB: signed}, {KDB: base, RDB: signed}, {KDB: base, CRL: signed}} {
			content, err := decodeSet(s, password, smallLimits, false)
			if err != nil {
				if !known(err) {
					t.Fatalf("an error of no kind: %v", err)
				}
				continue
			}
			labels := map[string]bool{}
			for _, item := range content.Items {
				if item.Label == "" || labels[item.Label] {
					t.Fatalf("label %q is empty or there twice", item.Label)
				}
				labels[item.Label] = true
			}
			again, err := EncodeSet(content, password)
			if err != nil {
				t.Fatalf("read, but cannot be written: %v", err)
			}
			if !bytes.Equal(again.KDB, s.KDB) || s.RDB != nil && !bytes.Equal(again.RDB, s.RDB) || s.CRL != nil && !bytes.Equal(again.CRL, s.CRL) {
				t.Fatal("what was not changed is not written as it was")
			}
			read, err := DecodeSet(again, password)
			if err != nil {
				t.Fatalf("written, but cannot be read: %v", err)
			}
			if diff := cmp.Diff(bare(content.Items), bare(read.Items)); diff != "" {
				t.Fatalf("items (-written +read):\n%s", diff)
			}
		}
	})
}

// TestExtras names what another format cannot have, and nothing where there is
// nothing.
func TestExtras(t *testing.T) {
	s := encode(t, &format.Content{}, pw)
	extras := func(s Set) []string { return decode(t, s, pw).Kept.(format.Extra).Extras() }
	if got := extras(s); got != nil {
		t.Errorf("nothing is called %q", got)
	}
	s.CRL = assemble(6, "X509CRL", 5000, string(pw), slotOf(1, 1, []byte("a list"), "label"))
	s.KDB = assemble(6, "X509KEY", 5000, string(pw), slotOf(1, 1, []byte("a record"), "label"))
	want := []string{"revocation lists (1)", "records of no known kind (1)"}
	if got := extras(s); !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
}

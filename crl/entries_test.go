package crl

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// entriesParser returns a parser that has read as far as the entries.
func entriesParser(revoked []byte, version int, key *hashKey) *parser {
	return &parser{
		intake: &intake{buf: revoked, ready: len(revoked)}, list: &List{Version: version, revoked: revoked},
		revoked: element{to: len(revoked)}, index: &indexMaker{key: key},
	}
}

// exactEntries is parser.entries by parseEntry alone.
func exactEntries(p *parser) error {
	for at := 0; at < p.revoked.to; {
		e, ok, err := p.header(at, p.revoked.to)
		if err == nil && (!ok || e.tag != 0x30) {
			err = errMalformed("element")
		}
		if err == nil {
			err = p.entry(e)
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", p.index.count+1, err)
		}
		at = e.to
	}
	return nil
}

// sameEntries checks that the fast way to read entries accepts what the exact one
// accepts, and reads the same in it.
func sameEntries(t interface{ Fatalf(string, ...any) }, revoked []byte, version int) {
	key := newHashKey()
	fast, exact := entriesParser(revoked, version, key), entriesParser(revoked, version, key)
	err, want := fast.entries(), exactEntries(exact)
	if fmt.Sprint(err) != fmt.Sprint(want) {
		t.Fatalf("%x: %v, and the exact way says %v", revoked, err, want)
	}
	if !reflect.DeepEqual(fast.index, exact.index) || !slices.Equal(fast.list.issuers, exact.list.issuers) ||
		!slices.Equal(fast.list.UnknownCritical, exact.list.UnknownCritical) {
		t.Fatalf("%x: the two ways have other indexes", revoked)
	}
	if err != nil {
		return
	}
	at := 0
	for e := range fast.list.Entries() {
		content, next := elementAt(revoked, at)
		want, _, _ := parseEntry(content, version)
		if !reflect.DeepEqual(e, want) || !reflect.DeepEqual(fast.list.entryAt(uint32(at)), want) || !hasSerial(revoked[at:], want.Serial) {
			t.Fatalf("%x: %v, want %v", revoked[at:next], e, want)
		}
		at = next
	}
	if at != len(revoked) {
		t.Fatalf("%x: read up to %d", revoked, at)
	}
}

// drawEntry draws an entry of a usual form; in some one thing is unusual or wrong.
func drawEntry(t *rapid.T) []byte {
	usual := rapid.IntRange(0, 9).Draw(t, "what is unusual")
	serial := rapid.SliceOfN(rapid.Byte(), 1, 22).Draw(t, "serial")
	serial[0] = serial[0]&0x7f | 1
	if usual == 0 {
		serial = rapid.SliceOfN(rapid.SampledFrom([]byte{0, 0x7f, 0x80, 0xff}), 0, 3).Draw(t, "other serial")
	}
	date := rapid.StringMatching(`[0-9]{2}(0[1-9]|1[0-2])([01][1-9]|20)[01][0-9]([0-5][0-9]){2}Z`).Draw(t, "date")
	if usual == 1 {
		date = rapid.StringMatching(`[0-9]{2}(0[0-9]|1[0-3])([0-2][0-9]|3[0-2])([01][0-9]|2[0-4])([0-6][0-9]){2}Z`).Draw(t, "other date")
	}
	content := slices.Concat([]byte{2, byte(len(serial))}, serial, []byte("\x17\x0d"), []byte(date))
	switch {
	case usual == 2:
		content = append(content, "\x30\x0b\x30\x09\x06\x03\x55\x1d\x7f\x04\x02\x05\x00"...)
	case usual == 3:
		content = append(append(content, reasonExtension...), rapid.Byte().Draw(t, "other reason"))
	case rapid.Bool().Draw(t, "extended"):
		content = append(append(content, reasonExtension...), 1)
	}
	entry := append([]byte{0x30, byte(len(content))}, content...)
	if usual == 4 {
		at := rapid.IntRange(0, len(entry)-1).Draw(t, "at")
		entry[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	}
	return entry
}

// TestFastEntries: the two ways agree on lists of the usual forms, with mistakes.
func TestFastEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		revoked := bytes.Join(rapid.SliceOfN(rapid.Custom(drawEntry), 0, 3).Draw(t, "entries"), nil)
		if rapid.IntRange(0, 7).Draw(t, "whole") == 0 {
			revoked = revoked[:len(revoked)-rapid.IntRange(0, min(2, len(revoked))).Draw(t, "cut")]
		}
		sameEntries(t, revoked, rapid.SampledFrom([]int{1, 2, 2, 2}).Draw(t, "version"))
	})
}

// FuzzEntries: the two ways agree on anything, first on what is nearly usual.
func FuzzEntries(f *testing.F) {
	entry := func(serial, date, rest string) string {
		content := "\x02" + string(rune(len(serial))) + serial + "\x17\x0d" + date + rest
		return "\x30" + string(rune(len(content))) + content
	}
	const date = "261123120000Z"
	whole := entry("\x05", date, "") + entry("\x05\x06", date, reasonExtension+"\x01")
	for at := range len(whole) {
		f.Add([]byte(whole[:at]), true)
		f.Add([]byte(whole[:at]+string([]byte{whole[at] ^ 0x80})+whole[at+1:]), true)
	}
	f.Add([]byte(whole), true)
	f.Add([]byte(whole), false)
	for _, serial := range []string{"", "\x00", "\x80", "\x00\x7f", "\x00\x80", "\xff\x7f", "\xff\x80"} {
		f.Add([]byte(entry(serial, date, "")), true)
	}
	for _, date := range []string{
		"260023120000Z", "261323120000Z", "261100120000Z", "261131120000Z", "261130120000Z", "260229120000Z", "240229120000Z",
		"261123240000Z", "261123126000Z", "261123120060Z", "261123120000z", "2611231200:0Z", "26112312000/Z", "2011311200000",
	} {
		f.Add([]byte(entry("\x05", date, "")), true)
	}
	for _, rest := range []string{
		reasonExtension + "\x7f", reasonExtension + "\x80", "\x05\x00" + reasonExtension + "\x01", reasonExtension + "\x01\x05\x00",
		"\x30\x0c\x30\x0a\x06\x03\x55\x1d\x7f\x04\x03\x0a\x01\x01", "\x30\x00",
	} {
		f.Add([]byte(entry("\x05", date, rest)), true)
	}
	f.Add([]byte("\x30\x14\x02\x01\x05\x18\x0f20501123120000Z"), true)
	f.Add([]byte("\x30\x81\x93\x02\x81\x81"+strings.Repeat("\x05", 0x81)+"\x17\x0d"+date), true)
	f.Fuzz(func(t *testing.T, revoked []byte, second bool) {
		version := 1
		if second {
			version = 2
		}
		sameEntries(t, revoked, version)
	})
}

// TestPairs: four numbers of two digits are read and bounded each for itself.
func TestPairs(t *testing.T) {
	for _, c := range []struct {
		digits string
		want   uint64
	}{{"00000000", 0}, {"01020399", 1 | 2<<16 | 3<<32 | 99<<48}, {"99999999", 99 | 99<<16 | 99<<32 | 99<<48}} {
		number := uint64(0)
		for i := range 8 {
			number |= uint64(c.digits[i]) << (8 * i)
		}
		if got := pairs(number); got != c.want {
			t.Errorf("%s: %x, want %x", c.digits, got, c.want)
		}
	}
	for lane := range 4 {
		at := func(n uint64) uint64 { return n << (16 * lane) }
		const all = math.MaxUint16 >> 2 * 0x0001000100010001
		if !within(at(5), at(5), all) || within(at(4), at(5), all) || !within(at(5), 0, at(5)) || within(at(6), 0, at(5)) {
			t.Errorf("number %d is not bounded by its own bounds", lane)
		}
	}
}

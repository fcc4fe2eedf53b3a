package crl

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/testpeer"
)

// listOf returns a list with some entries, one behind the other, whose signature
// is none.
func listOf(t testing.TB, entries []byte) []byte {
	t.Helper()
	der, err := os.ReadFile("testdata/small.crl")
	if err != nil {
		t.Fatal(err)
	}
	var list, tbs, version, algorithm, issuer, this cryptobyte.String
	input := cryptobyte.String(der)
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) || !list.ReadASN1(&tbs, cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&version, cbasn1.INTEGER) ||
		!tbs.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&this, cbasn1.UTCTime) {
		t.Fatal("the list that is taken as a pattern")
	}
	element := func(tag cbasn1.Tag, parts ...[]byte) []byte {
		b := cryptobyte.NewBuilder(make([]byte, 0, len(entries)+4096))
		b.AddASN1(tag, func(b *cryptobyte.Builder) {
			for _, part := range parts {
				b.AddBytes(part)
			}
		})
		return b.BytesOrPanic()
	}
	return element(cbasn1.SEQUENCE,
		element(cbasn1.SEQUENCE, version, algorithm, issuer, this, element(cbasn1.SEQUENCE, entries)), algorithm, []byte("\x03\x01\x00"))
}

// oddEntries are forms of entries that a list may have in great numbers.
var oddEntries = map[string]func(i int) string{
	"the smallest":      func(i int) string { return "\x02\x01" + string(byte(i%0x80)) + utc },
	"one serial number": func(int) string { return "\x02\x01\x07" + utc },
	"one taken back":    func(int) string { return "\x02\x01\x07" + utc + extended("\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x08") },
	"negative":          func(i int) string { return "\x02\x03\x80" + string([]byte{byte(i >> 8), byte(i)}) + utc },
	"GeneralizedTime": func(i int) string {
		return "\x02\x03\x01" + string([]byte{byte(i >> 8), byte(i)}) + "\x18\x0f20261120120000Z"
	},
	"long serial numbers": func(i int) string { return "\x02\x7f\x01" + string(bytes.Repeat([]byte{byte(i)}, 126))[:126] + utc },
	"unknown critical ones": func(i int) string {
		return "\x02\x01\x07" + utc + extended("\x06\x03\x2a"+oidPart(i)+"\x01\x01\xff\x04\x00")
	},
	"another issuer in each": func(i int) string {
		return "\x02\x01\x07" + utc + extended("\x06\x03\x55\x1d\x1d\x01\x01\xff\x04\x04\x30\x02\x82\x00")
	},
	"an issuer of its own for each": func(i int) string {
		return "\x02\x01\x07" + utc + extended("\x06\x03\x55\x1d\x1d\x01\x01\xff\x04\x06\x30\x04\x82\x02"+string([]byte{byte(i >> 8), byte(i)}))
	},
	"two extensions": func(int) string {
		return "\x02\x01\x07" + utc + extended("\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01", "\x06\x01\x2a\x04\x00")
	},
}

const utc = "\x17\x0d261120120000Z"

// oidPart is an arc of an OID in two octets.
func oidPart(i int) string { return string([]byte{0x80 | byte(i>>7)&0x7f | 1, byte(i) & 0x7f}) }

// extended are the extensions of an entry.
func extended(extensions ...string) string {
	var all string
	for _, e := range extensions {
		all += "\x30" + string(rune(len(e))) + e
	}
	return "\x30" + string(rune(len(all))) + all
}

// entries returns n of them.
func oddEntriesOf(n int, form func(i int) string) []byte {
	var all bytes.Buffer
	for i := range n {
		e := form(i)
		all.WriteByte(0x30)
		if len(e) >= 0x80 {
			all.WriteByte(0x81)
		}
		all.WriteByte(byte(len(e)))
		all.WriteString(e)
	}
	return all.Bytes()
}

// Entries of any form, in any number, cost a small multiple of their size: growth,
// and the index, which has 13 octets for an entry of at least 20.
func TestOddEntriesAllocate(t *testing.T) {
	const (
		entries  = 100_000
		multiple = growth + 2
	)
	for name, form := range oddEntries {
		data := listOf(t, oddEntriesOf(entries, form))
		for how, parse := range map[string]func() (*List, error){
			"as it comes": func() (*List, error) { return Parse(bytes.NewReader(data), Limits{}) },
			"from memory": func() (*List, error) { return parseData(data, Limits{}) },
		} {
			var (
				l   *List
				err error
			)
			made := allocated(func() { l, err = parse() })
			if err != nil || l.Len() != entries {
				t.Errorf("%s, %s: %v", name, how, err)
			}
			if made > multiple*uint64(len(data))+1<<20 {
				t.Errorf("%s, %s: %d octets became %d, %.1f times as many", name, how, len(data), made, float64(made)/float64(len(data)))
			}
		}
	}
}

// A list that has one serial number in all of its entries, each for another issuer,
// is compared and looked through in the time of any other.
func TestOneSerialNumber(t *testing.T) {
	const entries = 60_000
	l, err := parseData(listOf(t, oddEntriesOf(entries, oddEntries["an issuer of its own for each"])), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if found := l.Lint(); slices.ContainsFunc(found, func(f LintFinding) bool { return strings.Contains(f.Text, "was there before") }) {
		t.Errorf("an entry is taken for another one: %+v", found)
	}
	fewer, err := parseData(listOf(t, oddEntriesOf(entries-1, oddEntries["an issuer of its own for each"])), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for older, newer := range map[*List]*List{l: fewer, fewer: l} {
		changes, err := Diff(older, newer)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for c := range changes {
			if n++; (c.Kind == "added") != (newer == l) {
				t.Errorf("%+v", c)
			}
		}
		if n != 1 {
			t.Errorf("%d changes", n)
		}
	}
}

// An index is known to be that of its list, whatever the entries are, and no other is.
func TestIndexes(t *testing.T) {
	for name, form := range oddEntries {
		l, err := parseData(listOf(t, oddEntriesOf(3_000, form)), Limits{})
		if err != nil {
			t.Fatal(name, err)
		}
		anew, err := parseData(bytes.Clone(l.raw), Limits{})
		if err != nil || !l.index.indexes(anew) || !anew.index.indexes(l) {
			t.Fatalf("%s: not its own index: %v", name, err)
		}
		for what, change := range map[string]func(x *index){
			"another hash":     func(x *index) { x.slots[5] ^= 1 },
			"another offset":   func(x *index) { x.slots[0] ^= 1 },
			"a slot twice":     func(x *index) { copy(x.slots[slotSize:2*slotSize], x.slots[:slotSize]) },
			"another start":    func(x *index) { x.starts[len(x.starts)-8]++ },
			"one slot less":    func(x *index) { x.slots = x.slots[slotSize:] },
			"another key":      func(x *index) { x.key = newHashKey() },
			"two in exchange":  func(x *index) { exchange(x.slots) },
			"an end before it": func(x *index) { clear(x.starts[len(x.starts)-4:]) },
		} {
			x := index{key: l.index.key, starts: bytes.Clone(l.index.starts), slots: bytes.Clone(l.index.slots)}
			if change(&x); x.indexes(anew) {
				t.Errorf("%s: an index with %s", name, what)
			}
		}
	}
}

// exchange exchanges the first and the last slot.
func exchange(slots []byte) {
	var first [slotSize]byte
	copy(first[:], slots)
	copy(slots, slots[len(slots)-slotSize:])
	copy(slots[len(slots)-slotSize:], first[:])
}

// mutated returns data with some of it changed, as r has it.
func mutated(r *rand.Rand, data []byte) []byte {
	data = bytes.Clone(data)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(data))
		switch r.IntN(5) {
		case 0:
			data[at] ^= 1 << r.IntN(8)
		case 1: // a length, perhaps
			data[at] = byte(0x80 + r.IntN(6))
		case 2:
			data = append(data[:at:at], append(bytes.Repeat([]byte{byte(r.Uint32())}, r.IntN(64)), data[at:]...)...)
		case 3:
			data = data[:at+1]
		case 4: // a part twice
			to := at + r.IntN(len(data)-at)
			data = append(data[:to:to], data[at:]...)
		}
	}
	return data
}

// What is read of a list that was changed in any way costs a small multiple of it,
// and so does what is told about it.
func TestMutationsAllocate(t *testing.T) {
	const (
		rounds   = 20
		multiple = 40
		constant = 64 << 10
	)
	files, err := filepath.Glob(filepath.Join(testpeer.Corpora(t), "pkits", "crls", "*.crl"))
	if err != nil || len(files) < 100 {
		t.Fatal(len(files), err)
	}
	r := rand.New(rand.NewPCG(4, 2))
	for _, file := range files {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for round := range rounds {
			data := mutated(r, whole)
			made := allocated(func() {
				if l, err := Parse(bytes.NewReader(data), Limits{}); err == nil {
					_ = fmt.Sprint(l.Info(), l.Lint())
				}
			})
			if made > multiple*uint64(len(data))+constant {
				t.Errorf("%s, round %d: %d octets became %d:\n%x", filepath.Base(file), round, len(data), made, data)
			}
		}
	}
}

package crl

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestIndexModel: an index finds what a map finds, in the order in which it was
// added: serial numbers of all lengths, again and again, and such as differ by
// their length alone.
func TestIndexModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		octets := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x7f, 0x80, 0xff}), 1, 24)
		long := rapid.SliceOfN(rapid.Byte(), 60, 90)
		serials := rapid.SliceOf(rapid.OneOf(octets, octets, rapid.SliceOfN(rapid.Byte(), 1, 3), long)).Draw(t, "serials")
		maker := newIndexMaker()
		model, at, offset := map[string][]uint32{}, map[uint32][]byte{}, 0
		for _, serial := range serials {
			size := rapid.SampledFrom([]int{1, 0xff, 0x100, 0x10000}).Draw(t, "size")
			maker.add(serial, size)
			model[string(serial)] = append(model[string(serial)], uint32(offset))
			at[uint32(offset)] = serial
			offset += size
		}
		x := maker.index()
		if x.len() != len(serials) {
			t.Fatalf("%d entries, want %d", x.len(), len(serials))
		}
		asked := append(slices.Clone(serials), rapid.SliceOfN(octets, 0, 8).Draw(t, "others")...)
		for _, serial := range asked {
			var found []uint32
			p := x.probe(serial)
			for {
				offset, ok := x.next(&p)
				if !ok {
					break
				}
				if bytes.Equal(at[offset], serial) { // what List.next does by the DER
					found = append(found, offset)
				}
			}
			if !slices.Equal(found, model[string(serial)]) {
				t.Fatalf("serial %x is found at %d, want %d", serial, found, model[string(serial)])
			}
		}
	})
}

// TestIndexIsEven: no bucket of many serial numbers that follow each other, or
// that end alike, is long, and so no search is.
func TestIndexIsEven(t *testing.T) {
	for name, serial := range map[string]func(n int) []byte{
		"one behind the other": func(n int) []byte { return []byte{1, byte(n >> 16), byte(n >> 8), byte(n)} },
		"multiples of 65536":   func(n int) []byte { return []byte{1, byte(n >> 16), byte(n >> 8), byte(n), 0, 0} },
		"long":                 func(n int) []byte { return append(bytes.Repeat([]byte{1}, maxHashed), byte(n>>8), byte(n)) },
	} {
		maker := newIndexMaker()
		const count = 50_000
		for n := range count {
			maker.add(serial(n), 1)
		}
		x := maker.index()
		longest := 0
		for n := range count {
			p := x.probe(serial(n))
			longest = max(longest, p.end-p.at)
		}
		// With a mean of bucketSize, 70 and more have a probability below 1e-20.
		if longest > 70 {
			t.Errorf("%s: a bucket of %d", name, longest)
		}
	}
}

// TestHashKey: a key is the same when it has been written and read.
func TestHashKey(t *testing.T) {
	k := newHashKey()
	if *decodeHashKey(k.encode()) != *k || *newHashKey() == *k {
		t.Error("the key is not what it was, or two are the same")
	}
}

// TestSimpleForm: dates that are valid, and such as are not, are told as
// parseEntry tells them.
func TestSimpleForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		date := rapid.StringMatching(`([0-9]{2}|00|04)(0[0-9]|1[0-3])([0-3][0-9]|29|3[0-2])([0-2][0-9])([0-6][0-9])([0-6][0-9a:/])Z`).Draw(t, "date")
		element := append([]byte("\x30\x12\x02\x01\x05\x17\x0d"), date...)
		size, serial := simpleShape(element)
		if size != len(element) {
			t.Fatalf("%q is not of the simple form", element)
		}
		var e Entry
		e.readSimple(element, size, serial)
		want, _, err := parseEntry(element[2:], 2)
		if valid := validUTCTime([]byte(date)); valid != (err == nil) {
			t.Fatalf("%s: valid is %v, and parseEntry says %v", date, valid, err)
		}
		if err == nil && (!e.Date.Equal(want.Date) || !bytes.Equal(e.Serial, want.Serial)) {
			t.Fatalf("%s: %v, want %v", date, e, want)
		}
	})
}

// TestDaysSince1970 compares every day of a UTCTime with time.Date.
func TestDaysSince1970(t *testing.T) {
	for day := time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2050; day = day.AddDate(0, 0, 1) {
		if got := daysSince1970(day.Year(), int(day.Month()), day.Day()); int64(got)*86400 != day.Unix() {
			t.Fatalf("%v: %d days", day, got)
		}
	}
}

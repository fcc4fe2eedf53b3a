package der

import (
	"encoding/asn1"
	"encoding/hex"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

func TestReadTime(t *testing.T) {
	for _, tc := range []struct {
		hex, want string // "" is refused
	}{
		{"170d3439313233313233353935395a", "2049-12-31T23:59:59Z"},
		{"170d3530303130313030303030305a", "1950-01-01T00:00:00Z"},
		{"180f32303530303130313030303030305a", "2050-01-01T00:00:00Z"},
		{"180f30303030303130313030303030305a", "0000-01-01T00:00:00Z"},
		{"170b343931323331323335395a", ""},                 // no seconds
		{"17113439313233313233353935392b30313030", ""},     // an offset
		{"181332303530303130313030303030302e3530305a", ""}, // fractions
		{"170d3439303433313233353935395a", ""},             // 31 April
		{"170d343931323331323335393630" + "5a", ""},        // second 60
		{"170d3439313233312033353935395a", ""},             // a space
		{"180d3439313233313233353935395a", ""},             // two digits of the year
		{"160d3439313233313233353935395a", ""},             // IA5String
		{"170d34393132333132333539353959", ""},             // no Z
	} {
		der, err := hex.DecodeString(tc.hex)
		if err != nil {
			t.Fatal(err)
		}
		s := cryptobyte.String(der)
		at, ok := ReadTime(&s)
		if got := at.Format(time.RFC3339); ok != (tc.want != "") || ok && got != tc.want {
			t.Errorf("%s: %s, %t, want %q", tc.hex, got, ok, tc.want)
		}
	}
}

func TestOID(t *testing.T) {
	for text, octets := range map[string]string{
		"2.5.29.15": "551d0f", "1.2.840.113549.1.1.11": "2a864886f70d01010b", "0.9.2342": "099226", "1.39": "4f",
		"2.0": "50", "2.999.3": "883703", "2.5.4.9223372036854775807": "5504ffffffffffffffff7f",
	} {
		o, err := ParseOID(text)
		if err != nil || hex.EncodeToString([]byte(o)) != octets || o.String() != text {
			t.Errorf("%s became %x, %s: %v", text, string(o), o, err)
		}
	}
	for _, text := range []string{"", "1", "3.1", "1.40", "1.2.-3", "1.2.03", "1..2", "2.5.9223372036854775808"} {
		if o, err := ParseOID(text); err == nil {
			t.Errorf("%q became %s", text, o)
		}
	}
	big := OID("\x2a\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00") // 2^63
	if big.String() != "1.2.9223372036854775808" {
		t.Errorf("2^63 is %s", big)
	}
	for _, octets := range []string{"0600", "06022a80", "06032a8001", "0602802a", "0582"} {
		der, _ := hex.DecodeString(octets)
		s := cryptobyte.String(der)
		if o, ok := ReadOID(&s); ok {
			t.Errorf("%s became %s", octets, o)
		}
	}
	long := append([]byte{6, 0x81, MaxOID + 1}, make([]byte, MaxOID+1)...)
	for i := range long[3:] {
		long[3+i] = 1
	}
	for _, tc := range []struct {
		der []byte
		ok  bool
	}{{long, false}, {append([]byte{6, 0x81, MaxOID}, long[4:]...), true}} {
		s := cryptobyte.String(tc.der)
		if _, ok := ReadOID(&s); ok != tc.ok {
			t.Errorf("an OID of %d octets: %t", len(tc.der)-3, ok)
		}
	}
}

// FuzzOID: what encoding/asn1 reads is read, and written alike; what is read
// survives a round trip.
func FuzzOID(f *testing.F) {
	for _, seed := range []string{"\x06\x03\x55\x1d\x0f", "\x06\x03\x88\x37\x03", "\x06\x01\x80"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		s := cryptobyte.String(der)
		o, ok := ReadOID(&s)
		var reference asn1.ObjectIdentifier
		rest, err := asn1.Unmarshal(der, &reference)
		if err == nil && len(rest) == 0 && len(der) <= MaxOID && (!ok || o.String() != reference.String()) {
			t.Fatalf("%x is %s, and not %s", der, o, reference)
		}
		if back, err := ParseOID(o.String()); ok && err == nil && back != o {
			t.Fatalf("%x became %x", string(o), string(back))
		}
	})
}

func TestReadBits(t *testing.T) {
	for _, tc := range []struct {
		hex  string
		want uint16
		ok   bool
	}{
		{"0106", 0x0060, true}, {"070080", 0x0100, true}, {"0780", 1, true}, {"00", 0, true}, {"0006", 0x60, true},
		{"00ffffff", 0xffff, true}, {"", 0, false}, {"01", 0, false}, {"0880", 0, false}, {"0181", 0, false},
	} {
		content, _ := hex.DecodeString(tc.hex)
		if bits, ok := ReadBits(content); bits != tc.want || ok != tc.ok {
			t.Errorf("%s: %x, %t", tc.hex, bits, ok)
		}
	}
}

func TestReadExtension(t *testing.T) {
	for _, tc := range []struct {
		hex          string
		critical, ok bool
	}{
		{"300a0603551d0f0403030106", false, true},
		{"300d0603551d0f0101ff0403030106", true, true},
		{"300d0603551d0f0101000403030106", false, true},
		{"300d0603551d0f0101010403030106", false, false}, // BOOLEAN 1
		{"300c0603551d0f04030301060500", false, false},   // more behind
		{"30050603551d0f", false, false},                 // no value
		{"300906025580040303010600", false, false},       // half an OID
	} {
		der, _ := hex.DecodeString(tc.hex)
		s := cryptobyte.String(der)
		e, ok := ReadExtension(&s)
		if ok != tc.ok || ok && (e.Critical != tc.critical || e.OID.String() != "2.5.29.15" || string(e.Value) != "\x03\x01\x06") {
			t.Errorf("%s: %+v, %t", tc.hex, e, ok)
		}
	}
}

func TestMinimal(t *testing.T) {
	for octets, want := range map[string]bool{"\x00": true, "\x00\x80": true, "\xff\x7f": true, "": false, "\x00\x7f": false, "\xff\x80": false} {
		if Minimal([]byte(octets)) != want {
			t.Errorf("%x", octets)
		}
	}
}

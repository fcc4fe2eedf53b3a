package certpem

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keyman/internal/atomicfile"
)

// two elements that look like certificates from outside.
var (
	one = []byte{0x30, 0x03, 0x02, 0x01, 0x01}
	two = []byte{0x30, 0x03, 0x02, 0x01, 0x02}
)

func TestParse(t *testing.T) {
	key := Encode("PRIVATE KEY", []byte("k"))
	for name, tt := range map[string]struct {
		data []byte
		want [][]byte
	}{
		"DER":              {one, [][]byte{one}},
		"DER, two":         {slices.Concat(one, two), [][]byte{one, two}},
		"PEM, two":         {Encode(TypeCertificate, two, one), [][]byte{two, one}},
		"PEM with text":    {slices.Concat([]byte("subject=x\n"), Encode(TypeCertificate, one), []byte("end\n")), [][]byte{one}},
		"PEM and a key":    {slices.Concat(key, Encode(TypeCertificate, one)), [][]byte{one}},
		"old PEM label":    {Encode("X509 CERTIFICATE", one), [][]byte{one}},
		"PEM with CRLF":    {bytes.ReplaceAll(Encode(TypeCertificate, one), []byte("\n"), []byte("\r\n")), [][]byte{one}},
		"no final newline": {bytes.TrimSpace(Encode(TypeCertificate, one)), [][]byte{one}},
	} {
		got, err := Parse(tt.data)
		if err != nil || !slices.EqualFunc(got, tt.want, bytes.Equal) {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(Encode(TypeCertificate, one))
	for name, tt := range map[string]struct{ data, want string }{
		"empty":            {"", "empty"},
		"text":             {"hello", "neither PEM nor DER at byte 0"},
		"DER and rubbish":  {string(one) + "x", "neither PEM nor DER at byte 5"},
		"truncated DER":    {string(one[:4]), "neither"},
		"only a key":       {string(Encode("PRIVATE KEY", one)), "holds none"},
		"two in a block":   {string(Encode(TypeCertificate, slices.Concat(one, two))), "holds 2"},
		"damaged at end":   {good + strings.Replace(good, "MAMCAQE", "M*MCAQE", 1), "damaged"},
		"damaged at start": {strings.Replace(good, "MAMCAQE", "M*MCAQE", 1) + good, "damaged"},
		"too long":         {strings.Repeat("x", MaxSize+1), "longer"},
		"too many":         {strings.Repeat(string(one), MaxCertificates+1), "more than"},
		"too many in PEM":  {strings.Repeat(good, MaxCertificates+1), "more than"},
	} {
		if got, err := Parse([]byte(tt.data)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %d certificates, %v; want an error with %q", name, len(got), err, tt.want)
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "certs.pem")
	if err := os.WriteFile(path, Encode(TypeCertificate, one, two), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(path); err != nil || len(got) != 2 {
		t.Errorf("%d certificates, %v", len(got), err)
	}
	if _, err := Read(filepath.Join(dir, "absent")); !os.IsNotExist(err) {
		t.Errorf("absent: %v", err)
	}
	if err := os.Truncate(path, MaxSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, atomicfile.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(one)
	f.Add(Encode(TypeCertificate, one, two))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Parse(Encode(TypeCertificate, certs...))
		if err != nil || !slices.EqualFunc(again, certs, bytes.Equal) {
			t.Fatalf("%x became %x: %v", certs, again, err)
		}
	})
}

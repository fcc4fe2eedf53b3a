package cert_test

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"keyman/internal/cert"
)

// readAll reads all of a certificate that can be read.
func readAll(der []byte) (*cert.Certificate, error) {
	c, err := cert.Parse(der)
	if err != nil {
		return nil, err
	}
	for _, e := range c.Extensions {
		readValue(e.Value)
	}
	_, _ = c.PublicKey()
	_, _ = c.Algorithm.Scheme()
	return c, nil
}

// readValue tries every reader of an extension on one value.
func readValue(v []byte) {
	_, _ = cert.ParseBasicConstraints(v)
	_, _ = cert.ParseKeyUsage(v)
	_, _ = cert.ParseExtKeyUsage(v)
	_, _ = cert.ParseSubjectKeyID(v)
	_, _ = cert.ParseAuthorityKeyID(v)
	_, _ = cert.ParseAuthorityInfoAccess(v)
	_, _ = cert.ParseGeneralNames(v)
	_, _ = cert.ParseNameConstraints(v)
	_, _ = cert.ParsePolicyMappings(v)
	_, _ = cert.ParsePolicyConstraints(v)
	_, _ = cert.ParseInhibitAnyPolicy(v)
	_, _ = cert.ParseIssuingDistributionPoint(v)
	if policies, err := cert.ParsePolicies(v); err == nil {
		for _, p := range policies {
			_, _ = cert.ParseQualifiers(p.Qualifiers)
		}
	}
	if points, err := cert.ParseCRLDistributionPoints(v); err == nil {
		for _, p := range points {
			if p.Name != nil {
				_, _ = p.Name.RelativeTo([]byte{0x30, 0})
			}
		}
	}
}

// FuzzParse: nothing panics, what is read is kept as it was, and a certificate
// is read again in the same way.
func FuzzParse(f *testing.F) {
	f.Add(usual.der(f))
	for _, der := range pkits(f) {
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := readAll(der)
		if err != nil {
			return
		}
		again, err := cert.Parse(c.Raw)
		if err != nil || string(c.Raw) != string(der) || again.SubjectKey != c.SubjectKey || len(again.Extensions) != len(c.Extensions) {
			t.Fatalf("read again: %v", err)
		}
	})
}

// FuzzExtension tries every reader on a value of its own.
func FuzzExtension(f *testing.F) {
	for _, der := range pkits(f) {
		for _, e := range parsed(f, der).Extensions {
			f.Add(e.Value)
		}
	}
	f.Fuzz(func(_ *testing.T, value []byte) { readValue(value) })
}

// TestAllocation: what is made of the worst inputs is a small multiple of them.
func TestAllocation(t *testing.T) {
	sequence := func(content string) []byte {
		n := len(content)
		return append([]byte{0x30, 0x83, byte(n >> 16), byte(n >> 8), byte(n)}, content...)
	}
	const multiple = 40
	for name, tc := range map[string]struct {
		value []byte
		read  func([]byte)
	}{
		"names":    {sequence(strings.Repeat("\x82\x00", cert.MaxNames)), readValue},
		"purposes": {sequence(strings.Repeat("\x06\x01\x2a", cert.MaxNames)), readValue},
		"points":   {sequence(strings.Repeat("\x30\x04\xa2\x02\x82\x00", cert.MaxNames)), readValue},
		"policies": {sequence(strings.Repeat("\x30\x03\x06\x01\x2a", cert.MaxNames)), readValue},
		"subtrees": {sequence("\xa0\x83\x00\x80\x00" + strings.Repeat("\x30\x02\x82\x00", cert.MaxNames)), readValue},
		"too many": {sequence(strings.Repeat("\x82\x00", 100*cert.MaxNames)), readValue},
		"nothing":  {make([]byte, cert.MaxSize), func(b []byte) { _, _ = readAll(b) }},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		tc.read(tc.value)
		runtime.ReadMemStats(&after)
		if made := after.TotalAlloc - before.TotalAlloc; made > multiple*uint64(len(tc.value))+1<<16 {
			t.Errorf("%s: %d bytes became %d", name, len(tc.value), made)
		}
	}
}

// TestMutationsAllocate: a certificate that was changed in any way costs a small
// multiple of its size, with all that can be read of it.
func TestMutationsAllocate(t *testing.T) {
	const (
		rounds   = 20
		multiple = 60
		constant = 32 << 10
	)
	r := rand.New(rand.NewPCG(5, 280))
	all := pkits(t)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		whole := all[name]
		for round := range rounds {
			der := bytes.Clone(whole)
			for range 1 + r.IntN(3) {
				switch at := r.IntN(len(der)); r.IntN(4) {
				case 0:
					der[at] ^= 1 << r.IntN(8)
				case 1: // a length, perhaps
					der[at] = byte(0x80 + r.IntN(6))
				case 2: // a part twice
					der = append(der[:at+1:at+1], der[r.IntN(at+1):]...)
				case 3: // one octet again and again
					der = append(der[:at:at], append(bytes.Repeat(der[at:at+1], 64), der[at:]...)...)
				}
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _ = readAll(der)
			runtime.ReadMemStats(&after)
			if made := after.TotalAlloc - before.TotalAlloc; made > multiple*uint64(len(der))+constant {
				t.Errorf("%s, round %d: %d bytes became %d:\n%x", name, round, len(der), made, der)
			}
		}
	}
}

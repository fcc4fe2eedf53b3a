package dn

import (
	"runtime"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// element is a DER element with the shortest length.
func element(tag byte, content string) string {
	switch n := len(content); {
	case n < 0x80:
		return string([]byte{tag, byte(n)}) + content
	case n < 0x100:
		return string([]byte{tag, 0x81, byte(n)}) + content
	default:
		return string([]byte{tag, 0x82, byte(n >> 8), byte(n)}) + content
	}
}

// oneRDN is a relative name with one attribute.
func oneRDN(oid, value string) string {
	return element(0x31, element(0x30, element(0x06, oid)+value))
}

// What is made of the worst names, as they are read and in all forms in which they
// are told and compared, is a small multiple of them.
func TestAllocation(t *testing.T) {
	if testpeer.RaceDetector {
		t.Skip("the race detector allocates for itself")
	}
	const (
		multiple = 80 // eight forms, in some of which one octet is told by up to six
		constant = 4 << 10
	)
	cn := "\x55\x04\x03"
	for name, content := range map[string]string{
		"attributes":           strings.Repeat(oneRDN(cn, "\x0c\x01a"), MaxAttributes),
		"one set":              element(0x31, strings.Repeat(element(0x30, element(0x06, cn)+"\x0c\x01a"), MaxAttributes)),
		"empty values":         strings.Repeat(oneRDN(cn, "\x0c\x00"), MaxAttributes),
		"no printable letters": oneRDN(cn, element(0x1e, strings.Repeat("\x00\x85", 8000))),
		"letters to be marked": oneRDN(cn, element(0x13, strings.Repeat(",", 16000))),
		"white space":          oneRDN(cn, element(0x0c, strings.Repeat(" ", 16000))),
		"words":                oneRDN(cn, element(0x0c, strings.Repeat("a ", 8000))),
		"other scripts":        oneRDN(cn, element(0x0c, strings.Repeat("\u01c5", 8000))),
		"UniversalString":      oneRDN(cn, element(0x1c, strings.Repeat("\x00\x01\xf6\x00", 4000))),
		"no string":            oneRDN(cn, element(0x30, strings.Repeat("\x05\x00", 8000))),
		"a long OID":           oneRDN(strings.Repeat("\x01", 16000), "\x0c\x01a"),
	} {
		der := []byte(element(0x30, content))
		var (
			n   Name
			err error
		)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if n, err = FromDER(der); err == nil {
			_, _, _, _ = n.String(), n.Slash(), n.LDAP(), n.Key()
			_, _ = n.Equal(Name{}), n.DER()
		}
		runtime.ReadMemStats(&after)
		if err != nil && name != "a long OID" {
			t.Errorf("%s: %v", name, err)
		}
		if made := after.TotalAlloc - before.TotalAlloc; made > multiple*uint64(len(der))+constant {
			t.Errorf("%s: %d bytes became %d, %.1f times as many", name, len(der), made, float64(made)/float64(len(der)))
		}
	}
}

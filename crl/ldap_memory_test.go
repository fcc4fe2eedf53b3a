package crl_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/crl"
)

// allocated returns how many bytes fetch allocates in all, the servers of the
// test with it.
func allocated(fetch func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fetch()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// TestLDAPMemory: what a directory sends decides about the memory that it costs
// by its size alone, and not by its form. The LDAP library by itself takes more
// than a hundred times the size of elements without content.
func TestLDAPMemory(t *testing.T) {
	const size, most = 32 << 20, 8 << 20
	head := func(tag byte, n uint32) []byte { return binary.BigEndian.AppendUint32([]byte{tag, 0x84}, n) }
	chunk := func(element string) []byte { return bytes.Repeat([]byte(element), 1<<20/len(element)) }
	for _, c := range []struct {
		name string
		head []byte
		body []byte
		want string
	}{
		{"NULLs", head(0x30, size), chunk("\x05\x00"), "tag 0x05"},
		{"empty strings", head(0x30, size), chunk("\x04\x00"), "more than 10000 elements"},
		{"empty values", append(head(0x30, size), "\x02\x01\x01\x64\x84\x01\xf0\x00\x00\x04\x00\x30\x84\x01\xe0\x00\x00\x30\x84\x01\xd0\x00\x00\x04\x00\x31\x84\x01\xc0\x00\x00"...),
			chunk("\x04\x00"), "more than 10000 elements"},
		{"nested", nil, chunk("\x30\x84\x01\x00\x00\x00"), "beyond the one around"},
		{"entries behind a bind", []byte("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"),
			chunk("\x30\x0b\x02\x01\x01\x64\x06\x04\x02ab\x30\x00"), "more than 10000 elements"},
		{"a long name", append(head(0x30, size), head(0x04, size/2)...), chunk("x"), "beside its values"},
	} {
		for _, version := range []int{2, 3} {
			address := raw(t, func(_ context.Context, conn net.Conn) {
				conn.Read(make([]byte, 4096))
				conn.Write(c.head)
				for range size / len(c.body) {
					if _, err := conn.Write(c.body); err != nil {
						return
					}
				}
			})
			f := newFetcher(t, crl.FetcherConfig{LDAPVersion: version})
			cost := allocated(func() {
				_, err := f.Fetch(t.Context(), "ldap://"+address+"/cn=CA")
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s, version %d: error %v does not say %q", c.name, version, err, c.want)
				}
			})
			if cost > most {
				t.Errorf("%s, version %d: %d bytes allocated, more than %d", c.name, version, cost, most)
			}
		}
	}
}

// largeList makes an unsigned list of about a size, in bytes.
func largeList(t testing.TB, size int) []byte {
	t.Helper()
	small := mustParse(t, newCA(t, "CA").list()).Raw()
	input := cryptobyte.String(small)
	var list, tbs, version, algorithm, issuer, this, next cryptobyte.String
	if !input.ReadASN1(&list, cbasn1.SEQUENCE) || !list.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(&version, cbasn1.INTEGER) || !tbs.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) || !tbs.ReadASN1Element(&this, cbasn1.UTCTime) ||
		!tbs.ReadASN1Element(&next, cbasn1.UTCTime) {
		t.Fatal("the list that is taken as a pattern")
	}
	entry := []byte("\x30\x21\x02\x10\x01234567890123456"[:20] + "\x17\x0d261120120000Z")
	entry[1] = byte(len(entry) - 2)
	entries := make([]byte, 0, size)
	for i := 0; len(entries) < size; i++ {
		binary.BigEndian.PutUint32(entry[8:], uint32(i))
		entries = append(entries, entry...)
	}
	element := func(tag cbasn1.Tag, parts ...[]byte) []byte {
		b := cryptobyte.NewFixedBuilder(make([]byte, 0, size+size/8))
		b.AddASN1(tag, func(b *cryptobyte.Builder) {
			for _, part := range parts {
				b.AddBytes(part)
			}
		})
		return b.BytesOrPanic()
	}
	return element(cbasn1.SEQUENCE,
		element(cbasn1.SEQUENCE, version, algorithm, issuer, this, next, element(cbasn1.SEQUENCE, entries)),
		algorithm, []byte("\x03\x01\x00"))
}

// TestLDAPLargeList: an honest list of 35 MB costs less than three times its size,
// with its index and all that was allocated on the way and freed again.
func TestLDAPLargeList(t *testing.T) {
	der := largeList(t, 35_000_000)
	head := func(tag byte, n int) []byte { return binary.BigEndian.AppendUint32([]byte{tag, 0x84}, uint32(n)) }
	answer := head(0x04, len(der))
	for _, front := range []struct {
		tag  byte
		text string
	}{
		{0x31, ""}, {0x30, "\x04\x20certificateRevocationList;binary"}, {0x30, ""}, {0x64, "\x04\x05CN=CA"}, {0x30, "\x02\x01\x01"},
	} {
		answer = append([]byte(front.text), answer...)
		answer = append(head(front.tag, len(answer)+len(der)), answer...)
	}
	address := raw(t, func(_ context.Context, conn net.Conn) {
		conn.Read(make([]byte, 4096))
		for _, part := range [][]byte{answer, der, []byte("\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00")} {
			if _, err := conn.Write(part); err != nil {
				return
			}
		}
		io.Copy(io.Discard, conn)
	})
	f := newFetcher(t, crl.FetcherConfig{})
	cost := allocated(func() {
		l, err := f.Fetch(t.Context(), "ldap://"+address+"/cn=CA")
		if err != nil || !bytes.Equal(l.Raw(), der) || l.Len() == 0 {
			t.Errorf("error %v", err)
		}
	})
	t.Logf("%d bytes allocated for a list of %d bytes: %.1f times", cost, len(der), float64(cost)/float64(len(der)))
	if most := 3 * int64(len(der)); cost > most {
		t.Errorf("more than %d bytes", most)
	}
}

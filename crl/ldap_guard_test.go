package crl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// A scripted connection reads what a server would have sent, and forgets what
// is written to it.
type scripted struct {
	net.Conn
	io.Reader
}

func (s scripted) Read(p []byte) (int, error)  { return s.Reader.Read(p) }
func (s scripted) Write(p []byte) (int, error) { return len(p), nil }
func (s scripted) Close() error                { return nil }

// tlv encodes an element; with a long length where it is asked for, as Active
// Directory does.
func tlv(long bool, tag byte, parts ...string) string {
	content := strings.Join(parts, "")
	n := len(content)
	if long || n > 0x7f {
		return string([]byte{tag, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + content
	}
	return string([]byte{tag, byte(n)}) + content
}

// entryMessage is a SearchResultEntry with one attribute.
func entryMessage(long bool, name string, values ...string) string {
	var vals []string
	for _, v := range values {
		vals = append(vals, tlv(long, tagOctetString, v))
	}
	return tlv(long, tagSequence, "\x02\x01\x01", tlv(long, 0x64, tlv(long, tagOctetString, "CN=CA"),
		tlv(long, tagSequence, tlv(long, tagSequence, tlv(long, tagOctetString, name), tlv(long, tagSet, vals...)))))
}

// doneMessage is a SearchResultDone without an error.
const doneMessage = "\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00"

func TestLDAPGuard(t *testing.T) {
	const limit = 1 << 20
	flood := func(element string) string {
		return tlv(true, tagSequence, "\x02\x01\x01", tlv(true, 0x64, strings.Repeat(element, 2*maxElements)))
	}
	withControl := tlv(false, tagSequence, "\x02\x01\x01", "\x65\x07\x0a\x01\x00\x04\x00\x04\x00",
		tlv(false, tagControls, tlv(false, tagSequence, tlv(false, tagOctetString, "1.2.3"), tlv(false, tagOctetString, flood("\x04\x00")[:100]))))
	for _, c := range []struct {
		name, in string
		messages int
		values   []string
		want     string // in the error; empty is io.EOF
	}{
		{"nothing", "", 0, nil, ""},
		{"entry", entryMessage(false, "a", "one", "", "three") + doneMessage, 2, []string{"one", "", "three"}, ""},
		{"long lengths", entryMessage(true, "a", "one", strings.Repeat("x", 300_000)), 1, []string{"one", strings.Repeat("x", 300_000)}, ""},
		{"no attributes", "\x30\x0b\x02\x01\x01\x64\x06\x04\x02ab\x30\x00", 1, nil, ""},
		{"a control", withControl, 1, nil, ""},
		{"many elements", flood("\x04\x00"), 0, nil, "more than 10000 elements"},
		{"many values", entryMessage(true, "a", make([]string, 2*maxElements)...), 0, nil, "more than 10000 elements"},
		{"many messages", strings.Repeat("\x30\x0b\x02\x01\x01\x64\x06\x04\x02ab\x30\x00", maxElements), 2000, nil, "more than 10000 elements"},
		{"NULL", flood("\x05\x00"), 0, nil, "tag 0x05 at level 3"},
		{"long names", tlv(true, tagSequence, "\x02\x01\x01", tlv(true, 0x64, tlv(true, tagOctetString, strings.Repeat("x", ldapOverhead)))), 0, nil, "beside its values"},
		{"long value", entryMessage(true, "a", strings.Repeat("x", limit+ldapOverhead)), 0, nil, "larger than the limit of 1048576 bytes"},
		{"long in all", strings.Repeat(entryMessage(true, "a", strings.Repeat("x", limit/2)), 3), 2, nil, "larger than the limit of 1048576 bytes"},
		{"longest length", "\x30\x88\xff\xff\xff\xff\xff\xff\xff\xff", 0, nil, "larger than the limit"},
		{"length of nine octets", "\x30\x89", 0, nil, "length octet 0x89"},
		{"indefinite length", "\x30\x80\x02\x01\x01\x00\x00", 0, nil, "length octet 0x80"},
		{"nested too deep", nested(8), 0, nil, "tag 0x30 at level 6"},
		{"value in pieces", strings.Replace(entryMessage(false, "a", "xxxx"), "\x04\x04xxxx", "\x24\x04\x04\x02xx", 1), 0, nil, "tag 0x24 at level 6"},
		{"high tag number", "\x30\x03\x1f\x01\x01", 0, nil, "tag 0x1f"},
		{"end of contents", "\x30\x02\x00\x00", 0, nil, "tag 0x00"},
		{"beyond the element around", "\x30\x03\x02\x02\x01\x01", 0, nil, "beyond the one around"},
		{"cut short", entryMessage(false, "a", "one")[:20], 0, nil, "unexpected EOF"},
		{"cut in the header", "\x30", 0, nil, "unexpected EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			guard := newLDAPGuard(scripted{Reader: strings.NewReader(c.in)}, limit)
			messages, values, err := readAnswer(t, guard)
			if messages != c.messages {
				t.Errorf("%d messages, want %d", messages, c.messages)
			}
			if c.want == "" && !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			for i := range max(len(values), len(c.values)) {
				if c.values != nil && (i >= len(values) || i >= len(c.values) || string(values[i]) != c.values[i]) {
					t.Fatalf("%d values, want %d, or value %d differs", len(values), len(c.values), i)
				}
			}
		})
	}
}

// nested is a message of sequences in each other.
func nested(levels int) string {
	message := ""
	for range levels {
		message = tlv(false, tagSequence, message)
	}
	return message
}

// readAnswer decodes what a guard hands on as the library does, until it ends.
// It returns the values that stand behind the tokens.
func readAnswer(t testing.TB, guard *ldapGuard) (messages int, values [][]byte, err error) {
	t.Helper()
	for {
		packet, err := ber.ReadPacket(guard)
		if err != nil {
			return messages, values, err
		}
		messages++
		values = append(values, tokens(t, guard, packet, 0)...)
	}
}

// tokens collects the values of a packet.
func tokens(t testing.TB, guard *ldapGuard, packet *ber.Packet, depth int) (values [][]byte) {
	t.Helper()
	if depth == valueDepth {
		value, ok := guard.value(packet.ByteValue)
		if !ok {
			t.Fatalf("an attribute value %x is no token", packet.ByteValue)
		}
		return [][]byte{value}
	}
	for _, child := range packet.Children {
		values = append(values, tokens(t, guard, child, depth+1)...)
	}
	return values
}

// FuzzLDAPGuard: whatever a server sends, the library decodes what the guard
// lets through, finds tokens where values are, and holds no more than the limits.
func FuzzLDAPGuard(f *testing.F) {
	for _, seed := range []string{
		entryMessage(false, "certificateRevocationList;binary", "one", "two") + doneMessage,
		entryMessage(true, "a", "") + doneMessage,
		"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00" + doneMessage, // a bind before
		"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x50\x04\x00\x04\x00",
		"\x30\x15\x02\x01\x01\x73\x10\x04\x0eldap://other/x" + doneMessage,
		"\x30\x84\x7f\xff\xff\x00\x04\x84\x7f\xff\xfe\x00x", nested(9), "\x30\x80\x00\x00",
	} {
		f.Add([]byte(seed))
	}
	query := ldapQuery{server: "h:389", base: "CN=CA", filter: anyEntry, attributes: listAttributes}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 4096
		guard := newLDAPGuard(scripted{Reader: bytes.NewReader(data)}, limit)
		_, values, err := readAnswer(t, guard)
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if ended != (guard.refusal() == nil) {
			t.Errorf("the library says %v, the guard %v", err, guard.refusal())
		}
		size := 0
		for _, value := range values {
			size += len(value)
		}
		if size > limit+ldapOverhead || len(values) > maxElements {
			t.Errorf("%d values of %d bytes", len(values), size)
		}
		for _, version := range []int{2, 3} {
			fetcher, err := NewFetcher(FetcherConfig{LDAPVersion: version, Limits: Limits{MaxBytes: limit}})
			if err != nil {
				t.Fatal(err)
			}
			found, err := fetcher.converse(context.Background(), scripted{Reader: bytes.NewReader(data)}, query, nil)
			if err == nil && len(found) > maxValues+1 {
				t.Errorf("%d lists", len(found))
			}
		}
	})
}

package crl

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Limits of what a directory may answer, beside the size of the lists.
const (
	// maxElements bounds the BER elements of a whole answer. A list is one
	// element, so that an honest answer has some dozens.
	maxElements = 10_000
	// ldapOverhead is what an answer may have beyond its values, in bytes.
	ldapOverhead = 64 << 10
	// valueDepth is where attribute values lie, below LDAPMessage,
	// SearchResultEntry, PartialAttributeList, PartialAttribute and vals (RFC
	// 4511, 4.5.2). Nothing in LDAP lies deeper.
	valueDepth = 5
	// firstRead is what is allocated before any byte of an element has come,
	// in bytes; readGrowth is by what it grows as they come.
	firstRead, readGrowth = 64 << 10, 4
	// endless stands for all lengths from there on: more than may ever come,
	// and far from an overflow.
	endless = 1 << 40
)

// The tags of the universal elements that LDAP is made of (RFC 4511, 4.1 and
// appendix B), and of the controls of a message.
const (
	tagBoolean     = 0x01
	tagInteger     = 0x02
	tagOctetString = 0x04
	tagEnumerated  = 0x0a
	tagSequence    = 0x30
	tagSet         = 0x31
	tagControls    = 0xa0

	constructedBit = 0x20
	classBits      = 0xc0
	highTagNumber  = 0x1f
)

// An ldapGuard stands between a connection and the LDAP library, which makes a
// tree of some hundred bytes for each element and copies each value at every
// level. It hands on whole messages only, in which each attribute value is
// replaced by the token that value takes: the library never sees the lists. Its
// Read is for one goroutine; value and refusal are for all.
type ldapGuard struct {
	net.Conn
	pace     *pace // of each message
	in       *bufio.Reader
	limit    int64  // of all values, in bytes
	left     int64  // bytes that may still come
	plain    int64  // bytes that may still be handed on
	elements int    // elements that may still come
	ready    []byte // of a message, not read yet
	ended    error  // why no more can be read

	mu      sync.Mutex
	values  [][]byte // those set aside; a token is an index
	refused error    // set where the server, not the network, is to blame
}

// newLDAPGuard guards what comes from conn, of which limit bytes are values.
func newLDAPGuard(conn net.Conn, limit int64) *ldapGuard {
	g := &ldapGuard{
		Conn:  conn,
		limit: limit, left: limit + ldapOverhead, plain: ldapOverhead, elements: maxElements,
	}
	g.in = bufio.NewReader(readerFunc(g.receive))
	return g
}

// receive reads from the connection, and counts.
func (g *ldapGuard) receive(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	g.pace.add(n)
	return n, err
}

// A readerFunc is an io.Reader.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Read implements io.Reader.
func (g *ldapGuard) Read(p []byte) (int, error) {
	if len(g.ready) == 0 && g.ended == nil {
		g.message()
	}
	if g.ended != nil {
		return 0, g.ended
	}
	n := copy(p, g.ready)
	g.ready = g.ready[n:]
	return n, nil
}

// message makes the next message ready, or nothing more of it where it fails.
func (g *ldapGuard) message() {
	_, err := g.in.Peek(1)
	if err == nil {
		g.pace.start()
		defer g.pace.stop()
		g.ready = nil
		if _, err = g.element(0, g.left); errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
	}
	g.ended = err
}

// refuse notes why the answer is not read any further.
func (g *ldapGuard) refuse(format string, args ...any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refused = fmt.Errorf("the server's answer "+format, args...)
	return g.refused
}

// refusal returns why an answer was refused, nil where it was not. The library
// keeps only the words of it.
func (g *ldapGuard) refusal() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// value returns the attribute value behind a token.
func (g *ldapGuard) value(token []byte) ([]byte, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(token) != 4 {
		return nil, false
	}
	i := binary.BigEndian.Uint32(token)
	if uint64(i) >= uint64(len(g.values)) {
		return nil, false
	}
	return g.values[i], true
}

// setAside keeps a value and returns its token.
func (g *ldapGuard) setAside(value []byte) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	token := binary.BigEndian.AppendUint32(nil, uint32(len(g.values))) // at most maxElements
	g.values = append(g.values, value)
	return token
}

// element reads one element that lies at a depth in room bytes, makes it ready,
// and returns how many bytes it had.
func (g *ldapGuard) element(depth int, room int64) (int64, error) {
	if g.elements--; g.elements < 0 {
		return 0, g.refuse("has more than %d elements", maxElements)
	}
	tag, length, head, err := g.header()
	if err != nil {
		return 0, err
	}
	switch {
	case depth == 0 && head+length > g.left:
		return 0, g.refuse("is %w of %d bytes", ErrTooLarge, g.limit)
	case head+length > room:
		return 0, g.refuse("is malformed: an element reaches beyond the one around it")
	case !allowed(tag, depth):
		return 0, g.refuse("is malformed: an element with tag 0x%02x at level %d", tag, depth+1)
	}
	if depth == 0 {
		g.left -= head + length
	}
	start := len(g.ready)
	switch {
	case depth == valueDepth:
		err = g.copyValue(length)
	case tag&constructedBit != 0:
		err = g.copyConstructed(tag, depth, length)
	default:
		err = g.copyPrimitive(tag, length)
	}
	if depth == 1 && tag == tagControls {
		// None was asked for, and the library would decode what is in them.
		g.ready = g.ready[:start]
	}
	return head + length, err
}

// allowed reports whether LDAP has such an element at a depth.
func allowed(tag byte, depth int) bool {
	switch {
	case depth == 0:
		return tag == tagSequence
	case depth == valueDepth:
		return tag == tagOctetString // in one piece: RFC 4511, 5.1 (2)
	case tag&highTagNumber == highTagNumber:
		return false
	case tag&classBits != 0:
		return true
	}
	switch tag {
	case tagBoolean, tagInteger, tagOctetString, tagEnumerated, tagSequence, tagSet:
		return true
	}
	return false
}

// header reads an identifier octet and a length of the definite form, which is
// the only one in LDAP (RFC 4511, 5.1 (1)), and returns how many bytes it read.
func (g *ldapGuard) header() (tag byte, length, head int64, err error) {
	if tag, err = g.in.ReadByte(); err != nil {
		return 0, 0, 0, err
	}
	first, err := g.in.ReadByte()
	if err != nil {
		return 0, 0, 0, err
	}
	if first < 0x80 {
		return tag, int64(first), 2, nil
	}
	octets := first & 0x7f
	if octets == 0 || octets > 8 {
		return 0, 0, 0, g.refuse("is malformed: an element with length octet 0x%02x", first)
	}
	for range octets {
		b, err := g.in.ReadByte()
		if err != nil {
			return 0, 0, 0, err
		}
		length = min(length<<8|int64(b), endless)
	}
	return tag, length, 2 + int64(octets), nil
}

// copyConstructed makes an element and those in it ready. Its length is not
// known before, so that it has the longest form.
func (g *ldapGuard) copyConstructed(tag byte, depth int, length int64) error {
	start := len(g.ready)
	g.ready = append(g.ready, tag, 0x84, 0, 0, 0, 0)
	for length > 0 {
		n, err := g.element(depth+1, length)
		if err != nil {
			return err
		}
		length -= n
	}
	binary.BigEndian.PutUint32(g.ready[start+2:], uint32(len(g.ready)-start-6))
	return nil
}

// copyPrimitive makes an element ready that is no value.
func (g *ldapGuard) copyPrimitive(tag byte, length int64) error {
	if g.plain -= length; g.plain < 0 {
		return g.refuse("has more than %d bytes beside its values", ldapOverhead)
	}
	content, err := g.read(length)
	if err != nil {
		return err
	}
	g.ready = binary.BigEndian.AppendUint32(append(g.ready, tag, 0x84), uint32(length))
	g.ready = append(g.ready, content...)
	return nil
}

// copyValue sets a value aside and makes its token ready.
func (g *ldapGuard) copyValue(length int64) error {
	value, err := g.read(length)
	if err != nil {
		return err
	}
	token := g.setAside(value)
	g.ready = append(append(g.ready, tagOctetString, byte(len(token))), token...)
	return nil
}

// read reads a number of bytes, and allocates as they come: at no time more than
// firstRead or readGrowth times what is there.
func (g *ldapGuard) read(length int64) ([]byte, error) {
	var content []byte
	for int64(len(content)) < length {
		have := len(content)
		larger := make([]byte, min(length, max(firstRead, readGrowth*int64(have))))
		copy(larger, content)
		if _, err := io.ReadFull(g.in, larger[have:]); err != nil {
			return nil, err
		}
		content = larger
	}
	return content, nil
}

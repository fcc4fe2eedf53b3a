package ldapd

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// maxRequest bounds a request in bytes.
const maxRequest = 64 << 10

// The operations (RFC 4511, appendix B), by their APPLICATION tags.
const (
	bindRequest    ber.Tag = 0
	bindResponse   ber.Tag = 1
	searchRequest  ber.Tag = 3
	searchEntry    ber.Tag = 4
	searchDone     ber.Tag = 5
	abandonRequest ber.Tag = 16
)

// errMessage is what is not an LDAPMessage (RFC 4511, 4.1.1).
var errMessage = errors.New("not a message of LDAP")

// A request is an LDAPMessage of a client.
type request struct {
	id        int64
	operation ber.Tag
	content   *ber.Packet
}

// readRequest reads one LDAPMessage.
func readRequest(from io.Reader) (request, error) {
	packet, err := readPacket(from)
	if err != nil {
		return request{}, err
	}
	if len(packet.Children) < 2 || packet.Children[1].ClassType != ber.ClassApplication {
		return request{}, errMessage
	}
	id, ok := packet.Children[0].Value.(int64)
	if !ok {
		return request{}, errMessage
	}
	return request{id, packet.Children[1].Tag, packet.Children[1]}, nil
}

// readPacket reads one element of at most maxRequest bytes.
func readPacket(from io.Reader) (*ber.Packet, error) {
	header := make([]byte, 2)
	if _, err := io.ReadFull(from, header); err != nil {
		return nil, err
	}
	length := int(header[1])
	if length >= 0x80 {
		// X.690, 8.1.3.5; LDAP has no indefinite lengths (RFC 4511, 5.1).
		octets := make([]byte, length&0x7f)
		if len(octets) == 0 || len(octets) > 4 {
			return nil, errMessage
		}
		if _, err := io.ReadFull(from, octets); err != nil {
			return nil, err
		}
		length = 0
		for _, b := range octets {
			length = length<<8 | int(b)
		}
		header = append(header, octets...)
	}
	if length > maxRequest {
		return nil, fmt.Errorf("a request of %d bytes, and %d are allowed", length, maxRequest)
	}
	message := slices.Grow(header, length)[:len(header)+length]
	if _, err := io.ReadFull(from, message[len(header):]); err != nil {
		return nil, err
	}
	return ber.DecodePacketErr(message)
}

// A search is what a SearchRequest asks for (RFC 4511, 4.5.1).
type search struct {
	base       string
	attributes []string
}

func (r request) search() (search, error) {
	const attributes = 7 // behind the filter
	fields := r.content.Children
	if len(fields) <= attributes {
		return search{}, errMessage
	}
	var s search
	s.base = fields[0].Data.String()
	for _, a := range fields[attributes].Children {
		s.attributes = append(s.attributes, a.Data.String())
	}
	return s, nil
}

// wants reports whether a client that asks for some attributes gets this one:
// it gets cn;x for cn, and everything for nothing (RFC 4511, 4.5.1.8).
func (s search) wants(name string) bool {
	if len(s.attributes) == 0 {
		return true
	}
	plain, _, _ := strings.Cut(name, ";")
	for _, a := range s.attributes {
		if a == "*" || strings.EqualFold(a, name) || strings.EqualFold(a, plain) {
			return true
		}
	}
	return false
}

// result writes an answer that is an LDAPResult (RFC 4511, 4.1.9) and nothing more.
func (r request) result(operation ber.Tag, code int64) ([]byte, error) {
	return r.answer(operation, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(code)
		b.AddASN1OctetString(nil) // matchedDN
		b.AddASN1OctetString(nil) // diagnosticMessage
	})
}

// entry writes a SearchResultEntry (RFC 4511, 4.5.2) with the attributes that are
// wanted.
func (r request) entry(e entry, wanted func(name string) bool) ([]byte, error) {
	return r.answer(searchEntry, func(b *cryptobyte.Builder) {
		b.AddASN1OctetString([]byte(e.name))
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for name, values := range e.attributes {
				if wanted(name) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { addAttribute(b, name, values) })
				}
			}
		})
	})
}

// addAttribute writes the fields of a PartialAttribute (RFC 4511, 4.1.7).
func addAttribute(b *cryptobyte.Builder, name string, values [][]byte) {
	b.AddASN1OctetString([]byte(name))
	b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
		for _, value := range values {
			b.AddASN1OctetString(value)
		}
	})
}

// answer writes an LDAPMessage.
func (r request) answer(operation ber.Tag, content func(*cryptobyte.Builder)) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(r.id)
		b.AddASN1(asn1.Tag(operation)|asn1.Tag(ber.ClassApplication)|asn1.Tag(ber.TypeConstructed), content)
	})
	return b.Bytes()
}

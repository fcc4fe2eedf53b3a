package isakmp

import (
	"encoding/binary"
	"fmt"
)

const (
	// MaxFragments is the greatest number of fragments of a message: they are
	// numbered by one byte, from 1.
	MaxFragments = 255

	// fragmentFixed is the length of ID, number and flags.
	fragmentFixed = 4

	// fragmentOverhead is what a fragment has around its data.
	fragmentOverhead = HeaderLen + genericLen + fragmentFixed

	// fragmentLast marks the last fragment.
	fragmentLast = 1
)

// Fragment is a piece of a message that was cut after it was encrypted, header
// and all. The format is Cisco's; strongSwan, libreswan, racoon and Windows
// speak it where both sides sent VendorFragmentation.
type Fragment struct {
	ID     uint16 // common to the fragments of a message
	Number uint8  // from 1
	Last   bool
	Data   []byte // never empty
}

// Type gives PayloadFragment.
func (*Fragment) Type() PayloadType { return PayloadFragment }

func (p *Fragment) appendBody(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, p.ID)
	var flags byte
	if p.Last {
		flags = fragmentLast
	}
	b = append(b, p.Number, flags)
	return append(b, p.Data...)
}

func (p *Fragment) check() error {
	switch {
	case p.Number == 0:
		return malformed(p.Type(), "number 0, they start at 1")
	case len(p.Data) == 0:
		return malformed(p.Type(), "empty")
	}
	return nil
}

func parseFragment(b []byte) (*Fragment, error) {
	if len(b) < fragmentFixed {
		return nil, malformed(PayloadFragment, "%d bytes are too few", len(b))
	}
	if b[3]&^fragmentLast != 0 {
		return nil, malformed(PayloadFragment, "unknown flags %#02x", b[3]&^fragmentLast)
	}
	return &Fragment{
		ID:     binary.BigEndian.Uint16(b[0:2]),
		Number: b[2],
		Last:   b[3] == fragmentLast,
		Data:   b[fragmentFixed:],
	}, nil
}

// Split cuts the finished message msg into messages of one fragment each, none
// of which is longer than maxSize bytes. All but the last are that long. A
// message that fits is cut too, into one fragment: the caller asks for what it
// needs.
//
// The headers are as strongSwan writes them: the message's cookies, no flags,
// message ID 0, and the exchange type of phase 1 also where the message belongs
// to a later exchange.
func Split(msg []byte, id uint16, maxSize int) ([][]byte, error) {
	h, err := ParseHeader(msg)
	if err != nil {
		return nil, fmt.Errorf("splitting: %w", err)
	}
	size := min(maxSize-fragmentOverhead, maxBody-fragmentFixed)
	if size < 1 {
		return nil, fmt.Errorf("isakmp: splitting into datagrams of %d bytes: %d are overhead", maxSize, fragmentOverhead)
	}
	count := (len(msg) + size - 1) / size
	if count > MaxFragments {
		return nil, fmt.Errorf("isakmp: splitting %d bytes into datagrams of %d makes %d fragments, at most %d", len(msg), maxSize, count, MaxFragments)
	}
	exchange := IdentityProtection
	if h.Exchange == Aggressive {
		exchange = Aggressive
	}
	datagrams := make([][]byte, count)
	for i := range datagrams {
		f := &Fragment{ID: id, Number: uint8(i + 1), Last: i+1 == count, Data: msg[i*size : min((i+1)*size, len(msg))]}
		m := Message{
			Header:   Header{Initiator: h.Initiator, Responder: h.Responder, Exchange: exchange},
			Payloads: []Payload{f},
		}
		if datagrams[i], err = m.Marshal(); err != nil {
			return nil, err
		}
	}
	return datagrams, nil
}

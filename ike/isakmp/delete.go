package isakmp

import "encoding/binary"

// deleteFixed is the length of DOI, protocol, SPI size and number of SPIs.
const deleteFixed = 8

// Delete tells that the sender has forgotten SAs (RFC 2408, 3.15).
type Delete struct {
	DOI      uint32
	Protocol Protocol
	SPIs     [][]byte // at least one, all of the protocol's length
}

// Type gives PayloadDelete.
func (*Delete) Type() PayloadType { return PayloadDelete }

func (p *Delete) appendBody(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, p.DOI)
	b = append(b, byte(p.Protocol), byte(len(p.SPIs[0])))
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.SPIs)))
	for _, spi := range p.SPIs {
		b = append(b, spi...)
	}
	return b
}

// check holds the SPIs to the lengths of RFC 2408, 3.15: the two cookies for an
// ISAKMP SA, 4 bytes for AH and ESP. RFC 3173, 2.2, gives IPComp 2 bytes,
// which may be sent as 4.
func (p *Delete) check() error {
	if len(p.SPIs) == 0 || len(p.SPIs) > maxBody {
		return refuse(InvalidSPI, p.Type(), "%d SPIs", len(p.SPIs))
	}
	n := len(p.SPIs[0])
	var ok bool
	switch p.Protocol {
	case ProtocolISAKMP:
		ok = n == 2*len(Cookie{})
	case ProtocolAH, ProtocolESP:
		ok = n == 4
	case ProtocolIPComp:
		ok = n == 2 || n == 4
	default:
		return refuse(InvalidProtocolID, p.Type(), "%s", p.Protocol)
	}
	if !ok {
		return refuse(InvalidSPI, p.Type(), "SPI of %d bytes for %s", n, p.Protocol)
	}
	for _, spi := range p.SPIs {
		if len(spi) != n {
			return refuse(InvalidSPI, p.Type(), "SPIs of %d and %d bytes", n, len(spi))
		}
	}
	return nil
}

func parseDelete(b []byte) (*Delete, error) {
	if len(b) < deleteFixed {
		return nil, malformed(PayloadDelete, "%d bytes are too few", len(b))
	}
	size, count := int(b[5]), int(binary.BigEndian.Uint16(b[6:8]))
	spis := b[deleteFixed:]
	// A size of 0 would let count allocate what did not arrive.
	if size == 0 || count == 0 || size*count != len(spis) {
		return nil, refuse(InvalidSPI, PayloadDelete, "%d SPIs of %d bytes in %d bytes", count, size, len(spis))
	}
	p := &Delete{DOI: binary.BigEndian.Uint32(b[0:4]), Protocol: Protocol(b[4]), SPIs: make([][]byte, count)}
	for i := range p.SPIs {
		p.SPIs[i] = spis[i*size : (i+1)*size : (i+1)*size]
	}
	return p, nil
}

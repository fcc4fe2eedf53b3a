package isakmp

import (
	"encoding/binary"
	"fmt"
)

// The classes of phase 1 attributes (RFC 2409, appendix A).
const (
	AttrEncryption   uint16 = 1
	AttrHash         uint16 = 2
	AttrAuth         uint16 = 3
	AttrGroup        uint16 = 4
	AttrGroupType    uint16 = 5
	AttrGroupPrime   uint16 = 6
	AttrGroupGenOne  uint16 = 7
	AttrGroupGenTwo  uint16 = 8
	AttrGroupCurveA  uint16 = 9
	AttrGroupCurveB  uint16 = 10
	AttrLifeType     uint16 = 11
	AttrLifeDuration uint16 = 12
	AttrPRF          uint16 = 13
	AttrKeyLength    uint16 = 14
	AttrFieldSize    uint16 = 15
	AttrGroupOrder   uint16 = 16
)

// The values of AttrLifeType: what AttrLifeDuration counts.
const (
	LifeTypeSeconds   uint16 = 1
	LifeTypeKilobytes uint16 = 2
)

const (
	// attrFormat is the AF bit: the value stands in place of the length (RFC
	// 2408, 3.3).
	attrFormat = 1 << 15
	// attrHeader is the length of an attribute without a long value.
	attrHeader = 4
	// maxUint is the longest value that Attribute.Uint reads.
	maxUint = 8
)

// Attribute is a type and its value, in the short form with two bytes of value
// or in the long one with a length (RFC 2408, 3.3).
type Attribute struct {
	Type  uint16 // below 1<<15
	Value []byte // two bytes if Short
	Short bool
}

// AttrShort makes an attribute in the short form.
func AttrShort(typ, value uint16) Attribute {
	return Attribute{Type: typ, Value: binary.BigEndian.AppendUint16(nil, value), Short: true}
}

// AttrLong makes an attribute in the long form.
func AttrLong(typ uint16, value []byte) Attribute { return Attribute{Type: typ, Value: value} }

// AttrUint makes an attribute in the short form where the value fits into it,
// otherwise in the long form with four bytes, or eight.
func AttrUint(typ uint16, value uint64) Attribute {
	switch {
	case value < 1<<16:
		return AttrShort(typ, uint16(value))
	case value < 1<<32:
		return AttrLong(typ, binary.BigEndian.AppendUint32(nil, uint32(value)))
	}
	return AttrLong(typ, binary.BigEndian.AppendUint64(nil, value))
}

// Uint gives the value as a number. It must have 1 to 8 bytes.
func (a Attribute) Uint() (uint64, error) {
	if n := len(a.Value); n == 0 || n > maxUint {
		return 0, fmt.Errorf("isakmp: attribute %d has %d bytes, want a number of 1 to %d", a.Type, n, maxUint)
	}
	var v uint64
	for _, c := range a.Value {
		v = v<<8 | uint64(c)
	}
	return v, nil
}

func (a Attribute) appendTo(b []byte) []byte {
	if a.Short {
		b = binary.BigEndian.AppendUint16(b, a.Type|attrFormat)
	} else {
		b = binary.BigEndian.AppendUint16(b, a.Type)
		b = binary.BigEndian.AppendUint16(b, uint16(len(a.Value)))
	}
	return append(b, a.Value...)
}

func parseAttributes(b []byte) ([]Attribute, error) {
	var as []Attribute
	for len(b) > 0 {
		if len(as) == MaxAttributes {
			return nil, malformed(PayloadTransform, "more than %d attributes", MaxAttributes)
		}
		if len(b) < attrHeader {
			return nil, malformed(PayloadTransform, "%d bytes left, too few for an attribute", len(b))
		}
		typ := binary.BigEndian.Uint16(b[0:2])
		if typ&attrFormat != 0 {
			as = append(as, Attribute{Type: typ &^ attrFormat, Value: b[2:4:4], Short: true})
			b = b[attrHeader:]
			continue
		}
		n := int(binary.BigEndian.Uint16(b[2:4]))
		if n > len(b)-attrHeader {
			return nil, malformed(PayloadTransform, "attribute %d of %d bytes with %d left", typ, n, len(b)-attrHeader)
		}
		end := attrHeader + n
		as = append(as, Attribute{Type: typ, Value: b[attrHeader:end:end]})
		b = b[end:]
	}
	return as, nil
}

func checkAttributes(as []Attribute) error {
	if len(as) > MaxAttributes {
		return malformed(PayloadTransform, "%d attributes, at most %d", len(as), MaxAttributes)
	}
	for _, a := range as {
		switch {
		case a.Type >= attrFormat:
			return malformed(PayloadTransform, "attribute type %d, at most %d", a.Type, attrFormat-1)
		case a.Short && len(a.Value) != 2:
			return malformed(PayloadTransform, "short attribute %d has %d bytes, want 2", a.Type, len(a.Value))
		case len(a.Value) > maxBody:
			return malformed(PayloadTransform, "attribute %d has %d bytes, at most %d", a.Type, len(a.Value), maxBody)
		}
	}
	return nil
}

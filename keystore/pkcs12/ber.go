package pkcs12

import (
	"encoding/binary"
	"errors"
)

const (
	// maxDepth bounds how deep elements lie within each other. A PKCS#12 file
	// needs about twelve levels.
	maxDepth = 32
	// maxSize bounds a file in bytes: some 40,000 certificates.
	maxSize = 64 << 20
)

// errBER is data that is not BER, or that goes beyond a limit. The caller says
// what was read.
var errBER = errors.New("not valid BER")

// The bits of an identifier octet (X.690, 8.1.2).
const (
	classMask      = 0xc0
	constructedBit = 0x20
	tagMask        = 0x1f
	tagOctetString = 0x04
	tagSequence    = 0x30
)

// toDER rewrites BER so that a DER reader understands it: definite lengths in
// their shortest form, and OCTET STRINGs in one piece. It goes through the data
// once, and what it returns is never longer than its input. Values of other
// primitive types are taken over as they are. What follows the first element is
// returned as rest.
//
// What is DER already, which most files are, is returned as it is, without a copy.
func toDER(data []byte) (der, rest []byte, err error) {
	if len(data) > maxSize {
		return nil, nil, errBER
	}
	if n, ok := lengthOfDER(data, 0); ok {
		return data[:n], data[n:], nil
	}
	return convert(nil, data, 0)
}

// lengthOfDER returns how long the first element is; false where it is not what
// toDER makes.
func lengthOfDER(in []byte, depth int) (int, bool) {
	h, err := header(in)
	if err != nil || depth > maxDepth || h.indefinite || h.size != h.idSize+lengthOctets(h.length) || in[0] == tagOctetString|constructedBit {
		return 0, false
	}
	if in[0]&constructedBit == 0 {
		return h.size + h.length, true
	}
	for content := in[h.size : h.size+h.length]; len(content) > 0; {
		n, ok := lengthOfDER(content, depth+1)
		if !ok {
			return 0, false
		}
		content = content[n:]
	}
	return h.size + h.length, true
}

// lengthOctets returns how many octets the shortest form of a length has.
func lengthOctets(length int) int {
	n := 1
	if length >= 0x80 {
		for ; length > 0; length >>= 8 {
			n++
		}
	}
	return n
}

// convert appends one element in DER to out.
func convert(out, in []byte, depth int) (der, rest []byte, err error) {
	h, err := header(in)
	if err != nil || depth > maxDepth {
		return nil, nil, errBER
	}
	content, rest := in[h.size:], []byte(nil)
	if !h.indefinite {
		content, rest = content[:h.length], content[h.length:]
	}
	id := in[:h.idSize]
	if id[0]&constructedBit == 0 {
		return append(appendHeader(out, id, len(content)), content...), rest, nil
	}
	if id[0] == tagOctetString|constructedBit {
		// X.690, 8.7.3: segments are joined.
		joined, rest2, err := segments(nil, content, h.indefinite, depth+1)
		if err != nil {
			return nil, nil, err
		}
		if h.indefinite {
			rest = rest2
		}
		return append(appendHeader(out, []byte{tagOctetString}, len(joined)), joined...), rest, nil
	}
	var inner []byte
	for {
		if h.indefinite && len(content) >= 2 && content[0] == 0 && content[1] == 0 {
			rest = content[2:]
			break
		}
		if !h.indefinite && len(content) == 0 {
			break
		}
		if inner, content, err = convert(inner, content, depth+1); err != nil {
			return nil, nil, err
		}
	}
	return append(appendHeader(out, id, len(inner)), inner...), rest, nil
}

// segments appends the content of the OCTET STRINGs in a constructed one.
func segments(out, in []byte, indefinite bool, depth int) (joined, rest []byte, err error) {
	for {
		if indefinite && len(in) >= 2 && in[0] == 0 && in[1] == 0 {
			return out, in[2:], nil
		}
		if !indefinite && len(in) == 0 {
			return out, nil, nil
		}
		h, err := header(in)
		if err != nil || depth > maxDepth || in[0]&^constructedBit != tagOctetString {
			return nil, nil, errBER
		}
		content := in[h.size:]
		if in[0]&constructedBit == 0 {
			out, in = append(out, content[:h.length]...), content[h.length:]
			continue
		}
		if !h.indefinite {
			if out, _, err = segments(out, content[:h.length], false, depth+1); err != nil {
				return nil, nil, err
			}
			in = content[h.length:]
			continue
		}
		if out, in, err = segments(out, content, true, depth+1); err != nil {
			return nil, nil, err
		}
	}
}

// A head is the parsed beginning of an element.
type head struct {
	idSize     int // identifier octets
	size       int // identifier and length octets
	length     int // content octets, which are there; not set where indefinite
	indefinite bool
}

// header reads identifier and length (X.690, 8.1.2 and 8.1.3).
func header(in []byte) (head, error) {
	var h head
	if len(in) < 2 {
		return h, errBER
	}
	h.idSize = 1
	if in[0]&tagMask == tagMask {
		// A tag number above 30 goes on while bit 8 is set; four octets are
		// more than anything here uses.
		for {
			if h.idSize >= len(in) || h.idSize > 4 {
				return h, errBER
			}
			h.idSize++
			if in[h.idSize-1]&0x80 == 0 {
				break
			}
		}
	}
	if h.idSize >= len(in) {
		return h, errBER
	}
	first := in[h.idSize]
	h.size = h.idSize + 1
	switch n := int(first & 0x7f); {
	case first < 0x80:
		h.length = int(first)
	case first == 0x80:
		if in[0]&constructedBit == 0 {
			return h, errBER // X.690, 8.1.3.2: only a constructed element ends by itself
		}
		h.indefinite = true
		return h, nil
	default:
		if n > len(in)-h.size {
			return h, errBER
		}
		length := 0
		for _, b := range in[h.size : h.size+n] {
			if length > maxSize {
				return h, errBER
			}
			length = length<<8 | int(b)
		}
		h.length = length
		h.size += n
	}
	if h.length > len(in)-h.size {
		return h, errBER
	}
	return h, nil
}

// appendHeader writes an identifier and a definite length in its shortest form.
func appendHeader(out, id []byte, length int) []byte {
	out = append(out, id...)
	if length < 0x80 {
		return append(out, byte(length))
	}
	var l [4]byte
	binary.BigEndian.PutUint32(l[:], uint32(length))
	n := 0
	for l[n] == 0 {
		n++
	}
	return append(append(out, 0x80|byte(4-n)), l[n:]...)
}

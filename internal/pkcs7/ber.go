package pkcs7

import "errors"

// maxDepth bounds how deep elements of indefinite length lie within each other.
const maxDepth = 32

// Identifier octets (X.690, 8.1.2).
const (
	tagSequence  = 0x30
	tagSet       = 0x31
	tagExplicit0 = 0xa0
	tagExplicit1 = 0xa1
)

var errBER = errors.New("not BER")

// An element is one element of BER.
type element struct {
	tag        byte
	content    []byte // without the end-of-contents octets
	raw        []byte // the whole
	indefinite bool   // X.690, 8.1.3.6
}

// read takes the first element from data, and returns what follows it. Nothing
// is copied.
func read(data []byte) (element, []byte, error) { return readAt(data, 0) }

func readAt(data []byte, depth int) (element, []byte, error) {
	// Tag numbers above 30 stand in no structure that is read here.
	if len(data) < 2 || data[0]&0x1f == 0x1f || depth > maxDepth {
		return element{}, nil, errBER
	}
	e := element{tag: data[0]}
	size, length := 2, int(data[1])
	switch {
	case data[1] == 0x80:
		// X.690, 8.1.3.2: only a constructed element ends by itself.
		if e.tag&0x20 == 0 {
			return element{}, nil, errBER
		}
		return readIndefinite(data, depth)
	case data[1] > 0x80:
		octets := int(data[1] & 0x7f)
		// Four octets are more than MaxSize needs, but for leading zeros.
		if octets > 4 || octets > len(data)-size {
			return element{}, nil, errBER
		}
		length = 0
		for _, b := range data[size : size+octets] {
			length = length<<8 | int(b)
		}
		size += octets
	}
	if length > len(data)-size {
		return element{}, nil, errBER
	}
	e.content, e.raw = data[size:size+length], data[:size+length]
	return e, data[size+length:], nil
}

// readIndefinite goes through the elements in one of indefinite length, to find
// its end.
func readIndefinite(data []byte, depth int) (element, []byte, error) {
	rest := data[2:]
	for {
		if len(rest) >= 2 && rest[0] == 0 && rest[1] == 0 {
			end := len(data) - len(rest)
			return element{tag: data[0], content: data[2:end], raw: data[:end+2], indefinite: true}, rest[2:], nil
		}
		var err error
		if _, rest, err = readAt(rest, depth+1); err != nil {
			return element{}, nil, err
		}
	}
}

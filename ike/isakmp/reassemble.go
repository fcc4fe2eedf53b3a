package isakmp

import "bytes"

// Reassembler puts the fragments of one peer's messages together, in any order.
// The zero value is ready; it is a plain value for one goroutine.
//
// It holds one message at a time. A fragment with another ID starts a new one
// and drops the old. strongSwan gives all messages the ID 1, so a fragment that
// contradicts what is held (other data under the same number, a second end)
// also starts a new message, and the two are never mixed in one place: the
// peer's retransmission completes it. It holds at most MaxFragments pieces and
// MaxMessage bytes, which are copies.
type Reassembler struct {
	id     uint16
	parts  [][]byte // by number-1; nil where one is missing
	have   int      // parts that are there
	size   int      // their bytes
	lastNo int      // number of the last fragment; 0 while unknown
}

// Add takes a fragment. It gives the message once the last missing fragment
// has come, and nil before. A fragment that is already there changes nothing.
// The error is an *Error; after it nothing is held.
func (r *Reassembler) Add(f *Fragment) ([]byte, error) {
	if err := f.check(); err != nil {
		r.Reset()
		return nil, err
	}
	if r.have > 0 && (f.ID != r.id || r.contradicts(f)) {
		r.Reset()
	}
	n := int(f.Number)
	if n <= len(r.parts) && r.parts[n-1] != nil {
		return nil, nil
	}
	if r.size+len(f.Data) > MaxMessage {
		r.Reset()
		return nil, malformed(PayloadFragment, "message of more than %d bytes", MaxMessage)
	}
	r.id = f.ID
	for len(r.parts) < n {
		r.parts = append(r.parts, nil)
	}
	r.parts[n-1] = bytes.Clone(f.Data)
	r.have++
	r.size += len(f.Data)
	if f.Last {
		r.lastNo = n
	}
	if r.have != r.lastNo {
		return nil, nil
	}
	msg := bytes.Join(r.parts, nil)
	r.Reset()
	// Pieces of two messages under one ID do not get past here unless they
	// happen to have the right length; then the cipher or the parser refuses
	// them.
	h, err := ParseHeader(msg)
	if err != nil {
		return nil, err
	}
	if h.Next == PayloadFragment {
		return nil, malformed(PayloadFragment, "a fragment inside fragments")
	}
	return msg, nil
}

// Reset drops what is held.
func (r *Reassembler) Reset() { *r = Reassembler{} }

// contradicts reports whether f cannot belong to what is held.
func (r *Reassembler) contradicts(f *Fragment) bool {
	n := int(f.Number)
	switch {
	case n <= len(r.parts) && r.parts[n-1] != nil:
		return f.Last != (n == r.lastNo) || !bytes.Equal(f.Data, r.parts[n-1])
	case f.Last:
		return r.lastNo != 0 || n < len(r.parts)
	}
	return r.lastNo != 0 && n > r.lastNo
}

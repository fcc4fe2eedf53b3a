package crl

import (
	"hash"
	"io"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/hugepage"
)

// How an intake grows, in octets.
const (
	// headRead is what is allocated before the size of the list is known.
	headRead = 512
	// firstGrowth is what is allocated at least when it is known, growth by how
	// much more as it comes: a list that announces much and sends little costs
	// little, and one that comes whole was copied for a seventh of its size.
	firstGrowth, growth = 64 << 10, 8
	// maxRead is what is read, hashed and parsed at once: it fits into the
	// processor's cache.
	maxRead = 128 << 10
	// maxEmptyReads bounds the reads in a row that bring nothing.
	maxEmptyReads = 100
)

// errCut is the error for a list that ends too early.
const errCut = errMalformed("CertificateList: no DER, no PEM, or cut short")

// An intake takes a list in and hashes what is signed as it comes. Offsets stay
// right while buf grows; slices of buf do not.
type intake struct {
	r   io.Reader // nil where all of the list is in buf
	buf []byte
	// ready is how much of buf has been hashed and may be parsed.
	ready int
	// total is the size of the list as its outer header has it; 0 is unknown.
	total int
	ended bool // r has

	hash               hash.Hash // of what is signed; nil is none
	hashFrom, hashUpTo int
}

// fill makes buf[:n] ready, and more where more has come.
func (in *intake) fill(n int) error {
	for empty := 0; in.ready < n; {
		if in.r == nil || in.ready < len(in.buf) {
			if n > len(in.buf) {
				return errCut
			}
			in.take(min(len(in.buf), max(n, in.ready+maxRead)))
			continue
		}
		if in.ended {
			return errCut
		}
		in.grow()
		have := len(in.buf)
		count, err := in.r.Read(in.buf[have:min(cap(in.buf), have+maxRead)])
		in.buf = in.buf[:have+count]
		in.take(len(in.buf))
		switch {
		case err == io.EOF:
			in.ended = true
		case err != nil:
			return err
		case count > 0:
			empty = 0
		default:
			if empty++; empty == maxEmptyReads {
				return io.ErrNoProgress
			}
		}
	}
	return nil
}

// take makes buf[:upTo] ready.
func (in *intake) take(upTo int) {
	if in.hash != nil {
		from, to := max(in.hashFrom, in.ready), min(upTo, in.hashUpTo)
		if from < to {
			in.hash.Write(in.buf[from:to])
		}
	}
	in.ready = upTo
}

// hashPart hashes a part whose end may not have come yet.
func (in *intake) hashPart(h hash.Hash, from, upTo int) {
	in.hash, in.hashFrom, in.hashUpTo = h, from, upTo
	if from < in.ready {
		h.Write(in.buf[from:min(in.ready, upTo)])
	}
}

// grow makes room for at least one octet more.
func (in *intake) grow() {
	have := len(in.buf)
	if have < cap(in.buf) {
		return
	}
	size := headRead
	if in.total > 0 {
		// The sizes are total, total/8, total/64...: the last step, the only
		// large one, is from an eighth.
		size = in.total
		for next := size / growth; next > have && next >= firstGrowth; next /= growth {
			size = next
		}
	} else if have > 0 {
		size = growth * have
	}
	larger := hugepage.Make(size)[:have]
	copy(larger, in.buf)
	in.buf = larger
}

// end returns an error where data follows the list.
func (in *intake) end() error {
	const behind = errMalformed("CertificateList: data behind its end")
	if len(in.buf) > in.total {
		return behind
	}
	if in.r == nil || in.ended {
		return nil
	}
	var one [1]byte
	switch n, err := io.ReadFull(in.r, one[:]); {
	case n > 0:
		return behind
	case err != io.EOF:
		return err
	}
	return nil
}

// An element is where a DER element lies.
type element struct {
	tag                cbasn1.Tag
	start, content, to int
}

// peek returns the tag at an offset, 0 where there is nothing before end.
func (in *intake) peek(at, end int) (cbasn1.Tag, error) {
	if at >= end {
		return 0, nil
	}
	if err := in.fill(at + 1); err != nil {
		return 0, err
	}
	return cbasn1.Tag(in.buf[at]), nil
}

// header reads the header of an element that must end before end, and does not
// wait for the element. ok is false where it is malformed.
func (in *intake) header(at, end int) (e element, ok bool, err error) {
	if at > end-2 {
		return e, false, nil
	}
	if err := in.fill(at + 2); err != nil {
		return e, false, err
	}
	e = element{tag: cbasn1.Tag(in.buf[at]), start: at, content: at + 2}
	if e.tag&highTagNumber == highTagNumber {
		return e, false, nil
	}
	size := int(in.buf[at+1])
	if octets := size - 0x80; octets >= 0 {
		// The definite form, and the shortest (X.690, 10.1).
		if octets == 0 || octets > 4 || e.content+octets > end {
			return e, false, nil
		}
		e.content += octets
		if err := in.fill(e.content); err != nil {
			return e, false, err
		}
		length := uint64(0)
		for _, b := range in.buf[at+2 : e.content] {
			length = length<<8 | uint64(b)
		}
		if length < 0x80 || length>>(8*(octets-1)) == 0 {
			return e, false, nil
		}
		size = int(min(length, MaxMaxBytes+1))
	}
	e.to = e.content + size
	return e, e.to <= end, nil
}

// element reads an element with a tag, whole; what names it in errors.
func (in *intake) element(at, end int, tag cbasn1.Tag, what string) (element, error) {
	e, ok, err := in.header(at, end)
	if err == nil && (!ok || e.tag != tag) {
		err = errMalformed(what)
	}
	if err == nil {
		err = in.fill(e.to)
	}
	return e, err
}

// whole returns an element with its header.
func (in *intake) whole(e element) []byte { return in.buf[e.start:e.to] }

package crl

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
)

// The lines around a list in PEM (RFC 7468, 6). maxPEMLead bounds the white space
// before it, and behind its last line's label, in octets.
const (
	pemType    = "X509 CRL"
	pemBegin   = "-----BEGIN "
	pemFirst   = pemBegin + pemType + "-----"
	pemLast    = "-----END " + pemType + "-----"
	maxPEMLead = 1024
)

// errPEM is the error for a PEM block that is not a list, or not whole.
var errPEM = fmt.Errorf("the PEM block is not a whole %q", pemType)

// beginsPEM skips white space and a byte order mark, where text follows them, and
// reports whether a PEM block begins.
func beginsPEM(in *bufio.Reader) bool {
	for lead := 0; lead < maxPEMLead; lead++ {
		next, err := in.Peek(1)
		switch {
		case err != nil:
			return false
		case bytes.IndexByte([]byte(" \t\r\n"), next[0]) >= 0:
			_, _ = in.Discard(1) // it is there
			continue
		case next[0] == '\xef':
			if mark, _ := in.Peek(3); string(mark) == "\ufeff" {
				_, _ = in.Discard(3)
				continue
			}
		}
		begin, _ := in.Peek(len(pemBegin))
		return string(begin) == pemBegin
	}
	return false
}

// A pemReader decodes the one block of a PEM file while it comes. What follows
// the block is not read.
type pemReader struct {
	lines   pemLines
	decoder io.Reader
}

// newPEMReader reads from where a block begins.
func newPEMReader(in *bufio.Reader) *pemReader {
	r := &pemReader{lines: pemLines{in: in}}
	r.decoder = base64.NewDecoder(base64.StdEncoding, &r.lines)
	return r
}

// Read implements io.Reader.
func (r *pemReader) Read(p []byte) (int, error) {
	n, err := r.decoder.Read(p)
	if err != nil && err != io.EOF && r.lines.err == nil {
		err = errPEM
	}
	return n, err
}

// end returns an error where the block does not end as it began.
func (r *pemReader) end() error {
	in := r.lines.in
	last := make([]byte, len(pemLast))
	if _, err := io.ReadFull(in, last); err != nil || string(last) != pemLast {
		return errPEM
	}
	return nil
}

// pemLines yields the base64 of a block: up to the hyphen of the last line.
type pemLines struct {
	in    *bufio.Reader
	begun bool
	// padded: nothing but padding may follow. The decoder tells that only
	// within what it is given at once.
	padded bool
	err    error // of in
}

// Read implements io.Reader.
func (l *pemLines) Read(p []byte) (int, error) {
	if !l.begun {
		first := make([]byte, len(pemFirst))
		if _, err := io.ReadFull(l.in, first); err != nil || string(first) != pemFirst {
			return 0, errPEM
		}
		l.begun = true
	}
	if _, err := l.in.Peek(1); err != nil {
		if err == io.EOF {
			return 0, errPEM
		}
		l.err = err
		return 0, err
	}
	ready, _ := l.in.Peek(min(l.in.Buffered(), len(p)))
	if at := bytes.IndexByte(ready, '-'); at == 0 {
		return 0, io.EOF
	} else if at > 0 {
		ready = ready[:at]
	}
	n := 0
	for _, c := range ready {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '=':
			l.padded = true
		default:
			if l.padded {
				return 0, errPEM
			}
		}
		p[n] = c
		n++
	}
	_, _ = l.in.Discard(len(ready)) // they are there
	return n, nil
}

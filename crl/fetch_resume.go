package crl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxResumes is how many times one broken transfer is taken up again.
const maxResumes = 3

// A download is the body of an HTTP answer, read to its end also where the
// connection breaks on the way: what is left is asked for by Range, as long as
// the server vouches by If-Range that it is of the same list (RFC 9110, 13.1.5
// and 14.2). It is used by one goroutine.
type download struct {
	ctx    context.Context // of the one fetch
	client *http.Client
	url    string
	pace   *pace
	limit  int64 // bytes that may come, packed or not

	answer    *http.Response
	total     int64  // announced, -1 where it was not
	got       int64  // bytes read
	encoding  string // Content-Encoding
	validator string // for If-Range; "" where the server gave none that will do
	resumes   int    // that are left
}

// begin looks at the first answer.
func (d *download) begin() {
	d.total = d.answer.ContentLength
	d.encoding, d.validator = d.answer.Header.Get("Content-Encoding"), strongValidator(d.answer.Header)
	d.pace.start()
}

// close ends the transfer.
func (d *download) close() {
	d.pace.stop()
	if d.answer != nil {
		_ = d.answer.Body.Close() // there is nothing to be saved
	}
}

// Read implements io.Reader.
func (d *download) Read(p []byte) (int, error) {
	for {
		n, err := d.answer.Body.Read(p)
		d.got += int64(n)
		d.pace.add(n)
		switch {
		case d.got > d.limit:
			// A packed list is smaller than what comes out.
			return 0, tooLarge(d.limit)
		case n > 0:
			return n, nil // an error comes again
		case err == nil || errors.Is(err, io.EOF) && !d.short():
			return n, err
		}
		if err := d.resume(err); err != nil {
			return 0, err
		}
	}
}

// short reports whether less has come than was announced.
func (d *download) short() bool { return d.total >= 0 && d.got < d.total }

// resume asks for what is left after err, or returns why it cannot.
func (d *download) resume(err error) error {
	if d.short() {
		err = fmt.Errorf("%w after %d of the %d bytes that the server announced", err, d.got, d.total)
	}
	if d.validator == "" || d.resumes == 0 || d.ctx.Err() != nil {
		return err
	}
	d.resumes--
	d.close()
	again := d.ask(http.Header{
		"Range":    {fmt.Sprintf("bytes=%d-", d.got)},
		"If-Range": {d.validator},
	})
	if again == nil {
		again = d.continues()
	}
	if again != nil {
		return fmt.Errorf("%w; %w", err, again)
	}
	d.pace.start()
	return nil
}

// continues returns why the answer is not the rest of the list.
func (d *download) continues() error {
	switch response := d.answer; {
	case response.StatusCode == http.StatusOK:
		// RFC 9110, 13.1.5: another list by now, or a server without ranges.
		return errors.New("the rest could not be had: the server sends the list as a whole")
	case response.StatusCode != http.StatusPartialContent:
		return fmt.Errorf("the rest could not be had: the server answered %q", response.Status)
	case response.Header.Get("Content-Encoding") != d.encoding:
		return errors.New("the rest could not be had: the server packs it in another way")
	}
	var first, last int64
	whole := d.total
	text := d.answer.Header.Get("Content-Range")
	if n, err := fmt.Sscanf(text, "bytes %d-%d/%d", &first, &last, &whole); err != nil && (n != 2 || !strings.HasSuffix(text, "/*")) {
		return fmt.Errorf("the rest could not be had: Content-Range %q", text)
	}
	if first != d.got || last < first || d.total >= 0 && (last != d.total-1 || whole != d.total) {
		return fmt.Errorf("the rest could not be had: the server sends bytes %q, asked for were those from %d on", text, d.got)
	}
	return nil
}

// strongValidator returns what makes sure that two answers are one list, octet
// for octet: a strong ETag, or a date that lies so far back that the list cannot
// have changed twice in its second (RFC 9110, 8.8.2.2).
func strongValidator(h http.Header) string {
	v := validatorsOf(h)
	switch {
	case v.ETag != "" && !isWeak(v.ETag):
		return v.ETag
	case v.ETag == "":
		return v.LastModified // there only where it is settled
	}
	return ""
}

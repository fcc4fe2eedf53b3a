package dialer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// maxCONNECTReply bounds the head of a proxy's answer, in bytes.
const maxCONNECTReply = 16 << 10

// connectDialer goes through an HTTP proxy by CONNECT (RFC 9110, 9.3.6).
type connectDialer struct {
	proxy   string        // host:port
	auth    string        // value of Proxy-Authorization, or ""
	forward ContextDialer // connects to the proxy
}

func newCONNECT(u *url.URL, forward ContextDialer) ContextDialer {
	d := connectDialer{proxy: withPort(u, HTTPPort).Host, forward: forward}
	if u.User != nil {
		password, _ := u.User.Password()
		// RFC 7617, 2.
		d.auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
	}
	return named{d, Redacted(u)}
}

func (d connectDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, fmt.Errorf("an HTTP proxy cannot carry network %q", network)
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, err
	}
	if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		// What follows a line break would be a header of the request.
		return nil, fmt.Errorf("target %q holds a character that no address has", address)
	}
	conn, err := d.forward.DialContext(ctx, "tcp", d.proxy)
	if err != nil {
		return nil, err
	}
	return greet(ctx, conn, func(conn net.Conn) error {
		if _, err := conn.Write(d.request(address)); err != nil {
			return fmt.Errorf("CONNECT %s: %w", address, err)
		}
		if err := readCONNECTReply(conn); err != nil {
			return fmt.Errorf("CONNECT %s: %w", address, err)
		}
		return nil
	})
}

func (d connectDialer) request(address string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", address, address)
	if d.auth != "" {
		fmt.Fprintf(&b, "Proxy-Authorization: %s\r\n", d.auth)
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// readCONNECTReply reads the head of the proxy's answer and not one byte more:
// what follows an answer of 2xx belongs to the target.
func readCONNECTReply(r io.Reader) error {
	var (
		head []byte
		one  [1]byte
	)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if len(head) == maxCONNECTReply {
			return fmt.Errorf("the head of the proxy's answer is longer than %d bytes", maxCONNECTReply)
		}
		if _, err := io.ReadFull(r, one[:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("reading the proxy's answer: %w", err)
		}
		head = append(head, one[0])
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(head)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return fmt.Errorf("the proxy's answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("the proxy answered %s", response.Status)
	}
	return nil
}

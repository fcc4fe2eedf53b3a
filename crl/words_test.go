package crl_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"keyman/crl"
)

// TestServersWords: what a server writes comes into errors so that it cannot
// steer a terminal.
func TestServersWords(t *testing.T) {
	const evil = "\x1b]0;x\x07\x1b[2J\u009bhi"
	ca := newCA(t, "CA")
	named := ca.issueWith(func(c *x509.Certificate) { c.DNSNames = []string{"\x1b[2J.test"} })
	template := &x509.Certificate{SerialNumber: named.SerialNumber, NotBefore: named.NotBefore, NotAfter: named.NotAfter, DNSNames: named.DNSNames}
	key := newKey(t).(*ecdsa.PrivateKey)
	secure := &tls.Config{Certificates: []tls.Certificate{{Certificate: ders(sign(t, template, ca.cert, key, ca.key)), PrivateKey: key}}}
	element := func(tag byte, content string) string { return string([]byte{tag, byte(len(content))}) + content }
	result := func(op byte, code string) string {
		return element(0x30, "\x02\x01\x01"+element(op, element(0x0a, code)+"\x04\x00"+element(0x04, evil)))
	}
	for _, c := range []struct{ name, format, answer, want string }{
		{"status line", "http://%/x", "HTTP/1.1 404 " + evil + "\r\nContent-Length: 0\r\n\r\n", `the server answered "404 \x1b]0;x`},
		{"header line", "http://%/x", "HTTP/1.1 200 OK\r\n" + evil + "\r\n\r\n", `\x1b]0;x`},
		{"no HTTP", "http://%/x", evil + "\r\n\r\n", `\x1b]0;x`},
		{"message of a result", "ldap://%/cn=CA", result(0x65, "\x50"), `LDAP result 80, Other: "\x1b]0;x`},
		{"result without a name", "ldap://%/cn=CA", result(0x65, "\x7e"), `LDAP result 126: "\x1b]0;x`},
		{"result of the library's own", "ldap://%/cn=CA", result(0x65, "\x00\xc8"), `the connection ended: "\x1b]0;x`},
		{"message of a bind", "ldap2://%/cn=CA", result(0x61, "\x31"), `Invalid Credentials: "\x1b]0;x`},
		{"referral", "ldap://%/cn=CA", element(0x30, "\x02\x01\x01"+element(0x73, element(0x04, evil))) +
			"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00", `refers to "\x1b]0;x`},
		{"certificate of https", "https://%/x", "", `valid for \x1b[2J.test`},
		{"certificate of ldaps", "ldaps://%/cn=CA", "", `valid for \x1b[2J.test`},
		{"place", "ldap://%/cn=\u009bCA", "HTTP", `cn=\u009bCA`},
	} {
		t.Run(c.name, func(t *testing.T) {
			address := raw(t, func(ctx context.Context, conn net.Conn) {
				if c.answer == "" {
					tls.Server(conn, secure).HandshakeContext(ctx)
					return
				}
				conn.Read(make([]byte, 4096))
				io.WriteString(conn, c.answer)
				io.Copy(io.Discard, conn)
			})
			_, port, _ := net.SplitHostPort(address)
			config := crl.FetcherConfig{}
			format, two := strings.CutPrefix(c.format, "ldap2")
			if two {
				config.LDAPVersion, format = 2, "ldap"+format
			}
			_, err := newFetcher(t, config).Fetch(t.Context(), strings.Replace(format, "%", net.JoinHostPort("localhost", port), 1))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v does not say %s", err, c.want)
			}
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return !strconv.IsPrint(r) }) {
				t.Errorf("the error holds what the server wrote: %q", err)
			}
		})
	}
}

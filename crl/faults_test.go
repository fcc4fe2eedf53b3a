package crl_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/x509"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"keyman/crl"
)

// A fault is a way in which what stands between a certificate and its list can
// fail, and what comes of it.
type fault struct {
	name   string   // as docs/revocation.md has it
	places []string // that the certificate names
	// serve answers every connection; nil refuses them.
	serve   func(net.Conn)
	config  crl.FetcherConfig
	code    string // of a reason of the verdict
	words   string // in its text
	outcome [3]crl.Status
}

// The outcomes under strict, ifuri and relaxed.
var (
	unanswered = [3]crl.Status{crl.StatusUndetermined, crl.StatusUndetermined, crl.StatusGood}
	sourceless = [3]crl.Status{crl.StatusUndetermined, crl.StatusGood, crl.StatusGood}
	allGood    = [3]crl.Status{crl.StatusGood, crl.StatusGood, crl.StatusGood}
	allRevoked = [3]crl.Status{crl.StatusRevoked, crl.StatusRevoked, crl.StatusRevoked}
)

// says reads a request, answers, and waits for the client to go.
func says(parts ...string) func(net.Conn) {
	return func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		for _, part := range parts {
			if _, err := io.WriteString(conn, part); err != nil {
				return
			}
		}
		io.Copy(io.Discard, conn)
	}
}

// closes is says, and closes the connection at once.
func closes(parts ...string) func(net.Conn) {
	return func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		for _, part := range parts {
			if _, err := io.WriteString(conn, part); err != nil {
				return
			}
		}
	}
}

// endless sends a head, and then the same again and again until the client goes.
func endless(head, again string) func(net.Conn) {
	return func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		again := strings.Repeat(again, 1+4096/len(again))
		for _, err := io.WriteString(conn, head); err == nil; {
			_, err = io.WriteString(conn, again)
		}
	}
}

// web is an answer of HTTP with a body.
func web(status string, length int, header string, body []byte) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n%s", status, length, header, body)
}

// tlv is one element of BER.
func tlv(tag byte, parts ...string) string {
	content := strings.Join(parts, "")
	return string(binary.BigEndian.AppendUint32([]byte{tag, 0x84}, uint32(len(content)))) + content
}

// message is one LDAP message, the first of a connection; result is one that
// ends a search.
func message(operation string) string { return tlv(0x30, "\x02\x01\x01", operation) }

func result(code byte) string {
	return message(tlv(0x65, "\x0a\x01"+string(code), "\x04\x00", "\x04\x00"))
}

// entryOf answers a search by one attribute.
func entryOf(attribute string, values ...string) func(net.Conn) {
	var all []string
	for _, value := range values {
		all = append(all, tlv(0x04, value))
	}
	return says(message(tlv(0x64, tlv(0x04, "CN=CA,C=CH"), tlv(0x30, tlv(0x30, tlv(0x04, attribute), tlv(0x31, all...))))), result(0))
}

// silentAt answers HTTP, but not the requests to one host.
func silentAt(host string, answer string) func(net.Conn) {
	return func(conn net.Conn) {
		request := make([]byte, 4096)
		if n, err := conn.Read(request); err == nil && !bytes.Contains(request[:n], []byte("Host: "+host)) {
			io.WriteString(conn, answer)
		}
		io.Copy(io.Discard, conn)
	}
}

// faultTable returns the faults about a certificate's list.
func faultTable(t *testing.T, ca *testCA, target int64) []fault {
	t.Helper()
	var (
		good    = ca.list()
		httpAt  = []string{"http://pki.test/ca.crl"}
		ldapAt  = []string{"ldap://dir.test/CN=CA,C=CH"}
		through = func(scheme string) crl.FetcherConfig {
			return crl.FetcherConfig{HTTPProxy: &url.URL{Scheme: scheme, Host: "proxy.test:1080"}}
		}
		listed  = revoking(crl.KeyCompromise, &x509.Certificate{SerialNumber: big.NewInt(target)})
		of      = func(der []byte) func(net.Conn) { return says(web("200 OK", len(der), "", der)) }
		damaged = bytes.Clone(good)
		bomb    bytes.Buffer
	)
	damaged[len(damaged)-1] ^= 1
	z := gzip.NewWriter(&bomb)
	z.Write([]byte{0x30, 0x84, 0x08, 0, 0, 0}) // a list of 128 MiB
	for range 128 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	var nothing bytes.Buffer
	gzip.NewWriter(&nothing).Close()
	return []fault{
		{"nothing is wrong", httpAt, of(good), crl.FetcherConfig{}, crl.CodeChecked, "not revoked", allGood},
		{"the list names the certificate", httpAt, of(ca.list(listed)), crl.FetcherConfig{}, crl.CodeRevoked, "revoked", allRevoked},
		{"no place is named, and no directory is set", nil, nil, crl.FetcherConfig{}, crl.CodeNoSource, "no LDAP server is configured", sourceless},
		{"only places of unknown schemes are named", []string{"ftp://pki.test/ca.crl", "file:///ca.crl"}, nil, crl.FetcherConfig{}, crl.CodeNoSource, "no usable source", unanswered},
		{"the first place says nothing, the second has the list", []string{"http://a.test/", "http://b.test/"}, silentAt("a.test", web("200 OK", len(good), "", good)), crl.FetcherConfig{}, crl.CodeChecked, "b.test", allGood},

		// The server.
		{"no connection", httpAt, nil, crl.FetcherConfig{}, crl.CodeUnavailable, "refused", unanswered},
		{"no such host", []string{"http://nobody.test/"}, nil, crl.FetcherConfig{}, crl.CodeUnavailable, "no such host", unanswered},
		{"the server says nothing", httpAt, says(), crl.FetcherConfig{}, crl.CodeUnavailable, "deadline", unanswered},
		{"the server stops in the middle", httpAt, says(web("200 OK", len(good), "", good[:100])), crl.FetcherConfig{}, crl.CodeUnavailable, "less than 2048 bytes in 4s", unanswered},
		{"the server sends a byte now and then", httpAt, trickle(web("200 OK", 1<<20, "", good[:1])).serve, crl.FetcherConfig{}, crl.CodeUnavailable, "", unanswered},
		{"the server announces more than it sends", httpAt, closes(web("200 OK", len(good)+1, "", good)), crl.FetcherConfig{}, crl.CodeUnavailable, "that the server announced", unanswered},
		{"the server announces less than it sends", httpAt, closes(web("200 OK", len(good)-1, "", good)), crl.FetcherConfig{}, crl.CodeUnavailable, "the server announced and sent", unanswered},
		{"the server redirects in a circle", httpAt, says(web("302 Found", 0, "Location: /ca.crl\r\n", nil)), crl.FetcherConfig{}, crl.CodeUnavailable, "more than 5 times", unanswered},
		{"the server redirects to a file", httpAt, says(web("302 Found", 0, "Location: file:///etc/passwd\r\n", nil)), crl.FetcherConfig{}, crl.CodeUnavailable, `scheme "file"`, unanswered},
		{"the server redirects into a private network", []string{"http://8.8.8.8/"}, says(web("302 Found", 0, "Location: http://10.0.0.1/\r\n", nil)), crl.FetcherConfig{RefusePrivate: true}, crl.CodeUnavailable, "not an address of the public Internet", unanswered},
		{"the server packs too much into too little", httpAt, says(web("200 OK", bomb.Len(), "Content-Encoding: gzip\r\n", bomb.Bytes())), crl.FetcherConfig{}, crl.CodeUnavailable, "larger than the limit", unanswered},
		{"the list is too large", httpAt, says(web("200 OK", 1<<30, "", nil)), crl.FetcherConfig{}, crl.CodeUnavailable, "larger than the limit", unanswered},
		{"half a list", httpAt, of(good[:len(good)/2]), crl.FetcherConfig{}, crl.CodeUnavailable, "", unanswered},
		{"half a list, which the server breaks off again and again", httpAt, closes(web("200 OK", len(good), "", good[:len(good)/2])), crl.FetcherConfig{}, crl.CodeUnavailable, "that the server announced", unanswered},
		{"a list with something behind it", httpAt, of(append(bytes.Clone(good), good...)), crl.FetcherConfig{}, crl.CodeUnavailable, "behind it", unanswered},
		{"gzip that is broken off", httpAt, says(web("200 OK", bomb.Len()/2, "Content-Encoding: gzip\r\n", bomb.Bytes()[:bomb.Len()/2])), crl.FetcherConfig{Limits: crl.Limits{MaxBytes: 1 << 30}}, crl.CodeUnavailable, "", unanswered},
		{"gzip of nothing, again and again", httpAt, endless("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n", nothing.String()), crl.FetcherConfig{Limits: crl.Limits{MaxBytes: 1 << 20}}, crl.CodeUnavailable, "larger than the limit", unanswered},
		{"a packing that was not asked for", httpAt, says(web("200 OK", len(good), "Content-Encoding: br\r\n", good)), crl.FetcherConfig{}, crl.CodeUnavailable, "not asked for", unanswered},
		{"endless header lines", httpAt, endless("HTTP/1.1 200 OK\r\n", "X: y\r\n"), crl.FetcherConfig{}, crl.CodeUnavailable, "header", unanswered},
		{"a web page", httpAt, of([]byte("<html>no list</html>")), crl.FetcherConfig{}, crl.CodeUnavailable, "malformed", unanswered},
		{"the answer 404", httpAt, says(web("404 Not Found", 0, "", nil)), crl.FetcherConfig{}, crl.CodeUnavailable, "404", unanswered},
		{"the answer 500", httpAt, says(web("500 Internal Server Error", 0, "", nil)), crl.FetcherConfig{}, crl.CodeUnavailable, "500", unanswered},
		{"the server begins no TLS", []string{"https://pki.test/ca.crl"}, says(), crl.FetcherConfig{}, crl.CodeUnavailable, "deadline", unanswered},
		{"no HTTP", httpAt, says("220 mail.test ESMTP\r\n\r\n"), crl.FetcherConfig{}, crl.CodeUnavailable, "malformed", unanswered},

		// The proxy.
		{"no connection to the proxy", httpAt, nil, through("socks5"), crl.CodeUnavailable, "through proxy socks5://proxy.test:1080", unanswered},
		{"the SOCKS4 proxy refuses", httpAt, says("\x00\x5b\x00\x00\x00\x00\x00\x00"), through("socks4a"), crl.CodeUnavailable, "rejected", unanswered},
		{"the SOCKS5 proxy refuses", httpAt, says("\x05\xff"), through("socks5"), crl.CodeUnavailable, "through proxy", unanswered},
		{"the HTTP proxy refuses", httpAt, says("HTTP/1.1 403 Forbidden\r\n\r\n"), through("http"), crl.CodeUnavailable, "403", unanswered},
		{"the SOCKS4 proxy says something else", httpAt, says("garbage!"), through("socks4a"), crl.CodeUnavailable, "0x67", unanswered},
		{"the SOCKS5 proxy says something else", httpAt, says("garbage!"), through("socks5"), crl.CodeUnavailable, "through proxy", unanswered},
		{"the HTTP proxy says something else", httpAt, says("garbage!\r\n\r\n"), through("http"), crl.CodeUnavailable, "the proxy's answer", unanswered},
		{"the proxy says nothing", httpAt, says(), through("socks4a"), crl.CodeUnavailable, "deadline", unanswered},

		// The directory.
		{"the directory says nothing", ldapAt, says(), crl.FetcherConfig{}, crl.CodeUnavailable, "", unanswered},
		{"the directory sends a byte now and then", ldapAt, trickle("\x30\x84\x00\x0f\xff\xff\x02\x01\x01\x64\x84\x00\x0f\xff\x00\x04\x82\xf0\x00").serve, crl.FetcherConfig{}, crl.CodeUnavailable, "less than 2048 bytes in 4s", unanswered},
		{"the directory has no such entry", ldapAt, says(result(32)), crl.FetcherConfig{}, crl.CodeUnavailable, "no entry", unanswered},
		{"the entry has no such attribute", ldapAt, entryOf("cn", "CA"), crl.FetcherConfig{}, crl.CodeUnavailable, "holds no revocation list", unanswered},
		{"the attribute is no list", ldapAt, entryOf("certificateRevocationList;binary", "rubbish"), crl.FetcherConfig{}, crl.CodeUnavailable, "malformed", unanswered},
		{"the directory announces too much", ldapAt, says("\x30\x84\x7f\xff\xff\x00"), crl.FetcherConfig{}, crl.CodeUnavailable, "larger than the limit", unanswered},
		{"half a list in the directory", ldapAt, entryOf("certificateRevocationList;binary", string(good[:len(good)/2])), crl.FetcherConfig{}, crl.CodeUnavailable, "", unanswered},
		{"the directory breaks off", ldapAt, closes(message(tlv(0x64, tlv(0x04, "CN=CA,C=CH"), tlv(0x30)))[:20]), crl.FetcherConfig{}, crl.CodeUnavailable, "", unanswered},
		{"endless entries of the directory", ldapAt, endless("", message(tlv(0x64, tlv(0x04, "CN=CA,C=CH"), tlv(0x30)))), crl.FetcherConfig{}, crl.CodeUnavailable, "more than", unanswered},
		{"the directory refers to another one", ldapAt, says(result(10)), crl.FetcherConfig{}, crl.CodeUnavailable, "not followed", unanswered},
		{"the directory refuses the bind", ldapAt, says(message(tlv(0x61, "\x0a\x01\x30", "\x04\x00", "\x04\x00"))), crl.FetcherConfig{LDAPVersion: 2}, crl.CodeUnavailable, "bind with LDAP version 2", unanswered},
		{"the directory begins no TLS", []string{"ldaps://dir.test/CN=CA,C=CH"}, says(), crl.FetcherConfig{}, crl.CodeUnavailable, "deadline", unanswered},
		{"no LDAP", ldapAt, says("HTTP/1.1 400 Bad Request\r\n\r\n"), crl.FetcherConfig{}, crl.CodeUnavailable, "malformed", unanswered},

		// The list.
		{"the list of another CA", httpAt, of(newCA(t, "Other").list()), crl.FetcherConfig{}, crl.CodeCRLIssuer, "another issuer's", unanswered},
		{"the list of another CA of that name", httpAt, of(newCA(t, "CA").list(listed)), crl.FetcherConfig{}, crl.CodeCRLSignature, "does not stand", unanswered},
		{"the signature is damaged", httpAt, of(damaged), crl.FetcherConfig{}, crl.CodeCRLSignature, "does not stand", unanswered},
		{"the list is out of date", httpAt, of(ca.list(dated(-9, -1))), crl.FetcherConfig{}, crl.CodeCRLExpired, "out of date", unanswered},
		{"the list is out of date, and names the certificate", httpAt, of(ca.list(dated(-9, -1), listed)), crl.FetcherConfig{}, crl.CodeRevoked, "revoked", allRevoked},
		{"the list is of the future", httpAt, of(ca.list(dated(1, 9))), crl.FetcherConfig{}, crl.CodeCRLNotYet, "not valid yet", unanswered},
		{"the list has a critical extension that is not known", httpAt, of(ca.list(withExtension("1.2.3.4", true, []byte{5, 0}))), crl.FetcherConfig{}, crl.CodeCRLCritical, "1.2.3.4", unanswered},
		{"the list is for CA certificates", httpAt, of(ca.list(withExtension("2.5.29.28", true, []byte("\x30\x03\x82\x01\xff")))), crl.FetcherConfig{}, crl.CodeCRLScope, "does not answer", unanswered},
		{"the list is of another distribution point", httpAt, of(ca.list(withExtension("2.5.29.28", true, []byte("\x30\x11\xa0\x0f\xa0\x0d\x86\x0bhttp://x/ca")))), crl.FetcherConfig{}, crl.CodeCRLScope, "another distribution point", unanswered},
		{"the list is for some reasons", httpAt, of(ca.list(withExtension("2.5.29.28", true, []byte("\x30\x04\x83\x02\x06\x40")))), crl.FetcherConfig{}, crl.CodeCRLScope, "reasons", unanswered},
		{"the list is a delta without its base", httpAt, of(ca.list(withExtension("2.5.29.27", true, []byte("\x02\x01\x01")))), crl.FetcherConfig{}, crl.CodeCRLScope, "delta", unanswered},
		{"the directory has an old list and the new one", ldapAt, entryOf("certificateRevocationList;binary", string(ca.list(numbered(1))), string(ca.list(numbered(2), listed))), crl.FetcherConfig{}, crl.CodeRevoked, "revoked", allRevoked},
	}
}

// dial connects to what a fault is about, without a network.
func (f fault) dial(servers *pipes) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		switch {
		case strings.HasPrefix(address, "nobody.test:"):
			return nil, &net.DNSError{Err: "no such host", Name: "nobody.test", IsNotFound: true}
		case f.serve == nil:
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return servers.DialContext(ctx, network, address)
	}
}

// TestFaults: each failure of server, proxy, directory and list, and the verdict
// under each policy. Time is the test's own, and no verdict takes more than the
// policy has. The table of docs/revocation.md is this one.
func TestFaults(t *testing.T) {
	ca := newCA(t, "CA")
	document, err := os.ReadFile("../docs/revocation.md")
	if err != nil {
		t.Fatal(err)
	}
	policies := [...]crl.Revocation{crl.Strict, crl.IfURI, crl.Relaxed}
	const target = 77
	var rows []string
	for _, f := range faultTable(t, ca, target) {
		rows = append(rows, fmt.Sprintf("| %s | `%s` | %s | %s | %s |", f.name, f.code, f.outcome[0], f.outcome[1], f.outcome[2]))
		t.Run(f.name, func(t *testing.T) {
			leaf := ca.issueWith(func(c *x509.Certificate) { c.SerialNumber, c.CRLDistributionPoints = big.NewInt(target), f.places })
			for i, policy := range policies {
				synctest.Test(t, func(t *testing.T) {
					begin := time.Now()
					servers := &pipes{serve: f.serve}
					defer servers.running.Wait()
					config := f.config
					config.Dial = f.dial(servers)
					checker := newChecker(t, crl.CheckerConfig{Source: newFetcher(t, config)})
					v := checker.Check(t.Context(), ders(leaf), crl.Policy{Anchors: ders(ca.cert), Revocation: policy})
					if v.Status != f.outcome[i] {
						t.Errorf("%s: %s, want %s: %+v", policy, v.Status, f.outcome[i], v.Reasons)
					}
					if !slices.ContainsFunc(v.Reasons, func(r crl.Reason) bool { return r.Code == f.code && strings.Contains(r.Text, f.words) }) {
						t.Errorf("%s: no reason %s with %q: %+v", policy, f.code, f.words, v.Reasons)
					}
					if took := time.Since(begin); took > crl.DefaultTimeout {
						t.Errorf("%s: %v", policy, took)
					}
				})
			}
		})
	}
	if table := strings.Join(rows, "\n"); !bytes.Contains(document, []byte(table)) {
		t.Errorf("docs/revocation.md has another table; this is it:\n%s", table)
	}
}

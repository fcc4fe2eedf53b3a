package crl_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"keyman/crl"
	"keyman/internal/dn"
	"keyman/internal/testpeer/ldapd"
)

// TestDirectories: the configured servers are asked in their order.
func TestDirectories(t *testing.T) {
	ca := newCA(t, "CA")
	first, second := ca.list(numbered(1)), ca.list(numbered(2))
	empty := directory(t, ldapd.Attributes{"cn": {[]byte("CA")}})
	one, two := directory(t, ldapd.Attributes{"certificateRevocationList;binary": {first}}), directory(t, ldapd.Attributes{"certificateRevocationList;binary": {second}})
	name, err := dn.FromDER(ca.cert.RawSubject)
	if err != nil {
		t.Fatal(err)
	}
	const down = "127.0.0.1:1"
	for _, c := range []struct {
		servers []string
		want    []byte
	}{
		{[]string{one.Addr(), two.Addr()}, first}, {[]string{two.Addr(), one.Addr()}, second},
		{[]string{down, empty.Addr(), two.Addr()}, second}, {[]string{down, empty.Addr()}, nil},
	} {
		var servers []crl.LDAPServer
		for _, address := range c.servers {
			servers = append(servers, crl.LDAPServer{Address: address})
		}
		l, err := newFetcher(t, crl.FetcherConfig{LDAPServers: servers}).FetchByIssuer(t.Context(), name)
		if c.want == nil {
			if err == nil || !strings.Contains(err.Error(), down+":") || !strings.Contains(err.Error(), empty.Addr()+": the entry") {
				t.Errorf("%q: %v", c.servers, err)
			}
			continue
		}
		if err != nil || !bytes.Equal(l.Raw(), c.want) || !strings.HasPrefix(l.Source, "ldap://"+c.servers[len(c.servers)-1][:9]) {
			t.Errorf("%q: %v", c.servers, err)
		}
	}
	if _, err := crl.NewFetcher(crl.FetcherConfig{LDAPServers: make([]crl.LDAPServer, crl.MaxLDAPServers+1)}); err == nil {
		t.Error("too many servers")
	}
}

// TestDeltaAttribute: delta lists lie beside the complete ones.
func TestDeltaAttribute(t *testing.T) {
	der := readFile(t, "testdata/delta.crl")
	s := directory(t, ldapd.Attributes{"deltaRevocationList;binary": {der}})
	f := newFetcher(t, crl.FetcherConfig{})
	for _, u := range []string{"/CN=CA,C=CH", "/CN=CA,C=CH?deltaRevocationList", "/CN=CA,C=CH?deltaRevocationList;binary"} {
		if l, err := f.Fetch(t.Context(), s.URL()+u); err != nil || l.DeltaBase == nil {
			t.Errorf("%s: %v", u, err)
		}
	}
}

// startTLSServer answers StartTLS by answer, and where config is not nil goes on
// by TLS with what a directory says.
func startTLSServer(t *testing.T, answer string, config *tls.Config, directory string) string {
	return raw(t, func(_ context.Context, conn net.Conn) {
		request := make([]byte, 31)
		if _, err := io.ReadFull(conn, request); err != nil || !bytes.HasSuffix(request, []byte("1.3.6.1.4.1.1466.20037")) {
			return
		}
		io.WriteString(conn, answer)
		if config == nil {
			io.Copy(io.Discard, conn)
			return
		}
		out, err := net.Dial("tcp", directory)
		if err != nil {
			return
		}
		defer out.Close()
		secure := tls.Server(conn, config)
		var both sync.WaitGroup
		both.Go(func() { io.Copy(out, secure); out.(*net.TCPConn).CloseWrite() })
		both.Go(func() { io.Copy(secure, out); secure.CloseWrite() })
		both.Wait()
	})
}

func TestStartTLS(t *testing.T) {
	const granted = "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
	web := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer web.Close()
	roots := web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	der := newCA(t, "CA").list()
	dir := directory(t, ldapd.Attributes{"certificateRevocationList;binary": {der}})
	for _, c := range []struct {
		name   string
		answer string
		tls    *tls.Config
		config crl.FetcherConfig
		want   string
	}{
		{"granted", granted, web.TLS, crl.FetcherConfig{RootCAs: roots}, ""},
		{"unknown CA", granted, web.TLS, crl.FetcherConfig{}, "certificate"},
		{"refused", "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x02\x04\x00\x04\x00", nil, crl.FetcherConfig{}, "StartTLS: the server answered with LDAP result 2"},
		{"goes on to speak", granted + granted, nil, crl.FetcherConfig{}, "without TLS"},
		{"closes", "", nil, crl.FetcherConfig{}, "StartTLS"},
		{"no LDAP", "HTTP/1.1 400 Bad Request\r\n\r\n", nil, crl.FetcherConfig{}, "tag 0x48"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.StartTLS = true
			address := startTLSServer(t, c.answer, c.tls, dir.Addr())
			if c.name == "closes" {
				address = raw(t, func(context.Context, net.Conn) {})
			}
			c.config.LDAPServers = []crl.LDAPServer{{Address: address}}
			_, err := newFetcher(t, c.config).Fetch(t.Context(), "ldap:///CN=CA,C=CH")
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	// A directory that a certificate names is asked as its URL says.
	if _, err := newFetcher(t, crl.FetcherConfig{StartTLS: true}).Fetch(t.Context(), dir.URL()+"/CN=CA,C=CH"); err != nil {
		t.Error(err)
	}
	if _, err := crl.NewFetcher(crl.FetcherConfig{StartTLS: true, LDAPVersion: 2}); err == nil {
		t.Error("StartTLS with version 2")
	}
}

package crl_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keyman/crl"
	"keyman/internal/dn"
	"keyman/internal/testpeer/ldapd"
	"keyman/internal/testpeer/socksd"
)

func newFetcher(t testing.TB, config crl.FetcherConfig) *crl.Fetcher {
	t.Helper()
	f, err := crl.NewFetcher(config)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// raw serves each connection by serve until the test ends, and returns the
// address. Both are over when the test is.
func raw(t testing.TB, serve func(context.Context, net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				stop := context.AfterFunc(ctx, func() { conn.Close() })
				defer stop()
				defer conn.Close()
				serve(ctx, conn)
			})
		}
	})
	t.Cleanup(func() { cancel(); l.Close(); running.Wait() })
	return l.Addr().String()
}

func TestHTTP(t *testing.T) {
	ca := newCA(t, "CA")
	der := ca.list(numbered(5))
	mux := http.NewServeMux()
	mux.HandleFunc("/ca.crl", func(w http.ResponseWriter, _ *http.Request) { w.Write(der) })
	mux.HandleFunc("/ca.pem", func(w http.ResponseWriter, _ *http.Request) {
		pem.Encode(w, &pem.Block{Type: "X509 CRL", Bytes: der})
	})
	mux.HandleFunc("/ca.gz", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			http.Error(w, "no gzip asked for", http.StatusNotAcceptable)
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(der)
		z.Close()
	})
	mux.HandleFunc("/hop/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("n"))
		if n == 0 {
			http.Redirect(w, r, "/ca.crl", http.StatusFound)
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/hop/%d", n-1), http.StatusFound)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	f := newFetcher(t, crl.FetcherConfig{})
	for _, path := range []string{"/ca.crl", "/ca.pem", "/ca.gz", "/hop/4"} {
		l, err := f.Fetch(t.Context(), server.URL+path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if !bytes.Equal(l.Raw(), der) || l.Source != server.URL+path {
			t.Errorf("%s: another list came, from %s", path, l.Source)
		}
	}
	if _, err := f.Fetch(t.Context(), server.URL+"/hop/5"); err == nil || !strings.Contains(err.Error(), "more than 5 times") {
		t.Errorf("six redirects: %v", err)
	}
	none := newFetcher(t, crl.FetcherConfig{Redirects: -1})
	if _, err := none.Fetch(t.Context(), server.URL+"/hop/0"); err == nil || !strings.Contains(err.Error(), "more than 0 times") {
		t.Errorf("a redirect where none is allowed: %v", err)
	}
}

// TestHTTPFaults: what HTTP servers do wrong, and the words for it.
func TestHTTPFaults(t *testing.T) {
	ca := newCA(t, "CA")
	der := ca.list()
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	}
	for _, c := range []struct {
		name string
		h    http.HandlerFunc
		want string
	}{
		{"absent", http.NotFound, "404"},
		{"a web page", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") }, "malformed"},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, "malformed"},
		{"a list and more", func(w http.ResponseWriter, _ *http.Request) { w.Write(append(bytes.Clone(der), 0)) }, "data behind its end"},
		{"a list cut short", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(der)))
			w.Write(der[:len(der)/2])
		}, "unexpected EOF"},
		{"announced too large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "70000")
			w.WriteHeader(http.StatusOK)
		}, "announces 70000 bytes"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, "malformed"},
		{"endless PEM", func(w http.ResponseWriter, _ *http.Request) { writeEndlessPEM(w) }, "larger than the limit of 65536 bytes"},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			writeEndlessPEM(z)
		}, "larger than the limit of 65536 bytes"},
		{"endless header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 128<<10))
		}, "exceeded"},
		{"reset", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.(*net.TCPConn).SetLinger(0)
			conn.Close()
		}, "reset"},
		{"redirect to a file", redirect("file:///etc/passwd"), `scheme "file"`},
		{"redirect to LDAP", redirect("ldap://127.0.0.1/cn=x"), `scheme "ldap"`},
		{"redirect with a user", redirect("http://u:s3cret@127.0.0.1/"), "user name"},
		{"redirect loop", redirect("/"), "more than 5 times"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.h)
			defer server.Close()
			f := newFetcher(t, crl.FetcherConfig{Limits: crl.Limits{MaxBytes: 64 << 10}})
			_, err := f.Fetch(t.Context(), server.URL+"/ca.crl")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), server.URL) {
				t.Errorf("error %v does not say %q and name the URL", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error holds a password: %v", err)
			}
		})
	}
}

// TestHanging: servers that accept and then do nothing, or next to nothing, are
// left at the deadline, whichever comes first: the caller's or the fetcher's.
func TestHanging(t *testing.T) {
	hang := func(ctx context.Context, conn net.Conn) { conn.Read(make([]byte, 1)); <-ctx.Done() }
	trickle := func(ctx context.Context, conn net.Conn) {
		conn.Read(make([]byte, 1))
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := io.WriteString(conn, "H"); err != nil {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}
	body := func(ctx context.Context, conn net.Conn) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n0")
		<-ctx.Done()
	}
	for name, serve := range map[string]func(context.Context, net.Conn){"hang": hang, "trickle": trickle, "body": body} {
		for _, format := range []string{"http://%s/ca.crl", "https://%s/ca.crl", "ldap://%s/cn=CA", "ldaps://%s/cn=CA"} {
			if strings.HasPrefix(format, "ldap:") && name != "hang" {
				continue // a wrong answer is another test's
			}
			for _, version := range []int{2, 3} {
				u := fmt.Sprintf(format, raw(t, serve))
				f := newFetcher(t, crl.FetcherConfig{Timeout: 50 * time.Millisecond, LDAPVersion: version})
				if _, err := f.Fetch(t.Context(), u); err == nil {
					t.Errorf("%s %s: no error", name, u)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				if _, err := newFetcher(t, crl.FetcherConfig{LDAPVersion: version}).Fetch(ctx, u); err == nil {
					t.Errorf("%s %s: no error", name, u)
				}
				cancel()
			}
		}
	}
}

func TestRefusedURLs(t *testing.T) {
	f := newFetcher(t, crl.FetcherConfig{})
	for u, want := range map[string]string{
		"file:///etc/passwd":                    `scheme "file"`,
		"ftp://127.0.0.1/ca.crl":                `scheme "ftp"`,
		"/ca.crl":                               `scheme ""`,
		"http://":                               "no host",
		"http://u:s3cret@127.0.0.1/":            "user name",
		"ldap:///cn=CA":                         "no LDAP server is configured",
		"ldaps:///cn=CA":                        "must name its host",
		"ldap://h/cn=CA?a?b?c?d?e":              "question marks",
		"ldap://h/cn=CA??everywhere":            "scope",
		"ldap://h/cn=CA????!bindname=":          "critical extension",
		"ldap://h/cn=CA???(a=":                  "filter",
		"http://%zz":                            "invalid URL escape",
		"http://h/" + strings.Repeat("x", 5000): "longer than 4096",
	} {
		_, err := f.Lists(t.Context(), u)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: error %v does not say %q", u, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error holds a password: %v", err)
		}
	}
}

func TestBadFetcherConfig(t *testing.T) {
	for _, c := range []crl.FetcherConfig{
		{LDAPVersion: 1}, {SearchTime: -1}, {Timeout: -1}, {Redirects: 21}, {Limits: crl.Limits{MaxBytes: -1}},
		{Limits: crl.Limits{MaxBytes: 2 << 30}}, {LDAPServers: []crl.LDAPServer{{Address: "dir.test"}}}, {LDAPServers: []crl.LDAPServer{{Address: ":389"}}}, {LDAPServers: []crl.LDAPServer{{Address: "dir.test:0"}}},
		{HTTPProxy: &url.URL{Scheme: "ftp", Host: "h"}}, {LDAPProxy: &url.URL{Scheme: "socks4"}},
	} {
		if _, err := crl.NewFetcher(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}

// directory starts an LDAP server with one entry for a CA.
func directory(t testing.TB, attributes ldapd.Attributes) *ldapd.Server {
	t.Helper()
	s, err := ldapd.Start(ldapd.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Put("CN=CA,C=CH", attributes); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLDAP(t *testing.T) {
	ca, other := newCA(t, "CA"), newCA(t, "Other")
	old, young, foreign := ca.list(numbered(5)), ca.list(numbered(6)), other.list(numbered(9))
	s := directory(t, ldapd.Attributes{
		"certificateRevocationList;binary": {old, []byte("rubbish"), young},
		"authorityRevocationList":          {ca.list(numbered(3))},
		"cACertificate;binary":             {ca.cert.Raw},
	})
	if err := s.Put("CN=Old server,C=CH", ldapd.Attributes{"CertificateRevocationList": {old}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put("CN=Empty,C=CH", ldapd.Attributes{"cn": {[]byte("Empty")}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put("CN=Mixed,C=CH", ldapd.Attributes{"certificateRevocationList;binary": {foreign}}); err != nil {
		t.Fatal(err)
	}
	f := newFetcher(t, crl.FetcherConfig{LDAPServers: []crl.LDAPServer{{Address: s.Addr()}}})
	for path, want := range map[string][]byte{
		"/CN=CA,C=CH?certificateRevocationList;binary?base?(objectClass=*)": young,
		"/CN=CA,C=CH?certificateRevocationList":                             young,
		"/cn=ca,%20c=ch?CERTIFICATEREVOCATIONLIST":                          young,
		"/CN=CA,C=CH": young,
		"/CN=CA,C=CH?certificateRevocationList?base?objectClass=cRLDistributionPoint": young,
		"/CN=Old%20server,C=CH?certificateRevocationList;binary?sub":                  nil,
		"/CN=Old%20server,C=CH":                         old,
		"/CN=Old server,C=CH?certificateRevocationList": old,
	} {
		l, err := f.Fetch(t.Context(), s.URL()+path)
		if (err == nil) != (want != nil) || err == nil && !bytes.Equal(l.Raw(), want) {
			t.Errorf("%s: %v", path, err)
		}
		// Without a host the configured server is asked.
		if _, again := f.Fetch(t.Context(), "ldap://"+path); (again == nil) != (err == nil) {
			t.Errorf("ldap://%s: %v", path, again)
		}
	}
	for path, want := range map[string]string{
		"/CN=Nobody,C=CH":                  "no entry",
		"/CN=Empty,C=CH":                   "holds no revocation list",
		"/CN=CA,C=CH?cACertificate;binary": "malformed",
	} {
		if _, err := f.Fetch(t.Context(), s.URL()+path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", path, err, want)
		}
	}
	name := func(text string) dn.Name {
		n, err := dn.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if l, err := f.FetchByIssuer(t.Context(), name("C=CH, CN=CA")); err != nil || !bytes.Equal(l.Raw(), young) {
		t.Errorf("by issuer: %v", err)
	}
	if _, err := f.FetchByIssuer(t.Context(), name("C=CH, CN=Mixed")); err == nil || !strings.Contains(err.Error(), "other issuers only") {
		t.Errorf("an entry with another CA's list: %v", err)
	}
	if _, err := newFetcher(t, crl.FetcherConfig{}).FetchByIssuer(t.Context(), name("C=CH, CN=CA")); !errors.Is(err, crl.ErrNoDirectory) {
		t.Errorf("no directory: %v", err)
	}
	if _, err := f.FetchByIssuer(t.Context(), dn.Name{}); err == nil {
		t.Error("the empty name is searched for")
	}
}

// TestAuthorityList: a list that lies in authorityRevocationList alone is no
// answer for an end-entity certificate, even if it does not say so itself.
func TestAuthorityList(t *testing.T) {
	ca := newCA(t, "CA")
	leaf, sub := ca.issue("leaf"), ca.subCA("Sub")
	arl := ca.list(numbered(9))
	s := directory(t, ldapd.Attributes{"authorityRevocationList;binary": {arl}})
	check := func(der []byte) crl.Status {
		f := newFetcher(t, crl.FetcherConfig{LDAPServers: []crl.LDAPServer{{Address: s.Addr()}}})
		return newChecker(t, crl.CheckerConfig{Source: f}).Check(t.Context(), [][]byte{der}, crl.Policy{Anchors: ders(ca.cert)}).Status
	}
	if got := check(leaf.Raw); got != crl.StatusUndetermined {
		t.Errorf("end entity: %s", got)
	}
	if got := check(sub.cert.Raw); got != crl.StatusGood {
		t.Errorf("CA: %s", got)
	}
	s.Put("CN=CA,C=CH", ldapd.Attributes{"authorityRevocationList;binary": {arl}, "certificateRevocationList;binary": {ca.list(numbered(3), revoking(0, leaf))}})
	if got := check(leaf.Raw); got != crl.StatusRevoked {
		t.Errorf("end entity in the other list: %s", got)
	}
	s.Put("CN=CA,C=CH", ldapd.Attributes{"authorityRevocationList;binary": {arl}, "certificateRevocationList;binary": {arl}})
	if got := check(leaf.Raw); got != crl.StatusGood {
		t.Errorf("the same list in both: %s", got)
	}
}

// TestLDAPFaults: what LDAP servers do wrong.
func TestLDAPFaults(t *testing.T) {
	answer := func(packets ...string) func(context.Context, net.Conn) {
		return func(_ context.Context, conn net.Conn) {
			conn.Read(make([]byte, 4096))
			for _, p := range packets {
				if _, err := io.WriteString(conn, p); err != nil {
					return
				}
			}
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn)
		}
	}
	for _, c := range []struct {
		name  string
		serve func(context.Context, net.Conn)
		want  string
	}{
		{"closes", answer(), "EOF"},
		{"not LDAP", answer("HTTP/1.1 400 Bad Request\r\n\r\n"), "tag 0x48"},
		{"referral as result", answer("\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x0a\x04\x00\x04\x00"), "refers to another"},
		{"referral as answer", answer("\x30\x15\x02\x01\x01\x73\x10\x04\x0eldap://other/x",
			"\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x00\x04\x00\x04\x00"), `refers to "ldap://other/x"`},
		{"busy", answer("\x30\x0c\x02\x01\x01\x65\x07\x0a\x01\x33\x04\x00\x04\x00"), "Busy"},
		{"announces two gigabytes", answer("\x30\x84\x7f\xff\xff\x00\x04\x84\x7f\xff\xfe\x00x"), "larger than the limit"},
		{"endless", func(_ context.Context, conn net.Conn) {
			io.WriteString(conn, "\x30\x84\x7f\xff\xff\x00\x04\x84\x7f\xff\xfe\x00")
			for {
				if _, err := conn.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "larger than the limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFetcher(t, crl.FetcherConfig{Limits: crl.Limits{MaxBytes: 64 << 10}})
			_, err := f.Fetch(t.Context(), "ldap://"+raw(t, c.serve)+"/cn=CA")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v does not say %q", err, c.want)
			}
		})
	}
}

// TestTLS: https and ldaps, with the CA's certificate known and unknown.
func TestTLS(t *testing.T) {
	ca := newCA(t, "CA")
	der := ca.list()
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(der) }))
	web.Config.ErrorLog = log.New(io.Discard, "", 0) // it would tell of the client that does not trust it
	web.StartTLS()
	defer web.Close()
	dir, err := ldapd.Start(ldapd.Config{TLS: web.TLS})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.Put("CN=CA,C=CH", ldapd.Attributes{"certificateRevocationList;binary": {der}}); err != nil {
		t.Fatal(err)
	}
	roots := web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for _, u := range []string{web.URL, dir.URL() + "/CN=CA,C=CH"} {
		if _, err := newFetcher(t, crl.FetcherConfig{RootCAs: roots}).Fetch(t.Context(), u); err != nil {
			t.Errorf("%s: %v", u, err)
		}
		if _, err := newFetcher(t, crl.FetcherConfig{}).Fetch(t.Context(), u); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s with an unknown CA: %v", u, err)
		}
	}
}

// connectProxy is an HTTP proxy that counts.
func connectProxy(t testing.TB, count *atomic.Int32) string {
	return raw(t, func(_ context.Context, conn net.Conn) {
		in := bufio.NewReader(conn)
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", request.Host)
		if err != nil {
			return
		}
		defer out.Close()
		count.Add(1)
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		var both sync.WaitGroup
		both.Go(func() { io.Copy(out, in); out.(*net.TCPConn).CloseWrite() })
		both.Go(func() { io.Copy(conn, out); conn.(*net.TCPConn).CloseWrite() })
		both.Wait()
	})
}

// TestProxies: HTTP and LDAP through every kind of proxy, each by its own.
func TestProxies(t *testing.T) {
	ca := newCA(t, "CA")
	der := ca.list()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(der) }))
	defer web.Close()
	dir := directory(t, ldapd.Attributes{"certificateRevocationList;binary": {der}})
	var socks, connects atomic.Int32
	proxy, err := socksd.Start(socksd.Config{OnConnect: func(socksd.Connect) { socks.Add(1) }})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	tunnel := connectProxy(t, &connects)
	for _, p := range []*url.URL{
		{Scheme: "socks4", User: url.User("gw1"), Host: proxy.Addr()}, {Scheme: "socks4a", Host: proxy.Addr()},
		{Scheme: "socks5", Host: proxy.Addr()}, {Scheme: "http", Host: tunnel},
	} {
		before := socks.Load() + connects.Load()
		for _, u := range []string{web.URL, dir.URL() + "/CN=CA,C=CH"} {
			if _, err := newFetcher(t, crl.FetcherConfig{HTTPProxy: p, LDAPProxy: p}).Fetch(t.Context(), u); err != nil {
				t.Errorf("%s through %s: %v", u, p, err)
			}
		}
		if _, err := newFetcher(t, crl.FetcherConfig{HTTPProxy: p}).Fetch(t.Context(), dir.URL()+"/CN=CA,C=CH"); err != nil {
			t.Errorf("LDAP directly beside %s: %v", p, err)
		}
		if got := socks.Load() + connects.Load() - before; got != 2 {
			t.Errorf("%d connections through %s, want 2", got, p)
		}
	}
}

// TestFetchFor: the places of a certificate one after the other, and the
// directory where it names none.
func TestFetchFor(t *testing.T) {
	ca := newCA(t, "CA")
	der := ca.list()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ca.crl" {
			http.NotFound(w, r)
			return
		}
		w.Write(der)
	}))
	defer web.Close()
	dir := directory(t, ldapd.Attributes{"certificateRevocationList;binary": {der}})
	f := newFetcher(t, crl.FetcherConfig{LDAPServers: []crl.LDAPServer{{Address: dir.Addr()}}})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, c := range []struct {
		places []string
		order  []crl.Protocol
		source string
	}{
		{[]string{web.URL + "/none", web.URL + "/ca.crl"}, nil, web.URL + "/ca.crl"},
		{[]string{web.URL + "/ca.crl", dir.URL() + "/CN=CA,C=CH"}, []crl.Protocol{crl.LDAP, crl.HTTP}, dir.URL() + "/CN=CA,C=CH"},
		{nil, nil, dir.URL() + "/CN=CA%2CC=CH"},
		{[]string{"ftp://127.0.0.1/ca.crl"}, nil, ""},
		{[]string{web.URL + "/none"}, nil, ""},
		{nil, []crl.Protocol{crl.HTTP}, ""},
	} {
		l, err := f.FetchFor(ctx, ca.issue("x", c.places...).Raw, c.order)
		if (err == nil) != (c.source != "") || err == nil && l.Source != c.source {
			t.Errorf("%q: %v", c.places, err)
		}
	}
	if _, err := f.FetchFor(ctx, []byte("rubbish"), nil); err == nil {
		t.Error("rubbish has a list")
	}
}

// writeEndlessPEM writes a list in PEM that never comes, up to 64 MiB of it.
func writeEndlessPEM(w io.Writer) {
	_, err := io.WriteString(w, "-----BEGIN X509 CRL-----\n")
	for n := 0; n < 1024 && err == nil; n++ {
		_, err = w.Write(bytes.Repeat([]byte{'\n'}, 64<<10))
	}
}

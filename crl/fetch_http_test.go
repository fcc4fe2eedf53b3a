package crl_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"keyman/crl"
	"keyman/internal/dialer"
)

// TestConditional: a server is told which list is at hand, and may say that it
// still stands.
func TestConditional(t *testing.T) {
	ca := newCA(t, "CA")
	der := ca.list()
	changed := now.Add(-time.Hour)
	mux := http.NewServeMux()
	mux.HandleFunc("/tagged", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Cache-Control", "public, max-age=600")
		w.Header().Set("Age", "60")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(der))
	})
	mux.HandleFunc("/dated", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", changed, bytes.NewReader(der))
	})
	mux.HandleFunc("/bare", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", strings.Repeat("x", 1000))
		w.Write(der)
	})
	mux.HandleFunc("/uncalled", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	server := httptest.NewServer(mux)
	defer server.Close()
	f := newFetcher(t, crl.FetcherConfig{})
	for _, c := range []struct {
		path string
		want crl.Validators
		age  time.Duration
	}{
		{"/tagged", crl.Validators{ETag: `"v1"`}, 9 * time.Minute},
		{"/dated", crl.Validators{LastModified: changed.Format(http.TimeFormat)}, 0},
	} {
		first, err := f.Get(t.Context(), server.URL+c.path, crl.Validators{})
		if err != nil || len(first.Lists) != 1 || first.NotModified || first.Validators != c.want || first.MaxAge != c.age {
			t.Fatalf("%s: %+v, %v", c.path, first, err)
		}
		again, err := f.Get(t.Context(), server.URL+c.path, first.Validators)
		if err != nil || len(again.Lists) != 0 || !again.NotModified || again.Validators != c.want || again.MaxAge != c.age {
			t.Errorf("%s, again: %+v, %v", c.path, again, err)
		}
		other, err := f.Get(t.Context(), server.URL+c.path, crl.Validators{ETag: `"v0"`})
		if err != nil || len(other.Lists) != 1 || other.NotModified {
			t.Errorf("%s, with another list at hand: %+v, %v", c.path, other, err)
		}
	}
	if r, err := f.Get(t.Context(), server.URL+"/bare", crl.Validators{}); err != nil || r.Validators != (crl.Validators{}) {
		t.Errorf("a validator of 1000 bytes: %+v, %v", r.Validators, err)
	}
	if r, err := f.Get(t.Context(), server.URL+"/bare", crl.Validators{ETag: `"v1"`}); err != nil || r.Validators.ETag != `"v1"` {
		t.Errorf("validators that are not repeated: %+v, %v", r, err)
	}
	if _, err := f.Get(t.Context(), server.URL+"/uncalled", crl.Validators{}); err == nil || !strings.Contains(err.Error(), "304") {
		t.Errorf("not modified, says a server that was not asked: %v", err)
	}
}

// A list that is made anew within the second of its predecessor is not taken for
// that: a revocation would not be seen.
func TestListOfTheSameSecond(t *testing.T) {
	ca := newCA(t, "CA")
	made := time.Now()
	for name, weak := range map[string]func(http.Header){
		"dated":  func(http.Header) {},
		"tagged": func(h http.Header) { h.Set("ETag", `W/"of this second"`) },
	} {
		der := ca.list()
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			weak(w.Header())
			http.ServeContent(w, r, "", made, bytes.NewReader(der))
		}))
		f := newFetcher(t, crl.FetcherConfig{})
		first, err := f.Get(t.Context(), server.URL, crl.Validators{})
		if err != nil || first.Validators != (crl.Validators{}) {
			t.Errorf("%s: %+v, %v", name, first.Validators, err)
		}
		der = ca.list(revoking(crl.KeyCompromise, ca.cert))
		second, err := f.Get(t.Context(), server.URL, first.Validators)
		if err != nil || len(second.Lists) != 1 || second.Lists[0].Len() != 1 {
			t.Errorf("%s: the new list is not seen: %+v, %v", name, second, err)
		}
		server.Close()
	}
}

func TestMaxAge(t *testing.T) {
	der := newCA(t, "CA").list()
	for header, want := range map[string]time.Duration{
		"": 0, "max-age=5": 5 * time.Second, `private, MAX-AGE="7"`: 7 * time.Second, "max-age=60, no-cache": 0, "no-store": 0,
		"max-age=-1": 0, "max-age=x": 0, "max-age": 0,
		"max-age=31536000": crl.MaxMaxAge, "max-age=99999999999999999999999": crl.MaxMaxAge,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", header)
			w.Write(der)
		}))
		r, err := newFetcher(t, crl.FetcherConfig{}).Get(t.Context(), server.URL, crl.Validators{})
		server.Close()
		if err != nil || r.MaxAge != want {
			t.Errorf("%q: %v, %v", header, r.MaxAge, err)
		}
	}
}

// A flaky server breaks each transfer after some bytes.
type flaky struct {
	content  []byte
	each     int    // bytes that get through at a time
	etag     string // "" is none
	gzip     bool
	requests atomic.Int32
	rest     func(w http.ResponseWriter, r *http.Request) bool // answers a request for the rest
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	if f.etag != "" {
		w.Header().Set("ETag", f.etag)
	}
	if f.gzip {
		w.Header().Set("Content-Encoding", "gzip")
	}
	from, status := 0, http.StatusOK
	if text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		if f.rest != nil && f.rest(w, r) {
			return
		}
		if r.Header.Get("If-Range") == f.etag {
			from, _ = strconv.Atoi(strings.TrimSuffix(text, "-"))
			status = http.StatusPartialContent
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(f.content)-1, len(f.content)))
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(f.content)-from))
	w.WriteHeader(status)
	w.Write(f.content[from:min(len(f.content), from+f.each)])
}

// TestResume: a transfer that breaks is taken up where it broke, a few times, and
// only where the server vouches that the rest is of the same list.
func TestResume(t *testing.T) {
	der := newCA(t, "CA").list(numbered(7))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(der)
	z.Close()
	answer := func(status int, contentRange string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Range", contentRange)
			w.WriteHeader(status)
			return true
		}
	}
	for _, c := range []struct {
		name     string
		server   *flaky
		requests int32
		want     string // "" is the list
	}{
		{"three breaks", &flaky{content: der, each: (len(der) + 3) / 4, etag: `"a"`}, 4, ""},
		{"packed", &flaky{content: packed.Bytes(), each: (packed.Len() + 2) / 3, etag: `"a"`, gzip: true}, 3, ""},
		{"four breaks", &flaky{content: der, each: (len(der) + 4) / 5, etag: `"a"`}, 4, "unexpected EOF after"},
		{"no validator", &flaky{content: der, each: 100}, 1, fmt.Sprintf("unexpected EOF after 100 of the %d bytes", len(der))},
		{"a weak validator", &flaky{content: der, each: 100, etag: `W/"a"`}, 1, "unexpected EOF"},
		{"another list by now", &flaky{content: der, each: 100, etag: `"a"`, rest: answer(http.StatusOK, "")}, 2, "as a whole"},
		{"gone", &flaky{content: der, each: 100, etag: `"a"`, rest: answer(http.StatusNotFound, "")}, 2, "404"},
		{"another part", &flaky{content: der, each: 100, etag: `"a"`, rest: answer(http.StatusPartialContent, fmt.Sprintf("bytes 99-%d/%d", len(der)-1, len(der)))}, 2, "asked for were those from 100 on"},
		{"another length", &flaky{content: der, each: 100, etag: `"a"`, rest: answer(http.StatusPartialContent, "bytes 100-900/901")}, 2, "asked for were those from 100 on"},
		{"no part", &flaky{content: der, each: 100, etag: `"a"`, rest: answer(http.StatusPartialContent, "rubbish")}, 2, `Content-Range "rubbish"`},
		{"packed by now", &flaky{content: der, each: 100, etag: `"a"`, rest: func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Content-Encoding", "gzip")
			return answer(http.StatusPartialContent, "")(w, r)
		}}, 2, "in another way"},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(c.server)
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			server.Start()
			defer server.Close()
			l, err := newFetcher(t, crl.FetcherConfig{}).Fetch(t.Context(), server.URL)
			if c.want == "" && (err != nil || !bytes.Equal(l.Raw(), der)) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if got := c.server.requests.Load(); got != c.requests {
				t.Errorf("%d requests, want %d", got, c.requests)
			}
		})
	}
}

// TestRedirectToHTTP: who asks by https is not led to http, and the other way is
// free.
func TestRedirectToHTTP(t *testing.T) {
	der := newCA(t, "CA").list()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(der) }))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ca.crl" {
			w.Write(der)
			return
		}
		http.Redirect(w, r, plain.URL, http.StatusFound)
	}))
	defer secure.Close()
	up := httptest.NewServer(http.RedirectHandler(secure.URL+"/ca.crl", http.StatusFound))
	defer up.Close()
	f := newFetcher(t, crl.FetcherConfig{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
	if _, err := f.Fetch(t.Context(), secure.URL); err == nil || !strings.Contains(err.Error(), "from https to http") {
		t.Errorf("from https to http: %v", err)
	}
	if _, err := f.Fetch(t.Context(), up.URL); err != nil {
		t.Errorf("from http to https: %v", err)
	}
}

// pipes gives every caller one end of a pipe, and the other end to serve. Nothing
// in it waits for a network, so that synctest's clock runs.
type pipes struct {
	serve   func(net.Conn)
	running sync.WaitGroup
}

func (p *pipes) DialContext(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	p.running.Go(func() {
		defer server.Close()
		p.serve(server)
	})
	return client, nil
}

// trickle answers a request and then sends two bytes a second.
func trickle(head string) *pipes {
	return &pipes{serve: func(conn net.Conn) {
		conn.Read(make([]byte, 4096))
		io.WriteString(conn, head)
		for {
			if _, err := io.WriteString(conn, "\x00"); err != nil {
				return
			}
			time.Sleep(time.Second / 2) // of the test's own clock
		}
	}}
}

// TestTrickle: a server that sends next to nothing is left long before the
// deadline, unless patience is asked for.
func TestTrickle(t *testing.T) {
	heads := map[string]string{
		"http://h.test/":       "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n\x30\x83\x01\x00\x00\x30\x82\xff\x00\x30\x82\x01\x00",
		"ldap://h.test/cn=CA":  "\x30\x84\x00\x0f\xff\xff\x02\x01\x01\x64\x84\x00\x0f\xff\x00\x04\x82\xf0\x00",
		"http://h.test/packed": "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\x03\xff\xff",
	}
	for u, head := range heads {
		for _, c := range []struct {
			rate int64
			want string
			most time.Duration
		}{
			{0, "less than 2048 bytes in 4s", 5 * time.Second},
			{1, "deadline", 50 * time.Second}, // 8 in 4 seconds
			{-1, "deadline", 50 * time.Second},
		} {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				servers := trickle(head)
				defer servers.running.Wait()
				f := newFetcher(t, crl.FetcherConfig{Dial: servers, MinRate: c.rate, Timeout: 50 * time.Second, SearchTime: time.Minute})
				_, err := f.Fetch(t.Context(), u)
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s, rate %d: error %v does not say %q", u, c.rate, err, c.want)
				}
				if took := time.Since(begin); took > c.most {
					t.Errorf("%s, rate %d: %v", u, c.rate, took)
				}
			})
		}
	}
}

// TestSlowEnough: a server that pauses, and is fast enough over all, is waited for.
func TestSlowEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		der := newCA(t, "CA").list()
		servers := &pipes{serve: func(conn net.Conn) {
			conn.Read(make([]byte, 4096))
			time.Sleep(time.Minute) // before the answer begins, only the deadline counts
			fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(der))
			for part := range bytesOf(der, 60) {
				conn.Write(part)
				time.Sleep(3 * time.Second)
			}
		}}
		defer servers.running.Wait()
		f := newFetcher(t, crl.FetcherConfig{MinRate: 10, Timeout: time.Hour, Dial: servers})
		if _, err := f.Fetch(t.Context(), "http://h.test/"); err != nil {
			t.Error(err)
		}
	})
}

// bytesOf yields parts of data.
func bytesOf(data []byte, each int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) > 0 && yield(data[:min(each, len(data))]) {
			data = data[min(each, len(data)):]
		}
	}
}

// TestPrivate: with RefusePrivate no URL, name or redirect leads inside, through a
// proxy or not; the configured directory may lie there.
func TestPrivate(t *testing.T) {
	der := newCA(t, "CA").list()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inside" {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
			return
		}
		w.Write(der)
	}))
	defer web.Close()
	var dialed []string
	inside := dialFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
		dialed = append(dialed, address)
		return (&net.Dialer{}).DialContext(ctx, network, web.Listener.Addr().String())
	})
	lookup := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if host == "public.test" {
			return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
	}
	config := crl.FetcherConfig{RefusePrivate: true, Lookup: lookup, Dial: inside}
	f := newFetcher(t, config)
	if _, err := f.Fetch(t.Context(), "http://public.test/ca.crl"); err != nil || len(dialed) != 1 || dialed[0] != "8.8.8.8:80" {
		t.Errorf("a public server: dialled %q, %v", dialed, err)
	}
	dialed = nil
	for _, u := range []string{"http://inside.test/", "https://inside.test/", "ldap://inside.test/cn=CA", "ldaps://inside.test/cn=CA", "http://127.0.0.1/", "http://[::1]/", "http://10.0.0.1/"} {
		if _, err := f.Fetch(t.Context(), u); !errors.Is(err, dialer.ErrNotPublic) {
			t.Errorf("%s: %v", u, err)
		}
	}
	if len(dialed) > 0 {
		t.Errorf("dialled %q", dialed)
	}
	if _, err := f.Fetch(t.Context(), "http://public.test/inside"); !errors.Is(err, dialer.ErrNotPublic) {
		t.Errorf("redirected inside: %v", err)
	}
	dialed = nil
	config.HTTPProxy, config.LDAPServers = &url.URL{Scheme: "socks5", Host: "10.0.0.9:1080"}, []crl.LDAPServer{{Address: "10.0.0.8:389"}}
	f = newFetcher(t, config)
	if _, err := f.Fetch(t.Context(), "http://inside.test/"); !errors.Is(err, dialer.ErrNotPublic) || len(dialed) > 0 {
		t.Errorf("through a proxy: dialled %q, %v", dialed, err)
	}
	if _, err := f.Fetch(t.Context(), "ldap:///cn=CA"); err == nil || errors.Is(err, dialer.ErrNotPublic) || len(dialed) != 1 {
		t.Errorf("the configured directory: dialled %q, %v", dialed, err)
	}
}

// A dialFunc is a dialer.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

func (f dialFunc) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return f(ctx, network, address)
}

// TestProxyOfEachScheme: each scheme goes its own way, and some targets go none.
func TestProxyOfEachScheme(t *testing.T) {
	var dialed string
	down := errors.New("no network in this test")
	bypass, err := dialer.ParseBypass([]string{".inside.test"})
	if err != nil {
		t.Fatal(err)
	}
	proxy := func(name string) *url.URL { return &url.URL{Scheme: "socks5", Host: name + ":1080"} }
	f := newFetcher(t, crl.FetcherConfig{
		HTTPProxy: proxy("p-http"), HTTPSProxy: proxy("p-https"), LDAPProxy: proxy("p-ldap"), LDAPSProxy: proxy("p-ldaps"), NoProxy: bypass,
		LDAPServers: []crl.LDAPServer{{Address: "dir.inside.test:389"}},
		Dial:        dialFunc(func(_ context.Context, _, address string) (net.Conn, error) { dialed = address; return nil, down }),
	})
	for u, want := range map[string]string{
		"http://a.test/": "p-http:1080", "https://a.test/": "p-https:1080", "ldap://a.test/cn=CA": "p-ldap:1080", "ldaps://a.test/cn=CA": "p-ldaps:1080",
		"http://a.inside.test/": "a.inside.test:80", "ldaps://a.inside.test/cn=CA": "a.inside.test:636", "ldap:///cn=CA": "dir.inside.test:389",
	} {
		dialed = ""
		if _, err := f.Fetch(t.Context(), u); !errors.Is(err, down) || dialed != want {
			t.Errorf("%s: dialled %q, want %q: %v", u, dialed, want, err)
		}
	}
}

// TestFiles: file URLs that a person gives are read; those of certificates where
// it is set.
func TestFiles(t *testing.T) {
	ca := newCA(t, "CA")
	dir := t.TempDir()
	path, pipe := filepath.Join(dir, "ca 1.crl"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(path, ca.list(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	u := (&url.URL{Scheme: "file", Path: path}).String()
	closed, open := newFetcher(t, crl.FetcherConfig{}), newFetcher(t, crl.FetcherConfig{Files: true})
	if l, err := closed.Fetch(t.Context(), u); err != nil || l.Source != u {
		t.Errorf("by hand: %v", err)
	}
	if _, err := closed.Lists(t.Context(), u); err == nil || !strings.Contains(err.Error(), `scheme "file"`) {
		t.Errorf("not by hand: %v", err)
	}
	cert := ca.issue("x", u)
	if _, err := open.FetchFor(t.Context(), cert.Raw, nil); err == nil {
		t.Error("a file of a certificate is read in the default order")
	}
	if _, err := open.FetchFor(t.Context(), cert.Raw, []crl.Protocol{crl.File}); err != nil {
		t.Errorf("a file of a certificate where that is set: %v", err)
	}
	for bad, want := range map[string]string{
		"file://" + pipe: "regular file", "file://" + dir: "", "file://other.test/x": `host "other.test"`, "file:x": "file:///PATH",
		"file:///nonexistent": "no such file", "file://" + dir + "/a?b": "file:///PATH",
	} {
		if _, err := open.Fetch(t.Context(), bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

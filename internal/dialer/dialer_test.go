package dialer_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/net/proxy"

	"keyman/internal/dialer"
	"keyman/internal/testpeer/socksd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen serves each connection by serve until the test ends.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				stop := context.AfterFunc(t.Context(), func() { conn.Close() })
				defer stop()
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return l.Addr().String()
}

// echo greets first and then echoes, so that a byte lost to the proxy's
// greeting is seen.
func echo(t *testing.T) string {
	return listen(t, func(conn net.Conn) {
		io.WriteString(conn, "hello\n")
		io.Copy(conn, conn)
	})
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := dialer.ParseURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func converse(t *testing.T, conn net.Conn) {
	t.Helper()
	defer conn.Close()
	if _, err := io.WriteString(conn, "ping\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	for _, want := range []string{"hello\n", "ping\n"} {
		if got, err := r.ReadString('\n'); got != want {
			t.Fatalf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestSOCKS(t *testing.T) {
	var (
		mu   sync.Mutex
		seen []socksd.Connect
	)
	server, err := socksd.Start(socksd.Config{OnConnect: func(c socksd.Connect) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, c)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	target := echo(t)
	_, port, _ := net.SplitHostPort(target)
	byName := net.JoinHostPort("localhost", port)

	for _, c := range []struct {
		proxy, target string
		want          socksd.Connect
	}{
		{"socks4://" + server.Addr(), target, socksd.Connect{Protocol: "socks4", Target: target}},
		{"socks4://gw1@" + server.Addr(), byName, socksd.Connect{Protocol: "socks4", UserID: "gw1", Target: target}},
		{"socks4a://gw1@" + server.Addr(), byName, socksd.Connect{Protocol: "socks4a", UserID: "gw1", Target: byName}},
		{"socks4a://" + server.Addr(), target, socksd.Connect{Protocol: "socks4", Target: target}},
		{"socks5://" + server.Addr(), byName, socksd.Connect{Protocol: "socks5", Target: byName}},
	} {
		d, err := dialer.New(mustParse(t, c.proxy), nil)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := d.DialContext(t.Context(), "tcp", c.target)
		if err != nil {
			t.Fatalf("%s to %s: %v", c.proxy, c.target, err)
		}
		converse(t, conn)
		mu.Lock()
		if got := seen[len(seen)-1]; got != c.want {
			t.Errorf("%s to %s: the proxy saw %+v, want %+v", c.proxy, c.target, got, c.want)
		}
		mu.Unlock()
	}
}

func TestRegisteredWithXNet(t *testing.T) {
	dialer.Register()
	dialer.Register()
	server, err := socksd.Start(socksd.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	d, err := proxy.FromURL(&url.URL{Scheme: "socks4", Host: server.Addr()}, proxy.Direct)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := d.Dial("tcp", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	converse(t, conn)
}

func TestCONNECT(t *testing.T) {
	target := echo(t)
	requests := make(chan *http.Request, 1)
	addr := listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		request, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		requests <- request
		out, err := net.Dial("tcp", request.Host)
		if err != nil {
			return
		}
		defer out.Close()
		// The answer and the target's first bytes arrive as one segment.
		hello := make([]byte, 6)
		io.ReadFull(out, hello)
		io.WriteString(conn, "HTTP/1.1 200 go on\r\nX: y\r\n\r\n"+string(hello))
		done := make(chan struct{})
		go func() { io.Copy(out, in); out.Close(); close(done) }()
		io.Copy(conn, out)
		conn.Close()
		<-done
	})
	d, err := dialer.New(mustParse(t, "http://gw1:s3cret@"+addr), nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := d.DialContext(t.Context(), "tcp", target)
	if err != nil {
		t.Fatal(err)
	}
	converse(t, conn)
	r := <-requests
	if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "Basic Z3cxOnMzY3JldA==" {
		t.Errorf("the proxy saw %s with %v", r.Method, r.Header)
	}
}

// TestFaults: what a proxy does wrong, and the words for it. The password of
// the URL stands in none of them.
func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, scheme, answer, want string }{
		{"closed without a reply", "socks4", "", "refused"},
		{"rejected", "socks4", "\x00\x5b\x00\x00\x00\x00\x00\x00", "0x5b"},
		{"no identd", "socks4", "\x00\x5c\x00\x00\x00\x00\x00\x00", "identd"},
		{"other user", "socks4", "\x00\x5d\x01\x02\x03\x04\x05\x06", "user id"},
		{"unknown code", "socks4", "\x00\x00\x00\x00\x00\x00\x00\x00", "unknown code 0x00"},
		{"short", "socks4", "\x00\x5a\x00", "3 of 8 bytes"},
		{"not SOCKS", "socks4", "HTTP/1.1 400 no\r\n", "begins with 0x48"},
		{"SOCKS5 closes", "socks5", "", "EOF"},
		{"CONNECT refused", "http", "HTTP/1.1 403 Forbidden\r\n\r\n", "403 Forbidden"},
		{"CONNECT wants a password", "http", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"},
		{"CONNECT closes", "http", "HTTP/1.1 200", "unexpected EOF"},
		{"CONNECT not HTTP", "http", "\x00\x5a\r\n\r\n", "malformed"},
		{"CONNECT endless", "http", strings.Repeat("x", 20<<10), "longer than 16384 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr := listen(t, func(conn net.Conn) {
				conn.Read(make([]byte, 1024))
				io.WriteString(conn, c.answer)
				conn.(*net.TCPConn).CloseWrite()
				io.Copy(io.Discard, conn)
			})
			user := "gw1:s3cret@"
			if c.scheme == "socks4" {
				user = "gw1@"
			}
			d, err := dialer.New(mustParse(t, c.scheme+"://"+user+addr), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = d.DialContext(t.Context(), "tcp", "127.0.0.1:80")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), addr) {
				t.Errorf("error %v does not say %q and name the proxy", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v holds the password", err)
			}
		})
	}
}

// TestCancel: a proxy that never answers is left when the context ends.
func TestCancel(t *testing.T) {
	for _, scheme := range []string{"socks4", "socks4a", "socks5", "http"} {
		ctx, cancel := context.WithCancel(t.Context())
		addr := listen(t, func(conn net.Conn) {
			conn.Read(make([]byte, 1))
			cancel() // only once the dialer is waiting for the answer
			io.Copy(io.Discard, conn)
		})
		d, err := dialer.New(mustParse(t, scheme+"://"+addr), nil)
		if err != nil {
			t.Fatal(err)
		}
		if conn, err := d.DialContext(ctx, "tcp", "127.0.0.1:80"); err == nil {
			conn.Close()
			t.Errorf("%s: connected through a proxy that never answered", scheme)
		}
	}
}

func TestRefusedTargets(t *testing.T) {
	for _, c := range []struct{ proxy, network, target, want string }{
		{"socks4://127.0.0.1", "tcp", "[::1]:80", "use socks5"},
		{"socks4://127.0.0.1", "udp", "127.0.0.1:80", "network"},
		{"socks4://127.0.0.1", "tcp", "127.0.0.1", "missing port"},
		{"socks4://127.0.0.1", "tcp", "127.0.0.1:0", "1 to 65535"},
		{"socks4://127.0.0.1", "tcp", "127.0.0.1:65536", "1 to 65535"},
		{"socks4a://127.0.0.1", "tcp", "a\x00b:80", "NUL"},
		{"socks4a://127.0.0.1", "tcp", strings.Repeat("a", 256) + ":80", "longer than 255"},
		{"socks4a://127.0.0.1", "tcp", ":80", "no host"},
		{"http://127.0.0.1", "udp", "127.0.0.1:80", "network"},
		{"http://127.0.0.1", "tcp", "a\r\nb:80", "no address has"},
	} {
		d, err := dialer.New(mustParse(t, c.proxy), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.DialContext(t.Context(), c.network, c.target); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s through %s: error %v does not say %q", c.network, c.target, c.proxy, err, c.want)
		}
	}
}

func TestBadURLs(t *testing.T) {
	for text, want := range map[string]string{
		"ftp://127.0.0.1":       "not known",
		"127.0.0.1:1080":        "cannot be read",
		"socks4://":             "no host",
		"socks4://u:s3cret@h":   "no password",
		"socks4://a%00b@h":      "NUL",
		"socks5://h:1080/path":  "nothing may follow",
		"http://h?q":            "nothing may follow",
		"socks5://u:s3cret/x@h": "cannot be read",
		"https://u:s3cret@h":    "not known",
		"socks4://" + strings.Repeat("u", 256) + "@h": "longer than 255",
	} {
		_, err := dialer.ParseURL(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v does not say %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: error %v holds the password", text, err)
		}
	}
	if u, err := dialer.ParseURL(""); u != nil || err != nil {
		t.Errorf("empty URL: %v, %v", u, err)
	}
}

func TestDirect(t *testing.T) {
	d, err := dialer.New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := d.DialContext(t.Context(), "tcp", echo(t))
	if err != nil {
		t.Fatal(err)
	}
	converse(t, conn)
}

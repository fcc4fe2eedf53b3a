package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/iketest"
	"keyman/ike/suite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds what a test waits for.
const patience = 30 * time.Second

// testContext ends with the test.
func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// socketPath returns a path in a folder that is not there yet.
func socketPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "state", SocketName)
}

// serve runs a server for an engine until the test ends or stop is called.
func serve(t *testing.T, engine Engine, change ...func(*Server)) (path string, stop func()) {
	t.Helper()
	path = socketPath(t)
	listener, err := Listen(testContext(t), path)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(engine, nil, &levels{word: "error"})
	for _, c := range change {
		c(server)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(stop)
	return path, stop
}

func dial(t *testing.T, path string) *Client {
	t.Helper()
	client, err := Dial(testContext(t), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// pair runs two engines with a preshared key and returns the one at 192.0.2.1,
// whose tunnel "good" works and whose tunnel "wrong" has another key.
func pair(t *testing.T) *ike.Engine {
	t.Helper()
	network := &iketest.Network{}
	one := newEngine(t, network, "192.0.2.1", map[string]string{"good": "192.0.2.2", "wrong": "192.0.2.3"}, "secret")
	newEngine(t, network, "192.0.2.2", map[string]string{"good": "192.0.2.1"}, "secret")
	newEngine(t, network, "192.0.2.3", map[string]string{"wrong": "192.0.2.1"}, "another secret")
	return one
}

func newEngine(t *testing.T, network *iketest.Network, addr string, peers map[string]string, secret string) *ike.Engine {
	t.Helper()
	transform, err := suite.ParseTransform("aes128-sha256-ecp256")
	if err != nil {
		t.Fatal(err)
	}
	d := ikedb.Definitions{Protections: []ikedb.Protection{
		{Name: "p", Auth: ikedb.AuthPresharedKey, Transforms: []suite.Transform{transform}},
	}}
	names := make([]string, 0, len(peers))
	for name := range peers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		peer := netip.MustParseAddr(peers[name])
		id, err := ikedb.AddrIdentity(peer)
		if err != nil {
			t.Fatal(err)
		}
		d.Tunnels = append(d.Tunnels, ikedb.Tunnel{Name: name, Protection: "p",
			Local: ikedb.LocalEnd{Address: netip.MustParseAddr(addr)}, Remote: ikedb.RemoteEnd{Address: peer}})
		d.PresharedKeys = append(d.PresharedKeys, ikedb.PresharedKey{IDs: []ikedb.Identity{id}, Secret: ikedb.NewSecret([]byte(secret))})
	}
	db, err := ikedb.New(d)
	if err != nil {
		t.Fatal(err)
	}
	transport, err := network.Listen(netip.MustParseAddr(addr))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := ike.New(ike.Config{DB: db, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return engine
}

func TestTunnelLife(t *testing.T) {
	path, _ := serve(t, pair(t))
	ctx := testContext(t)
	client := dial(t, path)
	if info := client.Info(); info.Version != Version || info.PID != os.Getpid() || info.Started.IsZero() {
		t.Errorf("info %+v", info)
	}
	watching, stopWatching := context.WithCancel(ctx)
	events, err := client.Events(watching)
	if err != nil {
		t.Fatal(err)
	}

	states := func() string {
		list, err := client.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var words []string
		for _, s := range list {
			words = append(words, fmt.Sprintf("%d %s %s", s.Number, s.Tunnel, s.State))
		}
		return strings.Join(words, ", ")
	}
	if got := states(); got != "1 good dormant, 2 wrong dormant" {
		t.Errorf("before: %s", got)
	}
	for a, err := range client.Activate(ctx, BothPhases, []string{"1"}, true) {
		if err != nil {
			t.Fatal(err)
		}
		if a.Tunnel != "1" || a.Error != "" || a.Status.State != ike.TunnelActive || a.Status.Tunnel != "good" {
			t.Errorf("activation %+v", a)
		}
		if a.Status.Established.IsZero() || a.Status.Transform != "aes128-sha256-ecp256" {
			t.Errorf("status %+v", a.Status)
		}
	}
	if got := states(); got != "1 good active, 2 wrong dormant" {
		t.Errorf("active: %s", got)
	}
	for r, err := range client.RemoveAll(ctx, BothPhases) {
		if err != nil || r.Tunnel != "good" || r.Ended != 1 || r.Error != "" {
			t.Errorf("removal %+v, %v", r, err)
		}
	}
	if got := states(); got != "1 good closed, 2 wrong dormant" {
		t.Errorf("removed: %s", got)
	}

	var kinds []ike.EventKind
	for event, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if event.Kind != ike.EventMessage {
			kinds = append(kinds, event.Kind)
		}
		if event.Kind == ike.EventClosed {
			break
		}
	}
	stopWatching()
	if want := []ike.EventKind{ike.EventStarted, ike.EventEstablished, ike.EventClosed}; !slices.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
}

// levels is a log level that the settings say is "none".
type levels struct {
	mu   sync.Mutex // guards word
	word string
}

func (l *levels) Level() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.word
}

func (l *levels) Set(word string) error {
	if word == "loud" {
		return errors.New("too loud")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.word = word
	return nil
}

func (l *levels) Reread() (string, error) { return "none", l.Set("none") }

func TestLogLevelAndStatus(t *testing.T) {
	path, _ := serve(t, pair(t))
	ctx := testContext(t)
	client := dial(t, path)
	status, err := client.Status(ctx)
	if err != nil || status.LogLevel != "error" || status.PID != os.Getpid() || status.Stats != (ike.Stats{Tunnels: 2}) {
		t.Errorf("%+v, %v", status, err)
	}
	for asked, want := range map[string]string{"information": "information", "": "none"} {
		if level, err := client.SetLogLevel(ctx, asked); err != nil || level != want {
			t.Errorf("%q: %q, %v", asked, level, err)
		}
	}
	var refused *RefusedError
	if _, err := client.SetLogLevel(ctx, "loud"); !errors.As(err, &refused) || refused.Text != "too loud" {
		t.Errorf("what is no level: %v", err)
	}
}

func TestExplain(t *testing.T) {
	path, _ := serve(t, pair(t))
	ctx := testContext(t)
	client := dial(t, path)
	for _, err := range client.Activate(ctx, BothPhases, []string{"wrong"}, true) {
		if err != nil {
			t.Fatal(err)
		}
	}
	of, strangers, err := client.Explain(ctx, "2")
	if err != nil || of == nil || of.Status.State != ike.TunnelFailed || len(of.Steps) == 0 || !strings.Contains(of.Hint, "the same preshared key") || len(strangers) != 0 {
		t.Errorf("%+v, %+v, %v", of, strangers, err)
	}
	if of, strangers, err := client.Explain(ctx, ""); err != nil || of != nil || len(strangers) != 0 {
		t.Errorf("no tunnel: %+v, %+v, %v", of, strangers, err)
	}
	var refused *RefusedError
	if _, _, err := client.Explain(ctx, "none & such"); !errors.As(err, &refused) || !strings.Contains(refused.Text, `no such tunnel: "none & such"`) {
		t.Errorf("unknown tunnel: %v", err)
	}
}

func TestUnknownTunnels(t *testing.T) {
	path, _ := serve(t, pair(t))
	ctx := testContext(t)
	client := dial(t, path)
	for _, wait := range []bool{false, true} {
		for a, err := range client.Activate(ctx, BothPhases, []string{"none"}, wait) {
			if err != nil || a.Error != `no such tunnel: "none"` || a.Status.Tunnel != "" {
				t.Errorf("activation %+v, %v", a, err)
			}
		}
	}
	for r, err := range client.Remove(ctx, BothPhases, []string{"good"}) {
		if err != nil || r.Error != `the tunnel is not active: "good"` {
			t.Errorf("removal %+v, %v", r, err)
		}
	}
	for r, err := range client.RemoveAll(ctx, BothPhases) {
		t.Errorf("removal %+v, %v, and nothing was there", r, err)
	}
}

// stuck is an engine that answers when it is told to give up.
type stuck struct {
	Engine
	entered chan struct{}
}

func (s stuck) ActivateBoth(ctx context.Context, _ string, _ bool) (ike.Status, error) {
	s.entered <- struct{}{}
	<-ctx.Done()
	return ike.Status{}, ctx.Err()
}

func TestServerEndsWaitingClients(t *testing.T) {
	engine := stuck{Engine: pair(t), entered: make(chan struct{}, 2)}
	path, stop := serve(t, engine)
	ctx := testContext(t)
	client := dial(t, path)
	events, err := client.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 2)
	go func() {
		for a, err := range client.Activate(ctx, BothPhases, []string{"good", "wrong"}, true) {
			if err == nil {
				err = errors.New(a.Error)
			}
			got <- err
		}
	}()
	<-engine.entered
	<-engine.entered
	stop()
	for range 2 {
		if err := <-got; err == nil || err.Error() != context.Canceled.Error() {
			t.Errorf("activation ended with %v", err)
		}
	}
	for event, err := range events {
		t.Errorf("event %+v, %v", event, err)
	}
	var absent *NoDaemonError
	if _, err := client.List(ctx); !errors.As(err, &absent) {
		t.Errorf("after the end: %v, want a NoDaemonError", err)
	}
}

func TestClientLeaves(t *testing.T) {
	engine := stuck{Engine: pair(t), entered: make(chan struct{}, 1)}
	path, _ := serve(t, engine)
	client := dial(t, path)
	ctx, cancel := context.WithCancel(testContext(t))
	go func() {
		<-engine.entered
		cancel()
	}()
	for _, err := range client.Activate(ctx, BothPhases, []string{"good"}, true) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	}
}

func TestManyClients(t *testing.T) {
	path, _ := serve(t, pair(t))
	ctx := testContext(t)
	var all sync.WaitGroup
	for range 2 * MaxClients {
		all.Go(func() {
			client, err := Dial(ctx, path)
			if err != nil {
				t.Error(err)
				return
			}
			defer client.Close()
			if list, err := client.List(ctx); err != nil || len(list) != 2 {
				t.Errorf("%d tunnels, %v", len(list), err)
			}
		})
	}
	all.Wait()
}

func TestOthersAreTurnedAway(t *testing.T) {
	path, _ := serve(t, pair(t), func(s *Server) { s.allowed = func(uid int) bool { return uid == os.Geteuid()+1 } })
	_, err := Dial(testContext(t), path)
	if want := "the daemon refused: only root and the daemon's own user may talk to it"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestAllowed(t *testing.T) {
	s := NewServer(nil, nil, nil)
	for uid, want := range map[int]bool{0: true, os.Geteuid(): true, os.Geteuid() + 1: false, unknownUID: false} {
		if s.allowed(uid) != want {
			t.Errorf("user %d: allowed is not %v", uid, want)
		}
	}
	if uidOf(context.Background()) != unknownUID || uidOf(withUID(context.Background(), &net.UnixConn{})) != unknownUID {
		t.Error("a connection without a user has one")
	}
}

func TestNoDaemon(t *testing.T) {
	path := socketPath(t)
	_, err := Dial(testContext(t), path)
	var absent *NoDaemonError
	if !errors.As(err, &absent) || err.Error() != "no daemon at "+path || !strings.Contains(absent.Hint(), "keyman ike daemon") {
		t.Errorf("absent: %v", err)
	}
	// What a killed daemon leaves.
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	if _, err := Dial(testContext(t), path); !errors.As(err, &absent) {
		t.Errorf("stale: %v", err)
	}
	if _, err := Dial(testContext(t), "/"+strings.Repeat("x", maxPath)); err == nil || !strings.Contains(err.Error(), "a Unix socket can have 107") {
		t.Errorf("long path: %v", err)
	}

	l, err := Listen(testContext(t), path)
	if err != nil {
		t.Fatalf("a stale socket was not replaced: %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	var busy *BusyError
	if _, err := Listen(testContext(t), path); !errors.As(err, &busy) || !strings.Contains(err.Error(), fmt.Sprintf("(process %d)", os.Getpid())) {
		t.Errorf("a living socket: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket stayed: %v", err)
	}
	again, err := Listen(testContext(t), path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestListenRefusesFiles(t *testing.T) {
	path := socketPath(t)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(testContext(t), path); err == nil || !strings.HasSuffix(err.Error(), "is there and is no socket") {
		t.Errorf("error %v", err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "precious" {
		t.Errorf("the file became %q, %v", data, err)
	}
}

// TestRequests sends what the Client does not.
func TestRequests(t *testing.T) {
	path, _ := serve(t, pair(t))
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	for name, c := range map[string]struct {
		method, path, version, body string
		code                        int
		want                        string
	}{
		"no version":       {"GET", "/info", "", "", 426, `the daemon speaks version 1 of its protocol, the client version ""`},
		"other version":    {"GET", "/info", "2", "", 426, `the daemon speaks version 1 of its protocol, the client version "2"`},
		"no such path":     {"GET", "/nothing", "1", "", 404, "there is no GET /nothing"},
		"wrong method":     {"GET", "/activate", "1", "", 404, "there is no GET /activate"},
		"no body":          {"POST", "/activate", "1", "", 400, "the request cannot be read: EOF"},
		"unknown key":      {"POST", "/activate", "1", `{"tunnel":["x"]}`, 400, `the request cannot be read: json: unknown field "tunnel"`},
		"two values":       {"POST", "/activate", "1", `{"tunnels":["x"]}{}`, 400, "the request has something after its JSON value"},
		"no tunnel":        {"POST", "/activate", "1", `{"tunnels":[]}`, 400, "no tunnel is named"},
		"nothing removed":  {"POST", "/remove", "1", `{}`, 400, "no tunnel is named"},
		"all and some":     {"POST", "/remove", "1", `{"all":true,"tunnels":["x"]}`, 400, "either all tunnels or some by name, not both"},
		"too many tunnels": {"POST", "/activate", "1", `{"tunnels":["x"` + strings.Repeat(`,"x"`, MaxTunnels) + `]}`, 400, "1025 tunnels in one request: at most 1024"},
		"too large":        {"POST", "/remove", "1", `{"tunnels":["` + strings.Repeat("x", MaxRequest) + `"]}`, 400, "the request cannot be read: http: request body too large"},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(testContext(t), c.method, "http://daemon"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set(versionHeader, c.version)
			resp, err := transport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var said refusal
			for r, err := range decode[refusal](t.Context(), resp.Body) {
				if err != nil {
					t.Fatal(err)
				}
				said = r
			}
			if resp.StatusCode != c.code || said.Error != c.want {
				t.Errorf("%d %q, want %d %q", resp.StatusCode, said.Error, c.code, c.want)
			}
		})
	}
}

// impostor serves a socket with one fixed answer.
func impostor(t *testing.T, header http.Header, code int, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), SocketName)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for key, values := range header {
			w.Header()[key] = values
		}
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() { server.Close(); <-done })
	return path
}

func TestStrangeAnswers(t *testing.T) {
	versioned := http.Header{versionHeader: {"1"}}
	for name, c := range map[string]struct {
		header http.Header
		code   int
		body   string
		want   string
	}{
		"another program":   {nil, 200, "hello", "PATH is not the socket of a keyman daemon"},
		"a newer daemon":    {http.Header{versionHeader: {"2"}}, 426, `{"error":"the daemon speaks version 2","hint":"update"}`, "the daemon refused: the daemon speaks version 2"},
		"no JSON":           {versioned, 200, "hello\n", "the daemon's answer cannot be read: invalid character 'h' looking for beginning of value"},
		"an endless line":   {versioned, 200, strings.Repeat("x", MaxLine+1), "the daemon's answer broke off: bufio.Scanner: token too long"},
		"failed in silence": {versioned, 500, "", "the daemon at PATH answered 500 Internal Server Error"},
	} {
		t.Run(name, func(t *testing.T) {
			path := impostor(t, c.header, c.code, c.body)
			_, err := Dial(testContext(t), path)
			if want := strings.ReplaceAll(c.want, "PATH", path); err == nil || err.Error() != want {
				t.Errorf("error %v, want %s", err, want)
			}
		})
	}
}

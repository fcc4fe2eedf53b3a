package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"keyman/ike"
	"keyman/ike/control"
)

// patience bounds what a test waits for.
const patience = time.Minute

// keyman runs one command line and returns what it printed and its exit code.
func keyman(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	code = run(ctx, args, strings.NewReader(""), &out, &errs)
	return out.String(), errs.String(), code
}

// must is keyman for a command that must succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := keyman(t, args...)
	if code != exitOK {
		t.Fatalf("keyman %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// gateway is one end: a state directory, an address on the loopback and two
// ports.
type gateway struct {
	state, addr    string
	port, nattPort int
}

func newGateway(t *testing.T, addr string) gateway {
	t.Helper()
	g := gateway{state: filepath.Join(t.TempDir(), "s"), addr: addr}
	if err := os.Mkdir(g.state, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, port := range []*int{&g.port, &g.nattPort} {
		conn, err := net.ListenPacket("udp4", addr+":0")
		if err != nil {
			t.Skipf("no address %s on the loopback: %v", addr, err)
		}
		defer conn.Close()
		*port = conn.LocalAddr().(*net.UDPAddr).Port
	}
	return g
}

// write saves a file in the state directory.
func (g gateway) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.state, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// args is a command line with the gateway's state directory.
func (g gateway) args(args ...string) []string { return append([]string{"--state", g.state}, args...) }

// daemon runs the gateway's daemon until the test ends or stop is called, and
// returns when it is ready. Its log goes to the returned buffer.
func (g gateway) daemon(t *testing.T, flags ...string) (log *logBuffer, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	log = &logBuffer{ready: make(chan struct{})}
	var both sync.WaitGroup
	both.Go(func() { log.read(reader) })
	args := g.args(append([]string{"ike", "daemon", "--listen", g.addr, "--port", fmt.Sprint(g.port), "--natt-port", fmt.Sprint(g.nattPort)}, flags...)...)
	ended := make(chan int, 1)
	both.Go(func() {
		ended <- run(ctx, args, strings.NewReader(""), io.Discard, writer)
		writer.Close()
	})
	stop = sync.OnceFunc(func() {
		cancel()
		both.Wait()
		if code := <-ended; code != exitOK {
			t.Errorf("the daemon ended with exit code %d\n%s", code, log.String())
		}
	})
	t.Cleanup(stop)
	select {
	case <-log.ready:
	case code := <-ended:
		ended <- code
		t.Fatalf("the daemon ended with exit code %d\n%s", code, log.String())
	case <-time.After(patience):
		t.Fatalf("the daemon is not ready\n%s", log.String())
	}
	return log, stop
}

// logBuffer keeps a log, and tells when the daemon says that it runs.
type logBuffer struct {
	ready chan struct{}
	mu    sync.Mutex // guards text
	text  strings.Builder
}

func (l *logBuffer) read(r io.Reader) {
	ready := sync.OnceFunc(func() { close(l.ready) })
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		l.mu.Lock()
		fmt.Fprintln(&l.text, lines.Text())
		l.mu.Unlock()
		if strings.Contains(lines.Text(), "the daemon runs") {
			ready()
		}
	}
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// metrics are what the daemon shows where its log says.
func (l *logBuffer) metrics(t *testing.T) string {
	t.Helper()
	_, at, _ := strings.Cut(l.String(), "at=http://")
	at, _, _ = strings.Cut(at, "\n")
	answer, err := http.Get("http://" + at)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readText returns what is in a file.
func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tunnel is a definition for tests.
func tunnel(name, protection string, local, remote gateway, localExtra, remoteExtra string) string {
	return fmt.Sprintf("[[tunnel]]\nname = %q\nprotection = %q\n[tunnel.local]\naddress = %q\n%s\n[tunnel.remote]\naddress = %q\nport = %d\nnatt-port = %d\n%s\n",
		name, protection, local.addr, localExtra, remote.addr, remote.port, remote.nattPort, remoteExtra)
}

func TestIKEPresharedKey(t *testing.T) {
	west, east := newGateway(t, "127.0.8.1"), newGateway(t, "127.0.8.2")
	const protection = "[[protection]]\nname = \"psk\"\nauth = \"preshared-key\"\nlifetime = \"1h\"\nweak = \"allow\"\ntransforms = [\"3des-sha1-modp1024\"]\n"
	west.write(t, "east.psk", "a secret\n")
	west.write(t, "tunnels.toml", tunnel("east", "psk", west, east, "", "")+
		tunnel("nobody", "psk", west, gateway{addr: "127.0.8.2", port: 1, nattPort: 2}, "", "id = \"nobody.example.org\"")+
		protection+"[[preshared-key]]\nids = [\"127.0.8.2\"]\nsecret-file = \"east.psk\"\n")
	east.write(t, "tunnels.toml", tunnel("west", "psk", east, west, "", "")+protection+
		"[[preshared-key]]\nids = [\"127.0.8.1\"]\nsecret = \"a secret\"\n")
	westKeys, eastKeys := filepath.Join(west.state, "keys.txt"), filepath.Join(east.state, "keys.txt")
	westLog, stopWest := west.daemon(t, "--debug-keys", westKeys, "--metrics", "127.0.0.1:0")
	eastLog, _ := east.daemon(t, "--json", "--log-level", "information", "--debug-keys", eastKeys)

	if out := must(t, west.args("ike", "list")...); !strings.Contains(out, "1   east    dormant  127.0.8.2 ") {
		t.Errorf("list before\n%s", out)
	}
	if out := must(t, west.args("ike", "activate", "--wait", "1")...); out != "east: active, with ipv4:127.0.8.2, 3des-sha1-modp1024 (weak: 3DES, SHA-1, DH group 2 (modp1024))\n" {
		t.Errorf("activate\n%s", out)
	}
	out := must(t, west.args("ike", "list", "east", "--verbose")...)
	for _, line := range []string{
		"Phase 1 Tunnel ID       1\nTunnel Name:            east\nLocal ID Type:          IPv4_Address\nLocal ID:               127.0.8.1\nRemote ID Type:         IPv4_Address\nRemote ID:              127.0.8.2\n",
		"Mode:                   Main\nSecurity Policy:        psk\nRole:                   Initiator\nEncryption Alg:         3des\nAuth Alg:               Preshared Key\nHash Alg:               sha1\n",
		"Weak Algorithms:        3DES, SHA-1, DH group 2 (modp1024)\nKey Lifetime:           3600 Seconds\nKey Rem Lifetime:       ",
		"Status:                 Active\n",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("the list lacks\n%s\nin\n%s", line, out)
		}
	}
	if got := must(t, west.args("ike", "list", "--addresses", "127.0.8.1,127.0.8.2", "--peer-id", "nobody.example.org")...); !strings.Contains(got, "nobody ") || strings.Contains(got, "east ") {
		t.Errorf("the list by addresses and peer\n%s", got)
	}
	if _, errs, code := keyman(t, west.args("ike", "activate", "1-3,9")...); code != exitFailed || !strings.Contains(errs, `no such tunnel: "9"`) {
		t.Errorf("activate by numbers that are not there: %d\n%s", code, errs)
	}
	if _, errs, code := keyman(t, west.args("ike", "activate", "--autostart")...); code != exitFailed || !strings.Contains(errs, "no such tunnel: that starts by itself") {
		t.Errorf("activate those that start by themselves: %d\n%s", code, errs)
	}
	if text := westLog.metrics(t); !strings.Contains(text, "keyman_tunnels 2\n") || !strings.Contains(text, "keyman_phase1_active 1\n") || !strings.Contains(text, "keyman_negotiations_established_total 1\n") {
		t.Errorf("metrics\n%s", text)
	}
	if out := must(t, west.args("ike", "status")...); !strings.Contains(out, "\nlog level     isakmp_events\ntunnels       2 defined\nphase 1       1 active, 0 being negotiated\nnegotiations  1 begun, 1 established, 0 failed\n") {
		t.Errorf("status\n%s", out)
	}
	west.write(t, "isakmpd.conf", "log_level = ERRORS\n")
	for _, c := range []struct{ asked, want string }{{"Information", "information"}, {"", "error"}} {
		if out := must(t, west.args(strings.Fields("ike log "+c.asked)...)...); out != "log level "+c.want+"\n" {
			t.Errorf("log %s: %s", c.asked, out)
		}
	}
	if _, errs, code := keyman(t, west.args("ike", "log", "loud")...); code != exitUsage || !strings.Contains(errs, `"loud" is no log level`) {
		t.Errorf("log loud: %d\n%s", code, errs)
	}
	if out, errs, code := keyman(t, west.args("ike", "explain", "east")...); code != exitOK || !strings.HasPrefix(out, "east: active\n") {
		t.Errorf("explain what is well: %d\n%s%s", code, out, errs)
	}
	if out := must(t, west.args("ike", "explain")...); out != "no negotiation failed with a peer that belongs to no tunnel\n" {
		t.Errorf("explain nothing\n%s", out)
	}
	if strings.Contains(out, "nobody") {
		t.Errorf("the list has another tunnel\n%s", out)
	}
	var list []ike.Status
	if err := json.Unmarshal([]byte(must(t, east.args("--json", "ike", "list", "west")...)), &list); err != nil || len(list) != 1 ||
		list[0].State != ike.TunnelActive || list[0].Role != "responder" {
		t.Errorf("list of the responder: %+v, %v", list, err)
	}

	if out, errs, code := keyman(t, west.args("ike", "activate", "none")...); code != exitFailed || out != "" || !strings.HasPrefix(errs, `keyman: no such tunnel: "none"`) {
		t.Errorf("activate none: %d\n%s%s", code, out, errs)
	}
	if out, errs, code := keyman(t, west.args("ike", "list", "none")...); code != exitFailed || out != "" || !strings.HasPrefix(errs, `keyman: no such tunnel: "none"`) {
		t.Errorf("list none: %d\n%s%s", code, out, errs)
	}
	if out := must(t, west.args("ike", "remove", "--all")...); out != "east: removed\n" {
		t.Errorf("remove\n%s", out)
	}
	if out, errs, code := keyman(t, west.args("ike", "remove", "east")...); code != exitFailed || !strings.HasPrefix(errs, `keyman: the tunnel is not active: "east"`) {
		t.Errorf("remove twice: %d\n%s%s", code, out, errs)
	}
	if out := must(t, west.args("--json", "ike", "remove", "--all")...); strings.TrimSpace(out) != "[]" {
		t.Errorf("remove all of none\n%s", out)
	}

	// A second daemon is refused, and does not take the socket away.
	if _, errs, code := keyman(t, west.args("ike", "daemon", "--listen", west.addr)...); code != exitFailed || !strings.Contains(errs, "a daemon serves") {
		t.Errorf("second daemon: %d\n%s", code, errs)
	}
	// A peer's tunnels end with the daemon.
	must(t, west.args("ike", "activate", "--wait", "east")...)
	stopWest()
	if _, errs, code := keyman(t, west.args("ike", "list")...); code != exitFailed || !strings.Contains(errs, "no daemon at "+west.state) || !strings.Contains(errs, "hint: start it with keyman ike daemon") {
		t.Errorf("no daemon: %d\n%s", code, errs)
	}
	// Both know the same keys, and only their files have them.
	keys := readText(t, westKeys)
	if !regexp.MustCompile(`^([0-9a-f]{16},[0-9a-f]{48}\n){2}$`).MatchString(keys) || keys != readText(t, eastKeys) {
		t.Fatalf("keys of the west\n%sof the east\n%s", keys, readText(t, eastKeys))
	}
	if _, errs, code := keyman(t, west.args("ike", "daemon", "--listen", west.addr, "--debug-keys", westKeys)...); code != exitFailed || !strings.Contains(errs, "hint: remove it") {
		t.Errorf("keys into a file that is there: %d\n%s", code, errs)
	}
	_, key, _ := strings.Cut(strings.TrimSpace(keys), ",")
	for _, log := range []string{westLog.String(), eastLog.String()} {
		if strings.Contains(log, key[:48]) {
			t.Errorf("the log has a key\n%s", log)
		}
		if strings.Contains(log, "a secret") {
			t.Errorf("the log has the secret\n%s", log)
		}
	}
}

// TestIKEEvents runs the command beside others, as a person does in a second
// terminal, until it has told what these did.
func TestIKEEvents(t *testing.T) {
	west, east := newGateway(t, "127.0.8.5"), newGateway(t, "127.0.8.6")
	const protection = "[[protection]]\nname = \"psk\"\nauth = \"preshared-key\"\ntransforms = [\"aes128-sha256-ecp256\"]\n"
	west.write(t, "tunnels.toml", tunnel("east", "psk", west, east, "", "")+protection+"[[preshared-key]]\nids = [\"127.0.8.6\"]\nsecret = \"a secret\"\n")
	east.write(t, "tunnels.toml", tunnel("west", "psk", east, west, "", "")+protection+"[[preshared-key]]\nids = [\"127.0.8.5\"]\nsecret = \"a secret\"\n")
	west.daemon(t)
	_, stopEast := east.daemon(t)
	for _, mode := range []struct {
		flags []string
		lines []string
	}{
		{nil, []string{"  started       east  127.0.8.6:", "  established   east  127.0.8.6:", "  closed        east  127.0.8.6:"}},
		{[]string{"--json"}, []string{`"kind":"started","tunnel":"east"`, `"kind":"established","tunnel":"east"`, `"kind":"closed","tunnel":"east"`}},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		reader, writer := io.Pipe()
		log := &logBuffer{ready: make(chan struct{})}
		var both sync.WaitGroup
		both.Go(func() { log.read(reader) })
		both.Go(func() {
			if code := run(ctx, west.args(append(mode.flags, "ike", "events")...), strings.NewReader(""), writer, io.Discard); code != exitOK {
				t.Errorf("events interrupted: exit code %d", code)
			}
			writer.Close()
		})
		complete := func() bool {
			for _, line := range mode.lines {
				if !strings.Contains(log.String(), line) {
					return false
				}
			}
			return true
		}
		for ctx.Err() == nil && !complete() {
			must(t, west.args("ike", "activate", "--wait", "east")...)
			must(t, west.args("ike", "remove", "east")...)
		}
		if !complete() {
			t.Errorf("events lack some of %q\n%s", mode.lines, log)
		}
		cancel()
		both.Wait()
	}

	// The daemon's end is the events' end, and told.
	ended := make(chan string, 1)
	client, err := control.Dial(t.Context(), filepath.Join(east.state, control.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	events, err := client.Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for _, err := range events {
			if err != nil {
				ended <- err.Error()
				return
			}
		}
		ended <- "well"
	}()
	stopEast()
	if got := <-ended; got != "well" {
		t.Errorf("the events ended with %s", got)
	}
}

// pki makes a CA with a published list and gives gateways their certificates.
type pki struct {
	ca     string // state directory of the CA
	crl    string // file that is published
	anchor string
}

func newPKI(t *testing.T) *pki {
	t.Helper()
	t.Setenv("PW", "correct horse")
	dir := t.TempDir()
	p := &pki{ca: filepath.Join(dir, "ca"), crl: filepath.Join(dir, "www", "ca.crl"), anchor: filepath.Join(dir, "ca.pem")}
	if err := os.Mkdir(filepath.Dir(p.crl), 0o755); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(p.crl))))
	t.Cleanup(server.Close)
	must(t, "--state", p.ca, "ca", "init", "lab", "--subject", "C=CH, O=Example, CN=Example CA", "--key", "p256",
		"--crl-url", server.URL+"/ca.crl", "--out", p.anchor, "--password-env", "PW")
	p.publish(t)
	return p
}

// publish makes a new list.
func (p *pki) publish(t *testing.T) {
	t.Helper()
	must(t, "--state", p.ca, "ca", "crl", "lab", "--out", p.crl, "--password-env", "PW")
}

// enroll gives a gateway a key database with a certificate.
func (p *pki) enroll(t *testing.T, g gateway, name string) (certificate string) {
	t.Helper()
	request, certificate := filepath.Join(g.state, "csr"), filepath.Join(g.state, "pem")
	must(t, g.args("keydb", "create", "--password-env", "PW")...)
	must(t, g.args("cert", "add", p.anchor, "--password-env", "PW")...)
	must(t, g.args("req", "create", "--label", name, "--subject", "C=CH, O=Example, CN="+name, "--san", "dns:"+name+".example.org",
		"--ike", "--key", "rsa-2048", "--out", request, "--password-env", "PW")...)
	must(t, "--state", p.ca, "ca", "issue", "lab", "--request", request, "--out", certificate, "--password-env", "PW")
	must(t, g.args("cert", "receive", certificate, "--password-env", "PW")...)
	return certificate
}

func TestIKESignaturesWithRevocation(t *testing.T) {
	ca := newPKI(t)
	west, east := newGateway(t, "127.0.8.3"), newGateway(t, "127.0.8.4")
	ca.enroll(t, west, "west")
	eastCertificate := ca.enroll(t, east, "east")
	const protection = "[[protection]]\nname = \"crl\"\nauth = \"rsa-signature-crl\"\ntransforms = [\"aes256-sha256-modp2048\"]\n"
	// The label is written in another case than in the key database.
	west.write(t, "tunnels.toml", tunnel("east", "crl", west, east, "certificate = \"WEST\"\nid = \"west.example.org\"", "id = \"C=CH, O=Example, CN=east\"")+protection)
	east.write(t, "tunnels.toml", tunnel("west", "crl", east, west, "certificate = \"east\"\nid = \"C=CH, O=Example, CN=east\"", "id = \"west.example.org\"")+protection)

	_, stopWest := west.daemon(t, "--password-env", "PW")
	east.daemon(t, "--password-env", "PW")
	if out := must(t, west.args("ike", "activate", "--wait", "east")...); !strings.HasPrefix(out, "east: active, with dn:C=CH, O=Example, CN=east, aes256-sha256-modp2048\n") {
		t.Errorf("activate\n%s", out)
	}

	must(t, "--state", ca.ca, "ca", "revoke", "lab", "--cert", eastCertificate, "--reason", "keyCompromise")
	ca.publish(t)
	// A list is kept until its next update, also for the next daemon.
	stopWest()
	if out := must(t, west.args("crl", "cache", "refresh")...); !strings.Contains(out, "  newer ") {
		t.Errorf("refresh\n%s", out)
	}
	must(t, west.args("keydb", "stash", "--password-env", "PW")...)
	log, _ := west.daemon(t, "--stashed")
	out, errs, code := keyman(t, west.args("ike", "activate", "--wait", "east")...)
	if code != exitNo || !strings.Contains(errs, "keyman: not active: east\n") ||
		!strings.HasPrefix(out, "east: failed, ") || !strings.Contains(out, "C=CH, O=Example, CN=east (serial ") || !strings.Contains(out, "ca.crl") {
		t.Errorf("activate with a revoked peer: %d\n%s%s", code, out, errs)
	}
	var outcomes []control.Activation
	out, errs, code = keyman(t, west.args("--json", "ike", "activate", "--wait", "east")...)
	if err := json.Unmarshal([]byte(out), &outcomes); err != nil || code != exitNo || len(outcomes) != 1 || len(outcomes[0].Status.Reasons) == 0 {
		t.Errorf("activate in JSON: %d, %v\n%s%s", code, err, out, errs)
	}
	if verbose := must(t, west.args("ike", "list", "--verbose")...); !strings.Contains(verbose, "Status:                 Failed\n") || !strings.Contains(verbose, "C=CH, O=Example, CN=east (serial ") {
		t.Errorf("list\n%s", verbose)
	}
	if !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("the log does not warn\n%s", log)
	}
}

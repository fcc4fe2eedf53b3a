package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/internal/testpeer/ldapd"
	"keyman/internal/testpeer/socksd"
)

// A session runs command lines with one state directory.
type session struct {
	t     *testing.T
	state string
}

// run runs one command line and returns its exit code and what it says.
func (s session) run(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, err bytes.Buffer
	code = run(s.t.Context(), append([]string{"--state", s.state}, args...), strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

// must runs a command line that has to succeed.
func (s session) must(args ...string) string {
	s.t.Helper()
	code, stdout, stderr := s.run(args...)
	if code != exitOK {
		s.t.Fatalf("keyman %q: exit code %d\n%s%s", args, code, stdout, stderr)
	}
	return stdout
}

// TestCRLOverTheNetwork fetches a CA's list by HTTP through a SOCKS4 proxy, from
// a directory by URL and by the issuer's name, and checks certificates by it
// before and after one is revoked.
func TestCRLOverTheNetwork(t *testing.T) {
	s, dir := session{t, t.TempDir()}, t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	t.Setenv("KEYMAN_TEST_PASSWORD", "battery-staple")
	password := []string{"--password-env", "KEYMAN_TEST_PASSWORD"}
	with := func(args ...string) []string { return append(args, password...) }

	web := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer web.Close()
	directory, err := ldapd.Start(ldapd.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close()
	seen := make(chan socksd.Connect, 16)
	proxy, err := socksd.Start(socksd.Config{OnConnect: func(c socksd.Connect) { seen <- c }})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()

	s.must(with("ca", "init", "lab", "--subject", "C=CH, CN=CA", "--key", "p256", "--crl-url", web.URL+"/ca.crl",
		"--crl-url", directory.URL()+"/cn=CA,c=CH?certificateRevocationList", "--out", path("ca.pem"))...)
	s.must(with("keydb", "create")...)
	s.must(with("req", "create", "--label", "gw1", "--subject", "CN=gw1", "--ike", "--key", "p256", "--out", path("gw1.csr"))...)
	s.must(with("ca", "issue", "lab", "--request", path("gw1.csr"), "--out", path("gw1.pem"))...)
	publish := func() {
		s.must(with("ca", "crl", "lab", "--out", path("ca.crl"))...)
		der, err := os.ReadFile(path("ca.crl"))
		if err != nil {
			t.Fatal(err)
		}
		if err := directory.Put("cn=CA,c=CH", ldapd.Attributes{"certificateRevocationList;binary": {der}}); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	check := []string{"crl", "check", "--no-cache", path("gw1.pem"), "--trust", path("ca.pem")}
	s.must(check...)
	s.must(append(check, "--proxy", "socks4a://gw1@"+proxy.Addr())...)
	if c := <-seen; c.UserID != "gw1" || c.Err != nil {
		t.Errorf("the proxy saw %+v", c)
	}

	out := path("fetched.crl")
	for _, args := range [][]string{{web.URL + "/ca.crl"}, {directory.URL() + "/cn=CA,c=CH"}, {"--cert", path("gw1.pem")}} {
		os.Remove(out)
		s.must(append([]string{"crl", "fetch", "--out", out, "--proxy", "socks5://" + proxy.Addr()}, args...)...)
		same(t, out, path("ca.crl"))
	}
	// With its CA it is kept, and then asked for only whether it still stands: by its
	// date, which says so where it has not just been made.
	made := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path("ca.crl"), made, made); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`"unchanged": false`, `"unchanged": true`} {
		shown := s.must("crl", "fetch", web.URL+"/ca.crl", "--ca", path("ca.pem"), "--json")
		if !strings.Contains(shown, want) || !strings.Contains(shown, `"kept": true`) || !strings.Contains(shown, `"signer": "C=CH, CN=CA"`) {
			t.Errorf("fetch %d:\n%s", i, shown)
		}
	}
	if shown := s.must("crl", "fetch", web.URL+"/ca.crl"); !strings.Contains(shown, "(verified by C=CH, CN=CA)") || !strings.Contains(shown, "unchanged") {
		t.Errorf("fetch\n%s", shown)
	}
	s.must("crl", "cache", "purge")
	server, port, _ := strings.Cut(directory.Addr(), ":")
	s.must("crl", "config", "set", "ldap_server="+server, "ldap_port="+port)
	os.Remove(out)
	s.must("crl", "fetch", "--issuer", "C=CH, CN=CA", "--out", out)
	same(t, out, path("ca.crl"))
	s.must("crl", "fetch", "--issuer", "C=CH, CN=CA", "--out", path("fetched.pem"), "--form", "pem")
	if shown := s.must("crl", "show", path("fetched.pem")); shown == "" {
		t.Error("nothing shown")
	}

	s.checkCache(slices.DeleteFunc(slices.Clone(check), func(arg string) bool { return arg == "--no-cache" }))
	s.must("ca", "revoke", "lab", "--cert", path("gw1.pem"), "--reason", "keyCompromise")
	publish()
	for _, order := range []string{"http,ldap", "ldap"} {
		s.must("crl", "config", "set", "fetch_order="+order)
		code, stdout, stderr := s.run(append(check, "--json")...)
		var verdict struct {
			Status  string
			Reasons []struct{ Code, CRL string }
		}
		if err := json.Unmarshal([]byte(stdout), &verdict); err != nil {
			t.Fatalf("%v\n%s%s", err, stdout, stderr)
		}
		if code != exitNo || verdict.Status != "revoked" || len(verdict.Reasons) != 1 || !strings.HasPrefix(verdict.Reasons[0].CRL, order[:4]) {
			t.Errorf("order %s: exit code %d, %+v", order, code, verdict)
		}
	}
	web.Close()
	directory.Close()
	if code, stdout, _ := s.run(check...); code != exitFailed || !strings.Contains(stdout, "undetermined") {
		t.Errorf("without servers: exit code %d\n%s", code, stdout)
	}
}

// checkCache has a check fill the cache, and tends it; check is the command.
func (s session) checkCache(check []string) {
	s.t.Helper()
	s.must(check...)
	var lists []struct {
		Name    string
		Number  string
		Outcome string
		Places  []string
	}
	listed := func(code int, args ...string) {
		s.t.Helper()
		got, stdout, stderr := s.run(append([]string{"--json", "crl", "cache"}, args...)...)
		if err := json.Unmarshal([]byte(stdout), &lists); err != nil || got != code {
			s.t.Fatalf("%q: exit code %d, %v\n%s%s", args, got, err, stdout, stderr)
		}
	}
	listed(exitOK, "list")
	if len(lists) != 1 || lists[0].Number != "1" || len(lists[0].Places) != 1 {
		s.t.Fatalf("%+v", lists)
	}
	name := lists[0].Name
	if table := s.must("crl", "cache", "list"); !strings.Contains(table, name[:8]+"  1 ") {
		s.t.Errorf("list\n%s", table)
	}
	for command, outcome := range map[string]string{"verify": "good", "refresh": "unchanged"} {
		if listed(exitOK, command, name[:8]); len(lists) != 1 || lists[0].Outcome != outcome {
			s.t.Errorf("%s: %+v", command, lists)
		}
	}
	files, err := filepath.Glob(filepath.Join(s.state, crlCacheDir, "*.crl"))
	if err != nil || len(files) != 1 {
		s.t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		s.t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		s.t.Fatal(err)
	}
	if listed(exitNo, "verify"); len(lists) != 1 || lists[0].Outcome != "damaged" {
		s.t.Errorf("verify: %+v", lists)
	}
	s.must(check...)
	if out := s.must("crl", "cache", "purge", "--expired"); out != "removed 0\n" {
		s.t.Errorf("purge of those that are out of date: %s", out)
	}
	if out := s.must("crl", "cache", "purge"); out != "removed 1\n" {
		s.t.Errorf("purge: %s", out)
	}
}

// same tells whether two files have one content.
func same(t *testing.T, a, b string) {
	t.Helper()
	x, errX := os.ReadFile(a)
	y, errY := os.ReadFile(b)
	if errX != nil || errY != nil || !bytes.Equal(x, y) {
		t.Errorf("%s and %s differ: %v, %v", a, b, errX, errY)
	}
}

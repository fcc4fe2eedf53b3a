package crl_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"keyman/crl"
	"keyman/internal/settings"
	"keyman/internal/testpeer/socksd"
)

func TestDefaultSettings(t *testing.T) {
	s := crl.DefaultSettings()
	c, err := s.FetcherConfig()
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPProxy != nil || c.LDAPProxy != nil || len(c.LDAPServers) != 0 || c.Redirects != crl.DefaultRedirects || c.Limits.MaxBytes != 64<<20 {
		t.Errorf("%+v", c)
	}
	if p := s.Policy(nil); p.Revocation != crl.Strict || p.AllowWeak || p.Timeout != crl.DefaultTimeout {
		t.Errorf("%+v", p)
	}
	if _, err := s.NewChecker(); err != nil {
		t.Error(err)
	}
}

func TestFetcherConfigOfSettings(t *testing.T) {
	ca := newCA(t, "CA")
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	s := crl.DefaultSettings()
	s.SOCKS4Server, s.SOCKS4User, s.LDAPServer, s.LDAPProxy = "proxy.test", "gw1", "dir.test", "socks5://other.test:9"
	s.MaxRedirects, s.CAFile = 0, file
	c, err := s.FetcherConfig()
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPProxy.String() != "socks4://gw1@proxy.test:1080" || c.LDAPProxy.String() != "socks5://other.test:9" ||
		!slices.Equal(c.LDAPServers, []crl.LDAPServer{{Address: "dir.test:389"}}) || c.Redirects != -1 || c.RootCAs == nil {
		t.Errorf("%+v", c)
	}
}

func TestSettingsRefused(t *testing.T) {
	for want, change := range map[string]func(*crl.Settings){
		"only one":         func(s *crl.Settings) { s.SOCKS4Server, s.HTTPProxy = "a", "http://b" },
		"socks4_port":      func(s *crl.Settings) { s.SOCKS4Server, s.SOCKS4Port = "a", 0 },
		"ldap_port":        func(s *crl.Settings) { s.LDAPServer, s.LDAPPort = "a", 65536 },
		"http_proxy":       func(s *crl.Settings) { s.HTTPProxy = "ftp://u:s3cret@b" },
		"ldap_proxy":       func(s *crl.Settings) { s.LDAPProxy = "::" },
		"https_proxy":      func(s *crl.Settings) { s.HTTPSProxy = "ftp://u:s3cret@b" },
		"ldaps_proxy":      func(s *crl.Settings) { s.LDAPSProxy = "::" },
		"no_proxy":         func(s *crl.Settings) { s.NoProxy = []string{"a*b"} },
		"private_":         func(s *crl.Settings) { s.PrivateAddresses = "" },
		"min_rate":         func(s *crl.Settings) { s.MinRate = crl.MaxMinRate + 1 },
		"ldap_server":      func(s *crl.Settings) { s.LDAPServer = "a,,b" },
		"names 9 servers":  func(s *crl.Settings) { s.LDAPServer = "a,b,c,d,e,f,g,h,i" },
		"ldap_starttls":    func(s *crl.Settings) { s.LDAPStartTLS, s.LDAPVersion = true, 2 },
		"ldap_version":     func(s *crl.Settings) { s.LDAPVersion = 0 },
		"ldap_search_time": func(s *crl.Settings) { s.LDAPSearchTime = 0 },
		"check_timeout":    func(s *crl.Settings) { s.CheckTimeout = 0 },
		"fetch_timeout":    func(s *crl.Settings) { s.FetchTimeout = 0 },
		"watch_every":      func(s *crl.Settings) { s.WatchEvery = settings.Duration(crl.MaxWatchEvery + 1) },
		"watch_every is 0": func(s *crl.Settings) { s.WatchEvery = 0 },
		"max_size":         func(s *crl.Settings) { s.MaxSize = 0 },
		"max_redirects":    func(s *crl.Settings) { s.MaxRedirects = -1 },
		"ca_file":          func(s *crl.Settings) { s.CAFile = "/nonexistent" },
		"holds no":         func(s *crl.Settings) { s.CAFile = "settings_test.go" },
		`protocol "HTTP"`:  func(s *crl.Settings) { s.FetchOrder = []crl.Protocol{"HTTP"} },
	} {
		s := crl.DefaultSettings()
		change(&s)
		_, err := s.NewChecker()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error holds a password: %v", err)
		}
	}
}

// TestWaysOfSettings: proxies of each scheme, who is reached without one, and the
// directories.
func TestWaysOfSettings(t *testing.T) {
	s := crl.DefaultSettings()
	s.HTTPProxy, s.LDAPProxy, s.LDAPSProxy = "socks5://a.test:1", "socks4a://b.test:2", "direct"
	s.NoProxy, s.PrivateAddresses, s.MinRate = []string{".inside.test"}, "refuse", 0
	s.LDAPServer, s.LDAPPort, s.LDAPStartTLS = "one.test, two.test:1389,ldaps://three.test,ldaps://four.test:1636,2001:db8::1,[2001:db8::2]:3,ldap://five.test", 390, true
	s.FetchOrder = []crl.Protocol{crl.File, crl.HTTP}
	c, err := s.FetcherConfig()
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPSProxy.String() != "socks5://a.test:1" || c.LDAPProxy.String() != "socks4a://b.test:2" || c.LDAPSProxy != nil ||
		!c.NoProxy.Matches("x.inside.test:80") || !c.RefusePrivate || c.MinRate != -1 || !c.StartTLS || !c.Files {
		t.Errorf("%+v", c)
	}
	want := []crl.LDAPServer{{Address: "one.test:390"}, {Address: "two.test:1389"}, {Address: "three.test:636", TLS: true}, {Address: "four.test:1636", TLS: true},
		{Address: "[2001:db8::1]:390"}, {Address: "[2001:db8::2]:3"}, {Address: "five.test:390"}}
	if !slices.Equal(c.LDAPServers, want) {
		t.Errorf("%+v", c.LDAPServers)
	}
	if _, err := s.NewChecker(); err != nil {
		t.Error(err)
	}
	s.HTTPSProxy, s.FetchOrder = "http://c.test:3", nil
	if c, err = s.FetcherConfig(); err != nil || c.HTTPSProxy.String() != "http://c.test:3" || c.Files {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestRedacted(t *testing.T) {
	s := crl.DefaultSettings()
	s.HTTPProxy, s.LDAPProxy = "http://u:s3cret@h:1", "://s3cret"
	if r := s.Redacted(); strings.Contains(r.HTTPProxy+r.LDAPProxy, "s3cret") || !strings.Contains(r.HTTPProxy, "u:") {
		t.Errorf("%q %q", r.HTTPProxy, r.LDAPProxy)
	}
	if s.HTTPProxy != "http://u:s3cret@h:1" {
		t.Error("the settings themselves were changed")
	}
}

// TestCheckBySettings goes the whole way: settings, a list by HTTP behind a
// SOCKS4 proxy with a user id, a verdict.
func TestCheckBySettings(t *testing.T) {
	ca := newCA(t, "CA")
	var der []byte
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(der) }))
	defer web.Close()
	cert := ca.issue("gw1", web.URL)
	der = ca.list(dated(-1, 20000), revoking(crl.Superseded, cert))
	users := make(chan string, 8)
	proxy, err := socksd.Start(socksd.Config{OnConnect: func(c socksd.Connect) { users <- c.Protocol + " " + c.UserID }})
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	host, port, _ := strings.Cut(proxy.Addr(), ":")
	s := crl.DefaultSettings()
	s.SOCKS4Server, s.SOCKS4User = host, "aix"
	if s.SOCKS4Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	checker, err := s.NewChecker()
	if err != nil {
		t.Fatal(err)
	}
	policy := s.Policy(ders(ca.cert))
	policy.Time = now
	if v := checker.Check(t.Context(), ders(cert), policy); v.Status != crl.StatusRevoked {
		t.Errorf("%s %q", v.Status, codes(v))
	}
	if got := <-users; got != "socks4 aix" {
		t.Errorf("the proxy saw %q", got)
	}
}

package crl

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"keyman/internal/dialer"
	"keyman/internal/settings"
)

// Settings is the section [crl] of keyman.toml. Start from DefaultSettings: the
// zero value is not what a user who sets nothing gets.
type Settings struct {
	// Revocation is what checks demand where nothing else is said.
	Revocation Revocation `toml:"revocation" json:"revocation"`
	// FetchOrder is the order of the protocols; one left out is not used.
	FetchOrder []Protocol `toml:"fetch_order" json:"fetch_order"`
	// SOCKS4Server, Port and User are the proxy for HTTP.
	SOCKS4Server string `toml:"socks4_server" json:"socks4_server"`
	SOCKS4Port   int    `toml:"socks4_port" json:"socks4_port"`
	SOCKS4User   string `toml:"socks4_user" json:"socks4_user"`
	// HTTPProxy is the proxy for HTTP as a URL, in place of SOCKS4Server.
	HTTPProxy string `toml:"http_proxy" json:"http_proxy"`
	// LDAPProxy is the proxy for LDAP as a URL.
	LDAPProxy string `toml:"ldap_proxy" json:"ldap_proxy"`
	// LDAPServer is asked where a certificate names no source.
	LDAPServer     string            `toml:"ldap_server" json:"ldap_server"`
	LDAPPort       int               `toml:"ldap_port" json:"ldap_port"`
	LDAPVersion    int               `toml:"ldap_version" json:"ldap_version"`
	LDAPSearchTime settings.Duration `toml:"ldap_search_time" json:"ldap_search_time"`
	// CheckTimeout bounds a check, FetchTimeout one fetch in it.
	CheckTimeout settings.Duration `toml:"check_timeout" json:"check_timeout"`
	FetchTimeout settings.Duration `toml:"fetch_timeout" json:"fetch_timeout"`
	// MaxSize is the size of the largest list, in bytes.
	MaxSize int64 `toml:"max_size" json:"max_size"`
	// MaxRedirects is how many HTTP redirects are followed; 0 is none.
	MaxRedirects int `toml:"max_redirects" json:"max_redirects"`
	// CAFile holds the CA certificates for https and ldaps, PEM; empty means
	// those of the system.
	CAFile string `toml:"ca_file" json:"ca_file"`
	// AllowWeak accepts lists signed with SHA-1, and RSA and DSA keys of 1024
	// to 2047 bits.
	AllowWeak bool `toml:"allow_weak" json:"allow_weak"`
}

// DefaultSettings returns the settings of a user who sets nothing.
func DefaultSettings() Settings {
	return Settings{
		Revocation:     Strict,
		FetchOrder:     slices.Clone(defaultOrder),
		SOCKS4Port:     DefaultSOCKSPort,
		LDAPPort:       DefaultLDAPPort,
		LDAPVersion:    3,
		LDAPSearchTime: settings.Duration(DefaultSearchTime),
		CheckTimeout:   settings.Duration(DefaultTimeout),
		FetchTimeout:   settings.Duration(DefaultFetchTimeout),
		MaxSize:        DefaultMaxBytes,
		MaxRedirects:   DefaultRedirects,
	}
}

// Redacted returns the settings without the passwords of proxies, for printing.
func (s Settings) Redacted() Settings {
	for _, text := range []*string{&s.HTTPProxy, &s.LDAPProxy} {
		u, err := dialer.ParseURL(*text)
		if err != nil {
			*text = "(cannot be read)"
			continue
		}
		*text = dialer.Redacted(u)
	}
	return s
}

// FetcherConfig returns what NewFetcher takes.
func (s Settings) FetcherConfig() (FetcherConfig, error) {
	var (
		c   FetcherConfig
		err error
	)
	if c.HTTPProxy, err = s.proxyForHTTP(); err != nil {
		return c, err
	}
	if c.LDAPProxy, err = dialer.ParseURL(s.LDAPProxy); err != nil {
		return c, fmt.Errorf("ldap_proxy: %w", err)
	}
	if s.LDAPServer != "" {
		if c.LDAPServer, err = joinPort("ldap", s.LDAPServer, s.LDAPPort); err != nil {
			return c, err
		}
	}
	if s.LDAPVersion != 2 && s.LDAPVersion != 3 {
		return c, fmt.Errorf("ldap_version is %d: there are 2 and 3", s.LDAPVersion)
	}
	c.LDAPVersion = s.LDAPVersion
	for name, d := range map[string]settings.Duration{"ldap_search_time": s.LDAPSearchTime, "check_timeout": s.CheckTimeout, "fetch_timeout": s.FetchTimeout} {
		if d <= 0 {
			return c, fmt.Errorf("%s must be longer than nothing", name)
		}
	}
	c.SearchTime, c.Timeout = time.Duration(s.LDAPSearchTime), time.Duration(s.FetchTimeout)
	if s.MaxSize < 1 || s.MaxSize > MaxMaxBytes {
		return c, fmt.Errorf("max_size is %d: it must lie between 1 and %d bytes", s.MaxSize, MaxMaxBytes)
	}
	c.Limits.MaxBytes = s.MaxSize
	if s.MaxRedirects < 0 || s.MaxRedirects > MaxRedirects {
		return c, fmt.Errorf("max_redirects is %d: it must lie between 0 and %d", s.MaxRedirects, MaxRedirects)
	}
	if c.Redirects = s.MaxRedirects; c.Redirects == 0 {
		c.Redirects = -1
	}
	c.RootCAs, err = readCAs(s.CAFile)
	return c, err
}

// proxyForHTTP returns http_proxy, or the SOCKS4 server as a URL.
func (s Settings) proxyForHTTP() (*url.URL, error) {
	if s.SOCKS4Server == "" {
		u, err := dialer.ParseURL(s.HTTPProxy)
		if err != nil {
			err = fmt.Errorf("http_proxy: %w", err)
		}
		return u, err
	}
	if s.HTTPProxy != "" {
		return nil, errors.New("socks4_server and http_proxy are both set: only one can be used")
	}
	host, err := joinPort("socks4", s.SOCKS4Server, s.SOCKS4Port)
	if err != nil {
		return nil, err
	}
	u := &url.URL{Scheme: "socks4", Host: host}
	if s.SOCKS4User != "" {
		u.User = url.User(s.SOCKS4User)
	}
	return u, nil
}

// joinPort joins the two settings of a server.
func joinPort(what, host string, port int) (string, error) {
	if port < 1 || port > 65535 {
		return "", fmt.Errorf("%s_port is %d: it must lie between 1 and 65535", what, port)
	}
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}

// readCAs reads the CA certificates for TLS; no file is nil, the system's.
func readCAs(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		// An empty pool trusts nobody; say so now, and not at each fetch.
		return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM", file)
	}
	return pool, nil
}

// NewChecker returns a Checker that fetches as the settings say, and that has
// some lists at hand without fetching.
func (s Settings) NewChecker(atHand ...*List) (*Checker, error) {
	config, err := s.FetcherConfig()
	if err != nil {
		return nil, err
	}
	fetcher, err := NewFetcher(config)
	if err != nil {
		return nil, err
	}
	return NewChecker(CheckerConfig{
		Source: fetcher, Lists: atHand, Order: s.FetchOrder, FetchTimeout: time.Duration(s.FetchTimeout),
	})
}

// Policy returns the policy of the settings, with anchors in DER.
func (s Settings) Policy(anchors [][]byte) Policy {
	return Policy{Anchors: anchors, Revocation: s.Revocation, Timeout: time.Duration(s.CheckTimeout), AllowWeak: s.AllowWeak}
}

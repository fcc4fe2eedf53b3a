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
	"strings"
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
	// HTTPSProxy is the proxy for https; empty is that for HTTP, and "direct"
	// is none.
	HTTPSProxy string `toml:"https_proxy" json:"https_proxy"`
	// LDAPProxy is the proxy for LDAP as a URL.
	LDAPProxy string `toml:"ldap_proxy" json:"ldap_proxy"`
	// LDAPSProxy is the proxy for ldaps; empty is that for LDAP, and "direct" is
	// none.
	LDAPSProxy string `toml:"ldaps_proxy" json:"ldaps_proxy"`
	// NoProxy are the targets that are reached directly: see dialer.ParseBypass.
	NoProxy []string `toml:"no_proxy" json:"no_proxy"`
	// PrivateAddresses says what becomes of servers in private networks that
	// others name: "allow" or "refuse".
	PrivateAddresses string `toml:"private_addresses" json:"private_addresses"`
	// LDAPServer is asked where a certificate names no source: HOST, HOST:PORT or
	// ldaps://HOST[:PORT], or several with commas between, in their order.
	// LDAPPort is that of those without one.
	LDAPServer string `toml:"ldap_server" json:"ldap_server"`
	LDAPPort   int    `toml:"ldap_port" json:"ldap_port"`
	// LDAPStartTLS has them begin TLS before they are asked.
	LDAPStartTLS   bool              `toml:"ldap_starttls" json:"ldap_starttls"`
	LDAPVersion    int               `toml:"ldap_version" json:"ldap_version"`
	LDAPSearchTime settings.Duration `toml:"ldap_search_time" json:"ldap_search_time"`
	// CheckTimeout bounds a check, FetchTimeout one fetch in it.
	CheckTimeout settings.Duration `toml:"check_timeout" json:"check_timeout"`
	FetchTimeout settings.Duration `toml:"fetch_timeout" json:"fetch_timeout"`
	// WatchEvery is how often at least the daemon asks for newer lists, and checks
	// the peers of active tunnels.
	WatchEvery settings.Duration `toml:"watch_every" json:"watch_every"`
	// MinRate is the slowest server that is waited for, in bytes a second; 0 is
	// the slowest there is.
	MinRate int64 `toml:"min_rate" json:"min_rate"`
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

// The words of Settings.PrivateAddresses.
const (
	AllowPrivate  = "allow"
	RefusePrivate = "refuse"
)

// directly is the word for no proxy where an empty setting means another one.
const directly = "direct"

// DefaultSettings returns the settings of a user who sets nothing.
func DefaultSettings() Settings {
	return Settings{
		Revocation: Strict,
		NoProxy:    []string{},

		PrivateAddresses: AllowPrivate,
		FetchOrder:       slices.Clone(defaultOrder),
		SOCKS4Port:       DefaultSOCKSPort,
		LDAPPort:         DefaultLDAPPort,
		LDAPVersion:      3,
		LDAPSearchTime:   settings.Duration(DefaultSearchTime),
		CheckTimeout:     settings.Duration(DefaultTimeout),
		FetchTimeout:     settings.Duration(DefaultFetchTimeout),
		WatchEvery:       settings.Duration(DefaultWatchEvery),
		MinRate:          DefaultMinRate,
		MaxSize:          DefaultMaxBytes,
		MaxRedirects:     DefaultRedirects,
	}
}

// Redacted returns the settings without the passwords of proxies, for printing.
func (s Settings) Redacted() Settings {
	for _, text := range []*string{&s.HTTPProxy, &s.HTTPSProxy, &s.LDAPProxy, &s.LDAPSProxy} {
		if *text == directly {
			continue
		}
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
	c := FetcherConfig{StartTLS: s.LDAPStartTLS, Files: slices.Contains(s.FetchOrder, File)}
	if err := s.proxies(&c); err != nil {
		return c, err
	}
	switch s.PrivateAddresses {
	case AllowPrivate:
	case RefusePrivate:
		c.RefusePrivate = true
	default:
		return c, fmt.Errorf("private_addresses is %q: use %s or %s", s.PrivateAddresses, AllowPrivate, RefusePrivate)
	}
	var err error
	if c.LDAPServers, err = s.directories(); err != nil {
		return c, err
	}
	if s.LDAPStartTLS && s.LDAPVersion == 2 {
		return c, errors.New("ldap_starttls needs ldap_version 3, and it is 2")
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
	if every := time.Duration(s.WatchEvery); every < MinWatchEvery || every > MaxWatchEvery {
		return c, fmt.Errorf("watch_every is %v: it must lie between %v and %v", every, MinWatchEvery, MaxWatchEvery)
	}
	c.SearchTime, c.Timeout = time.Duration(s.LDAPSearchTime), time.Duration(s.FetchTimeout)
	if s.MaxSize < 1 || s.MaxSize > MaxMaxBytes {
		return c, fmt.Errorf("max_size is %d: it must lie between 1 and %d bytes", s.MaxSize, MaxMaxBytes)
	}
	c.Limits.MaxBytes = s.MaxSize
	if s.MinRate < 0 || s.MinRate > MaxMinRate {
		return c, fmt.Errorf("min_rate is %d: it must lie between 0 and %d bytes a second", s.MinRate, MaxMinRate)
	}
	if c.MinRate = s.MinRate; c.MinRate == 0 {
		c.MinRate = -1
	}
	if s.MaxRedirects < 0 || s.MaxRedirects > MaxRedirects {
		return c, fmt.Errorf("max_redirects is %d: it must lie between 0 and %d", s.MaxRedirects, MaxRedirects)
	}
	if c.Redirects = s.MaxRedirects; c.Redirects == 0 {
		c.Redirects = -1
	}
	c.RootCAs, err = readCAs(s.CAFile)
	return c, err
}

// proxies sets the proxies, and who is reached without one.
func (s Settings) proxies(c *FetcherConfig) (err error) {
	if c.HTTPProxy, err = s.proxyForHTTP(); err != nil {
		return err
	}
	if c.LDAPProxy, err = dialer.ParseURL(s.LDAPProxy); err != nil {
		return fmt.Errorf("ldap_proxy: %w", err)
	}
	if c.HTTPSProxy, err = proxyOr(s.HTTPSProxy, c.HTTPProxy); err != nil {
		return fmt.Errorf("https_proxy: %w", err)
	}
	if c.LDAPSProxy, err = proxyOr(s.LDAPSProxy, c.LDAPProxy); err != nil {
		return fmt.Errorf("ldaps_proxy: %w", err)
	}
	if c.NoProxy, err = dialer.ParseBypass(s.NoProxy); err != nil {
		return fmt.Errorf("no_proxy: %w", err)
	}
	return nil
}

// proxyOr reads a proxy's URL, for which an empty text means another one.
func proxyOr(text string, other *url.URL) (*url.URL, error) {
	switch text {
	case "":
		return other, nil
	case directly:
		return nil, nil
	default:
		return dialer.ParseURL(text)
	}
}

// directories returns the configured LDAP servers.
func (s Settings) directories() ([]LDAPServer, error) {
	if s.LDAPServer == "" {
		return nil, nil
	}
	var all []LDAPServer
	for text := range strings.SplitSeq(s.LDAPServer, ",") {
		server, err := directory(strings.TrimSpace(text), s.LDAPPort)
		if err != nil {
			return nil, err
		}
		all = append(all, server)
	}
	if len(all) > MaxLDAPServers {
		return nil, fmt.Errorf("ldap_server names %d servers: no more than %d are asked", len(all), MaxLDAPServers)
	}
	return all, nil
}

// directory reads one LDAP server.
func directory(text string, port int) (LDAPServer, error) {
	host, secure := strings.CutPrefix(text, "ldaps://")
	if secure {
		port = defaultLDAPSPort
	} else {
		host = strings.TrimPrefix(text, "ldap://")
	}
	address, err := host, error(nil)
	name, own, _ := net.SplitHostPort(host)
	if own == "" { // no port: a name or an address, an IPv6 one perhaps in brackets
		name = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
		address, err = joinPort("ldap", name, port)
	}
	if name == "" || strings.ContainsAny(name, "/ ") {
		err = fmt.Errorf("ldap_server: %q is not HOST, HOST:PORT or ldaps://HOST[:PORT]", text)
	}
	return LDAPServer{Address: address, TLS: secure}, err
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

// defaultLDAPSPort is that of ldaps.
const defaultLDAPSPort = 636

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
	config, err := s.CheckerConfig()
	if err != nil {
		return nil, err
	}
	config.Lists = atHand
	return NewChecker(config)
}

// CheckerConfig returns what NewChecker takes, for a Checker that fetches as the
// settings say.
func (s Settings) CheckerConfig() (CheckerConfig, error) {
	config, err := s.FetcherConfig()
	if err != nil {
		return CheckerConfig{}, err
	}
	fetcher, err := NewFetcher(config)
	if err != nil {
		return CheckerConfig{}, err
	}
	return CheckerConfig{Source: NewBackoff(fetcher, nil), Order: s.FetchOrder, FetchTimeout: time.Duration(s.FetchTimeout)}, nil
}

// NewWatcher returns a Watcher of a Checker that looks as often as the settings
// say; lists is told how lists stand, see WatcherConfig.
func (s Settings) NewWatcher(c *Checker, lists func(ListEvent)) (*Watcher, error) {
	return NewWatcher(WatcherConfig{Checker: c, Every: time.Duration(s.WatchEvery), Lists: lists})
}

// Policy returns the policy of the settings, with anchors in DER.
func (s Settings) Policy(anchors [][]byte) Policy {
	return Policy{Anchors: anchors, Revocation: s.Revocation, Timeout: time.Duration(s.CheckTimeout), AllowWeak: s.AllowWeak}
}

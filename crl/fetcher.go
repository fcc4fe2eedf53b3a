package crl

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"keyman/internal/dialer"
	"keyman/internal/dn"
)

// The defaults and bounds of a FetcherConfig.
const (
	DefaultRedirects  = 5
	MaxRedirects      = 20
	DefaultSearchTime = 10 * time.Second
	DefaultLDAPPort   = 389
	DefaultSOCKSPort  = 1080

	// maxURL bounds a URL, in bytes: it may come from a certificate.
	maxURL = 4096
)

// A FetcherConfig says how a Fetcher reaches servers. The zero value fetches
// directly, and knows no LDAP server.
type FetcherConfig struct {
	// HTTPProxy and LDAPProxy are the proxies for each protocol, as
	// internal/dialer takes them; nil is a direct connection.
	HTTPProxy, LDAPProxy *url.URL
	// LDAPServer is the directory, host:port, that is asked for the lists of
	// certificates without a distribution point and for LDAP URLs without a
	// host; empty is none.
	LDAPServer string
	// LDAPVersion is 2 or 3; zero is 3.
	LDAPVersion int
	// SearchTime bounds one LDAP search, on the server and here; zero is
	// DefaultSearchTime.
	SearchTime time.Duration
	// Timeout bounds one fetch as a whole; zero is DefaultFetchTimeout.
	Timeout time.Duration
	// Redirects is how many HTTP redirects are followed, at most MaxRedirects;
	// zero is DefaultRedirects, a negative number is none.
	Redirects int
	// Limits bounds a list.
	Limits Limits
	// RootCAs are the certificates trusted for https and ldaps; nil are those
	// of the system.
	RootCAs *x509.CertPool
	// Dial makes connections; nil is a net.Dialer.
	Dial dialer.ContextDialer
}

// A Fetcher gets lists from servers by http, https, ldap and ldaps, and by no
// other scheme. It may be used by several goroutines at once and keeps nothing:
// neither connections nor lists. It implements Source.
type Fetcher struct {
	config   FetcherConfig
	client   *http.Client
	ldapDial dialer.ContextDialer
}

// NewFetcher returns a Fetcher.
func NewFetcher(config FetcherConfig) (*Fetcher, error) {
	if config.LDAPVersion == 0 {
		config.LDAPVersion = 3
	}
	if config.SearchTime == 0 {
		config.SearchTime = DefaultSearchTime
	}
	if config.Timeout == 0 {
		config.Timeout = DefaultFetchTimeout
	}
	if config.Redirects == 0 {
		config.Redirects = DefaultRedirects
	}
	switch {
	case config.LDAPVersion != 2 && config.LDAPVersion != 3:
		return nil, fmt.Errorf("LDAP version %d: there are 2 and 3", config.LDAPVersion)
	case config.SearchTime < 0, config.Timeout < 0:
		return nil, errors.New("a time limit of a fetch is negative")
	case config.Redirects > MaxRedirects:
		return nil, fmt.Errorf("%d redirects: no more than %d are followed", config.Redirects, MaxRedirects)
	case config.Limits.MaxBytes < 0 || config.Limits.MaxBytes > MaxMaxBytes:
		return nil, fmt.Errorf("a limit of %d bytes: it must lie between 1 and %d", config.Limits.MaxBytes, MaxMaxBytes)
	}
	if config.LDAPServer != "" {
		host, port, err := net.SplitHostPort(config.LDAPServer)
		if n, numeric := strconv.ParseUint(port, 10, 16); err != nil || host == "" || numeric != nil || n == 0 {
			return nil, fmt.Errorf("LDAP server %q is not HOST:PORT", config.LDAPServer)
		}
	}
	f := &Fetcher{config: config}
	httpDial, err := dialer.New(config.HTTPProxy, config.Dial)
	if err != nil {
		return nil, err
	}
	if f.ldapDial, err = dialer.New(config.LDAPProxy, config.Dial); err != nil {
		return nil, err
	}
	f.client = newHTTPClient(httpDial, config)
	return f, nil
}

// tlsConfig is for https and ldaps alike.
func (c FetcherConfig) tlsConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.RootCAs}
}

// Lists implements Source.
func (f *Fetcher) Lists(ctx context.Context, rawURL string) ([]*List, error) {
	if len(rawURL) > maxURL {
		return nil, fmt.Errorf("fetch: a URL of %d bytes, longer than %d", len(rawURL), maxURL)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	if u.User != nil {
		// Nobody else's certificate makes keyman send a password.
		return nil, fmt.Errorf("fetch %s: a URL with a user name is not fetched", u.Redacted())
	}
	ctx, cancel := context.WithTimeout(ctx, f.config.Timeout)
	defer cancel()
	var lists []*List
	switch u.Scheme {
	case "http", "https":
		lists, err = f.byHTTP(ctx, u)
	case "ldap", "ldaps":
		lists, err = f.byLDAP(ctx, u)
	default:
		err = fmt.Errorf("scheme %q is not fetched: use http, https, ldap or ldaps", u.Scheme)
	}
	return named(rawURL, lists, err)
}

// ListsByIssuer implements Source.
func (f *Fetcher) ListsByIssuer(ctx context.Context, issuer dn.Name) ([]*List, error) {
	if f.config.LDAPServer == "" {
		return nil, fmt.Errorf("list of %s: %w", issuer, ErrNoDirectory)
	}
	if issuer.IsEmpty() {
		return nil, errors.New("list of an issuer without a name")
	}
	ctx, cancel := context.WithTimeout(ctx, f.config.Timeout)
	defer cancel()
	lists, err := f.search(ctx, ldapQuery{server: f.config.LDAPServer, base: issuer.LDAP(), filter: anyEntry, attributes: listAttributes})
	return named("ldap://"+f.config.LDAPServer+"/"+url.PathEscape(issuer.LDAP()), lists, err)
}

// named puts the source into lists and errors.
func named(source string, lists []*List, err error) ([]*List, error) {
	if err != nil {
		if !printable(source) {
			source = strconv.Quote(source)
		}
		return nil, fmt.Errorf("fetch %s: %w", source, quoted(err))
	}
	for _, l := range lists {
		l.Source = source
	}
	return lists, nil
}

// Fetch returns the list at a URL, the newest where a directory holds several.
// It is parsed and not verified.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string) (*List, error) {
	lists, err := f.Lists(ctx, rawURL)
	return newest(lists, err)
}

// FetchByIssuer returns the list in the configured directory's entry of that
// name, the newest of those whose issuer has the name. It is parsed and not
// verified.
func (f *Fetcher) FetchByIssuer(ctx context.Context, issuer dn.Name) (*List, error) {
	lists, err := f.ListsByIssuer(ctx, issuer)
	var own []*List
	for _, l := range lists {
		if l.Issuer.Equal(issuer) {
			own = append(own, l)
		}
	}
	if err == nil && len(own) == 0 {
		err = fmt.Errorf("fetch: the entry %s holds lists of other issuers only", issuer.LDAP())
	}
	return newest(own, err)
}

func newest(lists []*List, err error) (*List, error) {
	if err != nil {
		return nil, err
	}
	var best *List
	for _, l := range lists {
		if best == nil || l.newer(best) {
			best = l
		}
	}
	if best == nil {
		return nil, errors.New("fetch: no list")
	}
	return best, nil
}

// FetchFor returns the list that a certificate, DER, names: from the first place
// that has one, in the order of the protocols, or from the configured directory
// where the certificate names no place. The time that ctx has is shared out. The
// list is parsed and not verified, and the certificate is believed: Checker is
// there for certificates of others.
func (f *Fetcher) FetchFor(ctx context.Context, certificate []byte, order []Protocol) (*List, error) {
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, err
	}
	at, err := points(cert)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", subjectOf(cert), err)
	}
	if len(order) == 0 {
		order = defaultOrder
	}
	all := places(f, order, cert, at)
	if len(all) == 0 {
		return nil, fmt.Errorf("%s %s", subjectOf(cert), reasonTable[CodeNoSource].words)
	}
	var errs []error
	for i, p := range all {
		one, cancel := shareOf(ctx, len(all)-i)
		l, err := newest(p.lookup(one))
		cancel()
		if err == nil {
			return l, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// quoted returns an error whose words cannot steer a terminal. net/http and
// crypto/tls repeat what servers wrote, as in header lines and names of
// certificates.
func quoted(err error) error {
	if printable(err.Error()) {
		return err
	}
	return quotedError{err}
}

type quotedError struct{ error }

func (e quotedError) Error() string { return strconv.Quote(e.error.Error()) }
func (e quotedError) Unwrap() error { return e.error }

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) })
}

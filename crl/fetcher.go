package crl

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"keyman/crl/certpath"
	"keyman/internal/cert"
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

	// MaxMinRate is the largest rate that can be demanded of a server, in bytes
	// a second.
	MaxMinRate = 1 << 20
)

// A FetcherConfig says how a Fetcher reaches servers. The zero value fetches
// directly, and knows no LDAP server.
type FetcherConfig struct {
	// The proxies for each scheme of a URL, as internal/dialer takes them; nil
	// is a direct connection. The configured servers are reached as other ones.
	HTTPProxy, HTTPSProxy, LDAPProxy, LDAPSProxy *url.URL
	// NoProxy names targets that are reached directly all the same.
	NoProxy dialer.Bypass
	// RefusePrivate refuses addresses that are not of the public Internet, for
	// all servers but the LDAPServers and the proxies.
	RefusePrivate bool
	// Lookup finds addresses where RefusePrivate has to know them; nil asks the
	// system.
	Lookup dialer.Lookup
	// LDAPServers are asked, in their order until one has a list, for the lists
	// of certificates without a distribution point and for LDAP URLs without a
	// host; at most MaxLDAPServers.
	LDAPServers []LDAPServer
	// LDAPVersion is 2 or 3; zero is 3.
	LDAPVersion int
	// StartTLS has those of LDAPServers that are not asked by TLS from the
	// start begin it; one that does not is not asked. It needs version 3.
	StartTLS bool
	// SearchTime bounds one LDAP search, on the server and here; zero is
	// DefaultSearchTime.
	SearchTime time.Duration
	// Timeout bounds one fetch as a whole; zero is DefaultFetchTimeout.
	Timeout time.Duration
	// MinRate is the slowest server that is waited for once it has begun to
	// send, in bytes a second; zero is DefaultMinRate, a negative number is none.
	MinRate int64
	// Redirects is how many HTTP redirects are followed, at most MaxRedirects;
	// zero is DefaultRedirects, a negative number is none. None leads from https
	// to http, or to another scheme.
	Redirects int
	// Limits bounds a list.
	Limits Limits
	// Files lets Lists and Get read file URLs. Fetch, which is for URLs that a
	// person gave, reads them in any case.
	Files bool
	// RootCAs are the certificates trusted for https, ldaps and StartTLS; nil are
	// those of the system.
	RootCAs *x509.CertPool
	// Dial makes connections; nil is a net.Dialer.
	Dial dialer.ContextDialer
}

// MaxLDAPServers bounds the configured LDAP servers.
const MaxLDAPServers = 8

// An LDAPServer is one that is asked for lists by names.
type LDAPServer struct {
	// Address is host:port.
	Address string
	// TLS begins TLS at once, as ldaps does.
	TLS bool
}

// A Fetcher gets lists from servers by http, https, ldap and ldaps, and, where
// that is asked for, from files. It may be used by several goroutines at once and
// keeps nothing: neither connections nor lists. It implements Source.
type Fetcher struct {
	config FetcherConfig
	client *http.Client
	dial   dialers
}

// dialers reach servers, by the scheme of the URL; directory and directoryTLS the
// configured ones.
type dialers struct {
	http, https, ldap, ldaps, directory, directoryTLS dialer.ContextDialer
}

// newDialers makes the dialers of a configuration.
func (c FetcherConfig) newDialers() (d dialers, err error) {
	direct := c.Dial
	if direct == nil {
		direct = &net.Dialer{}
	}
	for _, scheme := range []struct {
		proxy           *url.URL
		dial, directory *dialer.ContextDialer
	}{
		{c.HTTPProxy, &d.http, nil}, {c.HTTPSProxy, &d.https, nil}, {c.LDAPProxy, &d.ldap, &d.directory}, {c.LDAPSProxy, &d.ldaps, &d.directoryTLS},
	} {
		proxied, err := dialer.New(scheme.proxy, direct)
		if err != nil {
			return d, err
		}
		if scheme.directory != nil {
			*scheme.directory = c.NoProxy.Around(proxied, direct)
		}
		here := direct
		if c.RefusePrivate {
			proxied, here = dialer.Public(proxied, c.Lookup), dialer.Public(direct, c.Lookup)
		}
		*scheme.dial = c.NoProxy.Around(proxied, here)
	}
	return d, nil
}

// NewFetcher returns a Fetcher.
func NewFetcher(config FetcherConfig) (*Fetcher, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	f := &Fetcher{config: config}
	var err error
	if f.dial, err = config.newDialers(); err != nil {
		return nil, err
	}
	f.client = newHTTPClient(f.dial, config)
	return f, nil
}

// withDefaults puts the defaults in the place of zeros.
func (c FetcherConfig) withDefaults() FetcherConfig {
	if c.LDAPVersion == 0 {
		c.LDAPVersion = 3
	}
	if c.SearchTime == 0 {
		c.SearchTime = DefaultSearchTime
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultFetchTimeout
	}
	if c.MinRate == 0 {
		c.MinRate = DefaultMinRate
	}
	if c.Redirects == 0 {
		c.Redirects = DefaultRedirects
	}
	c.LDAPServers = slices.Clone(c.LDAPServers)
	return c
}

// check refuses what makes no sense.
func (c FetcherConfig) check() error {
	switch {
	case c.LDAPVersion != 2 && c.LDAPVersion != 3:
		return fmt.Errorf("LDAP version %d: there are 2 and 3", c.LDAPVersion)
	case c.LDAPVersion == 2 && c.StartTLS:
		return errors.New("StartTLS belongs to LDAP version 3, and version 2 is set")
	case c.SearchTime < 0, c.Timeout < 0:
		return errors.New("a time limit of a fetch is negative")
	case c.Redirects > MaxRedirects:
		return fmt.Errorf("%d redirects: no more than %d are followed", c.Redirects, MaxRedirects)
	case c.MinRate > MaxMinRate:
		return fmt.Errorf("a rate of %d bytes a second: no more than %d can be asked for", c.MinRate, MaxMinRate)
	case c.Limits.MaxBytes < 0 || c.Limits.MaxBytes > MaxMaxBytes:
		return fmt.Errorf("a limit of %d bytes: it must lie between 1 and %d", c.Limits.MaxBytes, MaxMaxBytes)
	case len(c.LDAPServers) > MaxLDAPServers:
		return fmt.Errorf("%d LDAP servers: no more than %d are asked", len(c.LDAPServers), MaxLDAPServers)
	}
	for _, server := range c.LDAPServers {
		host, port, err := net.SplitHostPort(server.Address)
		if n, numeric := strconv.ParseUint(port, 10, 16); err != nil || host == "" || numeric != nil || n == 0 {
			return fmt.Errorf("LDAP server %q is not HOST:PORT", server.Address)
		}
	}
	return nil
}

// Lists implements Source.
func (f *Fetcher) Lists(ctx context.Context, rawURL string) ([]*List, error) {
	reply, err := f.Get(ctx, rawURL, Validators{})
	return reply.Lists, err
}

// Get gets the lists at a URL. A caller who has the list that an earlier Reply
// brought gives its validators, and may learn by HTTP that it still stands.
func (f *Fetcher) Get(ctx context.Context, rawURL string, have Validators) (Reply, error) {
	return f.get(ctx, rawURL, have, f.config.Files)
}

func (f *Fetcher) get(ctx context.Context, rawURL string, have Validators, files bool) (reply Reply, err error) {
	if len(rawURL) > maxURL {
		return Reply{}, fmt.Errorf("fetch: a URL of %d bytes, longer than %d", len(rawURL), maxURL)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return Reply{}, fmt.Errorf("fetch: %w", err)
	}
	if u.User != nil {
		// Nobody else's certificate makes keyman send a password.
		return Reply{}, fmt.Errorf("fetch %s: a URL with a user name is not fetched", u.Redacted())
	}
	ctx, cancel := context.WithTimeout(ctx, f.config.Timeout)
	defer cancel()
	switch {
	case u.Scheme == "http", u.Scheme == "https":
		reply, err = f.byHTTP(ctx, u, have)
	case u.Scheme == "ldap", u.Scheme == "ldaps":
		reply.Lists, err = f.byLDAP(ctx, u)
	case u.Scheme == "file" && files:
		reply.Lists, err = f.byFile(u)
	default:
		err = fmt.Errorf("scheme %q is not fetched: use http, https, ldap or ldaps", u.Scheme)
	}
	if reply.Lists, err = named(rawURL, reply.Lists, err); err != nil {
		return Reply{}, err
	}
	return reply, nil
}

// ListsByIssuer implements Source.
func (f *Fetcher) ListsByIssuer(ctx context.Context, issuer dn.Name) ([]*List, error) {
	if len(f.config.LDAPServers) == 0 {
		return nil, fmt.Errorf("list of %s: %w", issuer, ErrNoDirectory)
	}
	if issuer.IsEmpty() {
		return nil, errors.New("list of an issuer without a name")
	}
	ctx, cancel := context.WithTimeout(ctx, f.config.Timeout)
	defer cancel()
	lists, err := f.searchDirectories(ctx, ldapQuery{base: issuer.LDAP(), filter: anyEntry, attributes: listAttributes})
	return named("ldap:///"+url.PathEscape(issuer.LDAP()), lists, err)
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
		if l.Source == "" { // a directory has named itself
			l.Source = source
		}
	}
	return lists, nil
}

// Fetch returns the list at a URL, the newest where a directory holds several.
// It is parsed and not verified. The URL is the caller's own, and not one out of a
// certificate: a file URL is read, too.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string) (*List, error) {
	reply, err := f.get(ctx, rawURL, Validators{}, true)
	return newest(reply.Lists, err)
}

// FetchByIssuer returns the list in the configured directory's entry of that
// name, the newest of those whose issuer has the name. It is parsed and not
// verified.
func (f *Fetcher) FetchByIssuer(ctx context.Context, issuer dn.Name) (*List, error) {
	return fetchByIssuer(ctx, f, issuer)
}

// fetchByIssuer is FetchByIssuer with any source.
func fetchByIssuer(ctx context.Context, source Source, issuer dn.Name) (*List, error) {
	lists, err := source.ListsByIssuer(ctx, issuer)
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
// where the certificate names no place. A place that is slow is not waited for
// before the next is asked. The list is parsed and not verified, and the
// certificate is believed: Checker is there for certificates of others.
func (f *Fetcher) FetchFor(ctx context.Context, certificate []byte, order []Protocol) (*List, error) {
	l, _, err := fetchFor(ctx, f, certificate, order)
	return l, err
}

// fetchFor is FetchFor with any source, and returns the place, too.
func fetchFor(ctx context.Context, source Source, certificate []byte, order []Protocol) (*List, string, error) {
	target, err := certpath.ParseCertificate(certificate)
	if err != nil {
		return nil, "", err
	}
	at, err := pointsOf(target)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", subjectOf(target), err)
	}
	if len(order) == 0 {
		order = defaultOrder
	}
	var names []cert.GeneralName
	if len(at) == 0 {
		names = []cert.GeneralName{{Kind: cert.DirectoryName, Value: target.RawIssuer}}
	}
	for _, p := range at {
		// The issuer's own list for all reasons.
		if p.Name != nil && p.CRLIssuer == nil && p.Reasons&cert.AllReasons == cert.AllReasons {
			names = append(names, p.Name.Full...)
		}
	}
	all := places(source, order, names)
	if len(all) == 0 {
		return nil, "", fmt.Errorf("%s %s", subjectOf(target), reasonTable[CodeNoSource].words)
	}
	type answer struct {
		list *List
		err  error
	}
	var errs []error
	for i, a := range follow(ctx, len(all), func(ctx context.Context, i int) answer {
		l, err := newest(all[i].lookup(ctx))
		return answer{l, err}
	}) {
		if a.err == nil {
			return a.list, all[i].name, nil
		}
		errs = append(errs, a.err)
	}
	return nil, "", errors.Join(errs...)
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

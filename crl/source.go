package crl

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"keyman/internal/cert"
	"keyman/internal/dn"
)

// A Source gets revocation lists. Fetcher is the one that asks servers. A
// Source is used by several goroutines at once and returns when ctx ends. The
// lists are parsed, and not verified.
type Source interface {
	// Lists gets the lists at a URL: one by HTTP, perhaps several from a
	// directory.
	Lists(ctx context.Context, url string) ([]*List, error)
	// ListsByIssuer gets the lists in the configured directory's entry of
	// that name. Without a directory the error is ErrNoDirectory.
	ListsByIssuer(ctx context.Context, issuer dn.Name) ([]*List, error)
}

// A ConditionalSource is a Source that may learn that a list which a caller has
// still stands, and then need not get it again. Fetcher is one, and Backoff.
type ConditionalSource interface {
	Source
	// Get is Lists for a caller who has the list that the validators belong to.
	Get(ctx context.Context, url string, have Validators) (Reply, error)
}

// getFrom asks a source by condition where it can be.
func getFrom(ctx context.Context, source Source, url string, have Validators) (Reply, error) {
	if c, ok := source.(ConditionalSource); ok {
		return c.Get(ctx, url, have)
	}
	lists, err := source.Lists(ctx, url)
	return Reply{Lists: lists}, err
}

// ErrNoDirectory is in the error where an LDAP server would be asked and none
// is configured.
var ErrNoDirectory = errors.New("no LDAP server is configured")

// A Protocol is a way of fetching lists.
type Protocol string

// The protocols, the first two in the order in which they are tried by default.
const (
	HTTP Protocol = "http" // http and https
	LDAP Protocol = "ldap" // ldap, ldaps and the configured LDAP servers
	// File reads files that certificates name. It is not among those tried by
	// default: a certificate has no say in what is read on this machine.
	File Protocol = "file"
)

// defaultOrder is the order in which protocols are tried.
var defaultOrder = []Protocol{HTTP, LDAP}

// protocolOf returns the protocol for a URL, "" for one that is not fetched.
func protocolOf(rawURL string) Protocol {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	switch u.Scheme {
	case "http", "https":
		return HTTP
	case "ldap", "ldaps":
		return LDAP
	case "file":
		return File
	default:
		return ""
	}
}

// A place is one place to get a certificate's list from.
type place struct {
	name string // for people, and the key of the cache
	get  func(ctx context.Context, have Validators) (Reply, error)
}

// lookup gets the lists that are there.
func (p place) lookup(ctx context.Context) ([]*List, error) {
	reply, err := p.get(ctx, Validators{})
	return reply.Lists, err
}

// placeOfURL is what lies at a URL.
func placeOfURL(source Source, url string) place {
	return place{url, func(ctx context.Context, have Validators) (Reply, error) { return getFrom(ctx, source, url, have) }}
}

// placeOfName is what lies in the directory's entry of a name.
func placeOfName(source Source, n dn.Name) place {
	return place{directoryPlace(n), func(ctx context.Context, _ Validators) (Reply, error) {
		lists, err := source.ListsByIssuer(ctx, n)
		return Reply{Lists: lists}, err
	}}
}

// protocolOfName returns the protocol for a name of a distribution point, "" for
// one that is not fetched.
func protocolOfName(g cert.GeneralName) Protocol {
	switch g.Kind {
	case cert.URIName:
		return protocolOf(g.Text())
	case cert.DirectoryName:
		return LDAP
	default:
		return ""
	}
}

// places returns where to look for the lists of a distribution point, best first:
// all its names in the order of the protocols, a directory name in the configured
// directory.
func places(source Source, order []Protocol, names []cert.GeneralName) []place {
	if source == nil {
		return nil
	}
	var all []place
	for _, protocol := range order {
		for _, g := range names[:min(len(names), maxPoints)] {
			if protocolOfName(g) != protocol {
				continue
			}
			p, ok := placeOf(source, g)
			if ok && !slices.ContainsFunc(all, func(other place) bool { return other.name == p.name }) {
				all = append(all, p)
			}
		}
	}
	return all
}

// placeOf returns the place that a URI or a directory name stands for.
func placeOf(source Source, g cert.GeneralName) (place, bool) {
	if g.Kind == cert.URIName {
		return placeOfURL(source, g.Text()), true
	}
	n, err := g.Directory()
	if err != nil || n.IsEmpty() {
		return place{}, false
	}
	return placeOfName(source, n), true
}

// directoryPlace is the name of the place where a directory has an issuer's lists.
func directoryPlace(issuer dn.Name) string { return "directory entry " + issuer.LDAP() }

// shareOf gives one of the places that are left its share of the time.
func shareOf(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
	}
	return context.WithCancel(ctx)
}

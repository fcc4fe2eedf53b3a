package crl

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"keyman/internal/dn"
)

// A Keeper gets single lists for a person and keeps them.
type Keeper struct {
	Fetcher *Fetcher
	// Cache is where lists are kept; nil keeps none.
	Cache *Cache
	// CAs are the certificates of which one must prove a list's signature; empty
	// demands none.
	CAs []*x509.Certificate
	// Clock is asked for the time; nil is time.Now.
	Clock func() time.Time
}

// A Wanted says which list a Keeper is to get: the one at URL, or else that of
// Issuer in the configured directory, or else the one that the first of
// Certificates, DER, names, of whose issuer there may be a certificate among the
// others.
type Wanted struct {
	URL          string
	Issuer       dn.Name
	Certificates [][]byte
	// Order is the order of the protocols for Certificates; empty is HTTP, then
	// LDAP.
	Order []Protocol
}

// A Fetched is what a Keeper has got.
type Fetched struct {
	// List is what came, or the newer one of its scope that was in the cache.
	List *List
	// From is where it came from.
	From string
	// Unchanged: the server said that the list of the cache still stands.
	Unchanged bool
	// Older: the cache had a newer list than the one that came.
	Older bool
	// Signer is the certificate that proved the signature; nil where it was not
	// proved.
	Signer *x509.Certificate
	// NotKept says why the list is not in the cache; nil where it is.
	NotKept error
}

// ErrNoSigner is in Fetched.NotKept where no certificate is known that proves the
// list's signature.
var ErrNoSigner = errors.New("no certificate of its issuer is known that proves its signature")

// Fetch gets one list. A file URL is read, too, where it is Wanted.URL, and not
// kept. Where the cache has the list that the same URL gave before, the server is
// asked whether it still stands. What comes is kept where its signature is proved:
// by one of CAs, or by a certificate behind the one that names the list, or by the
// one that proved the last list of that issuer. Where CAs names certificates and
// none of them proves it, the error says why.
func (k Keeper) Fetch(ctx context.Context, want Wanted) (Fetched, error) {
	var (
		source = revalidator{cache: k.Cache, fetcher: k.Fetcher, files: want.URL != ""}
		l      *List
		place  string
		err    error
	)
	switch {
	case want.URL != "":
		place = want.URL
		l, err = newest(source.Lists(ctx, want.URL))
	case !want.Issuer.IsEmpty():
		place = directoryPlace(want.Issuer)
		l, err = fetchByIssuer(ctx, source, want.Issuer)
	case len(want.Certificates) > 0:
		l, place, err = fetchFor(ctx, source, want.Certificates[0], want.Order)
	default:
		err = errors.New("fetch: nothing is wanted")
	}
	if err != nil {
		return Fetched{}, err
	}
	got := Fetched{List: l, From: l.Source, Unchanged: l.signed.expected != nil} // the cache gave it
	if got.Signer, err = k.signer(l, want); err != nil {
		return Fetched{}, fmt.Errorf("the list from %s: %w", l.Source, err)
	}
	got.NotKept = k.keep(ctx, &got, place)
	return got, nil
}

// signer returns the certificate that proves a list's signature; nil where none is
// known and none is demanded.
func (k Keeper) signer(l *List, want Wanted) (*x509.Certificate, error) {
	var why []error
	for _, ca := range k.CAs {
		err := l.CheckSignatureFrom(ca, true)
		if err == nil {
			return ca, nil
		}
		why = append(why, err)
	}
	if len(why) > 0 {
		return nil, errors.Join(why...)
	}
	for i, der := range want.Certificates {
		if i == 0 {
			continue
		}
		ca, err := x509.ParseCertificate(der)
		if err == nil && l.CheckSignatureFrom(ca, true) == nil {
			return ca, nil
		}
	}
	if k.Cache == nil {
		return nil, nil
	}
	return k.Cache.knownSigner(l), nil
}

// keep stores what was fetched, or returns why it does not.
func (k Keeper) keep(ctx context.Context, got *Fetched, place string) error {
	now := time.Now()
	if k.Clock != nil {
		now = k.Clock()
	}
	switch {
	case k.Cache == nil:
		return errors.New("there is no cache")
	case got.Signer == nil:
		return ErrNoSigner
	case protocolOf(place) == File:
		return errors.New("it lies in a file of this machine")
	case !k.Cache.fits(got.List):
		return errors.New("it would fill more than half of the cache")
	case got.List.early(now): // it would stand in the way of the one that is valid now
		return errors.New("it is of the future")
	}
	counts, err := k.Cache.Put(ctx, Found{List: got.List, Place: place, Signer: got.Signer, At: now})
	if err != nil {
		return err
	}
	got.Older = counts.newer(got.List)
	got.List = counts
	return nil
}

// knownSigner returns the certificate that proved another list of the issuer and
// proves this one, too; nil where there is none.
func (c *Cache) knownSigner(l *List) *x509.Certificate {
	names, err := c.names()
	if err != nil {
		return nil // Put tells why the cache is not used
	}
	tried := map[string]bool{}
	for _, name := range names {
		r, err := c.record(name)
		if err != nil || tried[string(r.Signer)] {
			continue
		}
		tried[string(r.Signer)] = true
		signer, err := x509.ParseCertificate(r.Signer)
		if err == nil && l.CheckSignatureFrom(signer, true) == nil {
			return signer
		}
	}
	return nil
}

// A revalidator is a Source that asks a Fetcher, and HTTP servers whether the list
// that the cache has of the same URL still stands.
type revalidator struct {
	cache   *Cache
	fetcher *Fetcher
	files   bool // file URLs are read
}

// Lists implements Source.
func (r revalidator) Lists(ctx context.Context, url string) ([]*List, error) {
	var (
		have       *List
		validators Validators
	)
	if r.cache != nil {
		have = r.cache.last(url)
	}
	if have != nil {
		validators = have.validators
	}
	reply, err := r.fetcher.get(ctx, url, validators, r.files || r.fetcher.config.Files)
	if err != nil || !reply.NotModified {
		return reply.Lists, err
	}
	return []*List{have}, nil
}

// ListsByIssuer implements Source.
func (r revalidator) ListsByIssuer(ctx context.Context, issuer dn.Name) ([]*List, error) {
	return r.fetcher.ListsByIssuer(ctx, issuer)
}

// last returns the list that a URL gave last, as far as the server can say whether
// it still stands and the file is as it was stored; nil where there is none.
func (c *Cache) last(url string) *List {
	names, err := c.names()
	if err != nil {
		return nil // the list comes anew, and Put tells why the cache is not used
	}
	var newest *List
	for _, name := range names {
		r, err := c.record(name)
		if err != nil || r.Source != url || r.Validators == (Validators{}) || !slices.Contains(r.Places, url) {
			continue
		}
		cached, err := c.intact(name)
		if err == nil && (newest == nil || cached.newer(newest)) {
			newest = cached.List
		}
	}
	return newest
}

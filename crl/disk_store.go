package crl

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"keyman/internal/atomicfile"
)

// A Found is a list that was found.
type Found struct {
	List *List
	// Place is where: a URL, or the name of an issuer in a directory.
	Place string
	// Signer is the issuer's certificate.
	Signer *x509.Certificate
	// At is when.
	At time.Time
	// Together is how many lists of different scopes the place gave; zero is
	// one.
	Together int
}

// Put stores a list and returns the one that counts: it, or a newer one of its
// scope that is in the cache already. Some issuers part their lists by place
// without a word about it inside them: of two lists that name no distribution
// point, the newer one counts where it was found at the same place, too, and
// otherwise the one that was found.
func (c *Cache) Put(ctx context.Context, f Found) (*List, error) {
	if err := f.List.CheckSignatureFrom(f.Signer, true); err != nil {
		return f.List, err
	}
	if len(f.Signer.Raw) > maxSignerKept {
		return f.List, fmt.Errorf("the certificate of %s is not kept: it has %d bytes, more than %d", f.List.Issuer, len(f.Signer.Raw), maxSignerKept)
	}
	if !c.fits(f.List) {
		return f.List, nil
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return f.List, err
	}
	counts := f.List
	err := c.locked(ctx, func() error {
		name := cacheName(f.List)
		r := newRecord(name, f)
		old, err := c.intact(name)
		if err == nil {
			err = old.CheckSignatureFrom(f.Signer, true)
		}
		// A file that is damaged, or the list of another owner of the name, does
		// not stand in the way.
		if err == nil {
			same := slices.Equal(old.signed.expected, r.Digest)
			shared := same || slices.Contains(old.Places, f.Place) || f.List.Scope != nil && f.List.Scope.Point != nil
			if !same && !f.List.newer(old.List) {
				if !shared {
					return nil
				}
				counts = old.List
				f.List = old.List
				r = newRecord(name, f)
			}
			if shared {
				r.add(old.Places)
			}
			if same || counts == old.List {
				return c.writeIndex(name, r, f.List)
			}
		}
		return c.write(name, r, f.List)
	})
	return counts, err
}

// fits reports whether a list leaves room for others.
func (c *Cache) fits(l *List) bool { return l.Size() <= c.limit/2 }

func newRecord(name string, f Found) *record {
	digest := f.List.signed.check()
	return &record{
		DER: derName(name, digest), Size: int64(len(f.List.raw)), Digest: digest,
		Entries: f.List.Len(), Issuers: len(f.List.issuers), UnknownCritical: f.List.UnknownCritical,
		Authority: f.List.authority, Source: f.List.Source, Validators: f.List.validators, Places: []string{f.Place}, Signer: f.Signer.Raw,
		Stored: f.At, Together: max(f.Together, 1),
	}
}

// add adds places, up to maxPlacesKept.
func (r *record) add(places []string) {
	for _, place := range places {
		if len(r.Places) < maxPlacesKept && !r.seenAt(place) {
			r.Places = append(r.Places, place)
		}
	}
}

// write writes the files of a list; the lock is held. The list comes first, under
// a name of its own, so that the index never names one that is not whole.
func (c *Cache) write(name string, r *record, l *List) error {
	if err := atomicfile.Write(c.path(r.DER), l.raw, 0o600); err != nil {
		return err
	}
	return c.writeIndex(name, r, l)
}

// writeIndex writes the index of a list whose file is there, and makes room.
func (c *Cache) writeIndex(name string, r *record, l *List) error {
	data, err := encodeIndex(r, l)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(c.path(name+indexSuffix), data, 0o600); err != nil {
		return err
	}
	return errors.Join(c.sweep(), c.evict(name))
}

// sweep removes files that belong to no list, such as what a process left that
// was stopped; the lock is held.
func (c *Cache) sweep() error {
	names, err := c.names()
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, name := range names {
		if r, err := c.record(name); err == nil {
			wanted[r.DER] = true
		}
	}
	files, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if file := f.Name(); strings.HasSuffix(file, ".tmp") || strings.HasSuffix(file, derSuffix) && !wanted[file] {
			if err := os.Remove(c.path(file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// evict removes the lists that were of use longest ago until the others are
// within the limits; the lock is held. The one that was just stored stays.
func (c *Cache) evict(keep string) error {
	type kept struct {
		name  string
		used  time.Time
		bytes int64
	}
	names, err := c.names()
	if err != nil {
		return err
	}
	var (
		all   []kept
		total int64
	)
	for _, name := range names {
		info, err := os.Stat(c.path(name + indexSuffix))
		if err != nil {
			continue
		}
		k := kept{name: name, used: info.ModTime(), bytes: info.Size()}
		if r, err := c.record(name); err == nil {
			k.bytes += r.Size
		}
		total += k.bytes
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b kept) int { return a.used.Compare(b.used) })
	left := len(all)
	for _, k := range all {
		if total <= c.limit && left <= MaxCached {
			break
		}
		if k.name == keep {
			continue
		}
		if err := c.remove(k.name); err != nil {
			return err
		}
		total -= k.bytes
		left--
	}
	return nil
}

// Refresh fetches a list anew from the places at which it was found, one after
// the other until one answers, verifies what comes by the certificate that proved
// the last one, and stores it. A source that is a Fetcher asks by HTTP whether the
// list still stands. It reports whether something newer came.
func (c *Cache) Refresh(ctx context.Context, source Source, cached *Cached) (newer bool, err error) {
	signer, err := x509.ParseCertificate(cached.Signer)
	if err != nil {
		return false, err
	}
	if f, ok := source.(*Fetcher); ok {
		source = revalidator{cache: c, fetcher: f}
	}
	var errs []error
	for _, at := range cached.Places {
		lists, err := listsAt(ctx, source, at, cached.List)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		a := verify(lists, signer, true)
		if len(a.lists) == 0 {
			errs = append(errs, fmt.Errorf("%s gives no list that the owner of %s signed", at, cached.Issuer))
			continue
		}
		keeper := disk{cache: c, clock: time.Now, report: func(err error) { errs = append(errs, err) }}
		before := len(errs)
		a = keeper.keep(ctx, at, signer, a)
		if len(errs) > before {
			return false, errors.Join(errs...)
		}
		return slices.ContainsFunc(a.lists, func(l *List) bool {
			return cacheName(l) == cached.Name && l.newer(cached.List)
		}), nil
	}
	return false, errors.Join(errs...)
}

// listsAt asks a place for its lists, as places made its name.
func listsAt(ctx context.Context, source Source, at string, l *List) ([]*List, error) {
	if at == directoryPlace(l.Issuer) {
		return source.ListsByIssuer(ctx, l.Issuer)
	}
	return source.Lists(ctx, at)
}

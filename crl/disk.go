package crl

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"keyman/internal/atomicfile"
)

// Limits of a Cache.
const (
	// DefaultDiskBytes bounds the files of a Cache where no other limit is set.
	DefaultDiskBytes = 512 << 20
	// MaxCached bounds the lists in a Cache.
	MaxCached = 1024
	// touchAfter is how old the time of the last use may become before it is
	// written again.
	touchAfter = time.Hour
	// maxTries bounds how often a list is opened that others replace meanwhile.
	maxTries = 10
	// maxIndexFile bounds an index file: that of a list of MaxMaxBytes, whose
	// entries have 20 octets and more, takes less.
	maxIndexFile = 1 << 30
)

// The names of the files of a Cache.
const (
	indexSuffix = ".idx"
	derSuffix   = ".crl"
	lockedName  = "cache" // its lock is that of the folder
)

// A CacheConfig says where a Cache lies.
type CacheConfig struct {
	// Dir is the folder; it is made with mode 0700 when the first list is
	// stored. Nobody else may write into it.
	Dir string
	// Bytes bounds the files in it; zero is DefaultDiskBytes.
	Bytes int64
}

// A Cache keeps verified lists in a folder, the newest of each issuer, authority
// key identifier and scope, so that they need neither be fetched nor parsed again.
// It may be used by several goroutines and several processes at once.
//
// A list is stored when its issuer's certificate has proved its signature, and is
// never replaced by an older one of its scope. A file that is not as it was
// written is noticed and dropped: that of the index when it is opened, by its
// checksum; that of the list when its signature is checked, by its digest, before
// it answers anything. Both are for accidents. The folder is trusted as the state
// directory is: who may write into it may forget what was revoked. It is not used
// where others than its owner may.
type Cache struct {
	dir   string
	limit int64
}

// NewCache returns a Cache.
func NewCache(config CacheConfig) (*Cache, error) {
	if config.Dir == "" || config.Bytes < 0 {
		return nil, errors.New("a cache of revocation lists needs a folder, and a limit that is not negative")
	}
	return &Cache{dir: config.Dir, limit: cmp.Or(config.Bytes, DefaultDiskBytes)}, nil
}

// Dir returns the folder.
func (c *Cache) Dir() string { return c.dir }

// A Cached is a list of a Cache, and what is kept about it.
type Cached struct {
	*List
	// Name is that of the list in the cache.
	Name string
	// Places are those at which it was found, URLs or names of issuers.
	Places []string
	// Signer is the certificate that proved its signature, DER.
	Signer []byte
	// Stored is when it came last, Used when it was last of use.
	Stored, Used time.Time
	// Together is how many lists came with it, itself counted.
	Together int
	// Bytes is what its files take.
	Bytes int64
}

// An unsafeError is a folder into which others may write.
type unsafeError struct{ dir string }

func (e unsafeError) Error() string {
	return fmt.Sprintf("the cache %s is not used: others than its owner may write into it", e.dir)
}

// Hint says what to do about it.
func (e unsafeError) Hint() string {
	return "empty the folder, and take the right to write from group and others with chmod 700"
}

// usable returns an error where the folder is not to be trusted. One that is
// absent is fs.ErrNotExist.
func (c *Cache) usable() error {
	info, err := os.Stat(c.dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("the cache %s is no folder", c.dir)
	case info.Mode().Perm()&0o022 != 0:
		return unsafeError{c.dir}
	}
	return nil
}

// cacheName is the name of a list in the cache: its issuer, the key that signed,
// and its scope in short.
func cacheName(l *List) string {
	h := sha256.New()
	for _, part := range []string{l.issuerKey, string(l.AuthorityKeyID), string(l.extension(oidScopeText)),
		fmt.Sprint(l.DeltaBase != nil, l.authority)} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:16])
}

// isCacheName reports whether a name may be one of cacheName.
func isCacheName(name string) bool {
	return len(name) == 32 && strings.Trim(name, "0123456789abcdef") == ""
}

func (c *Cache) path(file string) string { return filepath.Join(c.dir, file) }

// names returns the names of all lists.
func (c *Cache) names() ([]string, error) {
	if err := c.usable(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return nil, err
	}
	files, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), indexSuffix); ok && isCacheName(name) {
			names = append(names, name)
		}
	}
	return names[:min(len(names), 2*MaxCached)], nil
}

// record reads what is kept about a list.
func (c *Cache) record(name string) (*record, error) {
	path := c.path(name + indexSuffix)
	begin, err := atomicfile.ReadBeginning(path, int64(len(indexMagic))+4+maxRecord)
	if err != nil {
		return nil, err
	}
	r, _, err := decodeRecord(path, begin)
	return r, err
}

// Names returns the names of all lists, in their order.
func (c *Cache) Names() ([]string, error) { return c.names() }

// Open opens a list by its name. It is not verified. One that is absent is
// fs.ErrNotExist.
func (c *Cache) Open(name string) (*Cached, error) {
	if !isCacheName(name) {
		return nil, &fs.PathError{Op: "open", Path: c.path(name + indexSuffix), Err: fs.ErrNotExist}
	}
	return c.open(name)
}

func (c *Cache) open(name string) (*Cached, error) {
	for try := 1; ; try++ {
		cached, err := c.openOnce(name)
		if !errors.Is(err, fs.ErrNotExist) || try == maxTries || !c.has(name) {
			return cached, err
		}
		// Another process has just stored a newer one and removed this one.
	}
}

// has reports whether a list of that name is there.
func (c *Cache) has(name string) bool {
	_, err := os.Stat(c.path(name + indexSuffix))
	return err == nil
}

func (c *Cache) openOnce(name string) (*Cached, error) {
	path := c.path(name + indexSuffix)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	data, err := readRegular(path, maxIndexFile)
	if err != nil {
		return nil, err
	}
	r, x, issuers, err := decodeIndex(path, data)
	if err != nil {
		return nil, err
	}
	if r.DER != derName(name, r.Digest) {
		return nil, damaged(path, "it names a list that is not its own")
	}
	path = c.path(r.DER)
	der, err := readRegular(path, r.Size)
	if err != nil {
		return nil, err
	}
	l, err := reopen(path, r, x, issuers, der)
	if err != nil {
		return nil, err
	}
	if cacheName(l) != name {
		return nil, damaged(path, "it is not the list that was stored")
	}
	return &Cached{
		List: l, Name: name, Places: r.Places, Signer: r.Signer, Stored: r.Stored, Used: info.ModTime(),
		Together: r.Together, Bytes: int64(len(data)) + r.Size,
	}, nil
}

// derName is the name of the file of a list with a digest.
func derName(name string, digest []byte) string {
	return fmt.Sprintf("%s-%x%s", name, digest[:min(len(digest), 8)], derSuffix)
}

// at opens the lists of an issuer that were found at a place and came after an
// instant. Files that are damaged are dropped.
func (c *Cache) at(ctx context.Context, place string, issuer *x509.Certificate, after time.Time) ([]*Cached, error) {
	names, err := c.names()
	if err != nil {
		return nil, err
	}
	var (
		found []*Cached
		errs  []error
	)
	for _, name := range names {
		r, err := c.record(name)
		if err == nil && (!r.seenAt(place) || !r.Stored.After(after)) {
			continue
		}
		var cached *Cached
		if err == nil {
			cached, err = c.open(name)
		}
		if err == nil {
			err = cached.CheckSignatureFrom(issuer, true)
		}
		switch {
		case err == nil:
			c.touch(cached)
			found = append(found, cached)
		case errors.Is(err, ErrDamaged):
			errs = append(errs, err, c.drop(ctx, name, c.intact))
		case cached == nil && !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, err)
		}
	}
	return found, errors.Join(errs...)
}

// touch notes that a list was of use.
func (c *Cache) touch(cached *Cached) {
	if now := time.Now(); now.Sub(cached.Used) > touchAfter {
		// Without it the list is dropped before others: no more.
		_ = os.Chtimes(c.path(cached.Name+indexSuffix), now, now)
	}
}

// locked does something under the lock of the folder.
func (c *Cache) locked(ctx context.Context, do func() error) (err error) {
	if err := c.usable(); err != nil {
		return err
	}
	lock, err := atomicfile.Acquire(ctx, c.path(lockedName), 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	return do()
}

// drop removes a list that is damaged, as open tells, unless somebody has mended
// it meanwhile.
func (c *Cache) drop(ctx context.Context, name string, open func(name string) (*Cached, error)) error {
	return c.locked(ctx, func() error {
		if _, err := open(name); !errors.Is(err, ErrDamaged) && !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return c.remove(name)
	})
}

// intact opens a list and checks its digest.
func (c *Cache) intact(name string) (*Cached, error) {
	cached, err := c.open(name)
	if err == nil {
		_, err = cached.signed.sum()
	}
	return cached, err
}

// remove removes a list; the lock is held. The index goes first: without it the
// other file is none of the cache.
func (c *Cache) remove(name string) error {
	err := os.Remove(c.path(name + indexSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, c.sweep())
}

// Purge removes the lists for which unwanted says so, and those whose files are
// damaged, and returns how many. Others stay.
func (c *Cache) Purge(ctx context.Context, unwanted func(*Cached) bool) (removed int, err error) {
	names, err := c.names()
	if err != nil || len(names) == 0 {
		return 0, err
	}
	err = c.locked(ctx, func() error {
		for _, name := range names {
			cached, err := c.open(name)
			if err == nil && !unwanted(cached) {
				continue
			}
			if err := c.remove(name); err != nil {
				return err
			}
			removed++
		}
		return nil
	})
	return removed, err
}

// Verify checks a list as if it came from outside: it reads the list anew, and
// compares what the index says of each entry; the certificate that is kept with
// it must prove its signature. An error with ErrDamaged says that the list was
// dropped.
func (c *Cache) Verify(ctx context.Context, name string) error {
	_, err := c.verified(name)
	if errors.Is(err, ErrDamaged) {
		err = errors.Join(err, c.drop(ctx, name, c.verified))
	}
	return err
}

// verified opens a list and checks all of it.
func (c *Cache) verified(name string) (*Cached, error) {
	cached, err := c.open(name)
	if err == nil {
		err = c.verify(cached)
	}
	return cached, err
}

func (c *Cache) verify(cached *Cached) error {
	path := c.path(cached.Name + indexSuffix)
	signer, err := x509.ParseCertificate(cached.Signer)
	if err != nil {
		return damaged(path, err.Error())
	}
	if err := cached.CheckSignatureFrom(signer, true); err != nil {
		return damaged(path, err.Error())
	}
	anew, err := parseData(cached.raw, Limits{MaxBytes: MaxMaxBytes})
	if err != nil {
		return damaged(path, err.Error())
	}
	if anew.Len() != cached.Len() || !slices.Equal(anew.issuers, cached.issuers) || !slices.Equal(anew.UnknownCritical, cached.UnknownCritical) || !cached.index.indexes(anew) {
		return damaged(path, "its index is not that of the list")
	}
	return nil
}

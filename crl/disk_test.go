package crl_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"keyman/crl"
)

func newCache(t testing.TB, dir string, bytes int64) *crl.Cache {
	t.Helper()
	c, err := crl.NewCache(crl.CacheConfig{Dir: dir, Bytes: bytes})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// cached opens all lists of a cache.
func cached(c *crl.Cache) (all []*crl.Cached, err error) {
	names, err := c.Names()
	for _, name := range names {
		l, openErr := c.Open(name)
		if err = errors.Join(err, openErr); openErr == nil {
			all = append(all, l)
		}
	}
	return all, err
}

// put stores a list that was found at a place.
func put(t testing.TB, c *crl.Cache, ca *testCA, place string, at time.Time, der []byte) *crl.List {
	t.Helper()
	counts, err := c.Put(t.Context(), crl.Found{List: mustParse(t, der), Place: place, Signer: ca.cert, At: at})
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// diskCheck checks certificates by a Checker that has a cache in a folder.
type diskCheck struct {
	t      *testing.T
	dir    string
	shelf  *shelf
	later  time.Duration // than now
	errors []error
}

func (d *diskCheck) checker() *crl.Checker {
	d.t.Helper()
	return newChecker(d.t, crl.CheckerConfig{
		Source: d.shelf, Disk: newCache(d.t, d.dir, 0), Clock: func() time.Time { return now.Add(d.later) }, DiskError: func(err error) { d.errors = append(d.errors, err) },
	})
}

func statusOf(t *testing.T, c *crl.Checker, ca *testCA, cert *x509.Certificate) crl.Status {
	t.Helper()
	return c.Check(t.Context(), ders(cert), crl.Policy{Anchors: ders(ca.cert)}).Status
}

// TestDisk: what one Checker has fetched another one need not fetch, until the
// lists are to be fetched anew.
func TestDisk(t *testing.T) {
	const at = "http://crl.test/ca"
	d := &diskCheck{t: t, dir: filepath.Join(t.TempDir(), "crl-cache"), shelf: newShelf(t)}
	ca := newCA(t, "CA")
	good, bad := ca.issue("good", at), ca.issue("bad", at)
	d.shelf.put(at, ca.list(revoking(crl.KeyCompromise, bad)))
	for round := range 3 {
		checker := d.checker()
		if a, b := statusOf(t, checker, ca, good), statusOf(t, checker, ca, bad); a != crl.StatusGood || b != crl.StatusRevoked {
			t.Errorf("round %d: %s and %s", round, a, b)
		}
	}
	if len(d.shelf.asked) != 1 {
		t.Errorf("asked %q", d.shelf.asked)
	}
	d.shelf.put(at, ca.list(numbered(8), revoking(crl.KeyCompromise, good)))
	checker := d.checker()
	checker.Flush()
	if s := statusOf(t, checker, ca, good); s != crl.StatusRevoked || len(d.shelf.asked) != 2 {
		t.Errorf("after Flush: %s, asked %q", s, d.shelf.asked)
	}
	// A list that another CA of the same name signed is no answer here.
	other := newCA(t, "CA")
	d.shelf.put(at, other.list())
	if s := statusOf(t, d.checker(), other, other.issue("x", at)); s != crl.StatusGood || len(d.shelf.asked) != 3 {
		t.Errorf("of another CA: %s, asked %q", s, d.shelf.asked)
	}
	if len(d.errors) != 0 {
		t.Errorf("errors %v", d.errors)
	}
	if info, err := os.Stat(d.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, %v", info.Mode(), err)
	}
}

// TestDiskExpires: a list that is out of date is fetched anew.
func TestDiskExpires(t *testing.T) {
	const at = "http://crl.test/ca"
	d := &diskCheck{t: t, dir: t.TempDir(), shelf: newShelf(t)}
	ca := newCA(t, "CA")
	d.shelf.put(at, ca.list(dated(-3, -1)))
	cert := ca.issue("x", at)
	for range 2 {
		if s := statusOf(t, d.checker(), ca, cert); s != crl.StatusUndetermined {
			t.Errorf("by a list out of date: %s", s)
		}
	}
	d.shelf.put(at, ca.list(numbered(8)))
	if s := statusOf(t, d.checker(), ca, cert); s != crl.StatusGood || len(d.shelf.asked) != 3 {
		t.Errorf("%s, asked %q", s, d.shelf.asked)
	}
}

// TestDiskReplay: a place that gives an older list than before takes nothing back,
// also where another Checker asks.
func TestDiskReplay(t *testing.T) {
	const at = "http://crl.test/ca"
	d := &diskCheck{t: t, dir: t.TempDir(), shelf: newShelf(t)}
	ca := newCA(t, "CA")
	cert := ca.issue("x", at)
	old := ca.list(numbered(7))
	d.shelf.put(at, ca.list(numbered(8), revoking(crl.KeyCompromise, cert)))
	if s := statusOf(t, d.checker(), ca, cert); s != crl.StatusRevoked {
		t.Fatal(s)
	}
	d.shelf.put(at, old)
	checker := d.checker()
	checker.Flush()
	if s := statusOf(t, checker, ca, cert); s != crl.StatusRevoked || len(d.shelf.asked) != 2 {
		t.Errorf("by an older list: %s, asked %q", s, d.shelf.asked)
	}
}

// TestDiskScopes: a place that gives several lists is answered by all of them or
// not at all.
func TestDiskScopes(t *testing.T) {
	const at = "ldap://dir.test/cn=ca"
	d := &diskCheck{t: t, dir: t.TempDir(), shelf: newShelf(t)}
	ca := newCA(t, "CA")
	cert := ca.issue("x", at)
	users := withExtension("2.5.29.28", true, []byte{0x30, 3, 0x81, 1, 0xff})
	cas := withExtension("2.5.29.28", true, []byte{0x30, 3, 0x82, 1, 0xff})
	d.shelf.put(at, ca.list(cas), ca.list(users, revoking(crl.KeyCompromise, cert)))
	for range 2 {
		if s := statusOf(t, d.checker(), ca, cert); s != crl.StatusRevoked {
			t.Errorf("by lists of two scopes: %s", s)
		}
	}
	if len(d.shelf.asked) != 1 {
		t.Errorf("asked %q", d.shelf.asked)
	}
	// One of them is lost.
	cache := newCache(t, d.dir, 0)
	if n, err := cache.Purge(t.Context(), func(c *crl.Cached) bool { return c.Scope.OnlyUserCerts }); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if s := statusOf(t, d.checker(), ca, cert); s != crl.StatusRevoked || len(d.shelf.asked) != 2 {
		t.Errorf("%s, asked %q", s, d.shelf.asked)
	}
	// The place does not give one any more.
	d.shelf.put(at, ca.list(users, numbered(9)))
	d.later = time.Hour
	checker := d.checker()
	checker.Flush()
	d.later = 2 * time.Hour
	for range 2 {
		if s := statusOf(t, checker, ca, cert); s != crl.StatusGood || len(d.shelf.asked) != 3 {
			t.Errorf("%s, asked %q", s, d.shelf.asked)
		}
		checker = d.checker()
	}
	// Its lists were stored by a clock that was wrong.
	d.later = -time.Hour
	if s := statusOf(t, d.checker(), ca, cert); s != crl.StatusGood || len(d.shelf.asked) != 4 {
		t.Errorf("%s, asked %q", s, d.shelf.asked)
	}
}

// TestCachePut: which of two lists counts, and which stays.
func TestCachePut(t *testing.T) {
	ca := newCA(t, "CA")
	point := withExtension("2.5.29.28", true, []byte("\x30\x0f\xa0\x0d\xa0\x0b\x86\x09http://h/"))
	for _, c := range []struct {
		name            string
		first, second   []byte
		elsewhere       bool // the second is found at another place
		counts, remains int64
		lists           int
	}{
		{"newer", ca.list(numbered(7)), ca.list(numbered(8)), false, 8, 8, 1},
		{"older", ca.list(numbered(8)), ca.list(numbered(7)), false, 8, 8, 1},
		{"newer elsewhere", ca.list(numbered(7)), ca.list(numbered(8)), true, 8, 8, 1},
		{"older elsewhere", ca.list(numbered(8)), ca.list(numbered(7)), true, 7, 8, 1},
		{"older elsewhere, of one point", ca.list(numbered(8), point), ca.list(numbered(7), point), true, 8, 8, 1},
		{"one number, a later date", ca.list(dated(-2, 3)), ca.list(dated(-1, 3)), false, 7, 7, 1},
		{"another scope", ca.list(numbered(8)), ca.list(numbered(7), point), false, 7, 8, 2},
		{"a delta list", ca.list(numbered(8)), ca.list(numbered(7), withExtension("2.5.29.27", true, []byte{2, 1, 3})), false, 7, 8, 2},
	} {
		cache := newCache(t, t.TempDir(), 0)
		put(t, cache, ca, "a", now, c.first)
		place := "a"
		if c.elsewhere {
			place = "b"
		}
		if l := put(t, cache, ca, place, now.Add(time.Hour), c.second); l.Number.Int64() != c.counts {
			t.Errorf("%s: number %d counts, not %d", c.name, l.Number, c.counts)
		}
		lists, err := cached(cache)
		if err != nil || len(lists) != c.lists {
			t.Errorf("%s: %d lists, %v", c.name, len(lists), err)
			continue
		}
		highest := int64(0)
		for _, l := range lists {
			highest = max(highest, l.Number.Int64())
			if err := cache.Verify(t.Context(), l.Name); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if highest != c.remains {
			t.Errorf("%s: %d remains, not %d", c.name, highest, c.remains)
		}
	}
	// A list that nobody signed is not kept.
	other := newCA(t, "CA")
	cache := newCache(t, t.TempDir(), 0)
	if _, err := cache.Put(t.Context(), crl.Found{List: mustParse(t, other.list()), Signer: ca.cert, At: now}); err == nil {
		t.Error("a list that another one signed is stored")
	}
}

// TestCacheKeeps: a list is the same when it comes out of the cache, whatever it
// is like.
func TestCacheKeeps(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, ca := newCAFrom(t, caTemplate("CA"), key), newCA(t, "CA")
	for name, c := range map[string]struct {
		ca  *testCA
		der []byte
	}{
		"empty":        {ca, ca.list()},
		"Ed25519":      {ed, ed.list(revoking(crl.KeyCompromise, ed.issue("x")))},
		"version 1":    {ca, versionOne(t, ca)},
		"not critical": {ca, ca.list(withExtension("1.2.3", true, []byte{5, 0}), revoking(crl.Superseded, ca.issue("x"), ca.issue("y")))},
		"large":        {ca, ca.list(func(l *x509.RevocationList) { l.RevokedCertificateEntries = manyEntries(3000) })},
	} {
		cache := newCache(t, t.TempDir(), 0)
		want := put(t, cache, c.ca, "place", now, c.der)
		lists, err := cached(cache)
		if err != nil || len(lists) != 1 {
			t.Errorf("%s: %d lists, %v", name, len(lists), err)
			continue
		}
		got := lists[0]
		if fmt.Sprint(got.Info()) != fmt.Sprint(want.Info()) || !bytes.Equal(got.Raw(), c.der) || !got.Stored.Equal(now) ||
			fmt.Sprint(got.UnknownCritical) != fmt.Sprint(want.UnknownCritical) {
			t.Errorf("%s: %+v, want %+v", name, got.Info(), want.Info())
		}
		if err := got.CheckSignatureFrom(c.ca.cert, false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if theirs, err := x509.ParseRevocationList(c.der); err == nil {
			compare(t, name, got.List, theirs)
		}
	}
}

func manyEntries(n int) []x509.RevocationListEntry {
	var all []x509.RevocationListEntry
	for i := range n {
		all = append(all, x509.RevocationListEntry{SerialNumber: big.NewInt(int64(i)*7919 + 1), RevocationTime: now, ReasonCode: i % 3})
	}
	return all
}

// TestDamage: whatever happens to a file of the cache, no certificate that is
// revoked becomes good, and the next fetch puts it right.
func TestDamage(t *testing.T) {
	const at = "http://crl.test/ca"
	ca := newCA(t, "CA")
	bad := ca.issue("bad", at)
	older := ca.list(numbered(6), dated(-3, 5), revoking(crl.KeyCompromise, ca.issue("a")))
	newer := ca.list(numbered(7), revoking(crl.KeyCompromise, bad))
	damage := func(name string, change func(path string, data []byte) []byte) {
		t.Run(name, func(t *testing.T) {
			d := &diskCheck{t: t, dir: t.TempDir(), shelf: newShelf(t)}
			d.shelf.put(at, newer)
			if s := statusOf(t, d.checker(), ca, bad); s != crl.StatusRevoked {
				t.Fatal(s)
			}
			files, err := os.ReadDir(d.dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				path := filepath.Join(d.dir, f.Name())
				data := readFile(t, path)
				if changed := change(path, data); changed != nil {
					if err := os.WriteFile(path, changed, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			d.shelf.put(at)
			delete(d.shelf.lists, at)
			if s := statusOf(t, d.checker(), ca, bad); s == crl.StatusGood {
				t.Errorf("the certificate is %s", s)
			}
			d.shelf.put(at, newer)
			for range 2 {
				if s := statusOf(t, d.checker(), ca, bad); s != crl.StatusRevoked {
					t.Errorf("after the next fetch: %s, errors %v", s, d.errors)
				}
			}
			lists, err := cached(newCache(t, d.dir, 0))
			if err != nil || len(lists) != 1 {
				t.Errorf("%d lists, %v", len(lists), err)
			}
		})
	}
	for _, suffix := range []string{".crl", ".idx"} {
		of := func(change func(data []byte) []byte) func(string, []byte) []byte {
			return func(path string, data []byte) []byte {
				if !strings.HasSuffix(path, suffix) {
					return nil
				}
				return change(data)
			}
		}
		for _, part := range []int{0, 1, 10, 33, 50, 66, 90, 99} {
			damage(fmt.Sprintf("%s with a bit turned at %d%%", suffix, part), of(func(data []byte) []byte {
				data = bytes.Clone(data)
				data[len(data)*part/100] ^= 4
				return data
			}))
		}
		damage(suffix+" cut", of(func(data []byte) []byte { return data[:len(data)/2] }))
		damage(suffix+" empty", of(func([]byte) []byte { return []byte{} }))
		damage(suffix+" longer", of(func(data []byte) []byte { return append(bytes.Clone(data), 0) }))
		damage(suffix+" removed", func(path string, _ []byte) []byte {
			if strings.HasSuffix(path, suffix) {
				if err := os.Remove(path); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
	}
	damage("an older list in its place", func(path string, _ []byte) []byte {
		if strings.HasSuffix(path, ".crl") {
			return older
		}
		return nil
	})
}

// TestCacheVerify: a damaged list is told and dropped.
func TestCacheVerify(t *testing.T) {
	ca := newCA(t, "CA")
	cache := newCache(t, t.TempDir(), 0)
	put(t, cache, ca, "a", now, ca.list(revoking(crl.KeyCompromise, ca.issue("x"))))
	lists, err := cached(cache)
	if err != nil || len(lists) != 1 {
		t.Fatal(lists, err)
	}
	files, err := filepath.Glob(filepath.Join(cache.Dir(), "*.crl"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := cache.Verify(t.Context(), lists[0].Name); err != nil {
		t.Error(err)
	}
	data := readFile(t, files[0])
	data[len(data)-3] ^= 1 // in the signature
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := cache.Verify(t.Context(), lists[0].Name); !errors.Is(err, crl.ErrDamaged) {
		t.Errorf("error %v", err)
	}
	if lists, err := cached(cache); err != nil || len(lists) != 0 {
		t.Errorf("%d lists are left, %v", len(lists), err)
	}
}

// TestCacheEvicts: the lists that were of use longest ago go first.
func TestCacheEvicts(t *testing.T) {
	dir := t.TempDir()
	var cas []*testCA
	large := func(l *x509.RevocationList) { l.RevokedCertificateEntries = manyEntries(1000) }
	cache := newCache(t, dir, 150_000)
	for n := range 4 {
		ca := newCA(t, fmt.Sprintf("CA %d", n))
		cas = append(cas, ca)
		put(t, cache, ca, "a", now, ca.list(large))
		files, err := filepath.Glob(filepath.Join(dir, "*.idx"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if info, err := os.Stat(file); err == nil && time.Since(info.ModTime()) < time.Hour {
				used := time.Now().Add(time.Duration(n-100) * time.Hour)
				if err := os.Chtimes(file, used, used); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	lists, err := cached(cache)
	if err != nil {
		t.Fatal(err)
	}
	var total int64
	left := map[string]bool{}
	for _, l := range lists {
		total += l.Bytes
		left[l.Issuer.String()] = true
	}
	if total > 150_000 || len(lists) == 0 || left["C=CH, CN=CA 0"] || !left["C=CH, CN=CA 3"] {
		t.Errorf("%d bytes of %v", total, left)
	}
	// One that is too large for the cache is not stored.
	small := newCache(t, t.TempDir(), 10_000)
	if l := put(t, small, cas[0], "a", now, cas[0].list(large)); l.Len() != 1000 {
		t.Errorf("%d entries", l.Len())
	}
	if lists, err := cached(small); err != nil || len(lists) != 0 {
		t.Errorf("%d lists, %v", len(lists), err)
	}
}

// TestCacheUnsafe: a folder that others may write into is not used.
func TestCacheUnsafe(t *testing.T) {
	const at = "http://crl.test/ca"
	d := &diskCheck{t: t, dir: t.TempDir(), shelf: newShelf(t)}
	ca := newCA(t, "CA")
	cert := ca.issue("x", at)
	d.shelf.put(at, ca.list())
	if err := os.Chmod(d.dir, 0o770); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if s := statusOf(t, d.checker(), ca, cert); s != crl.StatusGood {
			t.Error(s)
		}
	}
	if len(d.shelf.asked) != 2 || len(d.errors) == 0 || !strings.Contains(d.errors[0].Error(), "others than its owner") {
		t.Errorf("asked %q, errors %v", d.shelf.asked, d.errors)
	}
	files, err := os.ReadDir(d.dir)
	if err != nil || len(files) != 0 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

// putterEnv makes TestTwoProcesses put lists into the folder that it names.
const putterEnv = "KEYMAN_TEST_CRL_PUTTER"

// TestTwoProcesses: two processes store lists in one cache while a third reads.
// Whenever it looks there is a whole list, and never one older than before.
func TestTwoProcesses(t *testing.T) {
	if dir := os.Getenv(putterEnv); dir != "" {
		putLists(t, dir)
		return
	}
	const count = 12
	dir := t.TempDir()
	ca := newCA(t, "CA")
	if err := os.Mkdir(filepath.Join(dir, "lists"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca"), ca.cert.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for n := range count {
		der := ca.list(numbered(int64(n+1)), func(l *x509.RevocationList) { l.RevokedCertificateEntries = manyEntries(100 * (n + 1)) })
		if err := os.WriteFile(filepath.Join(dir, "lists", strconv.Itoa(n)), der, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 2)
	for range cap(ended) {
		cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestTwoProcesses$")
		cmd.Env = append(os.Environ(), putterEnv+"="+dir)
		go func() {
			out, err := cmd.CombinedOutput()
			if err != nil {
				err = fmt.Errorf("%w: %s", err, out)
			}
			ended <- err
		}()
	}
	cache := newCache(t, filepath.Join(dir, "cache"), 0)
	last := int64(0)
	look := func() {
		lists, err := cached(cache)
		if err != nil || len(lists) > 1 {
			t.Errorf("%d lists, %v", len(lists), err)
		}
		for _, l := range lists {
			if err := l.CheckSignatureFrom(ca.cert, false); err != nil || l.Number.Int64() < last {
				t.Errorf("number %d after %d: %v", l.Number, last, err)
			}
			last = l.Number.Int64()
		}
	}
	for running := cap(ended); running > 0; {
		select {
		case err := <-ended:
			running--
			if err != nil {
				t.Error(err)
			}
		default:
			look()
		}
	}
	look()
	lists, err := cached(cache)
	if last != count || err != nil || len(lists) != 1 || cache.Verify(t.Context(), lists[0].Name) != nil {
		t.Errorf("number %d is last, %v", last, err)
	}
	if files, err := os.ReadDir(cache.Dir()); err != nil || len(files) != 3 { // the lock, too
		t.Errorf("files %v, %v", files, err)
	}
}

// putLists is one of the processes.
func putLists(t *testing.T, dir string) {
	cert, err := x509.ParseCertificate(readFile(t, filepath.Join(dir, "ca")))
	if err != nil {
		t.Fatal(err)
	}
	cache := newCache(t, filepath.Join(dir, "cache"), 0)
	files, err := os.ReadDir(filepath.Join(dir, "lists"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range files {
		l := mustParse(t, readFile(t, filepath.Join(dir, "lists", strconv.Itoa(n))))
		counts, err := cache.Put(t.Context(), crl.Found{List: l, Place: "a", Signer: cert, At: time.Now()})
		if err != nil || counts.Number.Cmp(l.Number) < 0 {
			t.Errorf("number %d: %v counts, %v", l.Number, counts.Number, err)
		}
	}
}

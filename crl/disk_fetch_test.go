package crl_test

import (
	"bytes"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"keyman/crl"
	"keyman/internal/dn"
	"keyman/internal/testpeer/ldapd"
)

// A listServer serves one list with an entity tag, and counts what it answers.
type listServer struct {
	*httptest.Server
	der          []byte
	version      int
	full, stands int // answers with the list, and that it still stands
}

func newListServer(t *testing.T, der []byte) *listServer {
	t.Helper()
	s := &listServer{der: der}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag := strconv.Quote(strconv.Itoa(s.version))
		w.Header().Set("ETag", tag)
		if r.Header.Get("If-None-Match") == tag {
			s.stands++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		s.full++
		w.Write(s.der)
	}))
	t.Cleanup(s.Close)
	return s
}

// publish replaces the list.
func (s *listServer) publish(der []byte) {
	s.der = der
	s.version++
}

func newKeeper(t *testing.T, dir string, cas ...*x509.Certificate) crl.Keeper {
	t.Helper()
	return crl.Keeper{
		Fetcher: newFetcher(t, crl.FetcherConfig{}), Cache: newCache(t, dir, 0), CAs: cas,
		Clock: func() time.Time { return now },
	}
}

// A list whose signature is proved is kept, and the server is asked whether it
// still stands; what is kept serves a Checker.
func TestKeeper(t *testing.T) {
	ca := newCA(t, "CA")
	web := newListServer(t, ca.list(numbered(7)))
	at := web.URL + "/ca.crl"
	leaf := ca.issue("leaf", at)
	dir := filepath.Join(t.TempDir(), "cache")

	// Nobody is known who proves it, and then the CA is named.
	got, err := newKeeper(t, dir).Fetch(t.Context(), crl.Wanted{URL: at})
	if err != nil || !errors.Is(got.NotKept, crl.ErrNoSigner) || got.Signer != nil || !bytes.Equal(got.List.Raw(), web.der) {
		t.Fatalf("%+v, %v", got, err)
	}
	got, err = newKeeper(t, dir, ca.cert).Fetch(t.Context(), crl.Wanted{URL: at})
	if err != nil || got.NotKept != nil || got.Unchanged || got.Signer != ca.cert {
		t.Fatalf("%+v, %v", got, err)
	}
	// From then on the certificate that proved it is known, and the list stands.
	for range 2 {
		got, err = newKeeper(t, dir).Fetch(t.Context(), crl.Wanted{URL: at})
		if err != nil || got.NotKept != nil || !got.Unchanged || got.From != at || !bytes.Equal(got.List.Raw(), web.der) {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	if web.full != 2 || web.stands != 2 {
		t.Errorf("the server gave the list %d times, and said %d times that it stands", web.full, web.stands)
	}
	checker := newChecker(t, crl.CheckerConfig{Source: newShelf(t), Disk: newCache(t, dir, 0), Clock: func() time.Time { return now }})
	if status := statusOf(t, checker, ca, leaf); status != crl.StatusGood {
		t.Errorf("a check by what is kept: %s", status)
	}

	// A newer list comes whole. An older one does not take its place.
	web.publish(ca.list(numbered(9)))
	if got, err = newKeeper(t, dir).Fetch(t.Context(), crl.Wanted{Certificates: ders(leaf)}); err != nil || got.List.Number.Int64() != 9 || got.Unchanged {
		t.Errorf("%+v, %v", got, err)
	}
	web.publish(ca.list(numbered(8)))
	if got, err = newKeeper(t, dir).Fetch(t.Context(), crl.Wanted{URL: at}); err != nil || got.List.Number.Int64() != 9 || !got.Older {
		t.Errorf("%+v, %v", got, err)
	}

	// A file that is not as it was stored is no reason to ask whether it stands.
	web.publish(ca.list(numbered(10)))
	if _, err := newKeeper(t, dir).Fetch(t.Context(), crl.Wanted{URL: at}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.crl"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	damaged := bytes.Clone(web.der)
	damaged[len(damaged)/2] ^= 1
	if err := os.WriteFile(files[0], damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err = newKeeper(t, dir).Fetch(t.Context(), crl.Wanted{URL: at}); err != nil || got.Unchanged || !bytes.Equal(got.List.Raw(), web.der) {
		t.Errorf("%+v, %v", got, err)
	}
}

// Where CAs are named, a list that none of them signed is an error; where they are
// not, it is not kept.
func TestKeeperSigners(t *testing.T) {
	ca, other := newCA(t, "CA"), newCA(t, "CA")
	web := newListServer(t, ca.list())
	at := web.URL + "/ca.crl"
	leaf := ca.issue("leaf", at)
	dir := filepath.Join(t.TempDir(), "cache")
	if got, err := newKeeper(t, dir, other.cert).Fetch(t.Context(), crl.Wanted{URL: at}); err == nil {
		t.Errorf("a list of somebody else: %+v", got)
	}
	if _, err := newKeeper(t, dir, other.cert, ca.cert).Fetch(t.Context(), crl.Wanted{URL: at}); err != nil {
		t.Error(err)
	}
	web.publish(other.list(numbered(8)))
	if got, err := newKeeper(t, dir).Fetch(t.Context(), crl.Wanted{URL: at}); err != nil || !errors.Is(got.NotKept, crl.ErrNoSigner) {
		t.Errorf("%+v, %v", got, err)
	}
	web.publish(ca.list(dated(2, 3), numbered(9)))
	if got, err := newKeeper(t, dir, ca.cert).Fetch(t.Context(), crl.Wanted{URL: at}); err != nil || got.NotKept == nil {
		t.Errorf("a list of the future: %+v, %v", got, err)
	}
	// The issuer's certificate stands behind the one that names the list.
	web.publish(ca.list(numbered(10)))
	fresh := filepath.Join(t.TempDir(), "cache")
	if got, err := newKeeper(t, fresh).Fetch(t.Context(), crl.Wanted{Certificates: ders(leaf, other.cert, ca.cert)}); err != nil || got.NotKept != nil || !bytes.Equal(got.Signer.Raw, ca.cert.Raw) {
		t.Errorf("%+v, %v", got, err)
	}
	// Without a cache nothing is kept, and nothing is asked by it.
	k := newKeeper(t, dir, ca.cert)
	k.Cache = nil
	if got, err := k.Fetch(t.Context(), crl.Wanted{URL: at}); err != nil || got.NotKept == nil || got.Unchanged || got.Signer != ca.cert {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := k.Fetch(t.Context(), crl.Wanted{}); err == nil {
		t.Error("nothing was wanted, and came")
	}
}

// What comes from the directory is kept under the issuer's name, where a Checker
// looks for it.
func TestKeeperDirectory(t *testing.T) {
	ca := newCA(t, "CA")
	directory, err := ldapd.Start(ldapd.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close()
	if err := directory.Put("cn=CA,c=CH", ldapd.Attributes{"certificateRevocationList;binary": {ca.list()}}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "cache")
	k := newKeeper(t, dir, ca.cert)
	k.Fetcher = newFetcher(t, crl.FetcherConfig{LDAPServers: []crl.LDAPServer{{Address: directory.Addr()}}})
	issuer, err := dn.FromDER(ca.cert.RawSubject)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Fetch(t.Context(), crl.Wanted{Issuer: issuer}); err != nil || got.NotKept != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	checker := newChecker(t, crl.CheckerConfig{Source: newShelf(t), Disk: newCache(t, dir, 0), Clock: func() time.Time { return now }})
	if status := statusOf(t, checker, ca, ca.issue("leaf")); status != crl.StatusGood {
		t.Errorf("a check by what is kept: %s", status)
	}
}

// A list that is kept is refreshed by asking whether it still stands.
func TestRefreshAsks(t *testing.T) {
	ca := newCA(t, "CA")
	web := newListServer(t, ca.list(numbered(7)))
	k := newKeeper(t, filepath.Join(t.TempDir(), "cache"), ca.cert)
	if _, err := k.Fetch(t.Context(), crl.Wanted{URL: web.URL}); err != nil {
		t.Fatal(err)
	}
	refresh := func() bool {
		t.Helper()
		lists, err := cached(k.Cache)
		if err != nil || len(lists) != 1 {
			t.Fatalf("%d lists, %v", len(lists), err)
		}
		newer, err := k.Cache.Refresh(t.Context(), k.Fetcher, lists[0])
		if err != nil {
			t.Fatal(err)
		}
		return newer
	}
	if newer := refresh(); newer || web.full != 1 || web.stands != 1 {
		t.Errorf("newer %v; the server gave the list %d times, and said %d times that it stands", newer, web.full, web.stands)
	}
	web.publish(ca.list(numbered(8)))
	if newer := refresh(); !newer || web.full != 2 {
		t.Errorf("newer %v; the server gave the list %d times", newer, web.full)
	}
}

// What one process has fetched another one asks for only whether it still stands.
func TestDiskAsks(t *testing.T) {
	ca := newCA(t, "CA")
	web := newListServer(t, ca.list())
	leaf := ca.issue("leaf", web.URL+"/ca.crl")
	dir := filepath.Join(t.TempDir(), "cache")
	for round := range 3 {
		// The list is of yesterday, which is too old for the policy: each asks for a
		// newer one, the first when it has just come.
		v := newChecker(t, crl.CheckerConfig{Source: newFetcher(t, crl.FetcherConfig{}), Disk: newCache(t, dir, 0)}).
			Check(t.Context(), ders(leaf), crl.Policy{Anchors: ders(ca.cert), MaxAge: time.Hour})
		if v.Status != crl.StatusUndetermined || web.full != 1 || web.stands != round+1 {
			t.Errorf("round %d: %s; the server gave the list %d times, and said %d times that it stands", round, v.Status, web.full, web.stands)
		}
	}
}

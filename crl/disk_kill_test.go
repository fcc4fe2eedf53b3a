package crl_test

import (
	"bufio"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"keyman/crl"
)

// putsEnv has the test's own program store lists until it is killed.
const putsEnv = "KEYMAN_TEST_PUTS"

// TestCacheKilled: a process that stores lists is killed at any instant. What it said
// to be stored is there, or what came after, and whole; the next one goes on.
func TestCacheKilled(t *testing.T) {
	if dir := os.Getenv(putsEnv); dir != "" {
		putUntilKilled(t, dir)
		return
	}
	const kills = 15
	dir := t.TempDir()
	ca := newCA(t, "CA")
	if err := os.WriteFile(filepath.Join(dir, "ca"), ca.cert.Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	leaf := ca.issue("leaf")
	const lists = 400
	for n := range lists {
		// Of different sizes, so that they end in different blocks.
		der := ca.list(numbered(int64(n)+1), revoking(crl.KeyCompromise, leaf), func(l *x509.RevocationList) {
			l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, manyEntries(n)...)
		})
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("list%d", n)), der, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cache := newCache(t, filepath.Join(dir, "cache"), 0)
	r := rand.New(rand.NewPCG(9, 9)) // the same ones each time
	last := 0
	for kill := range kills {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestCacheKilled$")
		cmd.Env = append(os.Environ(), putsEnv+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cmd.StdinPipe(); err != nil { // which it may wait at
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Killed while it stores what comes after the list of that number.
		said := bufio.NewScanner(out)
		for range 1 + r.IntN(8) {
			if said.Scan() {
				if last, err = strconv.Atoi(said.Text()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		for said.Scan() { // what it had said until then
			if last, err = strconv.Atoi(said.Text()); err != nil {
				t.Fatal(err)
			}
		}
		_ = cmd.Wait()
		found, err := cached(cache)
		if err != nil || len(found) != 1 {
			t.Fatalf("after kill %d: %d lists, %v", kill, len(found), err)
		}
		if n := found[0].Number.Int64(); n < int64(last) || cache.Verify(t.Context(), found[0].Name) != nil {
			t.Errorf("after kill %d: list %d, and %d was stored", kill, n, last)
		}
		if entry, ok := found[0].Lookup(leaf.SerialNumber); !ok || !entry.Revokes() {
			t.Errorf("after kill %d: the entry is lost", kill)
		}
	}
	// What the killed ones left behind goes with the next list.
	der := ca.list(numbered(lists + 1))
	put(t, cache, ca, "a", now, der)
	files, err := os.ReadDir(cache.Dir())
	if err != nil || len(files) > 3 { // list, index, lock
		t.Errorf("%d files, %v: %v", len(files), err, files)
	}
}

// putUntilKilled stores the lists that come after the one that is there, and says
// each number when it is stored.
func putUntilKilled(t *testing.T, dir string) {
	der, err := os.ReadFile(filepath.Join(dir, "ca"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	cache := newCache(t, filepath.Join(dir, "cache"), 0)
	from := 0
	if found, err := cached(cache); err == nil && len(found) == 1 {
		from = int(found[0].Number.Int64())
	}
	for n := from; ; n++ {
		der, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("list%d", n)))
		if err != nil {
			_, _ = io.Copy(io.Discard, os.Stdin) // there are no more
			return
		}
		if _, err := cache.Put(t.Context(), crl.Found{List: mustParse(t, der), Place: "a", Signer: signer, At: now}); err != nil {
			t.Fatal(err)
		}
		fmt.Println(n + 1)
	}
}

package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"keyman/ike/ikedb"
	"keyman/ike/ikedb/ikedbtest"
	"keyman/ike/ikedb/store"
)

// created returns a new, empty store.
func created(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Create(context.Background(), filepath.Join(t.TempDir(), "state", store.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// parsed reads definitions.
func parsed(t testing.TB, text string) ikedb.Definitions {
	t.Helper()
	d, err := ikedb.ParseTOML([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// export writes everything in a store.
func export(t testing.TB, s *store.Store) string {
	t.Helper()
	d, err := s.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	db, err := ikedb.New(d)
	if err != nil {
		t.Fatal(err)
	}
	text, err := ikedb.MarshalTOML(db.Definitions(), true)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// put adds definitions.
func put(t testing.TB, s *store.Store, d ikedb.Definitions, overwrite bool) store.Changes {
	t.Helper()
	changes, err := s.Put(context.Background(), d, overwrite)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

const protection = `
[[protection]]
name = "p"
auth = "preshared-key"
transforms = ["aes256-sha256-modp2048"]
`

// host is a tunnel to 192.0.2.N with its key.
func host(name string, n int) string {
	return fmt.Sprintf(`
[[tunnel]]
name = %q
protection = "p"
local.address = "192.0.2.1"
remote.address = "192.0.2.%d"
[[preshared-key]]
ids = ["192.0.2.%d"]
secret = "key of %d"
`, name, n, n, n)
}

// What was put and read is put into an empty store and read again: the same.
func TestRoundTrip(t *testing.T) {
	ctx := context.Background()
	random := ikedbtest.Definitions()
	first, second := created(t), created(t)
	// Each takes some ten waits for the disk.
	for seed := range 40 {
		put(t, first, random.Example(seed), false)
		d, err := first.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		put(t, second, d, false)
		exported := export(t, first)
		if again := export(t, second); again != exported {
			t.Fatalf("seed %d: put into an empty store it differs:\n%s", seed, cmp.Diff(exported, again))
		}
		put(t, second, d, true)
		if again := export(t, second); again != exported {
			t.Fatalf("seed %d: put over itself it differs:\n%s", seed, cmp.Diff(exported, again))
		}
		for _, s := range []*store.Store{first, second} {
			if _, err := s.Expunge(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNumbersStay(t *testing.T) {
	ctx := context.Background()
	s := created(t)
	put(t, s, parsed(t, protection+host("a", 2)+host("b", 3)+host("c", 4)), false)
	numbers := func() string {
		t.Helper()
		d, err := s.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, tunnel := range d.Tunnels {
			all = append(all, fmt.Sprint(tunnel.Name, tunnel.Number))
		}
		return strings.Join(all, " ")
	}
	check := func(want string) {
		t.Helper()
		if got := numbers(); got != want {
			t.Errorf("numbers %q, want %q", got, want)
		}
	}
	check("a1 b2 c3")
	if n, err := s.Delete(ctx, ikedb.Selection{Kind: ikedb.KindTunnel, Name: "c"}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := s.Delete(ctx, ikedb.Selection{Kind: ikedb.KindTunnel, Name: "a"}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	check("b2")
	put(t, s, parsed(t, host("d", 5)), false)
	check("b2 d4")
	changes := put(t, s, parsed(t, host("b", 3)), true)
	check("b2 d4")
	if changes != (store.Changes{Replaced: 2}) {
		t.Errorf("%+v", changes)
	}
	put(t, s, parsed(t, strings.Replace(host("e", 6), "protection", "number = 1\nprotection", 1)), false)
	check("e1 b2 d4")
	_, err := s.Put(ctx, parsed(t, strings.Replace(host("f", 7), "protection", "number = 4\nprotection", 1)), false)
	if err == nil || err.Error() != `tunnel "f": number: 4 is the number of "d"` {
		t.Errorf("a number twice: %v", err)
	}
	if n, err := s.Expunge(ctx); n != 9 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	put(t, s, parsed(t, protection+host("z", 9)), false)
	check("z1")
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	s := created(t)
	put(t, s, parsed(t, protection+host("a", 2)+host("b", 3)), false)
	before := export(t, s)
	weak := strings.Replace(protection, "aes256-sha256-modp2048", "3des-md5-modp1024", 1)
	for name, c := range map[string]struct {
		text      string
		overwrite bool
		want      string
		index     int
	}{
		"there already":      {host("new", 9) + host("a", 4), false, `tunnel "a": name: the database has one of this name`, 1},
		"twice in the file":  {host("a", 4) + host("a", 5), true, `tunnel "a": name: another one has this name`, 1},
		"key there":          {host("new", 3), false, `preshared-key #1: ids: the database has a preshared key of ipv4:192.0.2.3`, 0},
		"key twice":          {host("x", 4) + host("y", 4), true, `preshared-key #2: ids: ipv4:192.0.2.4 has a preshared key already`, 1},
		"does not resolve":   {strings.Replace(host("x", 4)+host("y", 5), `"p"`, `"none"`, 2), false, `tunnel "x": protection: there is no protection "none"`, 0},
		"spoils what is":     {weak, true, `protection "p": transforms: 3des-md5-modp1024 is weak by 3DES, MD5, DH group 2 (modp1024)`, 0},
		"a tunnel is broken": {strings.Replace(protection, "preshared-key", "rsa-signature", 1), true, `tunnel "a": local.certificate: it is missing, and protection "p" signs`, -1},
	} {
		_, err := s.Put(ctx, parsed(t, c.text), c.overwrite)
		var wrong *ikedb.Error
		if !errors.As(err, &wrong) || wrong.Error() != c.want || wrong.Index != c.index {
			t.Errorf("%s: %v (%+v)", name, err, wrong)
		}
	}
	for want, what := range map[string]ikedb.Selection{
		`protection "p" cannot go: tunnel "a": protection: there is no protection "p"`: {Kind: ikedb.KindProtection, Name: "p"},
		`there is no tunnel "none"`: {Kind: ikedb.KindTunnel, Name: "none"},
	} {
		if n, err := s.Delete(ctx, what); err == nil || err.Error() != want || n != 0 && strings.HasPrefix(want, "there") {
			t.Errorf("%d %v, want %s", n, err, want)
		}
	}
	if after := export(t, s); after != before {
		t.Errorf("a refusal changed something:\n%s", cmp.Diff(before, after))
	}
}

// A preshared key that was left out when definitions were written stays.
func TestHiddenKeyStays(t *testing.T) {
	s := created(t)
	put(t, s, parsed(t, protection+host("a", 2)), false)
	before := export(t, s)
	hidden := parsed(t, host("a", 2))
	hidden.PresharedKeys[0].Secret = ikedb.Secret{}
	put(t, s, hidden, true)
	if after := export(t, s); after != before {
		t.Error(cmp.Diff(before, after))
	}
	other := created(t)
	if _, err := other.Put(context.Background(), parsed(t, protection+strings.Replace(host("a", 2), `secret = "key of 2"`, "secret-hidden = true", 1)), false); err == nil ||
		err.Error() != `preshared-key #1: secret: it is empty` {
		t.Errorf("a key that nobody has: %v", err)
	}
}

func TestFiles(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if _, err := store.Open(ctx, path("absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	s, err := store.Create(ctx, path("ours"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, parsed(t, protection), false)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path("ours")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	sqlite(t, path("other"), "CREATE TABLE mine (x)")
	sqlite(t, path("later"), "CREATE TABLE definition (x); PRAGMA application_id = 1802332523; PRAGMA user_version = 2")
	for name, data := range map[string]string{"text": strings.Repeat("no database at all\n", 100), "empty": ""} {
		if err := os.WriteFile(path(name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path("open"), nil, 0o640); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"other": "it is a database of another program",
		"later": "its schema has the version 2, and this keyman knows 1",
		"text":  "file is not a database (26)",
		"open":  "its mode 0640 lets others than its owner at preshared keys",
		".":     "it is no regular file",
		"empty": "",
		"ours":  "",
	} {
		s, err := store.Open(ctx, path(name))
		if err == nil {
			_, err = s.Check(ctx)
			_ = s.Close()
		}
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != "definitions in "+path(name)+": "+want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// sqlite makes a database by statements.
func sqlite(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(context.Background(), statements); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Close(), os.Chmod(path, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// A row that says what it must not is refused, and its secret is not shown.
func TestRows(t *testing.T) {
	ctx := context.Background()
	s := created(t)
	put(t, s, parsed(t, protection+host("a", 2)), false)
	for change, want := range map[string]string{
		`UPDATE definition SET body = '{"name": "p", "lifetyme": 1}' WHERE kind = 'protection'`: `protection "p": json: unknown field "lifetyme"`,
		`UPDATE definition SET body = 'x' WHERE kind = 'protection'`:                            `protection "p": invalid character 'x' looking for beginning of value`,
		`UPDATE definition SET body = printf('%-1048577s', body) WHERE kind = 'protection'`:     `protection "p": more than 1048576 bytes`,
		`UPDATE definition SET secret = zeroblob(1025) WHERE kind = 'preshared-key'`:            `preshared-key #1: secret: 1025 bytes, more than 1024`,
		`UPDATE definition SET kind = 'word' WHERE kind = 'protection'`:                         `word "p": it is of no known kind`,
		`UPDATE definition SET name = 'a:b' WHERE kind = 'preshared-key'`:                       `preshared-key "a:b": identity "a:b": type "a" is not known: use ipv4, ipv6, fqdn, user_fqdn, dn or key_id`,
		`UPDATE definition SET secret = NULL WHERE kind = 'preshared-key'`:                      `preshared-key #1: secret: it is empty`,
		`UPDATE definition SET number = -1 WHERE kind = 'tunnel'`:                               `tunnel "a": number: -1 stands behind 0`,
	} {
		copied := filepath.Join(t.TempDir(), "copy.db")
		data, err := os.ReadFile(s.Path())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied, data, 0o600); err != nil {
			t.Fatal(err)
		}
		sqlite(t, copied, change)
		if _, err := store.Load(ctx, copied); err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "key of 2") {
			t.Errorf("%s:\n%v\nwant %s", change, err, want)
		}
	}
}

// Try says what Put would do, and changes nothing; Get gives part of it.
func TestTryAndGet(t *testing.T) {
	ctx := context.Background()
	s := created(t)
	put(t, s, parsed(t, protection+host("a", 2)), false)
	before := export(t, s)
	if changes, err := s.Try(ctx, parsed(t, host("a", 2)+host("b", 3)), true); err != nil || changes != (store.Changes{Added: 2, Replaced: 2}) {
		t.Errorf("%+v %v", changes, err)
	}
	var wrong *ikedb.Error
	if _, err := s.Try(ctx, parsed(t, host("a", 2)), false); !errors.As(err, &wrong) {
		t.Errorf("what is there is put again: %v", err)
	}
	if after := export(t, s); after != before {
		t.Errorf("trying changed something:\n%s", cmp.Diff(before, after))
	}
	d, err := s.Get(ctx, ikedb.Selection{Kind: ikedb.KindTunnel, Name: "a"}, false)
	if err != nil || d.Len() != 1 || d.Tunnels[0].Remote.Port != ikedb.DefaultPort {
		t.Errorf("%+v %v", d, err)
	}
	if d, err = s.Get(ctx, ikedb.Selection{Kind: ikedb.KindTunnel, Name: "a"}, true); err != nil || d.Len() != 3 {
		t.Errorf("%+v %v", d, err)
	}
	var absent *store.AbsentError
	if _, err := s.Get(ctx, ikedb.Selection{Kind: ikedb.KindTunnel, Name: "b"}, false); !errors.As(err, &absent) {
		t.Errorf("an absent one: %v", err)
	}
}

// Deleted keys do not stay in the file.
func TestDeletedIsZeroed(t *testing.T) {
	s := created(t)
	put(t, s, parsed(t, protection+host("a", 2)), false)
	holds := func() bool {
		data, err := os.ReadFile(s.Path())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(data), "key of 2")
	}
	if !holds() {
		t.Fatal("the key is not in the file at all")
	}
	if _, err := s.Expunge(context.Background()); err != nil {
		t.Fatal(err)
	}
	if holds() {
		t.Error("the key is in the file still")
	}
}

// Two writers at once: both are there in the end, and each number once.
func TestTwoWriters(t *testing.T) {
	ctx := context.Background()
	first := created(t)
	put(t, first, parsed(t, protection), false)
	second, err := store.Open(ctx, first.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	const each = 10
	var wait sync.WaitGroup
	errs := make([]error, 2*each)
	for w, s := range []*store.Store{first, second} {
		var texts []ikedb.Definitions
		for i := range each {
			n := w*each + i
			texts = append(texts, parsed(t, host(fmt.Sprintf("t%d", n), 10+n)))
		}
		wait.Go(func() {
			for i, d := range texts {
				_, errs[w*each+i] = s.Put(ctx, d, false)
			}
		})
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	db, err := first.Check(ctx)
	if err != nil {
		t.Fatal(err)
	}
	tunnels := db.Tunnels()
	if len(tunnels) != 2*each {
		t.Fatalf("%d tunnels", len(tunnels))
	}
	for i, tunnel := range tunnels {
		if tunnel.Number != i+1 {
			t.Errorf("tunnel %d has the number %d", i+1, tunnel.Number)
		}
	}
}

package testpeer

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// RequireEnv names the environment variable that turns a missing peer from a
// skip into a failure. CI sets it, so that nothing is skipped unseen.
const RequireEnv = "KEYMAN_REQUIRE_PEERS"

// CorporaEnv names the environment variable that says where the corpora lie.
const CorporaEnv = "KEYMAN_CORPORA"

// searchPath is where Debian keeps the servers that tests talk to; it is not
// in the PATH of every user.
const searchPath = "/usr/local/sbin:/usr/sbin:/sbin:/usr/lib/ipsec"

// Missing ends a test that lacks something: a failure where peers are required,
// otherwise a skip with the reason.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv(RequireEnv) != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Need ends the test by Missing where one of the programs is not installed.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, name := range programs {
		if Program(name) == "" {
			Missing(t, "%s is not installed: script/bootstrap installs what the tests talk to", name)
		}
	}
}

// Program returns the path of an installed program, also from the system
// folders that are not in every PATH, or "".
func Program(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, dir := range filepath.SplitList(searchPath) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// Root ends the test by Missing where it does not run as root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "not root: network namespaces cannot be made")
	}
}

// Corpora returns the folder of test data that nobody of this project wrote:
// KEYMAN_CORPORA, or shared/corpora beside the repository.
func Corpora(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(CorporaEnv)
	if dir == "" {
		dir = filepath.Join(repository(t), "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		Missing(t, "no corpora at %s: set %s", dir, CorporaEnv)
	}
	return dir
}

// repository returns the root of the checkout that holds the running test.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for start := dir; ; dir = filepath.Dir(dir) {
		if data, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && strings.HasPrefix(string(data), "module keyman\n") {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatalf("no module keyman above %s", start)
		}
	}
}

// Long skips a test in short mode. It is for tests that spend their time deriving keys
// from passwords, or in other people's programs: the race detector makes the former
// tenfold slow, and finds nothing in either. CI runs all tests, and then with the race
// detector those that are not long.
func Long(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("long, and without goroutines: not in short mode")
	}
}

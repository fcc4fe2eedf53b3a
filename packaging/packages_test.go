// Package packaging tests what script/packages makes, and keyman's systemd unit.
package packaging

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// run runs a program and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// nfpm is where script/bootstrap builds it.
const nfpm = "../bin/tools/nfpm"

// installed are some files of each kind that both packages have.
var installed = []string{
	"usr/bin/keyman", "usr/lib/keyman/gskcapicmd", "usr/lib/systemd/system/keyman.service", "etc/default/keyman",
	"usr/share/man/man1/keyman.1.gz", "usr/share/man/man1/keyman-ike-daemon.1.gz",
	"usr/share/bash-completion/completions/keyman", "usr/share/doc/keyman/docs/keydb.md", "usr/share/doc/keyman/copyright",
}

// checkInstalled runs the program of an installed package.
func checkInstalled(t *testing.T, root string) {
	t.Helper()
	for _, name := range installed {
		info, err := os.Lstat(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		} else if info.Size() == 0 || info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s has %d bytes and mode %v", name, info.Size(), info.Mode())
		}
	}
	var version struct{ Version, Platform string }
	if err := json.Unmarshal([]byte(run(t, filepath.Join(root, "usr/bin/keyman"), "--json", "version")), &version); err != nil || version.Platform == "" {
		t.Errorf("keyman version: %+v, %v", version, err)
	}
}

// checkRemoved looks for what a removal has left behind.
func checkRemoved(t *testing.T, root string, but ...string) {
	t.Helper()
	for _, name := range installed {
		_, err := os.Lstat(filepath.Join(root, name))
		kept := len(but) > 0 && but[0] == name
		if kept != (err == nil) {
			t.Errorf("after the removal %s: %v", name, err)
		}
	}
}

func TestPackages(t *testing.T) {
	testpeer.Need(t, nfpm, "dpkg", "rpm")
	testpeer.Root(t)
	out := t.TempDir()
	run(t, "../script/packages", out)
	find := func(suffix string) string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(out, "*"+suffix))
		if err != nil || len(found) != 1 {
			t.Fatalf("packages %v, %v", found, err)
		}
		return found[0]
	}

	t.Run("deb", func(t *testing.T) {
		root := t.TempDir()
		for _, dir := range []string{"info", "updates"} {
			if err := os.MkdirAll(filepath.Join(root, "var/lib/dpkg", dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		dpkg := func(args ...string) {
			t.Helper()
			run(t, "dpkg", append([]string{"--root=" + root, "--force-script-chrootless"}, args...)...)
		}
		dpkg("--install", find(".deb"))
		checkInstalled(t, root)
		dpkg("--remove", "keyman")
		checkRemoved(t, root, "etc/default/keyman")
		dpkg("--purge", "keyman")
		checkRemoved(t, root)
	})
	t.Run("rpm", func(t *testing.T) {
		root := t.TempDir()
		// Its scripts would run inside root, where there is no shell.
		run(t, "rpm", "--root", root, "--noscripts", "--nodeps", "--install", find(".rpm"))
		checkInstalled(t, root)
		run(t, "rpm", "--root", root, "--noscripts", "--erase", "keyman")
		checkRemoved(t, root)
	})
}

func TestUnit(t *testing.T) {
	testpeer.Need(t, "systemd-analyze")
	text, err := os.ReadFile("keyman.service")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "ExecStart=/usr/bin/keyman ") {
		t.Fatal("the unit does not start /usr/bin/keyman")
	}
	// verify wants a program that is there.
	unit := filepath.Join(t.TempDir(), "keyman.service")
	if err := os.WriteFile(unit, []byte(strings.ReplaceAll(string(text), "/usr/bin/keyman", "/bin/true")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := run(t, "systemd-analyze", "--man=no", "verify", unit); out != "" {
		t.Errorf("systemd-analyze verify says: %s", out)
	}
	// The scale is that of "systemd-analyze security": below 3.0 of 10 is good.
	run(t, "systemd-analyze", "security", "--offline=yes", "--threshold=30", unit)
}

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"keyman/internal/testpeer"
	"keyman/keystore"
)

const (
	oldPassword, newPassword = "the old one", "the new one"
	// maxCalls bounds how many calls of one kind a thread of a command makes.
	maxCalls = 60
)

// TestKilledForReal kills the real program at every write, flush, renaming and
// removal that it does: the key database is the old one or the new one then, and
// it can be changed again.
func TestKilledForReal(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "strace")
	program := buildProgram(t)
	for _, f := range keystore.Formats() {
		t.Run(f.Name(), func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, program, f)
			for name, args := range map[string][]string{
				"rename": {"cert", "rename", "one", "second"},
				"passwd": {"keydb", "passwd", "--new-password-file", k.newFile},
			} {
				if name == "rename" && f.Name() != "pkcs12" && f.Name() != "cms" {
					continue // one file or several: a save is the same for all formats
				}
				for _, call := range []string{"write", "pwrite64", "fsync", "?rename,renameat,?renameat2", "?unlink,unlinkat"} {
					kills := 0
					for n := 1; k.kill(t, call, n, args); n++ {
						if kills++; n > maxCalls {
							t.Fatalf("%s: more than %d calls of %s", name, maxCalls, call)
						}
						k.whole(t, fmt.Sprintf("%s killed at the %d. %s", name, n, call))
					}
					if kills == 0 && (call == "write" || call == "fsync" || strings.Contains(call, "rename")) {
						t.Errorf("%s was never killed at %s", name, call)
					}
				}
			}
		})
	}
}

// buildProgram builds keyman as a user has it.
func buildProgram(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "keyman")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// A killed is a key database whose changes are killed.
type killed struct {
	program, dir, path string
	oldFile, newFile   string // with passwords
	before             map[string][]byte
}

func newKilled(t *testing.T, program string, f keystore.Format) *killed {
	t.Helper()
	dir := t.TempDir()
	k := &killed{
		program: program, dir: filepath.Join(dir, "keys"), oldFile: filepath.Join(dir, "old"), newFile: filepath.Join(dir, "new"),
		before: map[string][]byte{},
	}
	k.path = filepath.Join(k.dir, "keys."+f.Name())
	for name, text := range map[string]string{k.oldFile: oldPassword, k.newFile: newPassword} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"keydb", "create", "--type", f.Name(), "--stash"},
		{"cert", "create", "--label", "one", "--subject", "CN=one", "--key", "p256"},
	} {
		if out, err := k.command(args).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if k.before[entry.Name()], err = os.ReadFile(filepath.Join(k.dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// command is a command on the key database.
func (k *killed) command(args []string) *exec.Cmd {
	all := append([]string{"--state", k.dir}, args...)
	cmd := exec.Command(k.program, append(all, "--keydb", k.path, "--password-file", k.oldFile)...)
	cmd.Dir = k.dir
	return cmd
}

// kill does a command on the key database as it was, and kills it at the nth call
// of a kind. It reports whether the command was killed.
func (k *killed) kill(t *testing.T, call string, n int, args []string) bool {
	t.Helper()
	entries, err := os.ReadDir(k.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if err := os.Remove(filepath.Join(k.dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	for name, data := range k.before {
		if err := os.WriteFile(filepath.Join(k.dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inner := k.command(args)
	cmd := exec.Command("strace", append([]string{
		"-f", "-qq", "-o", os.DevNull, "-e", "trace=" + call, "-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, n),
	}, inner.Args...)...)
	cmd.Dir = inner.Dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return false
	case errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL:
		return true
	}
	testpeer.Missing(t, "strace does not run here: %v\n%s", err, out)
	return false
}

// whole opens the key database with one of the passwords, looks for the old entry
// or the new one with its key, and changes it.
func (k *killed) whole(t *testing.T, when string) {
	t.Helper()
	s, err := keystore.Open(t.Context(), k.path, keystore.Password(oldPassword))
	if errors.Is(err, keystore.ErrPassword) {
		s, err = keystore.Open(t.Context(), k.path, keystore.Password(newPassword))
	}
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	n := 0
	for e := range s.Entries() {
		n++
		if key, err := e.Signer(); err != nil || key == nil || e.Label != "one" && e.Label != "second" {
			t.Errorf("%s: %q, %v", when, e.Label, err)
		}
	}
	if n != 1 {
		t.Fatalf("%s: %d entries", when, n)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatalf("%s: the next save: %v", when, err)
	}
	if left, err := filepath.Glob(filepath.Join(k.dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("%s: after the next save %v are left, %v", when, left, err)
	}
}

// TestNoCoreFile sees that the program asks not to be dumped before it reads
// anything.
func TestNoCoreFile(t *testing.T) {
	testpeer.Need(t, "strace")
	cmd := exec.Command("strace", "-f", "-qq", "-e", "trace=prctl,prlimit64,setrlimit", "-e", "signal=none", buildProgram(t), "version")
	out, err := cmd.CombinedOutput()
	if err != nil {
		testpeer.Missing(t, "strace does not run here: %v\n%s", err, out)
	}
	for _, want := range []string{"PR_SET_DUMPABLE, SUID_DUMP_DISABLE", "RLIMIT_CORE, {rlim_cur=0, rlim_max=0}"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
}

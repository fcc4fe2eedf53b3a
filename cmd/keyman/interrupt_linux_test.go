package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"keyman/internal/testpeer"
)

// TestEndSoon leaves a command behind that does not end, unless it holds.
func TestEndSoon(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	no, yes := func() bool { return false }, func() bool { return true }
	never := make(chan struct{})
	defer close(never)
	if endSoon(ended, no, func() { <-never }) {
		t.Error("a command that does not end was waited for")
	}
	for name, ctx := range map[string]context.Context{"told to end": ended, "not told": t.Context()} {
		done := false
		if !endSoon(ctx, no, func() { done = true }) || !done {
			t.Errorf("%s: a command that ends by itself was left behind", name)
		}
	}
	late := make(chan struct{})
	if !endSoon(ended, func() bool { close(late); return true }, func() { <-late }) {
		t.Error("a command that holds was left behind")
	}
	if !endSoon(t.Context(), yes, func() {}) {
		t.Error("a command that holds and ends was left behind")
	}
}

// TestInterruptedComputation ends the real program while it makes a large key: with its
// own exit code, and with the key database as it was.
func TestInterruptedComputation(t *testing.T) {
	testpeer.Long(t)
	program := buildProgram(t)
	for name, signal := range map[string]os.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": os.Interrupt} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			keydb, password := filepath.Join(dir, "keys.p12"), filepath.Join(dir, "password")
			if err := os.WriteFile(password, []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
			create := exec.Command(program, "--state", dir, "keydb", "create", "--keydb", keydb, "--password-file", password)
			if out, err := create.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			before, err := os.ReadFile(keydb)
			if err != nil {
				t.Fatal(err)
			}
			// Who reads the password from a pipe has begun, and hears signals.
			pipe := filepath.Join(dir, "pipe")
			if err := syscall.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			cmd := exec.Command(program, "--json", "--state", dir, "req", "create", "--keydb", keydb, "--password-file", pipe,
				"--label", "big", "--subject", "CN=big", "--key", "rsa-8192")
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(pipe, []byte("x\n"), 0); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
				t.Errorf("it ended with %v; want exit code %d\n%s", err, exitFailed, &stderr)
			}
			if !strings.Contains(stderr.String(), `"exit":3`) {
				t.Errorf("it says %s", &stderr)
			}
			if after, err := os.ReadFile(keydb); err != nil || !bytes.Equal(after, before) {
				t.Errorf("the key database is another one: %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
				t.Errorf("left are %v", left)
			}
		})
	}
}

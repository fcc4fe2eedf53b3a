package gskit

import (
	"bufio"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"
)

// TestPrompt leaves the password out, and types it at a terminal.
func TestPrompt(t *testing.T) {
	db := filepath.Join(t.TempDir(), "key.kdb")
	for _, step := range []struct {
		args  []string
		types []string
		code  int
		said  string
	}{
		{[]string{"-keydb", "-create", "-db", db}, []string{"one", "two"}, exitFailed, "the two passwords differ"},
		{[]string{"-keydb", "-create", "-db", db}, []string{"secret", "secret"}, exitOK, ""},
		{[]string{"-cert", "-list", "-db", db}, []string{"wrong"}, exitFailed, "An invalid password was given."},
		{[]string{"-cert", "-list", "-db", db}, []string{"secret"}, exitOK, ""},
	} {
		keyboard, tty, err := pty.Open()
		if err != nil {
			t.Fatal(err)
		}
		screen, stderr := io.Pipe()
		done := make(chan int, 1)
		go func() {
			code := Run(t.Context(), Invocation{Name: "gskcapicmd", Args: step.args, Stdin: tty, Stdout: io.Discard, Stderr: stderr})
			stderr.Close()
			done <- code
		}()
		seen := bufio.NewReader(screen)
		for _, text := range step.types {
			if _, err := seen.ReadString(':'); err != nil {
				t.Fatal(err)
			}
			if _, err := keyboard.WriteString(text + "\n"); err != nil {
				t.Fatal(err)
			}
		}
		rest, err := io.ReadAll(seen)
		if err != nil {
			t.Fatal(err)
		}
		if code := <-done; code != step.code || !strings.Contains(string(rest), step.said) || strings.Contains(string(rest), "warning") {
			t.Errorf("%v: exit code %d, %q", step.args, code, rest)
		}
		keyboard.Close()
		tty.Close()
	}
}

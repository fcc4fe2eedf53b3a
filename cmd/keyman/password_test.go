package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"keyman/cmd/keyman/internal/prompt"
)

// promptTimeout bounds the wait for a prompt.
const promptTimeout = 30 * time.Second

// A person sits at a terminal in which keyman asks for a password.
type person struct {
	keyboard *os.File // the master side
	tty      *os.File
	before   *term.State
	keyman   *exec.Cmd
	stderr   *bufio.Reader
}

// atPrompt starts keyman at a terminal of its own.
func atPrompt(t *testing.T, args ...string) *person {
	t.Helper()
	keyboard, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close(); tty.Close() })
	before, err := term.GetState(int(tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// By this name the test binary is keyman; see TestMain.
	cmd := &exec.Cmd{Path: program, Args: append([]string{"keyman"}, args...), Stdin: tty, Stdout: tty,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true, Setctty: true}}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(promptTimeout, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() { timer.Stop() })
	return &person{keyboard, tty, before, cmd, bufio.NewReader(stderr)}
}

// asked waits for a prompt, and until what is typed is not shown.
func (p *person) asked(t *testing.T, want string) {
	t.Helper()
	label, err := p.stderr.ReadString(':')
	if err != nil || !strings.HasSuffix(label, want+":") {
		t.Fatalf("prompt %q, %v; want %q", label, err, want)
	}
	if _, err := p.stderr.ReadByte(); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(promptTimeout); reflect.DeepEqual(p.state(t), p.before); {
		if time.Now().After(end) {
			t.Fatal("what is typed is shown")
		}
	}
}

func (p *person) types(t *testing.T, text string) {
	t.Helper()
	if _, err := p.keyboard.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func (p *person) state(t *testing.T) *term.State {
	t.Helper()
	s, err := term.GetState(int(p.tty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ends waits for keyman and returns its exit code and what else it said.
func (p *person) ends(t *testing.T) (code int, stderr string) {
	t.Helper()
	rest, err := io.ReadAll(p.stderr)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.keyman.Wait() // the exit code says it
	if !reflect.DeepEqual(p.state(t), p.before) {
		t.Error("the terminal is not as it was")
	}
	return p.keyman.ProcessState.ExitCode(), string(rest)
}

// TestPromptInterrupted ends keyman while it asks, by Ctrl-C and by SIGTERM.
func TestPromptInterrupted(t *testing.T) {
	ways := map[string]func(t *testing.T, p *person){
		"Ctrl-C": func(t *testing.T, p *person) { p.types(t, "half\x03") },
		"SIGTERM": func(t *testing.T, p *person) {
			if err := p.keyman.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		},
		"Ctrl-C at the second": func(t *testing.T, p *person) {
			p.types(t, "correct-horse\n")
			if label, err := p.stderr.ReadString('A'); err != nil || label != "\nA" {
				t.Fatalf("after the first line %q, %v", label, err)
			}
			p.asked(t, "gain")
			p.types(t, "\x03")
		},
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.p12")
			p := atPrompt(t, "keydb", "create", "--keydb", path)
			p.asked(t, "Password for the key database")
			end(t, p)
			code, said := p.ends(t)
			if code != exitFailed || !strings.Contains(said, "keyman: interrupted\n") {
				t.Errorf("exit code %d, %q; want %d and interrupted", code, said, exitFailed)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("a key database was made")
			}
		})
	}
}

// TestPrompt types a password twice.
func TestPrompt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.p12")
	p := atPrompt(t, "keydb", "create", "--keydb", path)
	p.asked(t, "Password for the key database")
	p.types(t, "correct-horse\ncorrect-horse\n")
	if code, said := p.ends(t); code != exitOK {
		t.Fatalf("exit code %d, %q", code, said)
	}
	var out bytes.Buffer
	if code := run(t.Context(), []string{"req", "list", "--keydb", path, "--password-file", "-"}, strings.NewReader("correct-horse\n"), &out, &out); code != exitOK {
		t.Errorf("the key database does not open: %s", out.String())
	}
}

// TestPasswordPipeInterrupted ends a command that waits for a password from a
// pipe to which nobody writes.
func TestPasswordPipeInterrupted(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	stop := make(chan struct{})
	close(stop)
	_, err := (&app{stdin: r, interrupted: stop}).password(&passwordFlags{file: "-"}, "x", false)
	if err == nil || err.Error() != prompt.ErrInterrupted.Error() {
		t.Errorf("error %v; want %v", err, prompt.ErrInterrupted)
	}
}

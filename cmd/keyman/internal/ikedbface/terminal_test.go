package ikedbface_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/creack/pty"

	"keyman/cmd/keyman/internal/ikedbface"
)

const definitions = `<AIX_VPN><IKEPresharedKey Value="correct horse"><IPV4_Address Value="192.0.2.2"/></IKEPresharedKey></AIX_VPN>`

// Preshared keys go to files, and to a terminal only when they are asked for.
func TestTerminal(t *testing.T) {
	state := t.TempDir()
	run := func(stdout *os.File, args ...string) string {
		t.Helper()
		var stderr bytes.Buffer
		code := ikedbface.Run(context.Background(), ikedbface.Invocation{
			Args: args, Stdin: strings.NewReader(definitions), Stdout: stdout, Stderr: &stderr,
			State: func() (string, error) { return state, nil },
		})
		if code != 0 {
			t.Fatalf("%v: %d, %s", args, code, stderr.String())
		}
		return stderr.String()
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "out.xml"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	run(file, "-p")
	if warning := run(file, "-g"); warning != "" {
		t.Errorf("to a file: %s", warning)
	}
	if data, err := os.ReadFile(file.Name()); err != nil || !strings.Contains(string(data), "correct horse") {
		t.Errorf("the file has no key: %s %v", data, err)
	}

	screen, terminal, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	defer terminal.Close()
	read := func() string {
		t.Helper()
		var shown []byte
		for !bytes.Contains(shown, []byte("</AIX_VPN>")) {
			var some [4096]byte
			n, err := screen.Read(some[:])
			if err != nil {
				t.Fatal(err)
			}
			shown = append(shown, some[:n]...)
		}
		return string(shown)
	}
	if warning := run(terminal, "-g"); !strings.Contains(warning, "preshared keys are left out on a terminal") {
		t.Errorf("to a terminal: %s", warning)
	}
	if shown := read(); strings.Contains(shown, "horse") || !strings.Contains(shown, `Format="Hidden"`) {
		t.Errorf("the terminal shows %s", shown)
	}
	run(terminal, "-g", "--secrets")
	if shown := read(); !strings.Contains(shown, "correct horse") {
		t.Errorf("asked for, the terminal shows %s", shown)
	}
}

package keystore

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	// writerEnv gives a process that TestManyWriters starts its key database,
	// writerNameEnv its name.
	writerEnv     = "KEYMAN_TEST_WRITER"
	writerNameEnv = "KEYMAN_TEST_WRITER_NAME"

	writers       = 8
	writerChanges = 3
	// writerTries bounds how often one change is tried: each failure is
	// somebody else's success.
	writerTries = 2 * writers * writerChanges
)

// TestManyWriters lets many processes change one key database at once: each opens,
// changes and saves, and begins anew where it is told that somebody else was
// faster. At the end all changes are there.
func TestManyWriters(t *testing.T) {
	if path := os.Getenv(writerEnv); path != "" {
		writer(t, path, os.Getenv(writerNameEnv))
		return
	}
	for _, name := range []string{"jks", "cms"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _ := FormatNamed(name)
			path := filepath.Join(t.TempDir(), "keys")
			s, err := New(path, Password(killPassword), Options{Format: f})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.SetStashed(true); err != nil {
				t.Fatal(err)
			}
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
			var children []*exec.Cmd
			var outputs []*strings.Builder
			for i := range writers {
				cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestManyWriters$", "-test.v")
				cmd.Env = append(os.Environ(), writerEnv+"="+path, fmt.Sprintf("%s=writer%d", writerNameEnv, i))
				out := new(strings.Builder)
				cmd.Stdout, cmd.Stderr = out, out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				children, outputs = append(children, cmd), append(outputs, out)
			}
			for i, cmd := range children {
				if err := cmd.Wait(); err != nil {
					t.Errorf("%v\n%s", err, outputs[i])
				}
			}
			if s, err = Open(t.Context(), path, Password(killPassword)); err != nil {
				t.Fatal(err)
			}
			for i := range writers {
				for n := range writerChanges {
					if label := fmt.Sprintf("writer%d %d", i, n); s.index(label) < 0 {
						t.Errorf("%q is lost", label)
					}
				}
			}
			if names, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); err != nil || len(names) > 0 {
				t.Errorf("left are %v, %v", names, err)
			}
		})
	}
}

// writer makes its changes, one save each.
func writer(t *testing.T, path, name string) {
	for n := range writerChanges {
		label := fmt.Sprintf("%s %d", name, n)
		der := newAuthority(t, label, nil).der
		for try := 1; ; try++ {
			err := change(t, path, label, der)
			if err == nil {
				break
			}
			if !errors.Is(err, ErrChanged) && !errors.Is(err, ErrLocked) || try == writerTries {
				t.Fatalf("try %d: %v", try, err)
			}
		}
	}
}

func change(t *testing.T, path, label string, der []byte) error {
	s, err := Open(t.Context(), path, Password(killPassword))
	if err != nil {
		return err
	}
	if _, err := s.AddSigner(label, der, true); err != nil {
		return err
	}
	return s.Save(t.Context())
}

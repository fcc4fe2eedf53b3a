package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"keyman/crl"
	"keyman/keystore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// emptyTemp gives the test a temporary directory of its own, and fails it where
// something is left there.
func emptyTemp(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
}

// play runs the demonstration with faults, and returns its steps.
func play(t *testing.T, f faults) ([]Step, error) {
	t.Helper()
	emptyTemp(t)
	var out bytes.Buffer
	err := run(t.Context(), Config{Out: &out, JSON: true}, f)
	var steps []Step
	for dec := json.NewDecoder(&out); ; {
		var s Step
		if decErr := dec.Decode(&s); errors.Is(decErr, io.EOF) {
			return steps, err
		} else if decErr != nil {
			t.Fatal(decErr)
		}
		steps = append(steps, s)
	}
}

// find returns the steps of a gateway or server, of one kind.
func find(steps []Step, who string, what Kind) []Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Who != who || s.What != what })
}

func TestRun(t *testing.T) {
	steps, err := play(t, faults{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(steps, func(a, b Step) int { return int(a.Milliseconds*1000) - int(b.Milliseconds*1000) }) {
		t.Error("the steps are not in the order of time")
	}
	if last := steps[len(steps)-1]; last.What != KindDone || !strings.Contains(last.Text, "Nothing is left behind") {
		t.Errorf("the end: %+v", last)
	}
	// gw-a refuses twice, each time for the certificate that the CA revoked.
	serial := ""
	for _, s := range find(steps, "ca", KindRevoked) {
		serial = strings.Fields(s.Text)[1]
	}
	refusals := 0
	for _, s := range find(steps, "gw-a", KindVerdict) {
		if r := s.Reasons[len(s.Reasons)-1]; r.Severity == crl.Fatal {
			refusals++
			if r.Code != crl.CodeRevoked || r.Serial != serial || r.CRLNumber != "2" || r.CRL != "http://pki.invalid/ca.crl" || r.Date.IsZero() {
				t.Errorf("the reason: %+v", r)
			}
		}
	}
	if refusals != 2 {
		t.Errorf("gw-a refused %d times", refusals)
	}
	// Both ways to a list were used: each gateway fetched each list once, or
	// found it in its cache.
	for who, want := range map[string]int{"socks4": 2, "http": 2, "ldap": 2} {
		kind := KindServed
		if who == "socks4" {
			kind = KindProxied
		}
		if got := find(steps, who, kind); len(got) != want {
			t.Errorf("%s: %d, want %d: %+v", who, len(got), want, got)
		}
	}
	// Main mode as it should be: six messages, by turns, once for each try but
	// the last, which ends after message 5.
	var messages []string
	for _, s := range steps {
		if s.What == KindMessage {
			messages = append(messages, s.Who+" "+strings.Fields(s.Text)[1])
		}
	}
	want := []string{
		"gw-a 1", "gw-b 2", "gw-a 3", "gw-b 4", "gw-a 5", "gw-b 6",
		"gw-a 1", "gw-b 2", "gw-a 3", "gw-b 4", "gw-a 5", "gw-b 6",
		"gw-b 1", "gw-a 2", "gw-b 3", "gw-a 4", "gw-b 5",
	}
	if !slices.Equal(messages, want) {
		t.Errorf("messages %q", messages)
	}
}

// The demonstration fails where a revoked peer gets its tunnel.
func TestRunNoticesAcceptedPeer(t *testing.T) {
	steps, err := play(t, faults{unpublished: true})
	var different *DifferenceError
	if !errors.As(err, &different) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{
		"gw-a has a tunnel with a revoked certificate", "gw-b has a tunnel with a revoked certificate",
		`gw-a found "checked" by list number "1"`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	if got := find(steps, "", KindDifferent); len(got) != len(different.Differences) {
		t.Errorf("%d differences are shown of %d", len(got), len(different.Differences))
	}
	if slices.ContainsFunc(steps, func(s Step) bool { return s.What == KindDone }) {
		t.Error("it says that all is well")
	}
}

// stopWriter ends a context at the first step that contains a word.
type stopWriter struct {
	word string
	stop context.CancelFunc
}

func (w *stopWriter) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.word) {
		w.stop()
	}
	return len(p), nil
}

// Wherever it is interrupted, nothing is left behind.
func TestRunInterrupted(t *testing.T) {
	for _, word := range []string{"founded", "message 1", "revoked"} {
		t.Run(word, func(t *testing.T) {
			emptyTemp(t)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			err := Run(ctx, Config{Out: &stopWriter{word, stop}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// brokenWriter is a pipe whose reader has gone.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestRunWithoutReader(t *testing.T) {
	emptyTemp(t)
	if err := Run(t.Context(), Config{Out: brokenWriter{}}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

// What is kept can be opened, and nobody else can read it.
func TestRunKeeps(t *testing.T) {
	emptyTemp(t)
	dir := filepath.Join(t.TempDir(), "kept")
	var out bytes.Buffer
	if err := Run(t.Context(), Config{Out: &out, Keep: dir}); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "Nothing is left behind") {
		t.Error("it says that nothing is left behind")
	}
	for keydb, label := range map[string]string{"ca/vpn/ca.p12": "ca", "gw-a/keys.p12": "gw-a", "gw-b/keys.p12": "gw-b"} {
		path := filepath.Join(dir, keydb)
		password, err := os.ReadFile(filepath.Join(filepath.Dir(path), passwordFile))
		if err != nil {
			t.Fatal(err)
		}
		password = bytes.TrimSpace(password)
		if len(password) < 20 || bytes.Contains(out.Bytes(), password) {
			t.Errorf("%s: the password is short, or shown", keydb)
		}
		store, err := keystore.Open(t.Context(), path, keystore.Password(password))
		if err != nil {
			t.Fatal(err)
		}
		if entry, ok := store.Lookup(label); !ok || entry.Kind != keystore.Personal {
			t.Errorf("%s: %+v", keydb, entry)
		}
		for _, name := range []string{path, filepath.Join(filepath.Dir(path), passwordFile)} {
			if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
	}
	for _, name := range []string{"gw-a/tunnels.toml", "gw-a/keyman.toml", "ca/vpn/crl.der"} {
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is not there", name)
		}
	}
	if err := Run(t.Context(), Config{Out: &out, Keep: dir}); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("kept twice in one folder: %v", err)
	}
}

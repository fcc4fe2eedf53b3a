package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyman/internal/testpeer"
)

// TestReadme runs the shell blocks of the README as they stand, from nothing to
// the refused peer.
func TestReadme(t *testing.T) {
	testpeer.Need(t, "python3")
	text := runBlocks(t, "README.md")
	for _, want := range []string{"not all are good: exit code 1", "gw-b.example.org", "to-gw2: active", "closed", "is not accepted any more (revoked)", "to-gw2: failed", "reason keyCompromise", "refused: exit code 1", "revoked: exit code 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
	if up, down := strings.Index(text, "to-gw2: active"), strings.Index(text, "to-gw2: failed"); up > down {
		t.Errorf("refused before it was up:\n%s", text)
	}
}

// TestIkedbExample runs the shell blocks of docs/ikedb.md as they stand.
func TestIkedbExample(t *testing.T) {
	text := runBlocks(t, "docs/ikedb.md")
	for _, want := range []string{
		"all is well", "6 definitions added, 0 replaced", "line 11: IPSecProposal \"aes\"", "overwritten only with --force", "[[tunnel]]", "the tunnel needs it",
		"5 definitions deleted", "the same, byte for byte",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
}

// TestKeydbTasks runs the shell blocks of docs/keydb.md as they stand: each task of
// a key manager once.
func TestKeydbTasks(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "openssl")
	text := runBlocks(t, "docs/keydb.md")
	for _, want := range []string{
		"created ikekey.kdb", "received gw1: C=CH, O=Example, CN=gw1", "due: exit code 1", "renewed: exit code 0",
		"friendlyName: gw1", "not there any more", "deleted",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
}

// runBlocks runs the shell blocks of a document, one after the other, in an empty
// folder, and returns what they print. One that fails fails the test.
func runBlocks(t *testing.T, path string) string {
	t.Helper()
	testpeer.Need(t, "bash")
	document, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	inside := false
	for line := range strings.Lines(string(document)) {
		switch {
		case line == "```sh\n":
			inside = true
		case strings.HasPrefix(line, "```"):
			inside = false
		case inside:
			script.WriteString(line)
		}
	}
	// Under this name the test binary is keyman (see TestMain).
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(self, filepath.Join(bin, "keyman")); err != nil {
		t.Fatal(err)
	}
	const limit = 5 * time.Minute
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script.String())
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), stateEnv+"="+filepath.Join(t.TempDir(), "state"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

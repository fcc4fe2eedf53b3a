package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// TestConvertIBM makes a PKCS#12 file of a key database that IBM's own tool wrote,
// and has openssl list what is in it: the same entries, each under its label, and
// the same certificates.
func TestConvertIBM(t *testing.T) {
	testpeer.Need(t, "openssl")
	source := filepath.Join(testpeer.Corpora(t), "kdb", "mixed.kdb")
	s, dir := session{t, t.TempDir()}, t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	f, g := file("F", "password\n"), file("G", "another one\n")
	target := filepath.Join(dir, "keys.p12")
	s.must("keydb", "convert", source, target, "--password-file", f, "--target-password-file", g)

	var rows []struct{ Label, Kind string }
	if err := json.Unmarshal([]byte(s.must("--json", "cert", "list", "--keydb", source, "--password-file", f)), &rows); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, row := range rows {
		want = append(want, row.Label)
		if row.Kind == "personal" {
			want = append(want, row.Label) // of the key, too
		}
	}
	out, err := exec.CommandContext(t.Context(), "openssl", "pkcs12", "-in", target, "-passin", "file:"+g, "-nodes").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if _, label, ok := strings.Cut(line, "friendlyName: "); ok {
			got = append(got, strings.TrimSpace(label))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(rows) == 0 || !slices.Equal(want, got) {
		t.Errorf("openssl lists %q; keyman lists %q", got, want)
	}
	for _, row := range rows {
		certificate := s.must("cert", "export", row.Label, "--keydb", source, "--password-file", f)
		if !bytes.Contains(out, []byte(certificate)) {
			t.Errorf("openssl does not show the certificate of %s", row.Label)
		}
	}
}

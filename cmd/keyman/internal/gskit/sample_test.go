package gskit

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"keyman/internal/testpeer"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestSample reads a key database that IBM's own tool wrote, with its stash file.
func TestSample(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"mixed.kdb", "mixed.sth"} {
		data, err := os.ReadFile(filepath.Join(testpeer.Corpora(t), "kdb", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db := filepath.Join(dir, "mixed.kdb")
	for golden, args := range map[string][]string{
		"list":     {"-cert", "-list", "-db", db, "-stashed"},
		"personal": {"-cert", "-list", "personal", "-db", db, "-stashed"},
		"ca":       {"-cert", "-list", "CA", "-db", db, "-stashed"},
		"expiry":   {"-cert", "-list", "-expiry", "-db", db, "-stashed"},
		"details":  {"-cert", "-details", "-db", db, "-stashed", "-label", "rsa-keypair"},
		"root":     {"-cert", "-details", "-showOID", "-db", db, "-stashed", "-label", "trusted-root-ca"},
		"requests": {"-certreq", "-list", "-db", db, "-stashed"},
		"password": {"-keydb", "-expiry", "-db", db, "-stashed"},
	} {
		t.Run(golden, func(t *testing.T) {
			code, out, errors := invoke(t, args...)
			if code != exitOK || errors != "" {
				t.Fatalf("exit code %d: %s", code, errors)
			}
			path := filepath.Join("testdata", "mixed-"+golden+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if out != string(want) {
				t.Errorf("printed:\n%s\nwant:\n%s", out, want)
			}
		})
	}
}

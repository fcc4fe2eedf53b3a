package ikedb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The examples of docs/tunnels.md are files that load.
func TestDocumentedExamples(t *testing.T) {
	doc, err := os.ReadFile("../../docs/tunnels.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(doc), "```toml\n")[1:]
	if len(blocks) != 4 {
		t.Fatalf("%d examples", len(blocks))
	}
	for i, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		dir := t.TempDir()
		path := filepath.Join(dir, "tunnels.toml")
		for name, content := range map[string]string{path: block, filepath.Join(dir, "partner.psk"): "a secret\n",
			filepath.Join(dir, "ann.psk"): "of Ann\n", filepath.Join(dir, "ben.psk"): "of Ben\n"} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if db, err := Load(path); err != nil || len(db.Tunnels()) != 1 {
			t.Errorf("example %d: %v", i+1, err)
		}
	}
}

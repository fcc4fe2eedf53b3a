package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyman/csr"
)

// TestAskChallenge types a challenge password twice, and sees it nowhere but in
// the request.
func TestAskChallenge(t *testing.T) {
	dir := t.TempDir()
	keydb, file := filepath.Join(dir, "keys.p12"), filepath.Join(dir, "gw1.csr")
	t.Setenv("PW", "correct-horse")
	var out bytes.Buffer
	if code := run(t.Context(), []string{"keydb", "create", "--keydb", keydb, "--password-env", "PW"}, strings.NewReader(""), &out, &out); code != exitOK {
		t.Fatal(out.String())
	}
	p := atPrompt(t, "req", "create", "--keydb", keydb, "--password-env", "PW", "--label", "gw1", "--subject", "CN=gw1", "--key", "p256", "--ask-challenge", "--out", file)
	p.asked(t, "Password for revoking the certificate")
	p.types(t, "revoke me\nrevoke me\n")
	if code, said := p.ends(t); code != exitOK || strings.Contains(said, "revoke me") {
		t.Fatalf("exit code %d, %q", code, said)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	request, err := csr.Parse(data)
	if err != nil || string(request.Challenge) != "revoke me" {
		t.Errorf("the challenge has %d characters, %v", len(request.Challenge), err)
	}
}

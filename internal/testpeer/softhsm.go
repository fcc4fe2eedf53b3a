package testpeer

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// softHSMModules are the places where distributions put SoftHSM's library.
var softHSMModules = []string{
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
}

// A SoftHSM is a module with one token in files of its own.
type SoftHSM struct {
	Module, Token, PIN, SOPIN string
	// Config is the file that SOFTHSM2_CONF names.
	Config string
}

// NewSoftHSM makes a token with SoftHSM 2, and sets SOFTHSM2_CONF for the test's
// process, where the library looks for it.
func NewSoftHSM(t testing.TB, label string) *SoftHSM {
	t.Helper()
	Need(t, "softhsm2-util")
	h := &SoftHSM{Token: label, PIN: "1234-pin", SOPIN: "5678-so-pin"}
	for _, path := range softHSMModules {
		if _, err := os.Stat(path); err == nil {
			h.Module = path
			break
		}
	}
	if h.Module == "" {
		Missing(t, "libsofthsm2.so is in none of the usual places")
	}
	dir := t.TempDir()
	h.Config = filepath.Join(dir, "softhsm2.conf")
	tokens := filepath.Join(dir, "tokens")
	if err := os.Mkdir(tokens, 0o700); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n", tokens)
	if err := os.WriteFile(h.Config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", h.Config)
	h.Init(t, label)
	return h
}

// Init makes one more token.
func (h *SoftHSM) Init(t testing.TB, label string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "softhsm2-util", "--init-token", "--free", "--label", label, "--pin", h.PIN, "--so-pin", h.SOPIN).CombinedOutput()
	if err != nil {
		t.Fatalf("softhsm2-util --init-token: %v\n%s", err, out)
	}
}

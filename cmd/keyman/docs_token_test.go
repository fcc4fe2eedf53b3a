//go:build pkcs11 && cgo

package main

import (
	"os"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// TestTokenTasks runs the shell blocks of docs/pkcs11.md as they stand.
func TestTokenTasks(t *testing.T) {
	testpeer.Need(t, "softhsm2-util")
	// The document names Debian's path.
	if _, err := os.Stat("/usr/lib/softhsm/libsofthsm2.so"); err != nil {
		testpeer.Missing(t, "SoftHSM's library: %v", err)
	}
	text := runBlocks(t, "docs/pkcs11.md")
	for _, want := range []string{"generated gw1 (key)", "made a request for gw1", "added gw1 (key, certificate)", "imported gw2 (key, certificate)", "deleted gw2"} {
		if !strings.Contains(text, want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
}

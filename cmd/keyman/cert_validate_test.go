package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// TestValidatePKITS runs NIST's suite through the command line.
func TestValidatePKITS(t *testing.T) {
	dir := filepath.Join(testpeer.Corpora(t), "pkits")
	data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Num   string
		Certs, CRLs []string
		OK          bool
		Initial     *string
		Explicit    *string
		InhibitMap  *string
		InhibitAny  *string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	s := session{t, t.TempDir()}
	is := func(setting *string) bool { return setting != nil && *setting == "true" }
	for _, c := range cases {
		file := func(kind, name, suffix string) string { return filepath.Join(dir, kind, name+suffix) }
		last := len(c.Certs) - 1
		// The suite is of 2011; DSA with 1024 bits and SHA-1 are in it.
		args := []string{
			"cert", "validate", file("certs", c.Certs[last], ".crt"), "--trust", file("certs", c.Certs[0], ".crt"),
			"--time", "2011-04-15T00:00:00Z", "--allow-weak", "--proxy", "socks5://127.0.0.1:1",
		}
		for _, name := range c.Certs[1:last] {
			args = append(args, "--intermediate", file("certs", name, ".crt"))
		}
		for _, name := range c.CRLs {
			args = append(args, "--crl", file("crls", name, ".crl"))
		}
		if c.Initial != nil {
			for name := range strings.SplitSeq(*c.Initial, ",") {
				oid := "2.5.29.32.0"
				if number, ok := strings.CutPrefix(name, "NIST-test-policy-"); ok {
					oid = "2.16.840.1.101.3.2.1.48." + number
				}
				args = append(args, "--policy", oid)
			}
		}
		for flag, set := range map[string]bool{"--explicit-policy": is(c.Explicit), "--inhibit-mapping": is(c.InhibitMap), "--inhibit-any": is(c.InhibitAny)} {
			if set {
				args = append(args, flag)
			}
		}
		code, stdout, stderr := s.run(args...)
		// Not valid, or it could not be told: no list counts.
		if (code == exitOK) != c.OK || code != exitOK && code != exitNo && code != exitFailed || code != exitOK && stderr == "" {
			t.Errorf("%s %s: exit code %d, valid is %v\n%s%s", c.Num, c.Name, code, c.OK, stdout, stderr)
		}
	}
}

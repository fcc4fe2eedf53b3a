package main

import (
	"bytes"
	"strings"
	"testing"
)

// The face of gskcapicmd can be had without a link.
func TestGSKWithoutLink(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"gskcapicmd", "-keydb", "-list"}, strings.NewReader(""), &stdout, &stderr)
	if code != 0 || !strings.Contains(stdout.String(), "\tCMS\n") || stderr.Len() > 0 {
		t.Errorf("%d, %q, %q", code, stdout.String(), stderr.String())
	}
	stdout.Reset()
	if code := run(t.Context(), []string{"gskcapicmd", "-keydb", "--json"}, strings.NewReader(""), &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), `gskcapicmd: "--json" is no action of -keydb`) {
		t.Errorf("%d, %q", code, stderr.String())
	}
}

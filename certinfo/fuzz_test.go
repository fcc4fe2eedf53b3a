package certinfo

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"keyman/internal/cells"
	"keyman/internal/testpeer"
)

// FuzzDescribe: whatever the octets, a certificate or a request is described or
// refused, in bounded text that a terminal can show, within its columns.
func FuzzDescribe(f *testing.F) {
	for _, pattern := range []string{filepath.Join("testdata", "*.der"), filepath.Join(testpeer.Corpora(f), "pkits", "certs", "*.crt")} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: no files, %v", pattern, err)
		}
		for i, file := range files {
			if i%10 != 0 && len(files) > 100 {
				continue
			}
			encoded, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(encoded)
		}
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		info, err := Describe(encoded, now)
		if err == nil {
			checkText(t, len(encoded), func(text *bytes.Buffer, s Style) { info.Write(text, s) })
			if _, err := json.Marshal(info); err != nil {
				t.Fatal(err)
			}
		}
		request, err := DescribeRequest(encoded)
		if err == nil {
			checkText(t, len(encoded), func(text *bytes.Buffer, s Style) { request.Write(text, s) })
		}
	})
}

// checkText checks what a writer writes about so many octets.
func checkText(t *testing.T, octets int, write func(*bytes.Buffer, Style)) {
	for _, style := range []Style{{}, {Width: 80}} {
		var text bytes.Buffer
		write(&text, style)
		// A line of labels for each octet at the worst, and each octet escaped.
		if text.Len() > 4000+200*octets {
			t.Fatalf("%d octets of text about %d", text.Len(), octets)
		}
		for line := range strings.Lines(text.String()) {
			line = strings.TrimSuffix(line, "\n")
			if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Fatalf("%q is not printable", line)
			}
			if style.Width > 0 && cells.Width(line) > style.Width {
				t.Fatalf("%q is wider than %d", line, style.Width)
			}
		}
	}
}

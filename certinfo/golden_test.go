package certinfo

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

// now is when the golden files are looked at.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// golden compares with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; got\n%s", path, got)
	}
}

// Each certificate and request in testdata as text, for a file and for a screen,
// and as JSON. Those that crypto/x509 refuses are named after the reason.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.der"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		encoded, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".der")
		t.Run(name, func(t *testing.T) {
			var info interface{}
			var text bytes.Buffer
			if strings.HasPrefix(name, "request") {
				r, err := DescribeRequest(encoded)
				if err != nil {
					t.Fatal(err)
				}
				info = r
				r.Write(&text, Style{})
			} else {
				i, err := Describe(encoded, now)
				if err != nil {
					t.Fatal(err)
				}
				info = i
				i.Write(&text, Style{})
			}
			golden(t, name+".txt", text.Bytes())
			if name != "all" {
				return
			}
			out, err := json.MarshalIndent(info, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", append(out, '\n'))
			text.Reset()
			info.(Info).Write(&text, Style{Width: 80})
			golden(t, name+".screen.txt", text.Bytes())
		})
	}
}

package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWriteWrapped(t *testing.T) {
	text := "one " + strings.Repeat("zwölf ", 30) + strings.Repeat("x", 100) + " end"
	var out strings.Builder
	w := screen{Writer: &out, width: 80}
	writeWrapped(w, "  fatal    ", text)
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if !strings.HasPrefix(lines[0], "  fatal    one zwölf") {
		t.Errorf("first line %q", lines[0])
	}
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); n >= w.width && !strings.Contains(line, "xxx") {
			t.Errorf("line %d has %d columns", i, n)
		}
		if i > 0 && !strings.HasPrefix(line, strings.Repeat(" ", 11)) {
			t.Errorf("line %d is not indented: %q", i, line)
		}
	}
	if got := strings.Join(strings.Fields(out.String()), " "); got != "fatal "+strings.TrimSpace(text) {
		t.Errorf("words were lost: %q", got)
	}
	out.Reset()
	writeWrapped(w, "why: ", "")
	if out.String() != "why:\n" {
		t.Errorf("of nothing: %q", out.String())
	}
	// Not on a screen.
	out.Reset()
	writeWrapped(&out, "  fatal    ", text)
	if out.String() != "  fatal    "+text+"\n" {
		t.Errorf("a script sees %q", out.String())
	}
}

// Who wants no colours has none: NO_COLOR may hold anything.
func TestHasColors(t *testing.T) {
	for _, tt := range []struct {
		noColor, term string
		want          bool
	}{
		{"", "xterm", true}, {"1", "xterm", false}, {"0", "xterm", false}, {"", "dumb", false}, {"", "", false},
	} {
		t.Setenv("NO_COLOR", tt.noColor)
		t.Setenv("TERM", tt.term)
		if got := hasColors(); got != tt.want {
			t.Errorf("NO_COLOR=%q TERM=%q: %v", tt.noColor, tt.term, got)
		}
	}
	if style := styleOf(&strings.Builder{}); style.Color || style.Width != 0 {
		t.Errorf("a file is a screen: %+v", style)
	}
}

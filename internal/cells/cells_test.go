package cells

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "証明書": 6, "e\u0301": 1, "é": 1, "한국": 4, "👩‍👩‍👧": 2, "ﾊﾝ": 2} {
		if got := Width(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		s           string
		width       int
		cut, middle string
	}{
		{"short", 5, "short", "short"},
		{"gateway-one.example.org", 12, "gateway-o...", "gatew....org"},
		{"証明書証明書", 8, "証明...", "証...書"},
		{"e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301", 5, "e\u0301e\u0301...", "e\u0301...e\u0301"},
		{"abcdef", 3, "...", "..."},
		{"abcdef", 1, ".", "."},
		{"abcdef", 0, "", ""},
		{"abcdef", -1, "", ""},
	} {
		if got := Cut(tt.s, tt.width); got != tt.cut {
			t.Errorf("Cut %q to %d: %q, want %q", tt.s, tt.width, got, tt.cut)
		}
		if got := CutMiddle(tt.s, tt.width); got != tt.middle {
			t.Errorf("CutMiddle %q to %d: %q, want %q", tt.s, tt.width, got, tt.middle)
		}
	}
	if got := Pad("証", 4) + "|"; got != "証  |" {
		t.Errorf("Pad: %q", got)
	}
}

// Whatever the text: nothing is wider than it may be, and nothing breaks UTF-8.
func TestFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		width := rapid.IntRange(0, 40).Draw(t, "width")
		for _, got := range []string{Cut(s, width), CutMiddle(s, width)} {
			if Width(got) > width || !utf8.ValidString(got) {
				t.Fatalf("%q to %d: %q of %d columns", s, width, got, Width(got))
			}
		}
		lines := Wrap(s, width)
		if strings.Join(strings.Fields(s), "") != strings.ReplaceAll(strings.Join(lines, ""), " ", "") {
			t.Fatalf("%q became %q", s, lines)
		}
		for _, line := range lines {
			if Width(line) > max(width, 2) {
				t.Fatalf("%q is wider than %d", line, width)
			}
		}
	})
}

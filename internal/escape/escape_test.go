package escape

import "testing"

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"Zürich (1)":         "Zürich (1)",
		"a\nb":               `a\nb`,
		"\x1b[2Jgone":        `\x1b[2Jgone`,
		"\xff":               `\xff`,
		"left\u202eto right": `left\u202eto right`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

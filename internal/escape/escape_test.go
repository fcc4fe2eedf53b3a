package escape

import "testing"

func TestPrintable(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"Zürich (1)":         "Zürich (1)",
		"a\nb":               `a\nb`,
		"\x1b[2Jgone":        `\x1b[2Jgone`,
		"\xff":               `\xff`,
		"gw\u3164":           `gw\u3164`,
		"gw\ufe0f\"":         `gw\ufe0f\"`,
		"gw\U000e0100":       `gw\U000e0100`,
		"cafe\u0301":         "cafe\u0301",
		"left\u202eto right": `left\u202eto right`,
	} {
		if got := Printable(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

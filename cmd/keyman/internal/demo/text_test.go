package demo

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"keyman/crl"
)

func TestWrap(t *testing.T) {
	for _, tc := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 10, []string{""}},
		{"one", 10, []string{"one"}},
		{"one two three four", 10, []string{"one two", "three four"}},
		{"ldap://h/CN=a,O=b?attribute", 12, []string{"ldap://h/", "CN=a,O=b?", "attribute"}},
		{"at http://h/abcdefghijkl", 10, []string{"at", "http://h/", "abcdefghij", "kl"}},
		{"ääää ööö üü", 8, []string{"ääää ööö", "üü"}},
	} {
		if got := wrap(tc.text, tc.width); !slices.Equal(got, tc.want) {
			t.Errorf("wrap(%q, %d) = %q; want %q", tc.text, tc.width, got, tc.want)
		}
	}
}

func TestCounted(t *testing.T) {
	for in, want := range map[string]string{
		"":                  "",
		"SA":                "SA",
		"SA VID VID VID":    "SA, 3 VID",
		"N N KE NONCE N":    "2 N, KE, NONCE, N",
		"KE NAT-D NAT-D":    "KE, 2 NAT-D",
		"ID CERT CERT SIG ": "ID, 2 CERT, SIG",
	} {
		if got := counted(strings.Fields(in)); got != want {
			t.Errorf("counted(%q) = %q; want %q", in, got, want)
		}
	}
}

// What a person sees: no line is wider than it may be, the reasons of a refusal
// stand in columns, colour is there only where it was asked for.
func TestText(t *testing.T) {
	refusal := Step{
		Milliseconds: 323.4, Who: "gw-a", What: KindVerdict, Text: "refuses gw-b: its certificate is revoked",
		Reasons: []crl.Reason{{
			Severity: crl.Fatal, Code: crl.CodeRevoked, Certificate: "C=CH, CN=gw-b", Serial: "4f",
			CRL: "http://pki.invalid/ca.crl", CRLNumber: "2", Date: time.Date(2026, 10, 1, 8, 30, 0, 0, time.UTC),
		}},
	}
	steps := []Step{
		{What: KindPart, Text: "A part"},
		{Who: "ca", What: KindFounded, Text: strings.Repeat("ldap://127.0.0.1:45627/CN=Example%20VPN%20CA,", 4)},
		refusal,
	}
	render := func(cfg Config) string {
		var out bytes.Buffer
		cfg.Out = &out
		text := newText(cfg)
		for _, s := range steps {
			if err := text.print(s); err != nil {
				t.Fatal(err)
			}
		}
		return out.String()
	}
	for _, width := range []int{0, 1, 90, 1000} {
		limit := min(max(width, MinWidth), MaxWidth)
		if width == 0 {
			limit = DefaultWidth
		}
		for line := range strings.Lines(render(Config{Width: width})) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > limit {
				t.Errorf("width %d: %d columns: %q", width, n, line)
			}
		}
	}
	want := `  323 ms  gw-a    refuses gw-b: its certificate is revoked
                  certificate  C=CH, CN=gw-b
                  serial       4f
                  list         number 2 from http://pki.invalid/ca.crl
                  revoked      2026-10-01 08:30:00 UTC
`
	if got := render(Config{}); !strings.HasSuffix(got, want) || strings.Contains(got, "\x1b") {
		t.Errorf("without colour:\n%s", got)
	}
	if got := render(Config{Color: true}); !strings.Contains(got, red+"refuses gw-b: its certificate is revoked"+reset) {
		t.Errorf("with colour:\n%s", got)
	}
}

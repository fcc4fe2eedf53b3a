package main

import (
	"strings"
	"testing"

	"keyman/internal/cells"
)

// sampleTable has what is hard to fit: a long label, a long subject, wide
// characters, combining ones, and what a terminal must not see.
func sampleTable() *table {
	t := &table{columns: []column{{title: ""}, {title: "LABEL", shorten: cells.CutMiddle}, {title: "SUBJECT", shorten: cells.Cut}, {title: "LEFT", right: true}}}
	t.add("*-", "gw1", "CN=gw1", "9 days")
	t.rows = append(t.rows, []cell{
		{text: "!"}, {text: strings.Repeat("long-label-", 8) + "end"},
		{text: "C=CH, O=" + strings.Repeat("Example ", 12) + ", CN=ca", short: "CN=ca"}, {text: "3649 days", color: "31"},
	})
	t.add("-", "証明書のラベル", "CN=証明書", "1 day")
	t.add("-?", "e\u0301te\u0301", "CN=\x1b[31mred\u202e", "")
	return t
}

func TestTable(t *testing.T) {
	var out strings.Builder
	sampleTable().write(&out)
	want := `    LABEL                                       SUBJECT                    LEFT
*-  gw1                                         CN=gw1                   9 days
!   long-label-long-labe...abel-long-label-end  CN=ca                 3649 days
-   証明書のラベル                              CN=証明書                 1 day
-?  été                                         CN=\x1b[31mred\u202e
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	checkTable(t, out.String(), 79)
	if strings.Contains(out.String(), "\x1b") || strings.Contains(out.String(), "\u202e") || !strings.Contains(out.String(), `\x1b[31mred\u202e`) {
		t.Errorf("what a terminal must not see:\n%q", out.String())
	}
	for _, width := range []int{40, 60, 100, 120} {
		var text strings.Builder
		sampleTable().write(screen{Writer: &text, width: width})
		checkTable(t, text.String(), width-1)
	}
	out.Reset()
	wide := sampleTable()
	wide.wide = true
	wide.write(&out)
	if strings.Contains(out.String(), "...") || !strings.Contains(out.String(), ", CN=ca") {
		t.Errorf("--wide shortens:\n%s", out.String())
	}
	// Colours stand around a text, and change nothing about its place.
	var plain, colored strings.Builder
	sampleTable().write(screen{Writer: &plain, width: 80})
	sampleTable().write(screen{Writer: &colored, width: 80, color: true})
	if got := strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "").Replace(colored.String()); got != plain.String() || !strings.Contains(colored.String(), "\x1b[31m3649 days\x1b[0m") {
		t.Errorf("in colour:\n%q", colored.String())
	}
}

// checkTable checks that all lines fit, and that the numbers end at one column.
func checkTable(t *testing.T, text string, width int) {
	t.Helper()
	ends := map[int]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if w := cells.Width(line); w > width {
			t.Errorf("%d columns, more than %d: %q", w, width, line)
		}
		if strings.HasSuffix(line, "days") || strings.HasSuffix(line, "day") || strings.HasSuffix(line, "LEFT") {
			ends[cells.Width(line)] = true
		}
	}
	if len(ends) != 1 {
		t.Errorf("numbers end at columns %v:\n%s", ends, text)
	}
}

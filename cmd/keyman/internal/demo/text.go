package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"keyman/crl"
)

// The width of the time line in columns.
const (
	DefaultWidth = 80
	MinWidth     = 72
	MaxWidth     = 100
)

// The columns of the time line: the time, who, and what.
const (
	whoWidth  = 6
	textStart = len("00000 ms  ") + whoWidth + 2
)

// The colours, of which every terminal has its own idea.
const (
	plain = ""
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	red   = "\x1b[31m"
	green = "\x1b[32m"
	cyan  = "\x1b[36m"
	reset = "\x1b[0m"
)

// text prints steps for people.
type text struct {
	out   io.Writer
	width int
	color bool
	parts int
}

func newText(cfg Config) *text {
	width := cfg.Width
	if width == 0 {
		width = DefaultWidth
	}
	return &text{out: cfg.Out, width: min(max(width, MinWidth), MaxWidth), color: cfg.Color}
}

// print prints one step.
func (t *text) print(s Step) error {
	var b strings.Builder
	switch s.What {
	case KindIntro:
		fmt.Fprintln(&b, t.paint(bold, s.Text))
	case KindPart:
		t.parts++
		fmt.Fprintf(&b, "\n%s\n", t.paint(bold, fmt.Sprintf("%d  %s", t.parts, s.Text)))
	case KindDone:
		b.WriteByte('\n')
		for _, line := range wrap(s.Text, t.width) {
			fmt.Fprintln(&b, t.paint(tone(s), line))
		}
	default:
		fmt.Fprintf(&b, "%s  %s", t.paint(faint, fmt.Sprintf("%5.0f ms", s.Milliseconds)), t.paint(cyan, fmt.Sprintf("%-*s", whoWidth, s.Who)))
		for i, line := range wrap(s.Text, t.width-textStart) {
			if i > 0 {
				b.WriteString(strings.Repeat(" ", textStart-2))
			}
			fmt.Fprintf(&b, "  %s\n", t.paint(tone(s), line))
		}
		for _, r := range s.Reasons {
			t.reason(&b, r)
		}
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}

// reason prints why a peer was refused.
func (t *text) reason(b *strings.Builder, r crl.Reason) {
	if r.Severity != crl.Fatal {
		return
	}
	facts := [][2]string{{"certificate", r.Certificate}, {"serial", r.Serial}}
	if r.CRL != "" {
		facts = append(facts, [2]string{"list", "number " + r.CRLNumber + " from " + r.CRL})
	}
	if r.Code == crl.CodeRevoked {
		facts = append(facts, [2]string{"revoked", r.Date.UTC().Format(time.DateOnly + " " + time.TimeOnly + " UTC")})
	} else {
		facts = append(facts, [2]string{"finding", r.Text})
	}
	const nameWidth = len("certificate") + 2
	indent := strings.Repeat(" ", textStart)
	for _, fact := range facts {
		name := fact[0]
		for _, line := range wrap(fact[1], t.width-textStart-nameWidth) {
			fmt.Fprintf(b, "%s%s%s\n", indent, t.paint(faint, fmt.Sprintf("%-*s", nameWidth, name)), line)
			name = ""
		}
	}
}

// tone is the colour of a step.
func tone(s Step) string {
	switch s.What {
	case KindEstablished:
		return green
	case KindRefused, KindRevoked, KindDifferent:
		return red
	case KindVerdict:
		if len(s.Reasons) > 0 && s.Reasons[len(s.Reasons)-1].Severity == crl.Fatal {
			return red
		}
		return green
	case KindDone:
		return bold
	}
	return plain
}

// paint colours a text where there is colour.
func (t *text) paint(color, s string) string {
	if !t.color || color == plain {
		return s
	}
	return color + s + reset
}

// wrap breaks a text into lines. A word that is longer than a line, such as a
// URL, is cut behind a separator where it has one in reach.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for utf8.RuneCountInString(word) > width {
			head := string([]rune(word)[:width])
			if i := strings.LastIndexAny(head, "/,?"); i > 0 {
				head = head[:i+1]
			}
			lines = append(lines, head)
			word = word[len(head):]
		}
		line = word
	}
	return append(lines, line)
}

// Package cells fits text into the columns of a terminal.
//
// Width measures, Pad fills up, Cut and CutMiddle shorten with an ellipsis, and
// Wrap breaks into lines. A character of Chinese takes two columns, one that
// combines with the character before it none; nothing is cut within a character
// as people see it (Unicode Standard Annex 29). The ellipsis is three dots, which
// every terminal has.
//
// Text of others goes through escape.Printable first: an escape sequence has no
// width.
package cells

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

const ellipsis = "..."

// Width returns how many columns a text takes.
func Width(s string) int { return uniseg.StringWidth(s) }

// Pad fills a text with spaces up to a width. One that is wider stays as it is.
func Pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-Width(s), 0))
}

// Cut shortens a text to a width; what is left out is its end.
func Cut(s string, width int) string {
	if Width(s) <= width {
		return s
	}
	head, _ := split(s, width-len(ellipsis))
	return head + ellipsis[:min(max(width, 0), len(ellipsis))]
}

// CutMiddle shortens a text to a width; what is left out is its middle, so that
// labels with the same beginning stay apart.
func CutMiddle(s string, width int) string {
	if Width(s) <= width {
		return s
	}
	room := width - len(ellipsis)
	if room < 2 {
		return Cut(s, width)
	}
	head, _ := split(s, (room+1)/2)
	return head + ellipsis + tail(s, room-Width(head))
}

// split returns the longest beginning of a text that fits a width, and the rest.
func split(s string, width int) (head, rest string) {
	used, end := 0, 0
	state, remaining := -1, s
	for remaining != "" {
		cluster, next, w, newState := uniseg.FirstGraphemeClusterInString(remaining, state)
		if used+w > width {
			break
		}
		used, end = used+w, end+len(cluster)
		remaining, state = next, newState
	}
	return s[:end], s[end:]
}

// tail returns the longest end of a text that fits a width.
func tail(s string, width int) string {
	for over := Width(s) - width; over > 0; over = Width(s) - width {
		// The first cluster goes, and the next ones while they are too wide.
		_, rest, _, _ := uniseg.FirstGraphemeClusterInString(s, -1)
		s = rest
	}
	return s
}

// Wrap breaks a text into lines of at most a width, which is 2 at least, after
// spaces where there are some, and otherwise within words. There is at least one
// line.
func Wrap(s string, width int) []string {
	width = max(width, 2)
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		switch {
		case line == "":
			line = word
		case Width(line)+1+Width(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
		for Width(line) > width {
			head, rest := split(line, width)
			if head == "" { // a character with so many marks that it is wider than the line
				_, size := utf8.DecodeRuneInString(line)
				head, rest = line[:size], line[size:]
			}
			lines, line = append(lines, head), rest
		}
	}
	return append(lines, line)
}

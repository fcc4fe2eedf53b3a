// Package escape makes text of others fit to be shown.
package escape

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes text from a file or a peer fit for a terminal: what is no
// character to be seen, such as an escape sequence, is written as an escape. So
// are octets that are no UTF-8: a terminal may take one for a control character.
func Printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !IsVisible(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	var b strings.Builder
	for _, r := range quoted[1 : len(quoted)-1] {
		switch {
		case IsVisible(r):
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// IsVisible reports whether a character is one to be seen. Unlike unicode.IsPrint it
// leaves out those that Unicode has programs ignore, such as fillers and the selectors
// of variants: text may have them that looks as if it had not.
func IsVisible(r rune) bool {
	return unicode.IsPrint(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// Package escape makes text of others fit to be shown.
package escape

import (
	"strconv"
	"strings"
	"unicode"
)

// Printable makes text from a file or a peer fit for a terminal: what is no
// character to be seen, such as an escape sequence, is written as an escape.
func Printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

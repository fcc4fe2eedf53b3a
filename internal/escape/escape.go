// Package escape makes text of others fit to be shown.
package escape

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes text from a file or a peer fit for a terminal: what is no
// character to be seen, such as an escape sequence, is written as an escape. So
// are octets that are no UTF-8: a terminal may take one for a control character.
func Printable(s string) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

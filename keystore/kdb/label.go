package kdb

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// showLabel makes text of a label as it stands in a file: up to its NUL, and
// with \xNN for each byte that is not UTF-8 or could not be printed.
func showLabel(raw []byte) string {
	raw, _, _ = bytes.Cut(raw, []byte{0})
	var b strings.Builder
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		if r == utf8.RuneError && size == 1 || !unicode.IsPrint(r) {
			for _, c := range raw[:size] {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		} else {
			b.WriteRune(r)
		}
		raw = raw[size:]
	}
	return b.String()
}

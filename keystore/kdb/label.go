package kdb

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"keyman/keystore/format"
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

// nameItems gives every item a label that no other one has, whatever their case.
func nameItems(items []format.Item) {
	used, next := make(map[string]bool, len(items)), map[string]int{}
	for i := range items {
		label := items[i].Label
		if label == "" {
			label = items[i].Kind.String()
		}
		unique, folded := label, strings.ToLower(label)
		for used[strings.ToLower(unique)] {
			next[folded]++
			unique = fmt.Sprintf("%s (%d)", label, next[folded]+1)
		}
		used[strings.ToLower(unique)] = true
		items[i].Label = unique
	}
}

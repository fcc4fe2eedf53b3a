package pem

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Lines that openssl pkcs12 prints before a block, and those of keyman beside
// them.
const (
	bagAttributes = "Bag Attributes"
	friendlyName  = "friendlyName:"
	localKeyID    = "localKeyID:"
	// quotedName has a label that has no place on a line as it stands, in the
	// syntax of a Go string.
	quotedName = "friendlyName (quoted):"
	// mark is followed by markTrusted or markDefault.
	mark        = "keyman:"
	markTrusted = "trusted"
	markDefault = "default"
)

// A description is what the text before a block says.
type description struct {
	label      string // "" where there is none
	localKeyID []byte
	trusted    bool
	isDefault  bool
	others     []string // the other lines
}

// bundleLabel reads a line in which bundles of CAs have the label.
func bundleLabel(line string) (label string, ok bool) {
	label, ok = strings.CutPrefix(line, `# Label: "`)
	label, end := strings.CutSuffix(label, `"`)
	return label, ok && end && label != ""
}

// isMark reports whether a line is keyman's own. Such a line is never kept as
// other text: the next Encode would put it under a MAC, and it would be believed.
func isMark(line string) bool {
	trimmed := strings.TrimSpace(line)
	return strings.HasPrefix(trimmed, mark) || strings.HasPrefix(trimmed, strings.TrimSpace(macLine))
}

// withoutMarks returns the lines that are kept as they are.
func withoutMarks(lines []string) []string {
	return trimBlank(slices.DeleteFunc(slices.Clone(lines), isMark))
}

// describe reads the text before a block, and keeps the lines that it does not
// understand.
func describe(lines []string) description {
	var d description
	for _, line := range lines {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == bagAttributes:
		case strings.HasPrefix(trimmed, friendlyName):
			d.name(strings.TrimSpace(trimmed[len(friendlyName):]))
		case strings.HasPrefix(trimmed, quotedName):
			if label, err := strconv.Unquote(strings.TrimSpace(trimmed[len(quotedName):])); err == nil {
				d.name(label)
			}
		case strings.HasPrefix(trimmed, localKeyID):
			// What is no hexadecimal number identifies nothing.
			d.localKeyID, _ = hex.DecodeString(strings.ReplaceAll(trimmed[len(localKeyID):], " ", ""))
		case strings.HasPrefix(trimmed, mark):
			switch strings.TrimSpace(trimmed[len(mark):]) {
			case markTrusted:
				d.trusted = true
			case markDefault:
				d.isDefault = true
			}
		case isMark(line): // the MAC
		default:
			d.others = append(d.others, line)
		}
	}
	d.others = trimBlank(d.others)
	if d.label == "" {
		d.nameFromComment()
	}
	d.label = validLabel(d.label)
	return d
}

// validLabel makes UTF-8 of a label. OpenSSL 3.0 prints a friendlyName in
// Latin-1.
func validLabel(label string) string {
	if utf8.ValidString(label) {
		return label
	}
	var out strings.Builder
	for _, c := range []byte(label) {
		out.WriteRune(rune(c))
	}
	return out.String()
}

// name sets the label, once.
func (d *description) name(label string) {
	if d.label == "" {
		d.label = label
	}
}

// nameFromComment finds the label in the ways of bundles of CAs.
func (d *description) nameFromComment() {
	last := len(d.others) - 1
	for i, line := range d.others {
		if label, ok := bundleLabel(line); ok {
			d.label = label
			d.others = trimBlank(append(d.others[:i:i], d.others[i+1:]...))
			return
		}
	}
	switch {
	case last >= 1 && len(d.others[last]) >= 3 && strings.Trim(d.others[last], "=") == "" && strings.TrimSpace(d.others[last-1]) != "":
		d.label = strings.TrimSpace(d.others[last-1])
		d.others = trimBlank(d.others[:last-1])
	case last == 0 && strings.HasPrefix(d.others[0], "#"):
		d.label = strings.TrimSpace(strings.TrimLeft(d.others[0], "#"))
		if d.label != "" {
			d.others = nil
		}
	}
}

// trimBlank takes blank lines off both ends.
func trimBlank(lines []string) []string {
	for len(lines) > 0 && strings.TrimSpace(lines[0]) == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && strings.TrimSpace(lines[len(lines)-1]) == "" {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 0 {
		return nil
	}
	return lines
}

// lines writes a description.
func (d description) lines() []string {
	out := []string{bagAttributes}
	if fitsLine(d.label) {
		out = append(out, "    "+friendlyName+" "+d.label)
	} else {
		out = append(out, "    "+quotedName+" "+strconv.Quote(d.label))
	}
	if len(d.localKeyID) > 0 {
		out = append(out, fmt.Sprintf("    %s % X", localKeyID, d.localKeyID))
	}
	if d.trusted {
		out = append(out, "    "+mark+" "+markTrusted)
	}
	if d.isDefault {
		out = append(out, "    "+mark+" "+markDefault)
	}
	return append(out, d.others...)
}

// fitsLine reports whether a label comes back from a line as it is.
func fitsLine(label string) bool {
	return label != "" && strings.TrimSpace(label) == label && utf8.ValidString(label) &&
		!strings.ContainsFunc(label, func(r rune) bool { return !unicode.IsPrint(r) })
}

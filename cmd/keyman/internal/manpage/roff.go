package manpage

import (
	"regexp"
	"strings"
	"sync"
)

// escape makes text mean itself. A hyphen stays one that a reader can copy into a
// shell; a line does not begin with what would be a request.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

func bold(text string) string { return `\fB` + escape(text) + `\fR` }

// flagWord is a flag in a text.
var flagWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[\s\[({|"])(--[a-z][a-z0-9-]*)`)
})

// place is a word to be filled in, in a line of use.
var place = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\b[A-Z][A-Z0-9]*\b`) })

// emphasize escapes text and makes its flags bold.
func emphasize(text string) string { return withFlags(text, escape) }

// useLine does so with a line of use, in which what is to be filled in is italic.
func useLine(text string) string {
	return withFlags(text, func(s string) string { return place().ReplaceAllString(escape(s), `\fI$0\fR`) })
}

// withFlags makes flags bold and leaves the rest to other.
func withFlags(text string, other func(string) string) string {
	var b strings.Builder
	for {
		at := flagWord().FindStringSubmatchIndex(text)
		if at == nil {
			b.WriteString(other(text))
			return b.String()
		}
		b.WriteString(other(text[:at[2]]) + bold(text[at[2]:at[3]]))
		text = text[at[3]:]
	}
}

// prose writes paragraphs. Lines that are indented are written as they stand.
func (p *page) prose(text string) {
	var block []string
	flush := func() {
		if len(block) > 0 {
			p.verbatim(block)
			block = nil
		}
	}
	begun := false
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, " "):
			block = append(block, line)
			continue
		case strings.TrimSpace(line) == "" && len(block) > 0:
			block = append(block, "")
			continue
		}
		flush()
		if line == "" {
			begun = false
			continue
		}
		if !begun {
			p.line(".PP")
			begun = true
		}
		p.line("%s", emphasize(line))
	}
	flush()
}

// verbatim writes lines as they stand, without the indentation that they share
// and blank lines at the end.
func (p *page) verbatim(lines []string) {
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	indent := -1
	for _, line := range lines {
		if n := len(line) - len(strings.TrimLeft(line, " ")); line != "" && (indent < 0 || n < indent) {
			indent = n
		}
	}
	p.line(".PP\n.RS 4\n.nf")
	for _, line := range lines {
		p.line("%s", escape(line[min(indent, len(line)):]))
	}
	p.line(".fi\n.RE")
}

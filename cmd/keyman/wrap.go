package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"keyman/certinfo"
	"keyman/internal/cells"
)

// A screen is an output that a person looks at: long text is wrapped there. In
// files and pipes a line stays a line, so that scripts find what they look for.
type screen struct {
	io.Writer
	width int  // columns
	color bool // whether it is to have colours
}

// Bounds of the width that is written for, in columns.
const (
	minWidth = 40
	maxWidth = 120
)

// onScreen returns a screen where w is a terminal, otherwise w.
func onScreen(w io.Writer) io.Writer {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return w
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return w
	}
	return screen{w, min(max(width, minWidth), maxWidth), hasColors()}
}

// hasColors reports whether the person at the terminal wants colours: NO_COLOR says
// no (no-color.org), and so does a terminal that has none.
func hasColors() bool {
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && os.Getenv("TERM") != ""
}

// styleOf says how text is written to w.
func styleOf(w io.Writer) certinfo.Style {
	s, ok := w.(screen)
	if !ok {
		return certinfo.Style{}
	}
	return certinfo.Style{Width: s.width, Color: s.color}
}

// writeWrapped writes text behind a label: on a screen in lines that fit, the
// further ones indented as far; elsewhere in one line. A word that is too long
// stands alone.
func writeWrapped(w io.Writer, label, text string) {
	s, ok := w.(screen)
	if !ok {
		fmt.Fprintln(w, label+text)
		return
	}
	indent := strings.Repeat(" ", cells.Width(label))
	line, width := label, len(indent)
	begun := false
	for word := range strings.FieldsSeq(text) {
		n := cells.Width(word)
		if begun && width+1+n >= s.width {
			fmt.Fprintln(w, line)
			line, width, begun = indent, len(indent), false
		}
		if begun {
			line, width = line+" ", width+1
		}
		line, width, begun = line+word, width+n, true
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

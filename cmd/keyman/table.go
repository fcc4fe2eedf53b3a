package main

import (
	"bufio"
	"io"

	"github.com/spf13/cobra"

	"keyman/internal/cells"
	"keyman/internal/dn"
)

const (
	// tableWidth is how wide tables are in files and pipes, in columns.
	tableWidth = 80
	// gap is the space between the columns of a table.
	gap = 2
	// minCell is what a column is not shortened below.
	minCell = 8
)

// A cell is one text in a table. It is made printable where it is written.
type cell struct {
	text string
	// short is written instead where text has no room; "" is text.
	short string
	// color marks it on a screen that has colours: see certinfo.Style.
	color string
}

// A column of a table.
type column struct {
	title string
	// shorten cuts what has no room; nil keeps it whole.
	shorten func(text string, width int) string
	// right is for numbers.
	right bool
}

// A table fits its columns into 80 columns, or into those of the screen; wide is
// as wide as it comes.
type table struct {
	columns []column
	rows    [][]cell
	wide    bool
}

// addWideFlag adds --wide.
func addWideFlag(cmd *cobra.Command, wide *bool) {
	cmd.Flags().BoolVar(wide, "wide", false, "shorten nothing, however wide the table is")
}

// add adds a row of texts.
func (t *table) add(texts ...string) {
	row := make([]cell, len(texts))
	for i, text := range texts {
		row[i].text = text
	}
	t.rows = append(t.rows, row)
}

// subjectCell is a cell with a name, which has its most specific part where there is
// no room for the whole: the beginning is the same in every row.
func subjectCell(name string) cell {
	c := cell{text: name}
	if parsed, err := dn.Parse(name); err == nil {
		c.short = commonPart(parsed)
	}
	return c
}

// write writes the table, with its titles where it has some.
func (t *table) write(w io.Writer) {
	style := styleOf(w)
	out := bufio.NewWriter(w)
	for _, row := range t.rows {
		for i := range row {
			row[i].text, row[i].short = printable(row[i].text), printable(row[i].short)
		}
	}
	widths := t.widths(style.Width)
	titles := make([]cell, len(t.columns))
	for i, c := range t.columns {
		titles[i].text = c.title
	}
	t.writeRow(out, titles, widths, false)
	for _, row := range t.rows {
		t.writeRow(out, row, widths, style.Color)
	}
	_ = out.Flush() // an output that is gone is gone
}

// writeRow writes one row, each cell fitted into its width.
func (t *table) writeRow(out *bufio.Writer, row []cell, widths []int, color bool) {
	spaces := 0 // that stand before the next text
	for i, c := range row {
		text := t.fitted(c, i, widths[i])
		fill := max(widths[i]-cells.Width(text), 0)
		if t.columns[i].right {
			spaces, fill = spaces+fill, 0
		}
		if text != "" {
			for ; spaces > 0; spaces-- {
				_ = out.WriteByte(' ')
			}
			if color && c.color != "" {
				text = "\x1b[" + c.color + "m" + text + "\x1b[0m"
			}
			_, _ = out.WriteString(text)
		} else {
			fill = widths[i]
		}
		spaces += fill + gap
	}
	_ = out.WriteByte('\n')
}

// widths returns the width of each column: what it needs, or where that is too
// much for the whole, what the columns that can be shortened have of the rest.
func (t *table) widths(screen int) []int {
	all := make([]int, len(t.columns))
	for i := range all {
		all[i] = i
	}
	widths := t.needs(make([]int, len(all)), all)
	if t.wide {
		return widths
	}
	if screen == 0 {
		screen = tableWidth
	}
	// A terminal that is written full to its last column wraps the line.
	room := screen - 1 - gap*(len(widths)-1)
	var flexible []int
	for i, c := range t.columns {
		if c.shorten == nil {
			room -= widths[i]
		} else {
			flexible = append(flexible, i)
		}
	}
	share(widths, flexible, room)
	// A cell that is cut may have a form that is shorter than its room.
	var greedy []int
	for _, i := range flexible {
		used := cells.Width(t.columns[i].title)
		for _, row := range t.rows {
			used = max(used, cells.Width(t.fitted(row[i], i, widths[i])))
		}
		if used < widths[i] {
			room -= used
			widths[i] = used
		} else {
			greedy = append(greedy, i)
		}
	}
	share(t.needs(widths, greedy), greedy, room)
	return widths
}

// needs sets the widths of columns to what their texts need.
func (t *table) needs(widths, columns []int) []int {
	for _, i := range columns {
		widths[i] = cells.Width(t.columns[i].title)
		for _, row := range t.rows {
			widths[i] = max(widths[i], cells.Width(row[i].text))
		}
	}
	return widths
}

// fitted returns the text of a cell of column i, shortened where it is wider than
// width.
func (t *table) fitted(c cell, i, width int) string {
	shorten := t.columns[i].shorten
	if shorten == nil || cells.Width(c.text) <= width {
		return c.text
	}
	if c.short != "" {
		return shorten(c.short, width)
	}
	return shorten(c.text, width)
}

// share gives each of the columns what it needs where that is no more than its
// share of the room, and divides what is left among the others.
func share(widths, flexible []int, room int) {
	for len(flexible) > 0 {
		each := room / len(flexible)
		var greedy []int
		for _, i := range flexible {
			if widths[i] <= each {
				room -= widths[i]
			} else {
				greedy = append(greedy, i)
			}
		}
		if len(greedy) == len(flexible) {
			for _, i := range greedy {
				widths[i] = max(each, minCell)
			}
			return
		}
		flexible = greedy
	}
}

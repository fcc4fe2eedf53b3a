package manpage

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A Term is a word with its explanation, such as a file and what it is for.
type Term struct {
	Name, Text string
	// For chooses the commands whose pages have it; nil is all.
	For func(*cobra.Command) bool
}

// A Manual has what pages say beside the text of their commands.
type Manual struct {
	Exit, Environment, Files []Term
}

// Section is the section of the manual in which commands are.
const Section = "1"

// Name returns what the page of a command is called, such as "keyman-cert-list".
func Name(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// File returns the name of the file that a page belongs in.
func File(cmd *cobra.Command) string { return Name(cmd) + "." + Section }

// Commands lists a command and all below it that are shown to people.
func Commands(cmd *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{cmd}
	for _, sub := range below(cmd) {
		list = append(list, Commands(sub)...)
	}
	return list
}

// below lists the commands right below one.
func below(cmd *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			list = append(list, sub)
		}
	}
	return list
}

// Write writes the page of a command.
func (m Manual) Write(w io.Writer, cmd *cobra.Command) error {
	var p page
	p.line(`.TH %s %s "" %s "%s manual"`, strings.ToUpper(Name(cmd)), Section, cmd.Root().Name(), cmd.Root().Name())
	p.line(".nh\n.ad l") // a flag or a name is not broken
	p.line(".SH NAME")
	p.line(`%s \- %s`, escape(Name(cmd)), escape(cmd.Short))
	p.line(".SH SYNOPSIS")
	p.synopsis(cmd)
	p.line(".SH DESCRIPTION")
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	p.prose(text)
	if subs := below(cmd); len(subs) > 0 {
		p.line(".SH COMMANDS")
		for _, sub := range subs {
			p.line(".TP\n%s\n%s.", bold(sub.CommandPath()), escape(sub.Short))
		}
	}
	p.options("OPTIONS", cmd.NonInheritedFlags())
	p.options("GLOBAL OPTIONS", cmd.InheritedFlags())
	p.terms("EXIT STATUS", m.Exit, cmd)
	p.terms("ENVIRONMENT", m.Environment, cmd)
	p.terms("FILES", m.Files, cmd)
	if cmd.Example != "" {
		p.line(".SH EXAMPLES")
		p.verbatim(strings.Split(strings.Trim(cmd.Example, "\n"), "\n"))
	}
	p.seeAlso(cmd)
	_, err := io.WriteString(w, p.String())
	return err
}

// A page is one that is being written.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// synopsis writes how a command is called.
func (p *page) synopsis(cmd *cobra.Command) {
	path, use := cmd.CommandPath(), ""
	if _, rest, ok := strings.Cut(cmd.Use, " "); ok {
		use = " " + useLine(rest)
	}
	if len(below(cmd)) > 0 && use == "" {
		use = ` \fICOMMAND\fR`
	}
	p.line(`%s%s [\fIoptions\fR]`, bold(path), use)
}

// options writes flags in the order of their names.
func (p *page) options(title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	p.line(".SH %s", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := bold("--" + f.Name)
		if f.Shorthand != "" {
			name = bold("-"+f.Shorthand) + ", " + name
		}
		if value != "" && f.NoOptDefVal == "" {
			name += ` \fI` + escape(value) + `\fR`
		}
		p.line(".TP\n%s", name)
		if given := defaultOf(f); given != "" {
			usage += " (default " + given + ")"
		}
		p.line("%s.", emphasize(sentence(usage)))
	})
}

// sentence makes the usage of a flag begin as a sentence does.
func sentence(usage string) string {
	usage = strings.TrimSuffix(usage, ".")
	first, size := utf8.DecodeRuneInString(usage)
	return string(unicode.ToUpper(first)) + usage[size:]
}

// defaultOf returns the value of a flag that is not given, where it says anything.
func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
		return ""
	}
	return f.DefValue
}

// terms writes those that a command has.
func (p *page) terms(title string, list []Term, cmd *cobra.Command) {
	begun := false
	for _, t := range list {
		if t.For != nil && !t.For(cmd) {
			continue
		}
		if !begun {
			p.line(".SH %s", title)
			begun = true
		}
		p.line(".TP\n%s\n%s", bold(t.Name), emphasize(t.Text))
	}
}

// seeAlso names the pages around a command: the one above, those beside it, and
// those below.
func (p *page) seeAlso(cmd *cobra.Command) {
	var names []string
	add := func(c *cobra.Command) {
		if c != cmd {
			names = append(names, bold(Name(c))+"("+Section+")")
		}
	}
	if parent := cmd.Parent(); parent != nil {
		add(parent)
		for _, beside := range below(parent) {
			add(beside)
		}
	}
	for _, sub := range below(cmd) {
		add(sub)
	}
	if len(names) > 0 {
		p.line(".SH SEE ALSO\n%s", strings.Join(names, ",\n"))
	}
}

package main

import (
	"bytes"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"keyman/cmd/keyman/internal/manpage"
	"keyman/internal/testpeer"
)

// commands lists all commands that people see.
func commands() []*cobra.Command {
	root := newRootCommand(&app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}, nil)
	return manpage.Commands(root)
}

// TestCommandsExplainThemselves holds every command to what its help and its
// manual page need.
func TestCommandsExplainThemselves(t *testing.T) {
	for _, cmd := range commands() {
		name := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: Short is %q: one phrase without a full stop", name, cmd.Short)
		}
		if cmd.Long == "" && len(cmd.Commands()) > 0 {
			t.Errorf("%s groups commands and does not say what they are about", name)
		}
		if cmd.Example == "" && len(cmd.Commands()) == 0 {
			t.Errorf("%s has no Example", name)
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: --%s does not say what it is for", name, f.Name)
			}
		})
	}
}

var (
	quoted      = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	betweenRuns = regexp.MustCompile(`\|\||&&|[|;>]`)
)

// TestExamples runs no example, but holds it to commands and flags that there are.
func TestExamples(t *testing.T) {
	for _, cmd := range commands() {
		for line := range strings.Lines(strings.ReplaceAll(cmd.Example, "\\\n", " ")) {
			found := false
			for _, one := range betweenRuns.Split(quoted.ReplaceAllString(line, "quoted"), -1) {
				words := strings.Fields(one)
				if len(words) == 0 || words[0] != cmd.Root().Name() {
					continue
				}
				found = true
				checkExample(t, cmd, words[1:])
			}
			if !found {
				t.Errorf("%s: the example %q calls something else", cmd.CommandPath(), line)
			}
		}
	}
}

// checkExample demands that the words after the program's name are a command with
// flags that it has, and its arguments.
func checkExample(t *testing.T, of *cobra.Command, words []string) {
	t.Helper()
	var rest []string
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		rest, words = append(rest, words[0]), words[1:]
	}
	cmd, more, err := of.Root().Find(words)
	if err != nil {
		t.Errorf("%s: in its example: %v", of.CommandPath(), err)
		return
	}
	if len(more) > 0 && cmd.HasSubCommands() && cmd.Name() != "config" {
		t.Errorf("%s: its example has no command in %q", of.CommandPath(), words)
	}
	for _, word := range append(rest, more...) {
		name, isFlag := strings.CutPrefix(word, "--")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && cmd.Flag(name) == nil && cmd.InheritedFlags().Lookup(name) == nil {
			t.Errorf("%s: its example has --%s, and %s has no such flag", of.CommandPath(), name, cmd.CommandPath())
		}
	}
}

// TestManualPages writes the page of every command and has groff read it.
func TestManualPages(t *testing.T) {
	testpeer.Need(t, "groff")
	var all bytes.Buffer
	for _, cmd := range commands() {
		var page, again bytes.Buffer
		if err := manual().Write(&page, cmd); err != nil {
			t.Fatal(err)
		}
		if err := manual().Write(&again, cmd); err != nil || !bytes.Equal(page.Bytes(), again.Bytes()) {
			t.Errorf("%s: written twice it differs (%v)", manpage.File(cmd), err)
		}
		for _, heading := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"} {
			if !strings.Contains(page.String(), "\n.SH "+heading+"\n") {
				t.Errorf("%s lacks %s", manpage.File(cmd), heading)
			}
		}
		all.Write(page.Bytes())
	}
	for _, cmd := range commands() {
		link := strings.ReplaceAll(manpage.Name(cmd), "-", `\-`) + `\fR(1)`
		if cmd.HasParent() && !strings.Contains(all.String(), link) {
			t.Errorf("no page leads to that of %s", cmd.CommandPath())
		}
	}
	groff := exec.CommandContext(t.Context(), "groff", "-man", "-Tutf8", "-ww", "-z")
	groff.Stdin = &all
	if out, err := groff.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("groff: %v\n%s", err, out)
	}
}

package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestNeeded: a command line that begins with a noun makes that branch and no other,
// and its commands explain themselves as those of the whole tree do.
func TestNeeded(t *testing.T) {
	var all []string
	for _, n := range nouns() {
		all = append(all, n.name)
	}
	for line, want := range map[string][]string{
		"": all, "--json": all, "cert": {"cert"}, "--json --json cert list": {"cert"}, "version": {"version"},
		"man cert": all, "help cert": all, "__complete cert": all, "completion bash": all, "--state cert keydb list": all, "cer": all, "--help": all,
	} {
		var got []string
		for _, n := range needed(strings.Fields(line)) {
			got = append(got, n.name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q needs %q, want %q", line, got, want)
		}
	}
	nobody := &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
	for _, name := range all {
		if part, whole := helps(t, newRootCommand(nobody, []string{name}), name), helps(t, newRootCommand(nobody, nil), name); part != whole {
			t.Errorf("%s: its part of the tree says\n%s\nand the whole\n%s", name, part, whole)
		}
	}
}

// helps returns the help of a noun and all below it.
func helps(t *testing.T, root *cobra.Command, name string) string {
	t.Helper()
	cmd, _, err := root.Find([]string{name})
	if err != nil || cmd.Name() != name {
		t.Fatalf("%s: %v", name, err)
	}
	var text bytes.Buffer
	var write func(*cobra.Command)
	write = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		text.WriteString(cmd.CommandPath() + "\n" + cmd.Long + "\n" + cmd.UsageString())
		for _, sub := range cmd.Commands() {
			write(sub)
		}
	}
	write(cmd)
	return text.String()
}

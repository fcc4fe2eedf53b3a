package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// exampleOf are the lines with which shells take up completions; cobra's own
// commands write them.
var exampleOf = map[string]string{
	"bash":       "  keyman completion bash > /etc/bash_completion.d/keyman",
	"zsh":        "  keyman completion zsh > \"${fpath[1]}/_keyman\"",
	"fish":       "  keyman completion fish > ~/.config/fish/completions/keyman.fish",
	"powershell": "  keyman completion powershell | Out-String | Invoke-Expression",
}

// showCompletions gives the commands that write completions their examples.
func showCompletions(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		for _, shell := range cmd.Commands() {
			shell.Example = exampleOf[shell.Name()]
		}
	}
}

// completeWords lets a shell complete the words that a flag takes. Flags for
// which nothing is said get the names of files.
func completeWords(cmd *cobra.Command, flag string, words ...string) {
	// The flag is there: the only other error is one of the program.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// completeKeys lets a shell complete kinds of keys.
func completeKeys(cmd *cobra.Command) {
	completeWords(cmd, "key", "rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "p521", "ed25519")
}

// completeFormats lets a shell complete formats of key databases.
func completeFormats(cmd *cobra.Command, flag string, more ...string) {
	for _, f := range keystore.Formats() {
		more = append(more, f.Name())
	}
	completeWords(cmd, flag, more...)
}

// completeLabels lets a shell complete labels of the key database that the flags
// name, of entries of some kinds (none: of all), for the first argument. Nothing
// is ever asked for: where the flags do not say how the database is opened, there
// are no labels.
func (a *app) completeLabels(flags *keydbFlags, kinds ...keystore.Kind) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		// Without a terminal there is no prompt.
		silent := *a
		silent.stdin, silent.stderr = strings.NewReader(""), new(strings.Builder)
		store, err := silent.openKeydb(cmd.Context(), flags)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var labels []cobra.Completion
		for e := range store.Heads() {
			if isOneOf(e.Kind, kinds) && hasPrefixFold(e.Label, begun) {
				labels = append(labels, printable(e.Label))
			}
		}
		return labels, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeCAs lets a shell complete the names of CAs for the first argument.
func (a *app) completeCAs(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	state, err := a.state()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	folders, err := os.ReadDir(filepath.Join(state, "ca"))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, folder := range folders {
		if name := folder.Name(); isCAName(name) && strings.HasPrefix(name, begun) {
			names = append(names, name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// isOneOf reports whether a kind is among some; all are among none.
func isOneOf(k keystore.Kind, kinds []keystore.Kind) bool {
	for _, one := range kinds {
		if one == k {
			return true
		}
	}
	return len(kinds) == 0
}

// hasPrefixFold reports whether a label begins so; upper and lower case do not count.
func hasPrefixFold(label, begun string) bool {
	return strings.HasPrefix(strings.ToLower(label), strings.ToLower(begun))
}

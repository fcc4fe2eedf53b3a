package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// generationRow is a line of "keyman keydb undo --list".
type generationRow struct {
	Number   int       `json:"generation"`
	Replaced time.Time `json:"replaced"` // when something newer took its place
}

// undoResult is the JSON of "keyman keydb undo".
type undoResult struct {
	keydbResult
	generationRow
	Back []string `json:"back"` // labels that are there again
	Gone []string `json:"gone"` // labels that are not there any more
	// Trusted are the labels that are trusted now and were not before; Untrusted
	// are those that are there still and are not trusted any more.
	Trusted   []string `json:"trusted"`
	Untrusted []string `json:"untrusted"`
}

// forgetResult is the JSON of "keyman keydb undo --forget".
type forgetResult struct {
	File    string `json:"file"`
	Removed int    `json:"removed"` // generations
}

func newKeydbUndoCommand(a *app) *cobra.Command {
	var (
		list, forget bool
		number       int
	)
	cmd := &cobra.Command{
		Use:   "undo [--generation N | --list | --forget]",
		Short: "Take back the last change of a key database",
		Long: fmt.Sprintf(`Make a key database again what it was before the last change. What it was before
the last %d changes is kept beside it, in files FILE.~N~ with mode 0600, under the
password of the time. A second undo takes the first one back.

A key that is deleted is still in the kept generations, until as many changes have
followed or --forget removes them. A new password removes them, too.`, keystore.KeptGenerations),
		Example: `  keyman keydb undo --list
  keyman keydb undo
  keyman keydb undo --forget`,
		Args: cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.Flags().IntVar(&number, "generation", 0, "go back to this `number` of --list")
	cmd.Flags().BoolVar(&list, "list", false, "list the generations, the youngest first")
	cmd.Flags().BoolVar(&forget, "forget", false, "remove all generations, with the keys in them")
	cmd.MarkFlagsMutuallyExclusive("generation", "list", "forget")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.keydbPath(flags)
		switch {
		case err != nil:
			return err
		case list:
			return a.listGenerations(path)
		case forget:
			return a.forgetGenerations(cmd.Context(), path)
		case cmd.Flags().Changed("generation") && number < 1:
			return usagef("--generation %d: the numbers of --list begin with 1", number)
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		before, trustedBefore := labelsOf(store)
		generation, err := store.Undo(cmd.Context(), number)
		if err != nil {
			return err
		}
		after, trusted := labelsOf(store)
		result := undoResult{
			keydbResult: keydbResult{path, store.Format().Name()}, generationRow: newGenerationRow(generation),
			Back: missing(after, before), Gone: missing(before, after), Trusted: missing(trusted, trustedBefore),
		}
		result.Untrusted = missing(missing(trustedBefore, trusted), result.Gone)
		return a.print(result, func(w io.Writer) {
			fmt.Fprintf(w, "%s is what it was until %s\n", path, result.Replaced.Format(time.RFC3339))
			for _, label := range result.Back {
				fmt.Fprintf(w, "there again: %s\n", printable(label))
			}
			for _, label := range result.Gone {
				fmt.Fprintf(w, "not there any more: %s\n", printable(label))
			}
			for _, label := range result.Trusted {
				fmt.Fprintf(w, "trusted again: %s\n", printable(label))
			}
			for _, label := range result.Untrusted {
				fmt.Fprintf(w, "not trusted any more: %s\n", printable(label))
			}
		})
	}
	return cmd
}

func newGenerationRow(g keystore.Generation) generationRow {
	return generationRow{g.Number, g.Replaced.UTC().Truncate(time.Second)}
}

// listGenerations prints what is kept of a key database.
func (a *app) listGenerations(path string) error {
	kept, err := keystore.Generations(path)
	if err != nil {
		return err
	}
	rows := []generationRow{}
	for _, generation := range kept {
		rows = append(rows, newGenerationRow(generation))
	}
	return a.print(rows, func(w io.Writer) {
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "GENERATION\tUNTIL")
		for _, r := range rows {
			fmt.Fprintf(t, "%d\t%s\n", r.Number, r.Replaced.Format(time.RFC3339))
		}
		t.Flush()
	})
}

// forgetGenerations removes what is kept of a key database.
func (a *app) forgetGenerations(ctx context.Context, path string) error {
	n, err := keystore.Forget(ctx, path)
	if err != nil {
		return err
	}
	return a.print(forgetResult{path, n}, func(w io.Writer) {
		fmt.Fprintf(w, "removed %d generations of %s\n", n, path)
	})
}

// labelsOf lists the labels of a store, and those of them that are trusted.
func labelsOf(store *keystore.Store) (labels, trusted []string) {
	labels, trusted = []string{}, []string{}
	for e := range store.Heads() {
		labels = append(labels, e.Label)
		if e.Trusted {
			trusted = append(trusted, e.Label)
		}
	}
	return labels, trusted
}

// missing returns the labels of one list that are not in another.
func missing(in, from []string) []string {
	return slices.DeleteFunc(slices.Clone(in), func(label string) bool { return slices.Contains(from, label) })
}

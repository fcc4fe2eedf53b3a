package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// stashResult is the JSON of "keyman keydb stash" and "keyman keydb unstash".
type stashResult struct {
	lockResult
	Changed bool `json:"changed"`
}

func newKeydbStashCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stash",
		Short: "Stash the password of a key database in a file beside it",
		Long: `Write the password of a key database into a file beside it, NAME.sth with mode 0600,
so that programs open it unattended with --stashed, such as keyman ike daemon. It is
the stash file of IBM's tools, which gives a password of up to 128 bytes to whoever
can read it: it protects nothing.

From then on the file follows the password: keyman keydb passwd writes both as one. A
file of that name that holds another password, or opens another key database too, is
left as it is, and that is an error.`,
		Example: `  keyman keydb stash --keydb ikekey.kdb
  keyman ike daemon --keydb ikekey.kdb --stashed`,
		Args: cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		result, err := a.setStashed(cmd.Context(), flags, true)
		if err != nil {
			return err
		}
		return a.print(result, func(w io.Writer) {
			if !result.Changed {
				fmt.Fprintf(w, "the password of %s is stashed already\n", printable(result.File))
				return
			}
			fmt.Fprintf(w, "stashed the password of %s in %s: whoever reads that file has it\n", printable(result.File), printable(result.Stash))
		})
	}
	return cmd
}

func newKeydbUnstashCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "unstash",
		Short:   "Remove the stash file of a key database",
		Long:    `Remove the file beside a key database in which its password is stashed.`,
		Example: `  keyman keydb unstash --keydb ikekey.kdb --stashed`,
		Args:    cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		result, err := a.setStashed(cmd.Context(), flags, false)
		if err != nil {
			return err
		}
		return a.print(result, func(w io.Writer) {
			if !result.Changed {
				fmt.Fprintf(w, "the password of %s is not stashed\n", printable(result.File))
				return
			}
			fmt.Fprintf(w, "removed the stash file of %s\n", printable(result.File))
		})
	}
	return cmd
}

// setStashed stashes the password of a key database, or ends that.
func (a *app) setStashed(ctx context.Context, flags *keydbFlags, on bool) (stashResult, error) {
	store, err := a.openKeydb(ctx, flags)
	if err != nil {
		return stashResult{}, err
	}
	was := store.Stashed()
	if err := store.SetStashed(on); err != nil {
		return stashResult{}, err
	}
	if was != on {
		err = store.Save(ctx)
	}
	return stashResult{lockOf(store), was != on}, err
}

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyman/ike/ikedb"
	"keyman/ike/ikedb/store"
)

// deleteResult is the JSON of "keyman ikedb delete".
type deleteResult struct {
	Deleted int `json:"deleted"`
}

func newIkedbDeleteCommand(a *app) *cobra.Command {
	var (
		id  string
		all bool
	)
	cmd := &cobra.Command{
		Use:   "delete {KIND NAME | preshared-key --id ID | [KIND] --all}",
		Short: "Delete definitions",
		Long: `Delete a definition, all of a kind, or everything. What others refer to stays, and the
error says who does. The number of a tunnel that has gone is not given again, until
everything is deleted. A running daemon goes on with what it has read when it started.

` + selectionHelp,
		Example: `  keyman ikedb delete tunnel branch
  keyman ikedb delete preshared-key --id 192.0.2.7
  keyman ikedb delete data-tunnel --all
  keyman ikedb delete --all`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: completeKinds,
	}
	cmd.Flags().StringVar(&id, "id", "", "`identity` by which a preshared key is found")
	cmd.Flags().BoolVar(&all, "all", false, "all of the kind, or everything")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		what, err := selection(args, id)
		if err != nil {
			return err
		}
		if one := what.Name != "" || !what.ID.IsZero(); one == all {
			return usagef("give the name or the identity of one definition, or --all")
		}
		var n int
		if err := a.withStore(cmd.Context(), func(s *store.Store) error {
			if what == (ikedb.Selection{}) {
				n, err = s.Expunge(cmd.Context())
			} else {
				n, err = s.Delete(cmd.Context(), what)
			}
			return err
		}); err != nil {
			return err
		}
		return a.print(deleteResult{n}, func(w io.Writer) { fmt.Fprintf(w, "%d definitions deleted\n", n) })
	}
	return cmd
}

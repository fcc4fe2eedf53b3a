package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"keyman/ike/ikedb/store"
)

// putResult is the JSON of "keyman ikedb put".
type putResult struct {
	Added    int `json:"added"`
	Replaced int `json:"replaced"`
}

func newIkedbPutCommand(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "put [FILE]",
		Short: "Add definitions from a file",
		Long: `Add the definitions of a file to the database: XML in the words of AIX, or TOML as in
tunnels.toml, which its beginning tells apart. Without a file, or with "-", standard
input is read. What the database has is not overwritten unless --force says so; then
a tunnel keeps its number. A preshared key that was left out when the file was
written stays as it is.

Nothing is put unless all of it fits together, with what is there: every reference
leads somewhere, groups are remote only, both ends of a data tunnel have the same
protocol. What is refused is refused with its element and line.

The database is made where there is none. A running daemon goes on with what it has
read when it started.`,
		Example: `  keyman ikedb put tunnels.xml
  keyman ikedb put --force --allow-weak --certificate gw1 from-aix.xml
  keyman ikedb put --swap peer.xml`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.Flags().BoolVarP(&force, "force", "F", false, "overwrite what the database has")
	input := addInputFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file, err := a.readInput(input, args)
		if err != nil {
			return err
		}
		path, err := a.ikedbPath()
		if err != nil {
			return err
		}
		changes, err := store.Add(cmd.Context(), path, file.Definitions, force)
		if err != nil {
			return file.Explain(err)
		}
		return a.print(putResult(changes), func(w io.Writer) {
			fmt.Fprintf(w, "%d definitions added, %d replaced\n", changes.Added, changes.Replaced)
		})
	}
	return cmd
}

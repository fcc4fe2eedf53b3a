package main

import (
	"io"
	"time"

	"github.com/spf13/cobra"
)

// newIKEListCommand is "keyman ike list".
func newIKEListCommand(a *app) *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "list [TUNNEL...]",
		Short: "List the tunnels and how they stand",
		Long: `List the tunnels, or those that are meant: the active ones, those being
negotiated, those whose last negotiation failed, and those that are only defined.
` + selectHelp,
		Example: `  keyman ike list
  keyman ike list to-gw2 --verbose`,
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "everything about each tunnel")
	meant := addSelectFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		selection, err := meant.selection(args)
		if err != nil {
			return err
		}
		client, err := a.dialDaemon(cmd.Context())
		if err != nil {
			return err
		}
		defer client.Close()
		list, err := meant.meantTunnels(cmd.Context(), client, selection)
		if err != nil {
			return err
		}
		return a.print(list, func(w io.Writer) {
			if verbose {
				writeTunnels(w, list, time.Now())
				return
			}
			writeTable(w, list, time.Now())
		})
	}
	return cmd
}

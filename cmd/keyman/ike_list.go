package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"keyman/ike"
)

// newIKEListCommand is "keyman ike list".
func newIKEListCommand(a *app) *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "list [TUNNEL...]",
		Short: "List the tunnels and how they stand",
		Long: `List the tunnels, or those that are named: the active ones, those being
negotiated, those whose last negotiation failed, and those that are only defined.`,
		Example: `  keyman ike list
  keyman ike list to-gw2 --verbose`,
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "everything about each tunnel")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := a.dialDaemon(cmd.Context())
		if err != nil {
			return err
		}
		defer client.Close()
		list, err := client.List(cmd.Context())
		if err != nil {
			return err
		}
		if list, err = chosen(list, args); err != nil {
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

// chosen keeps the tunnels that have one of the names or numbers; without any,
// all.
func chosen(list []ike.Status, tunnels []string) ([]ike.Status, error) {
	if len(tunnels) == 0 {
		return list, nil
	}
	for _, tunnel := range tunnels {
		if !slices.ContainsFunc(list, func(s ike.Status) bool { return called(s, tunnel) }) {
			return nil, withHint(fmt.Errorf("no such tunnel: %q", tunnel), listHint)
		}
	}
	return slices.DeleteFunc(list, func(s ike.Status) bool {
		return !slices.ContainsFunc(tunnels, func(tunnel string) bool { return called(s, tunnel) })
	}), nil
}

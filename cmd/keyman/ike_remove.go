package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"keyman/ike/control"
)

// newIKERemoveCommand is "keyman ike remove".
func newIKERemoveCommand(a *app) *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "remove {TUNNEL... | --peer-id ID | --addresses LOCAL,REMOTE | --all}",
		Short: "End tunnels",
		Long: `Have the daemon end what tunnels have of security associations and negotiations,
and tell their peers. The definitions stay. With --phase 1 the phase 2 tunnels go on,
and are not rekeyed under it any more.
` + selectHelp,
		Example: `  keyman ike remove to-gw2
  keyman ike remove 2-4`,
	}
	cmd.Flags().BoolVar(&all, "all", false, "all tunnels that are active or being negotiated")
	meant := addSelectFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if all == (len(args) > 0 || meant.given()) {
			return usagef("either tunnels or --all")
		}
		selection, err := meant.selection(args)
		if err != nil {
			return err
		}
		client, err := a.dialDaemon(cmd.Context())
		if err != nil {
			return err
		}
		defer client.Close()
		answers := client.RemoveAll(cmd.Context(), control.Phase(meant.phase))
		if !all {
			names, phase, err := meant.meantNames(cmd.Context(), client, selection)
			if err != nil {
				return err
			}
			answers = client.Remove(cmd.Context(), phase, names)
		}
		removals := []control.Removal{}
		var failed []string
		for r, err := range answers {
			if err != nil {
				return err
			}
			removals = append(removals, r)
			if r.Error != "" {
				failed = append(failed, printable(r.Error))
			}
		}
		if err := a.print(removals, func(w io.Writer) {
			for _, r := range removals {
				if r.Error == "" {
					fmt.Fprintf(w, "%s: removed\n", printable(r.Tunnel))
				}
			}
		}); err != nil {
			return err
		}
		if len(failed) > 0 {
			return withHint(errors.New(strings.Join(failed, "; ")), listHint)
		}
		return nil
	}
	return cmd
}

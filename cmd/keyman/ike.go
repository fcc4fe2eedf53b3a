package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"keyman/ike/control"
)

// newIKECommand is "keyman ike" with what it groups.
func newIKECommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ike",
		Short: "Negotiate tunnels",
		Long: `Run the daemon that negotiates tunnels, and tell it what to do. The tunnels are
defined in tunnels.toml in the state directory; the commands talk to the daemon
over control.sock, beside it.`,
	}
	cmd.AddCommand(
		newIKEDaemonCommand(a),
		newIKEActivateCommand(a),
		newIKEListCommand(a),
		newIKEExplainCommand(a),
		newIKERemoveCommand(a),
		newIKEEventsCommand(a),
		newIKEStatusCommand(a),
		newIKELogCommand(a),
	)
	return cmd
}

// listHint says where the tunnels are shown.
const listHint = "keyman ike list shows the tunnels and how they stand"

// dialDaemon connects to the daemon of the state directory.
func (a *app) dialDaemon(ctx context.Context) (*control.Client, error) {
	state, err := a.state()
	if err != nil {
		return nil, err
	}
	return control.Dial(ctx, filepath.Join(state, control.SocketName))
}

package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
)

// newIKEStatusCommand is "keyman ike status".
func newIKEStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Tell what the daemon does",
		Long: `Tell which daemon runs, since when, and what it has done: tunnels that are up,
negotiations that succeeded and failed, and messages. The exit code is 3 where none
runs.`,
		Example: `  keyman ike status`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, err := a.dialDaemon(cmd.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			status, err := client.Status(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(status, func(w io.Writer) {
				line := func(label, format string, args ...any) {
					fmt.Fprintf(w, "%-14s%s\n", label, fmt.Sprintf(format, args...))
				}
				s := status.Stats
				line("daemon", "process %d, since %s", status.PID, status.Started.Local().Format(time.DateTime))
				line("log level", "%s", printable(status.LogLevel))
				line("tunnels", "%d defined", s.Tunnels)
				line("phase 1", "%d active, %d being negotiated", s.Active, s.Negotiating)
				line("negotiations", "%d begun, %d established, %d failed", s.Started, s.Established, s.Failed+s.Refused)
				line("certificates", "%d peers refused, %d tunnels ended", s.Refused, s.Revoked)
				line("messages", "%d received, %d sent, %d not answered", s.Received, s.Sent, s.TurnedAway)
			})
		},
	}
}

// newIKELogCommand is "keyman ike log".
func newIKELogCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "log [LEVEL]",
		Short: "Change what the daemon logs",
		Long: `Set the level of the running daemon's log: none, error, isakmp_events or
information. It holds until the daemon ends or it is set again. Without a level the
daemon reads its settings, and takes the level that keyman.toml or an isakmpd.conf of
AIX says.`,
		Example: `  keyman ike log information
  keyman ike log`,
		Args: cobra.MaximumNArgs(1),
	}
	cmd.ValidArgsFunction = cobra.FixedCompletions(levelWords, cobra.ShellCompDirectiveNoFileComp)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var level logLevel
		if len(args) > 0 {
			if err := level.UnmarshalText([]byte(args[0])); err != nil {
				return usageError{err}
			}
		}
		client, err := a.dialDaemon(cmd.Context())
		if err != nil {
			return err
		}
		defer client.Close()
		now, err := client.SetLogLevel(cmd.Context(), string(level))
		if err != nil {
			return err
		}
		return a.print(map[string]string{"log_level": now}, func(w io.Writer) { fmt.Fprintln(w, "log level "+printable(now)) })
	}
	return cmd
}

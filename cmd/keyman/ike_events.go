package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"keyman/crl"
	"keyman/ike"
)

// newIKEEventsCommand is "keyman ike events".
func newIKEEventsCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "events",
		Short: "Print what happens, as it happens",
		Long: `Print what happens to tunnels from now on, one event a line, until the command
is interrupted or the daemon ends. With --json each line is one JSON object.`,
		Example: `  keyman --json ike events`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			client, err := a.dialDaemon(ctx)
			if err != nil {
				return err
			}
			defer client.Close()
			events, err := client.Events(ctx)
			if err != nil {
				return err
			}
			for event, err := range events {
				if ctx.Err() != nil {
					return nil // interrupted, which is how it is meant to end
				}
				if err != nil {
					return err
				}
				if err := a.writeEvent(event); err != nil {
					return err
				}
			}
			if ctx.Err() == nil {
				return errors.New("the daemon has ended")
			}
			return nil
		},
	}
}

// writeEvent prints one line.
func (a *app) writeEvent(e ike.Event) error {
	if a.json {
		return json.NewEncoder(a.stdout).Encode(e)
	}
	if e.Missed > 0 {
		a.warnf("%d events were lost: this terminal is too slow", e.Missed)
	}
	name := e.Tunnel
	if name == "" {
		name = "?"
	}
	from := "-"
	if e.Peer.IsValid() {
		from = e.Peer.String()
	}
	if _, err := fmt.Fprintf(a.stdout, "%s  %-12s  %s  %s  %s\n",
		e.Time.Local().Format(time.TimeOnly), e.Kind, printable(name), from, printable(e.Text)); err != nil {
		return err
	}
	writeReasons(a.stdout, e.Reasons)
	return nil
}

// writeReasons prints the findings of a certificate check, indented.
func writeReasons(w io.Writer, reasons []crl.Reason) {
	for _, r := range reasons {
		clause := ""
		if r.Clause != "" {
			clause = " (" + r.Clause + ")"
		}
		writeWrapped(w, fmt.Sprintf("  %-8s ", r.Severity), printable(r.Text)+clause)
	}
}

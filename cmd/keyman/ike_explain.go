package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"keyman/ike"
)

// explained is the JSON of "keyman ike explain".
type explained struct {
	Tunnel    *ike.Explanation  `json:"tunnel,omitempty"`
	Strangers []ike.Explanation `json:"strangers,omitempty"`
}

// newIKEExplainCommand is "keyman ike explain".
func newIKEExplainCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "explain [TUNNEL]",
		Short: "Say why a negotiation failed",
		Long: `Say how the last negotiation of a tunnel, called by its name or number, went or
goes: each message, what the check of the peer's certificate found, why it failed,
and what to do about it. A peer that could not be told to belong to any tunnel, for
want of common algorithms as a rule, failed as a stranger: the last of these from the
tunnel's address are shown too, and without a tunnel all that are remembered.

The exit code is 1 where the last negotiation failed.`,
		Example: `  keyman ike explain to-gw2
  keyman ike explain`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := a.dialDaemon(cmd.Context())
			if err != nil {
				return err
			}
			defer client.Close()
			tunnel := ""
			if len(args) > 0 {
				tunnel = args[0]
			}
			x := explained{}
			if x.Tunnel, x.Strangers, err = client.Explain(cmd.Context(), tunnel); err != nil {
				return err
			}
			if x.Tunnel != nil {
				x.Strangers = from(x.Tunnel.Status, x.Strangers)
			}
			if err := a.print(x, func(w io.Writer) { writeExplained(w, x) }); err != nil {
				return err
			}
			if x.Tunnel != nil && x.Tunnel.Status.State == ike.TunnelFailed {
				return answerNo{"the last negotiation of " + printable(x.Tunnel.Status.Tunnel) + " failed"}
			}
			return nil
		},
	}
}

// from keeps what came from the address of a tunnel's peer; all where that may be
// anywhere.
func from(tunnel ike.Status, strangers []ike.Explanation) []ike.Explanation {
	if !tunnel.Remote.IsValid() {
		return strangers
	}
	var near []ike.Explanation
	for _, x := range strangers {
		if x.Status.Remote.Addr().Unmap() == tunnel.Remote.Addr().Unmap() {
			near = append(near, x)
		}
	}
	return near
}

// writeExplained prints explanations for people.
func writeExplained(w io.Writer, x explained) {
	if x.Tunnel == nil && len(x.Strangers) == 0 {
		fmt.Fprintln(w, "no negotiation failed with a peer that belongs to no tunnel")
		return
	}
	if x.Tunnel != nil {
		writeExplanation(w, printable(x.Tunnel.Status.Tunnel), *x.Tunnel)
	}
	for _, s := range x.Strangers {
		if x.Tunnel != nil || s.Status.ID != x.Strangers[0].Status.ID {
			fmt.Fprintln(w)
		}
		writeExplanation(w, "a stranger at "+s.Status.Remote.String(), s)
	}
}

// writeExplanation prints one.
func writeExplanation(w io.Writer, name string, x ike.Explanation) {
	s := x.Status
	text := string(s.State)
	if s.Detail != "" {
		text += ", " + printable(s.Detail)
	}
	fmt.Fprintf(w, "%s: %s\n", name, text)
	if x.Missed > 0 {
		fmt.Fprintf(w, "  %d messages before these\n", x.Missed)
	}
	for _, step := range x.Steps {
		writeWrapped(w, "  "+step.Time.Local().Format(time.TimeOnly)+"  ", printable(step.Text))
	}
	if s.Error != "" {
		writeWrapped(w, "  why       ", printable(s.Error))
	}
	writeReasons(w, furtherReasons(s))
	if x.Hint != "" {
		writeWrapped(w, "  hint      ", printable(x.Hint))
	}
}

package main

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"keyman/ike"
	"keyman/ike/control"
)

// newIKEActivateCommand is "keyman ike activate".
func newIKEActivateCommand(a *app) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "activate {TUNNEL... | --peer-id ID | --addresses LOCAL,REMOTE | --autostart}",
		Short: "Start the negotiation of tunnels",
		Long: `Have the daemon start the negotiation of tunnels. With a phase 1 tunnel go the phase
2 tunnels that it carries, unless --phase 1 stands there; a phase 2 tunnel brings its
phase 1 with it.
` + selectHelp + `

The command returns when the negotiations have begun; with --wait it returns when
each tunnel is active or its negotiation has failed, prints the reasons, and ends
with exit code 1 if one has failed. A tunnel that is active already is left as it is.`,
		Example: `  keyman ike activate to-gw2 --wait
  keyman ike activate 1,3,5-7
  keyman ike activate --autostart`,
	}
	meant := addSelectFlags(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait for the outcome")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && !meant.given() {
			return usagef("no tunnels are named")
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
		names, phase, err := meant.meantNames(cmd.Context(), client, selection)
		if err != nil {
			return err
		}
		var outcomes []control.Activation
		for outcome, err := range client.Activate(cmd.Context(), phase, names, wait) {
			if err != nil {
				return err
			}
			outcomes = append(outcomes, outcome)
		}
		if err := a.print(outcomes, func(w io.Writer) {
			for _, outcome := range outcomes {
				switch {
				case outcome.Error != "":
				case outcome.Data != nil:
					writeDataOutcome(w, *outcome.Data)
				default:
					writeOutcome(w, outcome.Status)
				}
			}
		}); err != nil {
			return err
		}
		return judge(outcomes, wait)
	}
	return cmd
}

// judge makes the command's error of what became of the tunnels: a tunnel that
// could not be tried is a failure, one that was tried and failed is the answer
// no.
func judge(outcomes []control.Activation, wait bool) error {
	var failed []string
	var inactive []string
	for _, o := range outcomes {
		if o.Error != "" {
			failed = append(failed, printable(o.Error))
		}
		switch {
		case o.Data != nil && o.Data.State == ike.TunnelActive:
		case o.Data == nil && o.Status.State == ike.TunnelActive:
		default:
			inactive = append(inactive, o.Tunnel)
		}
		for _, d := range o.Status.Data {
			if d.State != ike.TunnelActive {
				inactive = append(inactive, d.Tunnel)
			}
		}
	}
	switch {
	case len(failed) > 0:
		return withHint(errors.New(strings.Join(failed, "; ")), listHint)
	case wait && len(inactive) > 0:
		return answerNo{"not active: " + strings.Join(inactive, ", ")}
	}
	return nil
}

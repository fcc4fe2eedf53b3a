package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"keyman/cmd/keyman/internal/demo"
)

// newDemoCommand is "keyman demo".
func newDemoCommand(a *app) *cobra.Command {
	var keep string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show a negotiation with CRL checking, then one with a revoked peer",
		Long: `Found a CA and two gateways, publish the CA's revocation list over HTTP behind a
SOCKS4 proxy and in an LDAP directory, and have the gateways negotiate with CRL
checking. Then revoke one certificate, publish, and show how the next negotiation
is refused, from both ends. All of it runs in this one process, on 127.0.0.1,
without root, takes a few seconds, and leaves nothing behind.

The demonstration checks itself: it fails where something comes out differently,
such as a revoked peer that is accepted.

With --json each step is an object on a line of its own: the milliseconds since
the beginning, who did what, the text, and the reasons of verdicts.

With --keep DIR the files stay in DIR, which must be absent or empty: DIR is then
the state directory of the CA "vpn", DIR/gw-a and DIR/gw-b are those of the
gateways, and beside each key database the file "password" has its password.`,
		Example: `  keyman demo
  keyman demo --keep lab`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&keep, "keep", "", "keep the files in this `folder` to look at")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		// A terminal or a pipe that goes away must not leave the files
		// behind either.
		ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGHUP, syscall.SIGPIPE)
		defer stop()
		cfg := demo.Config{Out: a.stdout, JSON: a.json, Keep: keep}
		if out, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(out.Fd())) {
			_, plain := os.LookupEnv("NO_COLOR")
			cfg.Color = !plain && os.Getenv("TERM") != "dumb"
			if width, _, err := term.GetSize(int(out.Fd())); err == nil {
				cfg.Width = width
			}
		}
		if err := demo.Run(ctx, cfg); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
		if keep != "" && !a.json {
			fmt.Fprintf(a.stdout, demoKept, keep)
		}
		return nil
	}
	return cmd
}

// demoKept says how to look at what was kept.
const demoKept = `
The files are in %[1]s. To look at them:
  keyman ca list vpn --state %[1]s
  keyman cert list --state %[1]s/gw-a --password-file %[1]s/gw-a/password
  keyman crl show %[1]s/ca/vpn/crl.der
`

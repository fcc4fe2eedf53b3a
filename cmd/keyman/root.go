package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newRootCommand builds the whole command tree; each noun has a file of its own.
func newRootCommand(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "keyman",
		Short: "Keys, certificates, revocation lists and IKE tunnels",
		Long: `keyman keeps key databases, makes certificates and requests, runs a small CA,
fetches and checks revocation lists, and negotiates IKEv1 tunnels that
authenticate with RSA signatures and CRL checking.

Exit codes: 0 done or yes, 1 the answer is no, 2 usage, 3 failed.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON instead of text")
	root.PersistentFlags().StringVar(&a.stateDir, "state", "", "state `directory` (default /var/lib/keyman for root, else the XDG state directory)")
	root.AddCommand(
		newKeydbCommand(a),
		newCertCommand(a),
		newCACommand(a),
		newReqCommand(a),
		newIKECommand(a),
		newCRLCommand(a),
		newDemoCommand(a),
	)
	usageErrors(root)
	return root
}

// usageErrors makes every command report wrong arguments as usage (exit code
// 2), and every command that only groups others refuse to run by itself: cobra
// would print its help and call that success.
func usageErrors(cmd *cobra.Command) {
	if !cmd.Runnable() {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s: what shall be done? Say one of: %s", cmd.CommandPath(), subcommands(cmd))
			}
			return usagef("%s: there is no command %q. Say one of: %s", cmd.CommandPath(), args[0], subcommands(cmd))
		}
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := check(cmd, args); err != nil {
				return usageError{err}
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

// subcommands lists what a command groups.
func subcommands(cmd *cobra.Command) string {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return strings.Join(names, ", ")
}

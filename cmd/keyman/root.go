package main

import "github.com/spf13/cobra"

// newRootCommand builds the whole command tree; each noun has a file of its own.
func newRootCommand(a *app) *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "keyman",
		Short: "Keys, certificates, revocation lists and IKE tunnels",
		Long: `keyman keeps key databases, makes certificates and requests, runs a small CA,
fetches and checks revocation lists, and negotiates IKEv1 tunnels that
authenticate with RSA signatures and CRL checking.

Called as gskcapicmd, or as "keyman gskcapicmd", it takes that program's command line.

Exit codes: 0 done or yes, 1 the answer is no, 2 usage, 3 failed.`,
		Example: `  keyman keydb create
  keyman req create --label gw1 --subject "C=CH, O=Example, CN=gw1" --ike --out gw1.csr
  keyman cert add ca.pem
  keyman cert receive gw1.pem
  keyman ike daemon`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return a.printVersion()
			}
			return nothingToDo(cmd)
		},
	}
	root.Flags().BoolVar(&version, "version", false, "tell which keyman this is")
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(wrongFlag)
	showHelp := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if helpForNothing(cmd) == nil {
			showHelp(cmd, args)
		}
	})
	root.SetHelpCommand(newHelpCommand())
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON instead of text")
	root.PersistentFlags().StringVar(&a.stateDir, "state", "", "state `directory` (default /var/lib/keyman for root, else the XDG state directory)")
	root.AddCommand(
		newKeydbCommand(a),
		newCertCommand(a),
		newCACommand(a),
		newReqCommand(a),
		newIKECommand(a),
		newCRLCommand(a),
		newTokenCommand(a),
		newDemoCommand(a),
		newVersionCommand(a),
		newManCommand(a),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	showCompletions(root)
	usageErrors(root)
	return root
}

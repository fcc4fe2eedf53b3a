package main

import "github.com/spf13/cobra"

// A noun is a branch of the command tree.
type noun struct {
	name string
	make func(*app) *cobra.Command
}

// nouns are the branches in the order in which they are shown; each has a file of
// its own.
func nouns() []noun {
	return []noun{
		{"keydb", newKeydbCommand},
		{"cert", newCertCommand},
		{"ca", newCACommand},
		{"req", newReqCommand},
		{"ike", newIKECommand},
		{"ikedb", newIkedbCommand},
		{"crl", newCRLCommand},
		{"token", newTokenCommand},
		{"demo", newDemoCommand},
		{"version", newVersionCommand},
		{"man", newManCommand},
	}
}

// needed returns the nouns that a command line needs: the one that it begins with,
// but for --json; all where it begins otherwise, or asks for what tells of all. To
// make them all takes longer, and more memory, than many a command itself.
func needed(args []string) []noun {
	all := nouns()
	for len(args) > 0 && args[0] == "--json" {
		args = args[1:]
	}
	if len(args) == 0 || args[0] == "man" {
		return all
	}
	for i, n := range all {
		if n.name == args[0] {
			return all[i : i+1]
		}
	}
	return all
}

// newRootCommand builds the command tree as far as a command line needs it; of an
// empty one that is the whole.
func newRootCommand(a *app, args []string) *cobra.Command {
	var version bool
	root := &cobra.Command{
		Use:   "keyman",
		Short: "Keys, certificates, revocation lists and IKE tunnels",
		Long: `keyman keeps key databases, makes certificates and requests, runs a small CA,
fetches and checks revocation lists, and negotiates IKEv1 tunnels that
authenticate with RSA signatures and CRL checking.

Called as gskcapicmd, or as "keyman gskcapicmd", it takes that program's command line;
called as ikedb, that of AIX's ikedb.

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
	for _, n := range needed(args) {
		root.AddCommand(n.make(a))
	}
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	showCompletions(root)
	usageErrors(root)
	return root
}

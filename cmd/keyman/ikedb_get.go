package main

import (
	"github.com/spf13/cobra"

	"keyman/cmd/keyman/internal/deffile"
	"keyman/ike/ikedb"
	"keyman/ike/ikedb/store"
)

// definitionsShown is the JSON of "keyman ikedb get": definitions in the words of
// tunnels.toml, preshared keys without their secrets.
type definitionsShown struct {
	Tunnels         []ikedb.Tunnel         `json:"tunnels"`
	Protections     []ikedb.Protection     `json:"protections"`
	Groups          []ikedb.Group          `json:"groups"`
	PresharedKeys   []ikedb.PresharedKey   `json:"preshared_keys"`
	DataTunnels     []ikedb.DataTunnel     `json:"data_tunnels"`
	DataProtections []ikedb.DataProtection `json:"data_protections"`
	Proposals       []ikedb.Proposal       `json:"proposals"`
}

// getFlags are those of "keyman ikedb get".
type getFlags struct {
	recursive, secrets bool
	format, id         string
}

func newIkedbGetCommand(a *app) *cobra.Command {
	var f getFlags
	cmd := &cobra.Command{
		Use:   "get [KIND [NAME] [--id ID]]",
		Short: "Write definitions",
		Long: `Write the definitions of the database, all of them or those that are meant, to
standard output: as XML in the words of AIX, or as TOML. What is written can be put
again; put into an empty database it is written the same.

` + selectionHelp + `

Preshared keys are left out, and only said to be there, unless --secrets asks for
them: a backup needs it. With --json the definitions are objects in the words of
tunnels.toml, always without preshared keys.`,
		Example: `  keyman ikedb get
  keyman ikedb get --secrets > backup.xml
  keyman ikedb get tunnel branch --recursive --format toml
  keyman ikedb get preshared-key --id 192.0.2.7`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: completeKinds,
	}
	cmd.Flags().BoolVarP(&f.recursive, "recursive", "r", false, "also what is referred to")
	cmd.Flags().BoolVar(&f.secrets, "secrets", false, "write preshared keys")
	cmd.Flags().StringVar(&f.id, "id", "", "`identity` by which a preshared key is found")
	addFormatFlag(cmd, &f.format)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.ikedbGet(cmd, &f, args) }
	return cmd
}

func (a *app) ikedbGet(cmd *cobra.Command, f *getFlags, args []string) error {
	if f.format != deffile.XML && f.format != deffile.TOML {
		return usagef("--format: %q is not known: use xml or toml", f.format)
	}
	what, err := selection(args, f.id)
	if err != nil {
		return err
	}
	var d ikedb.Definitions
	if err := a.withStore(cmd.Context(), func(s *store.Store) error {
		d, err = s.Get(cmd.Context(), what, f.recursive)
		return err
	}); err != nil {
		return err
	}
	if a.json {
		return a.print(definitionsShown{
			orEmpty(d.Tunnels), orEmpty(d.Protections), orEmpty(d.Groups), orEmpty(d.PresharedKeys),
			orEmpty(d.DataTunnels), orEmpty(d.DataProtections), orEmpty(d.Proposals),
		}, nil)
	}
	if !f.secrets && len(d.PresharedKeys) > 0 {
		a.warnf("preshared keys are left out: --secrets writes them, too")
	}
	return deffile.Write(a.stdout, d, f.format, f.secrets)
}

// orEmpty makes a list that is not there an empty one, for JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

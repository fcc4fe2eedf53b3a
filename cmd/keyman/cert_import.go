package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// importResult is the JSON of what was copied between two key databases.
type importResult struct {
	File    string       `json:"file"`
	Added   []certResult `json:"added"`
	Present []certResult `json:"present"` // there before, and left as they were
}

func newCertImportCommand(a *app) *cobra.Command {
	var o keystore.ImportOptions
	cmd := &cobra.Command{
		Use:   "import SOURCE... [--label LABEL]...",
		Short: "Copy entries of another key database, or keys and certificates from files",
		Long: `Copy entries of another key database, of any format, into this one: keys,
certificates, requests, labels, and the trust in CAs. With --label only the
entries that are named are copied, with the certificates above them; those are
not trusted by that. A key database with an empty password trusts nobody: anybody
could have made its MAC. What is there already is left as it is. Where a label is
taken nothing is copied, and each such label is told.

SOURCE may also be a folder, or files that are named together, with private keys
(PKCS#8, traditional, OpenSSH; PEM or DER; encrypted or not), certificates (PEM, DER,
PKCS#7) and requests. A key and its certificate find each other, wherever they lie.
A key whose certificate is here already makes a personal entry of it. Nothing that
comes from such files is trusted. Labels are those in the files, or else their names.`,
		Example: `  keyman cert import old.p12
  keyman cert import old.p12 --label gw1 --as "gw1 (old)"
  keyman cert import gw1.key gw1.pem chain.p7b
  keyman cert import /etc/ipsec.d/private`,
		Args: cobra.MinimumNArgs(1),
	}
	flags := addKeydbFlags(cmd)
	source := addOpenFlags(cmd, "source-", "the password of the other key database, or of the key files")
	cmd.Flags().StringArrayVar(&o.Labels, "label", nil, "`label` of an entry to copy; again for more (default: all)")
	cmd.Flags().StringVar(&o.As, "as", "", "the `label` that the one entry gets here")
	cmd.Flags().BoolVar(&o.Trust, "trusted", true, "trust the CAs that the other key database trusts; --trusted=false does not")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := oneStdin(flags.password, source); err != nil {
			return err
		}
		if o.As != "" && len(o.Labels) != 1 {
			return usagef("--as is the label of one entry: name it with one --label")
		}
		from, err := a.openImported(cmd.Context(), args, source)
		if err != nil {
			return err
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		// Who names a key and certificates together means that they belong together.
		o.Paired = len(args) > 1
		done, err := store.Import(from, o)
		if err != nil {
			return err
		}
		if len(done.Added) > 0 {
			if err := store.Save(cmd.Context()); err != nil {
				return err
			}
		}
		return a.printImported(store, done, "imported")
	}
	return cmd
}

// openImported opens the one source of an import, or the files that are named
// together.
func (a *app) openImported(ctx context.Context, paths []string, flags *passwordFlags) (*keystore.Store, error) {
	if len(paths) == 1 {
		return a.openSource(ctx, paths[0], flags)
	}
	for _, path := range paths {
		loose, err := keystore.IsLoose(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, noFile(path)
		}
		if err != nil {
			return nil, err
		}
		if !loose {
			return nil, usagef("%s is a key database: import it by itself", path)
		}
	}
	return keystore.OpenFiles(ctx, paths, a.askForKeys(flags))
}

// printImported tells what was copied into a store.
func (a *app) printImported(store *keystore.Store, done keystore.Imported, verb string) error {
	a.warnLosses(done.Lost)
	result := importResult{File: store.Path(), Added: certResults(done.Added), Present: certResults(done.Present)}
	return a.print(result, func(w io.Writer) {
		for _, r := range result.Added {
			trust := ""
			if r.Trusted {
				trust = ", trusted"
			}
			fmt.Fprintf(w, "%s %s (%v%s)\n", verb, printable(r.Label), r.Kind, trust)
		}
		for _, r := range result.Present {
			fmt.Fprintf(w, "%s was there already (%v)\n", printable(r.Label), r.Kind)
		}
	})
}

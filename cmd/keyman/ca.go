package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/spf13/cobra"

	"keyman/ca"
	"keyman/cmd/keyman/internal/outfile"
)

const (
	// caKeys is the key database in a CA's folder, caLabel its entry.
	caKeys  = "ca.p12"
	caLabel = "ca"
	// caPassword is what the password opens.
	caPassword = "the CA's key database"
)

// maxCAName bounds the name of a CA in bytes.
const maxCAName = 64

// isCAName reports whether a CA may be called so: letters, digits and, not in the
// first place, ".", "_" and "-". It is the name of its folder.
func isCAName(name string) bool {
	for i, c := range []byte(name) {
		letter, digit := 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9'
		if !letter && !digit && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return name != "" && len(name) <= maxCAName
}

// newCACommand is "keyman ca".
func newCACommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "Run a small CA",
		Long: `Found a CA, issue certificates for requests, revoke them and make revocation
lists. A CA lives in the folder ca/NAME of the state directory: its key database
ca.p12, its certificate ca.pem, its database ca.json, every certificate that it
issued and its latest list.`,
	}
	cmd.AddCommand(newCAInitCommand(a), newCAIssueCommand(a), newCAListCommand(a), newCAShowCommand(a), newCARevokeCommand(a), newCACRLCommand(a))
	return cmd
}

// caFolder returns the folder of a CA.
func (a *app) caFolder(name string) (string, error) {
	if !isCAName(name) {
		return "", usagef("%q cannot be the name of a CA: use letters, digits, dots, hyphens and underscores", name)
	}
	state, err := a.state()
	if err != nil {
		return "", err
	}
	return filepath.Join(state, "ca", name), nil
}

// openCA opens a CA that lists and revokes, without its private key.
func (a *app) openCA(ctx context.Context, name string) (*ca.CA, error) {
	dir, err := a.caFolder(name)
	if err != nil {
		return nil, err
	}
	c, err := ca.Open(ctx, dir, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, withHint(fmt.Errorf("there is no CA %q: %w", name, err), "keyman ca init makes one; --state says in which state directory to look")
	}
	return c, err
}

// openSigningCA opens a CA with its private key.
func (a *app) openSigningCA(ctx context.Context, name string, flags *passwordFlags) (*ca.CA, error) {
	// Whether there is a CA at all shows before the password is asked for.
	if _, err := a.openCA(ctx, name); err != nil {
		return nil, err
	}
	dir, err := a.caFolder(name)
	if err != nil {
		return nil, err
	}
	store, err := a.openDatabase(ctx, filepath.Join(dir, caKeys), flags, caPassword)
	if err != nil {
		return nil, err
	}
	entry, ok := store.Lookup(caLabel)
	if !ok {
		return nil, fmt.Errorf("%s has no entry %q", store.Path(), caLabel)
	}
	signer, err := entry.Signer()
	if err != nil {
		return nil, err
	}
	return ca.Open(ctx, dir, signer)
}

// checkDays refuses numbers of days on the command line that cannot be meant. In
// the options of the CA 0 is the default; typed, it is a slip.
func checkDays(cmd *cobra.Command, flags ...string) error {
	for _, flag := range flags {
		days, err := cmd.Flags().GetInt(flag)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed(flag) && (days < 1 || days > ca.MaxDays) {
			return usagef("--%s %d: 1 to %d are accepted", flag, days, ca.MaxDays)
		}
	}
	return nil
}

// writtenTo shows where --out has written; "" is nowhere.
func writtenTo(w io.Writer, out string) {
	if out != "" {
		fmt.Fprintf(w, "  written to   %s\n", printable(out))
	}
}

// writePublic writes a file that is made to be given away; "" is none.
func writePublic(path string, data []byte) error {
	if path == "" {
		return nil
	}
	return outfile.Write(path, data, outfile.Public)
}

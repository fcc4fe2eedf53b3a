package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// newKeydbCommand is "keyman keydb".
func newKeydbCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keydb",
		Short: "Create key databases, list and convert them, change their passwords",
		Long: `A key database is a file with private keys, their certificates, requests that
wait for a certificate, and the certificates of CAs. Unless said otherwise it is a
PKCS#12 file, which openssl and keytool open, too. Java's JKS and JCEKS, IBM's CMS
(.kdb with the files beside it) and PEM bundles are read and written as well; the
format of a file is told by its content. Every command takes any of them with --keydb.`,
	}
	cmd.AddCommand(newKeydbCreateCommand(a), newKeydbListCommand(a), newKeydbPasswdCommand(a), newKeydbConvertCommand(a),
		newKeydbUndoCommand(a))
	return cmd
}

// keydbResult is what the commands that write a key database print.
type keydbResult struct {
	File   string `json:"file"`
	Format string `json:"format"`
}

func newKeydbCreateCommand(a *app) *cobra.Command {
	var typ string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an empty key database",
		Long: `Create an empty key database. Its format is that of --type, or the one that the
name of its file speaks of: .p12, .pfx, .jks, .jceks, .kdb, .pem; otherwise
PKCS#12.`,
		Example: `  keyman keydb create
  keyman keydb create --keydb ikekey.kdb --password-file F
  keyman keydb create --keydb keys --type jks`,
		Args: cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.Flags().StringVar(&typ, "type", "", "`format`: "+formatNames())
	completeFormats(cmd, "type")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.keydbPath(flags)
		if err != nil {
			return err
		}
		format, err := formatFlag("type", typ, path)
		if err != nil {
			return err
		}
		if flags.path == "" {
			// Only keyman's own folder is made; a folder that is named and
			// not there is a slip of the pen.
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return err
			}
		}
		password, err := a.password(flags.password, keydbPassword, true)
		if err != nil {
			return err
		}
		defer password.Wipe()
		store, err := keystore.Create(cmd.Context(), path, password, keystore.Options{Format: format})
		if err != nil {
			return err
		}
		return a.print(keydbResult{path, store.Format().Name()}, func(w io.Writer) {
			fmt.Fprintf(w, "created %s\n", path)
		})
	}
	return cmd
}

func newKeydbPasswdCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "passwd",
		Short: "Change the password of a key database",
		Long: `Change the password of a key database: every key is encrypted anew. The kept
generations are removed, because they would open with the old password; there is
no undo of this.`,
		Example: `  keyman keydb passwd --password-file OLD --new-password-file NEW`,
		Args:    cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	next := addPasswordFlags(cmd, "new-", "the new password")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := oneStdin(flags.password, next); err != nil {
			return err
		}
		store, err := a.openKeydb(cmd.Context(), flags)
		if err != nil {
			return err
		}
		password, err := a.password(next, keydbPassword+" from now on", true)
		if err != nil {
			return err
		}
		defer password.Wipe()
		if err := store.SetPassword(password); err != nil {
			return err
		}
		if err := store.Save(cmd.Context()); err != nil {
			return err
		}
		return a.print(keydbResult{store.Path(), store.Format().Name()}, func(w io.Writer) {
			fmt.Fprintf(w, "changed the password of %s\n", store.Path())
		})
	}
	return cmd
}

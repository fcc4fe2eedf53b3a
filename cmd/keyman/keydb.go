package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"keyman/internal/atomicfile"
	"keyman/keystore"
)

// detectBytes is how much of a file is looked at to tell its format.
const detectBytes = 64

// newKeydbCommand is "keyman keydb".
func newKeydbCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keydb",
		Short: "Create key databases, list them, change their passwords",
		Long: `A key database is one file with private keys, their certificates, requests that
wait for a certificate, and the certificates of CAs. It is a PKCS#12 file, which
openssl and keytool open, too.`,
	}
	cmd.AddCommand(newKeydbCreateCommand(a), newKeydbListCommand(a), newKeydbPasswdCommand(a))
	return cmd
}

// keydbResult is what the commands that write a key database print.
type keydbResult struct {
	File   string `json:"file"`
	Format string `json:"format"`
}

func newKeydbCreateCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Create an empty key database",
		Args:  cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		path, err := a.keydbPath(flags)
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
		store, err := keystore.Create(cmd.Context(), path, password, keystore.Options{})
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
		Args:  cobra.NoArgs,
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

// keydbRow is a line of "keyman keydb list".
type keydbRow struct {
	keydbResult
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
}

func newKeydbListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list [FOLDER]",
		Short: "List the key databases of a folder (default: the state directory)",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := a.state()
			if len(args) == 1 {
				dir, err = args[0], nil
			}
			if err != nil {
				return err
			}
			rows, err := findKeydbs(dir)
			if err != nil && (len(args) == 1 || !errors.Is(err, fs.ErrNotExist)) {
				return err
			}
			return a.print(rows, func(w io.Writer) {
				t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
				fmt.Fprintln(t, "FILE\tFORMAT\tBYTES\tCHANGED")
				for _, r := range rows {
					fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", printable(r.File), r.Format, r.Size, r.Modified.Format(time.RFC3339))
				}
				t.Flush()
			})
		},
	}
}

// findKeydbs lists the key databases right in a folder, known by their content.
func findKeydbs(dir string) ([]keydbRow, error) {
	entries, err := os.ReadDir(dir)
	rows := []keydbRow{}
	if err != nil {
		return rows, err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		info, err := os.Stat(path) // the target of a symbolic link counts
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		beginning, err := atomicfile.ReadBeginning(path, detectBytes)
		if err != nil {
			continue // what cannot be read cannot be told apart from other files
		}
		if format, ok := keystore.Detect(beginning); ok {
			rows = append(rows, keydbRow{keydbResult{path, format.Name()}, info.Size(), info.ModTime().UTC().Truncate(time.Second)})
		}
	}
	return rows, nil
}

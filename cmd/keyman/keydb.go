package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// newKeydbCommand is "keyman keydb".
func newKeydbCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keydb",
		Short: "Create key databases, show and convert them, manage their passwords",
		Long: `A key database is a file with private keys, their certificates, requests that
wait for a certificate, and the certificates of CAs. Unless said otherwise it is a
PKCS#12 file, which openssl and keytool open, too. Java's JKS and JCEKS, IBM's CMS
(.kdb with the files beside it) and PEM bundles are read and written as well; the
format of a file is told by its content. Every command takes any of them with --keydb.`,
	}
	cmd.AddCommand(newKeydbCreateCommand(a), newKeydbListCommand(a), newKeydbShowCommand(a), newKeydbPasswdCommand(a),
		newKeydbStashCommand(a), newKeydbUnstashCommand(a), newKeydbRememberCommand(a), newKeydbForgetCommand(a),
		newKeydbConvertCommand(a), newKeydbUndoCommand(a))
	return cmd
}

// keydbResult is what the commands that write a key database print.
type keydbResult struct {
	File   string `json:"file"`
	Format string `json:"format"`
}

// lockResult is what the commands print that say something about a password.
type lockResult struct {
	keydbResult
	Expires *time.Time `json:"password_expires,omitempty"` // nil: never
	Stash   string     `json:"stash,omitempty"`            // the stash file
}

// lockOf tells how a key database is locked.
func lockOf(store *keystore.Store) lockResult {
	result := lockResult{keydbResult: keydbResult{store.Path(), store.Format().Name()}}
	if end, ok := store.PasswordExpires(); ok {
		result.Expires = &end
	}
	if store.Stashed() {
		result.Stash = store.StashPath()
	}
	return result
}

// write tells in words what is worth telling of a password that was set.
func (r lockResult) write(w io.Writer) {
	if r.Expires != nil {
		fmt.Fprintf(w, "the password expires on %s\n", r.Expires.Format(time.RFC3339))
	}
	if r.Stash != "" {
		fmt.Fprintf(w, "it is stashed in %s: whoever reads that file has it\n", printable(r.Stash))
	}
}

// lockFlags say how long a new password holds good, and whether it is stashed.
type lockFlags struct {
	days  int
	stash bool
}

// maxExpireDays bounds --expire: beyond what any format can write.
const maxExpireDays = 50_000

// addLockFlags adds --expire and --stash.
func addLockFlags(cmd *cobra.Command) *lockFlags {
	f := &lockFlags{}
	addDaysFlag(cmd, &f.days, "expire", 0, "let the password expire after so many `days` (cms only; default never)")
	cmd.Flags().BoolVar(&f.stash, "stash", false, "stash the password in a file beside the key database, for programs that start unattended")
	return f
}

// check refuses days that cannot be meant, before anybody is asked anything.
func (f *lockFlags) check(cmd *cobra.Command) error {
	if cmd.Flags().Changed("expire") && (f.days < 1 || f.days > maxExpireDays) {
		return usagef("--expire %d: 1 to %d days are accepted", f.days, maxExpireDays)
	}
	return nil
}

// apply does what the flags say to a key database that has its new password.
func (f *lockFlags) apply(store *keystore.Store) error {
	if f.days > 0 {
		if err := store.SetPasswordExpiry(time.Now().AddDate(0, 0, f.days)); err != nil {
			return err
		}
	}
	if f.stash {
		return store.SetStashed(true)
	}
	return nil
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
  keyman keydb create --keydb ikekey.kdb --password-file F --expire 365 --stash
  keyman keydb create --keydb keys --type jks`,
		Args: cobra.NoArgs,
	}
	flags := &keydbFlags{password: addPasswordFlags(cmd, "", "the password of "+keydbPassword)}
	addKeydbPathFlag(cmd, &flags.path)
	lock := addLockFlags(cmd)
	cmd.Flags().StringVar(&typ, "type", "", "`format`: "+formatNames())
	completeFormats(cmd, "type")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := lock.check(cmd); err != nil {
			return err
		}
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
		store, err := keystore.New(path, password, keystore.Options{Format: format})
		if err != nil {
			return err
		}
		if err := lock.apply(store); err != nil {
			return err
		}
		if err := store.Save(cmd.Context()); err != nil {
			return err
		}
		result := lockOf(store)
		return a.print(result, func(w io.Writer) {
			fmt.Fprintf(w, "created %s\n", printable(path))
			result.write(w)
		})
	}
	return cmd
}

func newKeydbPasswdCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "passwd",
		Short: "Change the password of a key database",
		Long: `Change the password of a key database, also one that has expired: every key is
encrypted anew. The new password never expires, unless --expire says when.

Where the old password was stashed beside the key database, the new one is; keyman
keydb unstash ends that. The kept generations are removed, because they would open
with the old password; there is no undo of this.`,
		Example: `  keyman keydb passwd --password-file OLD --new-password-file NEW
  keyman keydb passwd --keydb ikekey.kdb --stashed --new-password-file NEW --expire 90`,
		Args: cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	next := addPasswordFlags(cmd, "new-", "the new password")
	lock := addLockFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := lock.check(cmd); err != nil {
			return err
		}
		if err := oneStdin(flags.password, next); err != nil {
			return err
		}
		store, err := a.openExpired(cmd.Context(), flags)
		if err != nil {
			return err
		}
		_, expired := store.PasswordExpires()
		password, err := a.password(next, keydbPassword+" from now on", true)
		if err != nil {
			return err
		}
		defer password.Wipe()
		if err := store.SetPassword(password); err != nil {
			return err
		}
		if err := lock.apply(store); err != nil {
			return err
		}
		if err := store.Save(cmd.Context()); err != nil {
			return err
		}
		if flags.password.keyring {
			a.warnf("the kernel's keyring still has the old password: keyman keydb remember puts the new one there")
		}
		result := lockOf(store)
		return a.print(result, func(w io.Writer) {
			fmt.Fprintf(w, "changed the password of %s\n", printable(store.Path()))
			if expired && result.Expires == nil {
				fmt.Fprintln(w, "the password does not expire")
			}
			result.write(w)
		})
	}
	return cmd
}

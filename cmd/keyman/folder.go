package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// folderFormat is the word for a folder of PEM files, which stands where formats of
// key databases are named.
const folderFormat = "pem-folder"

// namesFolder reports whether a format, or the name of what is to be written where
// none is said, is that of a folder.
func namesFolder(format, path string) bool {
	return format == folderFormat || format == "" && strings.HasSuffix(path, string(os.PathSeparator))
}

// targetFormat reads the name of the format of a key database that is written.
func targetFormat(flag, name, path string) (keystore.Format, error) {
	f, err := formatFlag(flag, name, path)
	if err != nil {
		return nil, fmt.Errorf("%w, %s", err, folderFormat)
	}
	return f, nil
}

// openSource opens what is imported or converted: a key database, a folder with
// keys and certificates, or a file with some.
func (a *app) openSource(ctx context.Context, path string, flags *passwordFlags) (*keystore.Store, error) {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		store, skipped, err := keystore.OpenFolder(ctx, path, a.askForKeys(flags))
		if err != nil {
			return nil, err
		}
		if len(skipped) > 0 {
			a.warnf("no key or certificate is in %s: left out", printable(strings.Join(skipped, ", ")))
		}
		return store, nil
	case err == nil:
		loose, err := keystore.IsLoose(path)
		if err != nil {
			return nil, err
		}
		if loose {
			return keystore.OpenFiles(ctx, []string{path}, a.askForKeys(flags))
		}
	}
	return a.openDatabase(ctx, path, flags, path)
}

// askForKeys gets the passwords of private key files: one for all from where the
// flags say, or else by a prompt for each.
func (a *app) askForKeys(flags *passwordFlags) keystore.Ask {
	var given keystore.Password
	return func(file string) (keystore.Password, error) {
		if given != nil {
			return append(keystore.Password(nil), given...), nil // whoever asks wipes it
		}
		password, err := a.password(flags, "the private key in "+file, false)
		if err == nil && flags.given() {
			given = append(keystore.Password(nil), password...)
		}
		return password, err
	}
}

// unencrypted is the flag that says in words that private keys are written for
// everybody who reads the file.
const unencrypted = "unencrypted"

// addUnencrypted adds it; it goes with no password of what is written.
func addUnencrypted(cmd *cobra.Command, plain *bool) {
	cmd.Flags().BoolVar(plain, unencrypted, false, "write private keys without encryption: who reads a file has its key")
	for _, flag := range []string{"target-password-file", "target-password-env", "target-stashed", "target-password-keyring"} {
		if cmd.Flags().Lookup(flag) != nil {
			cmd.MarkFlagsMutuallyExclusive(unencrypted, flag)
		}
	}
}

// folderResult is the JSON of entries that were written to a folder.
type folderResult struct {
	Folder  string          `json:"folder"`
	Format  string          `json:"format"`
	Written []certResult    `json:"written"`
	Lost    []keystore.Loss `json:"lost"`
}

// A folderTarget is a folder that is written, and how its keys are.
type folderTarget struct {
	path     string
	labels   []string // nil is all entries
	plain    bool
	password *passwordFlags
}

// writeFolder writes entries of a store to a folder. A password is asked for only
// where there are keys.
func (a *app) writeFolder(store *keystore.Store, t folderTarget) error {
	o := keystore.FolderOptions{Labels: t.labels, PlainKeys: t.plain}
	if _, err := os.Lstat(t.path); err == nil {
		return withHint(fmt.Errorf("%s is there already", t.path), "name a folder that is not there: it is made")
	}
	if !t.plain && hasKeys(store, t.labels) {
		password, err := a.password(t.password, "the keys in "+t.path, true)
		if err != nil {
			return err
		}
		defer password.Wipe()
		o.Password = password
	}
	written, lost, err := store.WriteFolder(t.path, o)
	if err != nil {
		return err
	}
	a.warnLosses(lost)
	result := folderResult{t.path, folderFormat, certResults(written), append([]keystore.Loss{}, lost...)}
	return a.print(result, func(w io.Writer) {
		for _, r := range result.Written {
			fmt.Fprintf(w, "wrote %s (%v)\n", printable(r.Label), r.Kind)
		}
	})
}

// hasKeys reports whether there is a key among entries of a store.
func hasKeys(store *keystore.Store, labels []string) bool {
	for e := range store.Entries() {
		named := labels == nil
		for _, label := range labels {
			named = named || strings.EqualFold(label, e.Label)
		}
		if named && e.Kind != keystore.Signer {
			return true
		}
	}
	return false
}

// warnLosses tells what another key database, or another form, does not get.
func (a *app) warnLosses(lost []keystore.Loss) {
	for _, loss := range lost {
		if loss.Label == "" {
			a.warnf("%s", loss.What)
			continue
		}
		a.warnf("%s: %s", printable(loss.Label), printable(loss.What))
	}
}

package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"keyman/internal/atomicfile"
	"keyman/internal/cells"
	"keyman/keystore"
)

// keydbRow is a line of "keyman keydb list".
type keydbRow struct {
	keydbResult
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Entries  *int      `json:"entries,omitempty"` // where a password opened it
}

func newKeydbListCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [FOLDER]",
		Short: "List the key databases of a folder (default: the state directory)",
		Long: `List the key databases right in a folder, known by their content. With a password
the entries are counted of those that it opens. Kept generations of a key database
are not listed: keyman keydb undo --list shows them.`,
		Example: `  keyman keydb list
  keyman keydb list /etc/security --password-file F`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := addOpenFlags(cmd, "", "a password to count entries with")
	var wide bool
	addWideFlag(cmd, &wide)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dir, err := a.state()
		if len(args) == 1 {
			dir, err = args[0], nil
		}
		if err != nil {
			return err
		}
		rows, unread, err := findKeydbs(dir)
		if err != nil && (len(args) == 1 || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
		for _, err := range unread {
			a.warnf("whether it is a key database is not known: %s", printable(err.Error()))
		}
		if flags.given() {
			if err := a.countEntries(cmd.Context(), rows, flags); err != nil {
				return err
			}
		}
		return a.print(rows, func(w io.Writer) {
			t := table{columns: []column{{title: "FILE", shorten: cells.CutMiddle}, {title: "FORMAT"}, {title: "ENTRIES", right: true}, {title: "BYTES", right: true}, {title: "CHANGED"}}, wide: wide}
			for _, r := range rows {
				entries := "-"
				if r.Entries != nil {
					entries = strconv.Itoa(*r.Entries)
				}
				t.add(r.File, r.Format, entries, strconv.FormatInt(r.Size, 10), r.Modified.Format(time.RFC3339))
			}
			t.write(w)
		})
	}
	return cmd
}

// findKeydbs lists the key databases right in a folder, known by their content, and
// why others could not be looked at.
func findKeydbs(dir string) (rows []keydbRow, unread []error, err error) {
	rows = []keydbRow{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return rows, nil, err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		info, err := os.Stat(path) // the target of a symbolic link counts
		if err != nil || !info.Mode().IsRegular() || atomicfile.IsGeneration(path) {
			continue
		}
		format, err := keystore.DetectFile(path)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		if format == nil {
			continue
		}
		rows = append(rows, keydbRow{keydbResult: keydbResult{path, format.Name()}, Size: info.Size(), Modified: info.ModTime().UTC().Truncate(time.Second)})
	}
	return rows, unread, nil
}

// countEntries counts the entries of the key databases that a password opens: one
// for all of them, or what is stashed or remembered for each.
func (a *app) countEntries(ctx context.Context, rows []keydbRow, flags *passwordFlags) error {
	of := func(path string) (keystore.Password, error) { return a.openPassword(flags, path, "") }
	if !flags.stashed && !flags.keyring {
		password, err := a.password(flags, keydbPassword, false)
		if err != nil {
			return err
		}
		defer password.Wipe()
		of = func(string) (keystore.Password, error) { return password, nil }
	}
	for i := range rows {
		password, err := of(rows[i].File)
		if err != nil {
			continue // none: there is nothing to count
		}
		store, err := keystore.Open(ctx, rows[i].File, password)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			continue // another password
		}
		n := 0
		for range store.Heads() {
			n++
		}
		rows[i].Entries = &n
	}
	return nil
}

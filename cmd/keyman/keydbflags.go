package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"keyman/keystore"
)

// keydbPassword is what the password opens.
const keydbPassword = "the key database"

// keydbFlags say which key database a command works on, and where its password
// comes from.
type keydbFlags struct {
	path     string
	password *passwordFlags
}

// addKeydbFlags adds --keydb and the password flags.
func addKeydbFlags(cmd *cobra.Command) *keydbFlags {
	f := &keydbFlags{password: addOpenFlags(cmd, "", "the password of "+keydbPassword)}
	addKeydbPathFlag(cmd, &f.path)
	return f
}

// addKeydbPathFlag adds --keydb.
func addKeydbPathFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVar(path, "keydb", "", "key database `file` (default keys.p12 in the state directory)")
}

// keydbPath returns the path of the key database that the flags name.
func (a *app) keydbPath(f *keydbFlags) (string, error) {
	if f.path != "" {
		return f.path, nil
	}
	state, err := a.state()
	if err != nil {
		return "", err
	}
	return filepath.Join(state, "keys.p12"), nil
}

// openKeydb opens the key database that the flags name.
func (a *app) openKeydb(ctx context.Context, f *keydbFlags) (*keystore.Store, error) {
	path, err := a.keydbPath(f)
	if err != nil {
		return nil, err
	}
	return a.openDatabase(ctx, path, f.password, keydbPassword)
}

// openDatabase opens the key database at path with a password from the flags, and
// warns where others can read its secrets, and where it has more names than one.
func (a *app) openDatabase(ctx context.Context, path string, f *passwordFlags, what string) (*keystore.Store, error) {
	return a.openBy(ctx, keystore.Open, path, f, what)
}

// An opener is keystore.Open, or OpenExpired.
type opener func(context.Context, string, keystore.Password) (*keystore.Store, error)

// openExpired opens the key database that the flags name, also where its password
// has expired.
func (a *app) openExpired(ctx context.Context, f *keydbFlags) (*keystore.Store, error) {
	path, err := a.keydbPath(f)
	if err != nil {
		return nil, err
	}
	return a.openBy(ctx, keystore.OpenExpired, path, f.password, keydbPassword)
}

func (a *app) openBy(ctx context.Context, open opener, path string, f *passwordFlags, what string) (*keystore.Store, error) {
	if err := a.checkThere(path); err != nil {
		return nil, err
	}
	store, err := a.openThere(ctx, open, path, f, what)
	if err != nil {
		return nil, err
	}
	for _, file := range store.Exposed() {
		a.warnf("others can read %s, which holds secrets (mode %04o): chmod 600 it", printable(file.Path), file.Mode)
	}
	for _, file := range store.Linked() {
		a.warnf("%s has another name, too (a hard link): a change is made under this one alone", printable(file))
	}
	return store, nil
}

// checkThere refuses a key database that is not there, before its password is
// asked for.
func (a *app) checkThere(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	hint := "keyman keydb create makes one"
	if usual, err := a.keydbPath(&keydbFlags{}); err == nil && path == usual {
		hint += "; --state says in which state directory to look, --keydb in which file"
	}
	return withHint(fmt.Errorf("there is no key database %s: %w", path, fs.ErrNotExist), hint)
}

func (a *app) openThere(ctx context.Context, open opener, path string, f *passwordFlags, what string) (*keystore.Store, error) {
	if !f.given() {
		// What needs no password is opened without asking for one.
		format, err := keystore.DetectFile(path)
		if err != nil {
			return nil, err
		}
		if keystore.MayBePlain(format) {
			if store, err := open(ctx, path, nil); !errors.Is(err, keystore.ErrPassword) {
				return store, err
			}
		}
	}
	password, err := a.openPassword(f, path, what)
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	store, err := open(ctx, path, password)
	switch {
	case err == nil || !errors.Is(err, keystore.ErrPassword):
		return store, err
	case f.stashed:
		return nil, withHint(err, "the stash file beside it holds another password: open it without --"+f.prefix+"stashed")
	case f.keyring:
		return nil, withHint(err, "the keyring holds another password: keyman keydb remember puts the right one there")
	default:
		return nil, err
	}
}

// oneStdin refuses two passwords from standard input.
func oneStdin(one, other *passwordFlags) error {
	if one.file == "-" && other.file == "-" {
		return usagef("--%spassword-file and --%spassword-file cannot both be standard input", one.prefix, other.prefix)
	}
	return nil
}

// formatFlag reads the name of a format of key databases; "" says what the name
// of the file speaks of, or else the default.
func formatFlag(flag, name, path string) (keystore.Format, error) {
	if name == "" {
		if f, ok := keystore.FormatForPath(path); ok {
			return f, nil
		}
		return keystore.Formats()[0], nil
	}
	if f, ok := keystore.FormatNamed(name); ok {
		return f, nil
	}
	return nil, usagef("--%s %q: use one of %s", flag, name, formatNames())
}

// formatNames lists the formats for people.
func formatNames() string {
	var names []string
	for _, f := range keystore.Formats() {
		names = append(names, f.Name())
	}
	return strings.Join(names, ", ")
}

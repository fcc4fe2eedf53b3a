package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"keyman/internal/atomicfile"
	"keyman/internal/keyring"
	"keyman/keystore"
)

// rememberResult is the JSON of "keyman keydb remember".
type rememberResult struct {
	File  string     `json:"file"`
	Until *time.Time `json:"until,omitempty"` // nil: until the machine restarts
}

// forgottenResult is the JSON of "keyman keydb forget".
type forgottenResult struct {
	File    string `json:"file"`
	Changed bool   `json:"changed"`
}

func newKeydbRememberCommand(a *app) *cobra.Command {
	var d time.Duration
	cmd := &cobra.Command{
		Use:   "remember",
		Short: "Put the password of a key database into the kernel's keyring",
		Long: `Put the password of a key database into the Linux kernel's keyring, under the path of
the key database, until keyman keydb forget removes it, the time of --for is over, or
the machine restarts. It is never on a disk. Programs of the same user open the key
database with --password-keyring from then on, such as keyman ike daemon.

A password that does not open the key database is not remembered, and a new password
is not remembered by itself.`,
		Example: `  keyman keydb remember --for 8h
  keyman ike daemon --password-keyring`,
		Args: cobra.NoArgs,
	}
	flags := addKeydbFlags(cmd)
	cmd.Flags().DurationVar(&d, "for", 0, "remember it for this `time`, such as 8h (default until the machine restarts)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.Flags().Changed("for") && (d < time.Second || d > keyring.MaxFor) {
			return usagef("--for %v: 1s to %v are accepted", d, keyring.MaxFor)
		}
		path, err := a.keydbPath(flags)
		if err != nil {
			return err
		}
		if err := a.remember(cmd.Context(), path, flags.password, d); err != nil {
			return err
		}
		result := rememberResult{File: path}
		until := "until the machine restarts"
		if d > 0 {
			end := time.Now().Add(d).UTC().Truncate(time.Second)
			result.Until, until = &end, "until "+end.Format(time.RFC3339)
		}
		return a.print(result, func(w io.Writer) {
			fmt.Fprintf(w, "the kernel's keyring has the password of %s %s\n", printable(path), until)
		})
	}
	return cmd
}

func newKeydbForgetCommand(a *app) *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:     "forget",
		Short:   "Remove the password of a key database from the kernel's keyring",
		Long:    `Remove what keyman keydb remember has put there. No password is asked for.`,
		Example: `  keyman keydb forget`,
		Args:    cobra.NoArgs,
	}
	addKeydbPathFlag(cmd, &path)
	cmd.RunE = func(*cobra.Command, []string) error {
		path, err := a.keydbPath(&keydbFlags{path: path})
		if err != nil {
			return err
		}
		name, err := atomicfile.Resolve(path)
		if err != nil {
			return err
		}
		err = keyring.Remove(name)
		if err != nil && !errors.Is(err, keyring.ErrNotThere) {
			return err
		}
		result := forgottenResult{path, err == nil}
		return a.print(result, func(w io.Writer) {
			if !result.Changed {
				fmt.Fprintf(w, "the kernel's keyring has no password of %s\n", printable(path))
				return
			}
			fmt.Fprintf(w, "the kernel's keyring has no password of %s any more\n", printable(path))
		})
	}
	return cmd
}

// remember puts the password of a key database into the keyring, when it has been
// seen to open it. The key's name is the path without symbolic links.
func (a *app) remember(ctx context.Context, path string, flags *passwordFlags, d time.Duration) error {
	if err := a.checkThere(path); err != nil {
		return err
	}
	name, err := atomicfile.Resolve(path)
	if err != nil {
		return err
	}
	password, err := a.openPassword(flags, path, keydbPassword)
	if err != nil {
		return err
	}
	defer password.Wipe()
	if _, err := keystore.Open(ctx, path, password); err != nil {
		return err
	}
	return keyring.Put(name, password, d)
}

// rememberedPassword returns the password of a key database from the keyring.
func rememberedPassword(path string) (keystore.Password, error) {
	name, err := atomicfile.Resolve(path)
	if err != nil {
		return nil, err
	}
	password, err := keyring.Get(name)
	if errors.Is(err, keyring.ErrNotThere) {
		return nil, withHint(fmt.Errorf("the password of %s: %w", path, err), "keyman keydb remember puts it there")
	}
	return password, err
}

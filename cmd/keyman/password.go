package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"keyman/cmd/keyman/internal/prompt"
	"keyman/keystore"
)

// maxPassword bounds a password read from a file, in bytes.
const maxPassword = 4096

// passwordFlags are the places a password may come from. A password is never
// taken from the argument list, which every user of the machine can read.
type passwordFlags struct {
	prefix  string // "" or such as "new-"
	file    string
	env     string
	stashed bool // in the stash file of the key database
	keyring bool // in the kernel's keyring
}

// given reports whether the flags say where the password is.
func (f *passwordFlags) given() bool { return f.file != "" || f.env != "" || f.stashed || f.keyring }

// addPasswordFlags adds --PREFIXpassword-file and --PREFIXpassword-env.
func addPasswordFlags(cmd *cobra.Command, prefix, what string) *passwordFlags {
	f := &passwordFlags{prefix: prefix}
	cmd.Flags().StringVar(&f.file, prefix+"password-file", "", "read "+what+" from the first line of `file` (- is standard input)")
	cmd.Flags().StringVar(&f.env, prefix+"password-env", "", "read "+what+" from this environment `variable`")
	cmd.MarkFlagsMutuallyExclusive(prefix+"password-file", prefix+"password-env")
	return f
}

// addOpenFlags adds to these --PREFIXstashed and --PREFIXpassword-keyring: they know
// the password of a key database that is there already.
func addOpenFlags(cmd *cobra.Command, prefix, what string) *passwordFlags {
	f := addPasswordFlags(cmd, prefix, what)
	cmd.Flags().BoolVar(&f.stashed, prefix+"stashed", false, "take "+what+" from the stash file beside it")
	cmd.Flags().BoolVar(&f.keyring, prefix+"password-keyring", false, "take "+what+" from the kernel's keyring")
	cmd.MarkFlagsMutuallyExclusive(prefix+"password-file", prefix+"password-env", prefix+"stashed", prefix+"password-keyring")
	return f
}

// openPassword gets the password of the key database at path, which is there
// already.
func (a *app) openPassword(f *passwordFlags, path, what string) (keystore.Password, error) {
	switch {
	case f.stashed:
		return keystore.StashedPassword(path)
	case f.keyring:
		return rememberedPassword(path)
	default:
		password, err := a.password(f, what, false)
		if errors.Is(err, prompt.ErrNoTerminal) {
			err = withHint(err, fmt.Sprintf("use --%[1]spassword-file, --%[1]spassword-env, --%[1]sstashed or --%[1]spassword-keyring", f.prefix))
		}
		return password, err
	}
}

// password gets a password from where the flags say, or else by a prompt on
// the terminal, typed twice where confirm is set.
func (a *app) password(f *passwordFlags, what string, confirm bool) (keystore.Password, error) {
	switch {
	case f.file == "-":
		return a.terminal().Wait(func() (keystore.Password, error) { return firstLine(a.stdin, "standard input") })
	case isRegular(f.file):
		return passwordFile(f.file) // which is there: nothing to wait for
	case f.file != "":
		return a.terminal().Wait(func() (keystore.Password, error) { return passwordFile(f.file) })
	case f.env != "":
		value, ok := os.LookupEnv(f.env)
		if !ok {
			return nil, usagef("--%spassword-env: the environment variable %s is not set", f.prefix, f.env)
		}
		return keystore.Password(value), nil
	case f.stashed, f.keyring:
		return nil, usagef("--%[1]sstashed and --%[1]spassword-keyring are for a key database that is there, which %[2]s is not", f.prefix, what)
	}
	return a.prompt(fmt.Sprintf("use --%[1]spassword-file or --%[1]spassword-env", f.prefix), what, confirm)
}

// isRegular reports whether a path leads to a regular file.
func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// passwordFile reads a password from the first line of a file.
func passwordFile(path string) (keystore.Password, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("password file: %w", err)
	}
	defer file.Close()
	return firstLine(file, path)
}

// firstLine reads a password up to the end of the first line.
func firstLine(r io.Reader, name string) (keystore.Password, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPassword+1))
	if err != nil {
		return nil, fmt.Errorf("password from %s: %w", name, err)
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	if len(line) > maxPassword {
		return nil, fmt.Errorf("password from %s: the first line is longer than %d bytes", name, maxPassword)
	}
	return keystore.Password(bytes.TrimSuffix(line, []byte("\r"))), nil
}

// prompt asks on the terminal without echo. The hint names the flags that would have
// said the password.
func (a *app) prompt(hint, what string, confirm bool) (keystore.Password, error) {
	password, err := a.terminal().Password(what, confirm)
	switch {
	case errors.Is(err, prompt.ErrNoTerminal):
		return nil, withHint(fmt.Errorf("no password for %s, and %w", what, err), hint)
	case errors.Is(err, prompt.ErrDiffer):
		return nil, usageError{err}
	default:
		return password, err
	}
}

// terminal is where the person sits who is asked.
func (a *app) terminal() prompt.Terminal {
	return prompt.Terminal{In: a.stdin, Out: a.stderr, Interrupted: a.interrupted}
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"keyman/keystore"
)

// maxPassword bounds a password read from a file, in bytes.
const maxPassword = 4096

// passwordFlags are the places a password may come from. A password is never
// taken from the argument list, which every user of the machine can read.
type passwordFlags struct {
	prefix string // "" or "new-"
	file   string
	env    string
}

// addPasswordFlags adds --PREFIXpassword-file and --PREFIXpassword-env.
func addPasswordFlags(cmd *cobra.Command, prefix, what string) *passwordFlags {
	f := &passwordFlags{prefix: prefix}
	cmd.Flags().StringVar(&f.file, prefix+"password-file", "", "read "+what+" from the first line of `file` (- is standard input)")
	cmd.Flags().StringVar(&f.env, prefix+"password-env", "", "read "+what+" from this environment `variable`")
	cmd.MarkFlagsMutuallyExclusive(prefix+"password-file", prefix+"password-env")
	return f
}

// password gets a password from where the flags say, or else by a prompt on
// the terminal, typed twice where confirm is set.
func (a *app) password(f *passwordFlags, what string, confirm bool) (keystore.Password, error) {
	switch {
	case f.file == "-":
		return firstLine(a.stdin, "standard input")
	case f.file != "":
		file, err := os.Open(f.file)
		if err != nil {
			return nil, fmt.Errorf("password file: %w", err)
		}
		defer file.Close()
		return firstLine(file, f.file)
	case f.env != "":
		value, ok := os.LookupEnv(f.env)
		if !ok {
			return nil, usagef("--%spassword-env: the environment variable %s is not set", f.prefix, f.env)
		}
		return keystore.Password(value), nil
	}
	return a.prompt(what, confirm)
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

// prompt asks on the terminal without echo.
func (a *app) prompt(what string, confirm bool) (keystore.Password, error) {
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, withHint(errors.New("no password for "+what+", and standard input is no terminal to ask on"),
			"use --password-file or --password-env")
	}
	ask := func(label string) (keystore.Password, error) {
		fmt.Fprintf(a.stderr, "%s: ", label)
		line, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(a.stderr)
		return keystore.Password(line), err
	}
	first, err := ask("Password for " + what)
	if err != nil || !confirm {
		return first, err
	}
	second, err := ask("Again")
	if err != nil {
		return nil, err
	}
	defer second.Wipe()
	if !bytes.Equal(first, second) {
		first.Wipe()
		return nil, usagef("the two passwords differ")
	}
	return first, nil
}

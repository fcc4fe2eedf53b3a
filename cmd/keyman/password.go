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
		return a.unlessInterrupted(func() (keystore.Password, error) { return firstLine(a.stdin, "standard input") })
	case f.file != "":
		return a.unlessInterrupted(func() (keystore.Password, error) { return passwordFile(f.file) })
	case f.env != "":
		value, ok := os.LookupEnv(f.env)
		if !ok {
			return nil, usagef("--%spassword-env: the environment variable %s is not set", f.prefix, f.env)
		}
		return keystore.Password(value), nil
	}
	return a.prompt(what, confirm)
}

// errInterrupted is a process that was told to end while it waited for a
// password.
var errInterrupted = errors.New("interrupted")

// unlessInterrupted returns what read returns, or errInterrupted as soon as the
// process is told to end. Nothing ends a read from a terminal or a pipe: it is
// left behind, in a process that is about to end.
func (a *app) unlessInterrupted(read func() (keystore.Password, error)) (keystore.Password, error) {
	type result struct {
		password keystore.Password
		err      error
	}
	done := make(chan result, 1)
	go func() {
		password, err := read()
		done <- result{password, err}
	}()
	select {
	case r := <-done:
		return r.password, r.err
	case <-a.interrupted:
		return nil, errInterrupted
	}
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

// prompt asks on the terminal without echo.
func (a *app) prompt(what string, confirm bool) (keystore.Password, error) {
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, withHint(errors.New("no password for "+what+", and standard input is no terminal to ask on"),
			"use --password-file or --password-env")
	}
	ask := func(label string) (keystore.Password, error) {
		fmt.Fprintf(a.stderr, "%s: ", label)
		line, err := a.typed(int(in.Fd()))
		fmt.Fprintln(a.stderr)
		return line, err
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

// typed reads a line from a terminal without echo. Whoever ends the process
// meanwhile gets the terminal back as it was.
func (a *app) typed(terminal int) (keystore.Password, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	password, err := a.unlessInterrupted(func() (keystore.Password, error) { return term.ReadPassword(terminal) })
	if errors.Is(err, errInterrupted) {
		err = errors.Join(err, term.Restore(terminal, before))
	}
	return password, err
}

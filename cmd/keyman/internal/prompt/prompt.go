// Package prompt asks for passwords on a terminal.
package prompt

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"keyman/keystore"
)

var (
	// ErrNoTerminal is an input on which nobody can be asked.
	ErrNoTerminal = errors.New("standard input is no terminal to ask on")
	// ErrInterrupted is a process that was told to end while it waited.
	ErrInterrupted = errors.New("interrupted")
	// ErrDiffer is a new password that was typed in two ways.
	ErrDiffer = errors.New("the two passwords differ")
)

// A Terminal is where a person sits.
type Terminal struct {
	In  io.Reader // asks only where it is a terminal
	Out io.Writer // for the questions
	// Interrupted is closed when the process is told to end; nil is never.
	Interrupted <-chan struct{}
}

// Password asks for a password without echo; twice where confirm is set. Its
// errors are those of this package, and those of the terminal.
func (t Terminal) Password(what string, confirm bool) (keystore.Password, error) {
	in, ok := t.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil, ErrNoTerminal
	}
	ask := func(label string) (keystore.Password, error) {
		fmt.Fprintf(t.Out, "%s: ", label)
		line, err := t.typed(int(in.Fd()))
		fmt.Fprintln(t.Out)
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
		return nil, ErrDiffer
	}
	return first, nil
}

// Wait returns what read returns, or ErrInterrupted as soon as the process is
// told to end. Nothing ends a read from a terminal or a pipe: it is left behind,
// in a process that is about to end.
func (t Terminal) Wait(read func() (keystore.Password, error)) (keystore.Password, error) {
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
	case <-t.Interrupted:
		return nil, ErrInterrupted
	}
}

// typed reads a line from a terminal without echo. Whoever ends the process
// meanwhile gets the terminal back as it was.
func (t Terminal) typed(terminal int) (keystore.Password, error) {
	before, err := term.GetState(terminal)
	if err != nil {
		return nil, err
	}
	password, err := t.Wait(func() (keystore.Password, error) { return term.ReadPassword(terminal) })
	if errors.Is(err, ErrInterrupted) {
		err = errors.Join(err, term.Restore(terminal, before))
	}
	return password, err
}

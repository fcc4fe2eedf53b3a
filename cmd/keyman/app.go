package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// The rules of the command line:
//
//   - what was asked for goes to standard output, everything else to standard
//     error;
//   - with --json standard output is one JSON value (or one a line for streams)
//     and the error, if any, is one JSON object on standard error;
//   - an error says what failed, with which value, and, on a line of its own,
//     what to do;
//   - exit codes: 0 done or yes, 1 the answer is no, 2 usage, 3 failed.
const (
	exitOK     = 0
	exitNo     = 1
	exitUsage  = 2
	exitFailed = 3
)

// app is what every command shares: the streams and the global flags.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	json           bool
	stateDir       string
	stdinTaken     bool // by an argument that names it: see takeStdin
	// interrupted is closed when the process is told to end; nil is never.
	interrupted <-chan struct{}
	// holding is set by a command that takes its time to end when it is told to.
	holding *atomic.Bool
}

// usageError is a command line that cannot be meant: exit code 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// answerNo is a question answered with no: exit code 1. The reasons have been
// printed, or are in the message.
type answerNo struct{ reason string }

func (e answerNo) Error() string { return e.reason }

// hinted is an error that knows what to do about itself.
type hinted interface{ Hint() string }

// withHint gives an error a line that says what to do.
func withHint(err error, hint string) error { return hintError{err, hint} }

type hintError struct {
	error
	hint string
}

func (e hintError) Hint() string  { return e.hint }
func (e hintError) Unwrap() error { return e.error }

// exitCode is the one table from errors to exit codes.
func exitCode(err error) int {
	var (
		no    answerNo
		usage usageError
	)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &no):
		return exitNo
	case errors.As(err, &usage):
		return exitUsage
	default:
		return exitFailed
	}
}

// finish prints an error, if there is one, and returns the exit code. help is
// the command line that shows how the one that failed is written.
func (a *app) finish(err error, help string) int {
	code := exitCode(err)
	if err == nil {
		return code
	}
	var hint string
	if h := hinted(nil); errors.As(err, &h) {
		hint = h.Hint()
	}
	if hint == "" && code == exitUsage {
		hint = "see " + help
	}
	if a.json {
		_ = json.NewEncoder(a.stderr).Encode(struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Exit  int    `json:"exit"`
		}{err.Error(), hint, code})
		return code
	}
	// An error may quote what a file or a peer said; joined errors stand on
	// lines of their own.
	for i, line := range strings.Split(err.Error(), "\n") {
		prefix := "keyman: "
		if i > 0 {
			prefix = "  "
		}
		fmt.Fprintf(a.stderr, "%s%s\n", prefix, printable(line))
	}
	if hint != "" {
		fmt.Fprintf(a.stderr, "  hint: %s\n", printable(hint))
	}
	return code
}

// print writes one result: v as JSON with --json, otherwise what text writes.
func (a *app) print(v any, text func(w io.Writer)) error {
	if a.json {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	out := &checkedWriter{Writer: a.stdout}
	w := onScreen(a.stdout)
	if s, ok := w.(screen); ok {
		s.Writer = out
		w = s
	} else {
		w = out
	}
	text(w)
	return out.err
}

// A checkedWriter remembers the first error of what is written to it: a result
// that a full disk has cut short is not one.
type checkedWriter struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (c *checkedWriter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	if c.err == nil {
		c.err = err
	}
	return n, err
}

// warnf tells the user something that is neither result nor error.
func (a *app) warnf(format string, args ...any) {
	fmt.Fprintf(a.stderr, "keyman: warning: "+format+"\n", args...)
}

// state returns the state directory: --state, or /var/lib/keyman for root, or
// keyman in the XDG state directory.
func (a *app) state() (string, error) {
	if a.stateDir != "" {
		return a.stateDir, nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/keyman", nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "keyman"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", withHint(fmt.Errorf("no state directory: %w", err), "give one with --state DIR")
	}
	return filepath.Join(home, ".local", "state", "keyman"), nil
}

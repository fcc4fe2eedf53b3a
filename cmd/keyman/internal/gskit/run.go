package gskit

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"keyman/internal/escape"
)

// An Invocation is one command line and what it talks to.
type Invocation struct {
	Name           string   // the program's name, without folders
	Args           []string // without it
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Version        string // what -version prints
	// Quiet leaves warnings out, for scripts that take standard error for
	// output.
	Quiet bool
}

// Exit codes: IBM's is 0 or another number, and scripts that look closer look
// for 1.
const (
	exitOK     = 0
	exitFailed = 1
)

// Interrupted is the exit code of a program that was told to end.
const Interrupted = exitFailed

// names are IBM's for the program, on its platforms and in its products.
var names = []string{
	"gskcapicmd", "gskcapicmd_64", "gsk8capicmd", "gsk8capicmd_64", "gsk7capicmd", "gsk7capicmd_64",
	"gsk7cmd", "gsk7cmd_64", "gskcmd", "ikeycmd", "runmqakm", "runmqckm", "idsgskcapicmd",
}

// Is reports whether a program's name, without folders, is one of IBM's.
func Is(name string) bool { return slices.Contains(names, name) }

// An object is what the first word of a command line is about.
type object struct {
	name    string
	actions []action
}

// An action is what is done to an object.
type action struct {
	name     string
	required []string // options, without the dash
	optional []string
	words    []string // those that may stand without an option
	run      func(ctx context.Context, c *call) error
}

// objects are all that there is to do.
func objects() []object {
	return []object{
		{"-keydb", keydbActions()},
		{"-cert", certActions()},
		{"-certreq", certreqActions()},
		{"-secretkey", secretkeyActions()},
		{"-random", randomActions()},
	}
}

// A session is one command line that is executed.
type session struct {
	Invocation
	interrupted <-chan struct{} // closed when the process is told to end
	warned      map[string]bool
}

// Run executes one command line and returns its exit code.
func Run(ctx context.Context, i Invocation) int {
	s := &session{Invocation: i, interrupted: ctx.Done(), warned: make(map[string]bool)}
	if err := s.run(ctx); err != nil {
		s.explain(err)
		return exitFailed
	}
	return exitOK
}

func (s *session) run(ctx context.Context) error {
	args := s.leading(splitGlued(s.Args))
	if len(args) == 0 {
		s.usage(objects())
		return usagef("", "no object: give one of %s", strings.Join(objectNames(), ", "))
	}
	switch args[0] {
	case "-version", "-v":
		fmt.Fprintln(s.Stdout, s.Version)
		return nil
	case "-help", "-h", "-?", "--help":
		s.usage(objects())
		return nil
	}
	for _, o := range objects() {
		if strings.EqualFold(o.name, args[0]) {
			return s.object(ctx, o, args[1:])
		}
	}
	return usagef("-help", "%s is no object: use one of %s", shown(args[0]), strings.Join(objectNames(), ", "))
}

func (s *session) object(ctx context.Context, o object, args []string) error {
	if len(args) == 0 || isHelp(args[0]) {
		s.usage([]object{o})
		if len(args) == 0 {
			return usagef("", "no action for %s", o.name)
		}
		return nil
	}
	i := slices.IndexFunc(o.actions, func(a action) bool { return strings.EqualFold(a.name, args[0]) })
	if i < 0 {
		return usagef(o.name+" -?", "%s is no action of %s", shown(args[0]), o.name)
	}
	a := o.actions[i]
	if slices.ContainsFunc(args[1:], isHelp) {
		s.options(a)
		return nil
	}
	c, err := parse(s, a, args[1:])
	if err != nil {
		return withCommand(err, o.name+" "+a.name+" -?")
	}
	return a.run(ctx, c)
}

// leading takes what may stand before the object.
func (s *session) leading(args []string) []string {
	for len(args) > 0 {
		switch {
		case strings.EqualFold(args[0], "-fips"):
			s.warnFIPS()
			args = args[1:]
			if len(args) > 0 && isBool(args[0]) {
				args = args[1:]
			}
		case strings.HasPrefix(args[0], "-D"):
			// gsk7cmd hands these to Java.
			// The value may be a password.
			name, _, _ := strings.Cut(args[0], "=")
			s.warn("%s is for Java, and there is none here", escape.Printable(name))
			args = args[1:]
		default:
			return args
		}
	}
	return args
}

// shown repeats a word that looks like an object or an action. Any other one may be
// a password.
func shown(word string) string {
	if name, _, _ := strings.Cut(word, "="); strings.HasPrefix(name, "-") {
		return fmt.Sprintf("%q", name)
	}
	return "a word without a dash"
}

func isHelp(arg string) bool { return arg == "-?" || strings.EqualFold(arg, "-help") }

func objectNames() []string {
	var list []string
	for _, o := range objects() {
		list = append(list, o.name)
	}
	return append(list, "-version", "-help")
}

// warn tells the user something that is neither result nor error, once.
func (s *session) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if s.Quiet || s.warned[text] {
		return
	}
	s.warned[text] = true
	fmt.Fprintf(s.Stderr, "%s: warning: %s\n", s.Name, text)
}

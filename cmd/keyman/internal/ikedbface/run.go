package ikedbface

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"keyman/cmd/keyman/internal/deffile"
	"keyman/ike/ikedb"
	"keyman/ike/ikedb/aixxml"
	"keyman/ike/ikedb/store"
	"keyman/internal/escape"
)

// Name is the program's name.
const Name = "ikedb"

// Own returns the words of a command line of ours, without its program, and whether
// it is one: behind our name, before which --state and a folder may stand, comes a
// word that begins with a dash. Without the dash it is one of "keyman ikedb".
func Own(args []string) ([]string, bool) {
	var state []string
	if len(args) > 2 && args[0] == "--state" {
		state, args = args[:2], args[2:]
	}
	if len(args) < 2 || args[0] != Name || !strings.HasPrefix(args[1], "-") || slices.Contains([]string{"-h", "--help", "--json"}, args[1]) {
		return nil, false
	}
	return slices.Concat(state, args[1:]), true
}

// An Invocation is one command line and what it talks to.
type Invocation struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// State returns the state directory where the command line names none.
	State func() (string, error)
}

// The exit codes. AIX's are not documented: these are those of keyman.
const (
	exitOK     = 0
	exitUsage  = 2
	exitFailed = 3
)

// Interrupted is the exit code of a program that was told to end.
const Interrupted = exitFailed

const usage = `usage: ikedb -p[Fs] [-e ENTITIES] [FILE]
       ikedb -g[r] [-t TYPE [-n NAME | -i ID -y IDTYPE]]
       ikedb -d -t TYPE [-n NAME | -i ID -y IDTYPE]
       ikedb -x
       ikedb -o
`

// Run executes one command line and returns its exit code.
func Run(ctx context.Context, i Invocation) int {
	if slices.Contains([]string{"-?", "-h", "--help"}, firstOf(i.Args)) {
		fmt.Fprint(i.Stdout, usage)
		return exitOK
	}
	c, err := parse(i.Args)
	if err == nil {
		err = c.run(ctx, i)
	}
	if err == nil {
		return exitOK
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(i.Stderr, "%s: %s\n", Name, escape.Printable(line))
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		fmt.Fprintf(i.Stderr, "  hint: %s\n", escape.Printable(hinted.Hint()))
	}
	var wrong *usageError
	if errors.As(err, &wrong) {
		return exitUsage
	}
	return exitFailed
}

func firstOf(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func (c *call) run(ctx context.Context, i Invocation) error {
	if c.action == 'o' {
		_, err := io.WriteString(i.Stdout, aixxml.DTD)
		return err
	}
	what, err := c.selection()
	if err != nil {
		return err
	}
	path, err := c.database(i)
	if err != nil {
		return err
	}
	switch c.action {
	case 'p':
		return c.put(ctx, i, path)
	case 'g':
		return c.get(ctx, i, path, what)
	}
	return withStore(ctx, path, func(s *store.Store) error {
		if c.action == 'd' {
			_, err := s.Delete(ctx, what)
			return err
		}
		n, err := s.Expunge(ctx)
		if err == nil {
			// Scripts have taken -x for an export.
			fmt.Fprintf(i.Stderr, "%s: warning: -x has emptied the database: %d definitions are gone; what writes them is -g\n", Name, n)
		}
		return err
	})
}

// database returns the file of the database.
func (c *call) database(i Invocation) (string, error) {
	state, given := c.values["--state"]
	if !given {
		var err error
		if state, err = i.State(); err != nil {
			return "", err
		}
	}
	return filepath.Join(state, store.FileName), nil
}

// withStore opens a database and closes it after use.
func withStore(ctx context.Context, path string, use func(*store.Store) error) error {
	s, err := store.Open(ctx, path)
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}

// selection reads -t, -n, -i and -y.
func (c *call) selection() (ikedb.Selection, error) {
	var s ikedb.Selection
	element, typed := c.values["t"]
	if !typed {
		return s, nil
	}
	var known bool
	if s.Kind, known = aixxml.Kind(element); !known {
		return s, &usageError{fmt.Sprintf("-t %s is not known", element), "use " + strings.Join(aixxml.Elements(), ", ")}
	}
	s.Name = c.values["n"]
	id, given := c.values["i"]
	switch {
	case given != (s.Kind == ikedb.KindPresharedKey) && (given || s.Name != ""):
		return s, usagef("a preshared key is meant by -i and -y, everything else by -n")
	case !given:
		return s, nil
	}
	parsed, known, err := aixxml.ParseIdentity(c.values["y"], id)
	if !known {
		return s, &usageError{fmt.Sprintf("-y %s is not known", c.values["y"]), "use " + strings.Join(aixxml.IDTypes(), ", ")}
	}
	if err != nil {
		return s, usagef("-i: %v", err)
	}
	s.ID = parsed
	return s, nil
}

func (c *call) put(ctx context.Context, i Invocation, path string) error {
	_, allowWeak := c.values["--allow-weak"]
	file, err := deffile.Read(c.file, i.Stdin, deffile.Options{
		Entities: c.values["e"], Swap: c.flags['s'], AllowWeak: allowWeak, Certificate: c.values["--certificate"],
	})
	if err != nil {
		return err
	}
	if file.Exposed {
		fmt.Fprintf(i.Stderr, "%s: warning: %s holds preshared keys, and others than its owner may read it\n", Name, escape.Printable(c.file))
	}
	_, err = store.Add(ctx, path, file.Definitions, c.flags['F'])
	return file.Explain(err)
}

// get writes definitions. Preshared keys are written, as scripts that make backups
// need it, except on a terminal, where somebody may look on.
func (c *call) get(ctx context.Context, i Invocation, path string, what ikedb.Selection) error {
	_, secrets := c.values["--secrets"]
	var d ikedb.Definitions
	if err := withStore(ctx, path, func(s *store.Store) error {
		var err error
		d, err = s.Get(ctx, what, c.flags['r'])
		return err
	}); err != nil {
		return err
	}
	screen, ok := i.Stdout.(*os.File)
	hide := ok && term.IsTerminal(int(screen.Fd())) && !secrets
	if hide && len(d.PresharedKeys) > 0 {
		fmt.Fprintf(i.Stderr, "%s: warning: preshared keys are left out on a terminal: --secrets writes them, too\n", Name)
	}
	return aixxml.Write(i.Stdout, d, !hide)
}

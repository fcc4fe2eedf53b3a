package gskit

import (
	"context"
	"crypto/fips140"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"keyman/cmd/keyman/internal/outfile"
	"keyman/cmd/keyman/internal/prompt"
	"keyman/internal/atomicfile"
	"keyman/internal/dn"
	"keyman/keystore"
)

// A source names the options by which a key database is given: its file, and
// where its password comes from.
type source struct{ file, typ, pw, stashed string }

// The two databases that an action may have.
func database() source { return source{"db", "type", "pw", "stashed"} }
func target() source   { return source{"target", "target_type", "target_pw", "target_stashed"} }

// dbOptions are those of every action that opens a key database.
func dbOptions(more ...string) []string {
	return append([]string{"pw", "stashed", "type", "fips"}, more...)
}

// open opens the key database that the options name.
func (c *call) open(ctx context.Context, from source) (*keystore.Store, error) {
	return c.openWith(ctx, from, keystore.Open)
}

type opener func(context.Context, string, keystore.Password) (*keystore.Store, error)

func (c *call) openWith(ctx context.Context, from source, open opener) (*keystore.Store, error) {
	path, err := c.path(from)
	if err != nil {
		return nil, err
	}
	// The content tells the type; the word must be one all the same.
	if _, err := c.format(from.typ, path); err != nil {
		return nil, err
	}
	if !c.has(from.pw) && !c.has(from.stashed) {
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
	password, err := c.password(from, path)
	if err != nil {
		return nil, err
	}
	defer password.Wipe()
	return open(ctx, path, password)
}

// path returns the file that an option names. The programs of old added the
// suffix to a name without one.
func (c *call) path(from source) (string, error) {
	name := c.value(from.file)
	for _, path := range []string{name, name + ".kdb"} {
		switch _, err := os.Stat(path); {
		case err == nil:
			return path, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	return "", hint(fmt.Errorf("there is no key database %s: %w", name, fs.ErrNotExist), "$0 -keydb -create makes one")
}

// password gets the password of a key database that is there.
func (c *call) password(from source, path string) (keystore.Password, error) {
	switch {
	case c.has(from.pw):
		return c.typedPassword(from.pw), nil
	case c.has(from.stashed):
		return keystore.StashedPassword(path)
	default:
		return c.ask(path, false, "-"+from.pw+" or -"+from.stashed)
	}
}

// pwWarning is what a password on the command line deserves.
const pwWarning = "others on this machine can read a password in the process list, and no program can take it back from there: use -stashed, or leave -pw out to be asked"

// typedPassword returns a password of the command line.
func (c *call) typedPassword(option string) keystore.Password {
	c.warn(pwWarning)
	return keystore.Password(c.value(option))
}

// newPassword gets the password of a key database that is about to be made, or
// its new one.
func (c *call) newPassword(option, path string) (keystore.Password, error) {
	var password keystore.Password
	switch {
	case c.has("genpw"):
		return c.generatedPassword(option)
	case c.has(option):
		password = c.typedPassword(option)
	default:
		var err error
		if password, err = c.ask(path, true, "-"+option); err != nil {
			return nil, err
		}
	}
	if c.has("strong") {
		if err := checkStrong(password); err != nil {
			password.Wipe()
			return nil, err
		}
	}
	return password, nil
}

// generatedLength is the length of a password that -genpw makes.
const generatedLength = 32

// generatedPassword makes a password that nobody ever sees: the stash file has it.
func (c *call) generatedPassword(option string) (keystore.Password, error) {
	switch {
	case c.has(option) || c.has("prompt"):
		return nil, usagef("", "-genpw makes the password: give neither -%s nor -prompt", option)
	case !c.has("stash"):
		return nil, usagef("", "-genpw makes a password that nobody knows: -stash keeps it")
	default:
		return randomPassword(generatedLength, true)
	}
}

// ask asks on the terminal.
func (c *call) ask(path string, confirm bool, options string) (keystore.Password, error) {
	terminal := prompt.Terminal{In: c.Stdin, Out: c.Stderr, Interrupted: c.interrupted}
	password, err := terminal.Password(path, confirm)
	switch {
	case errors.Is(err, prompt.ErrNoTerminal):
		return nil, usagef("", "no password for %s, and %v: give %s", path, err, options)
	case errors.Is(err, prompt.ErrDiffer):
		return nil, usagef("", "%v", err)
	default:
		return password, err
	}
}

// warnFIPS says what -fips is worth.
func (s *session) warnFIPS() {
	if !fips140.Enabled() {
		s.warn("-fips: approved algorithms are used, but by no validated module; GODEBUG=fips140=on makes Go use its own")
	}
}

// tokenTypes are kinds of key databases that are not files.
var tokenTypes = []string{"p11", "pkcs11", "pkcs11direct", "pkcs11indirect", "mscapi", "mscertificatestore", "hsm"}

// format returns the format that an option names, or the one that the name of the
// file speaks of, or else that of IBM.
func (c *call) format(option, path string) (keystore.Format, error) {
	name := strings.ToLower(c.value(option))
	switch {
	case slices.Contains(tokenTypes, name):
		return nil, usagef("", "-%s %s is not done: the key databases here are files", option, name)
	case name != "":
		if f, ok := keystore.FormatNamed(name); ok {
			return f, nil
		}
		return nil, usagef("-keydb -list", "-%s %q is no kind of key database", option, name)
	}
	if f, ok := keystore.FormatForPath(path); ok {
		return f, nil
	}
	f, ok := keystore.FormatNamed("cms")
	if !ok {
		return nil, errors.New("there is no format cms")
	}
	return f, nil
}

// readFile reads a file that a person names, of at most so many bytes.
func readFile(path string, limit int64) ([]byte, error) {
	data, _, err := atomicfile.Read(path, limit)
	return data, err
}

// writePublic writes a file that is made to be given away.
func writePublic(path string, data []byte) error { return outfile.Write(path, data, outfile.Public) }

// find looks an entry up by the label that the options name, among those of some
// kinds.
func (c *call) find(store *keystore.Store, kinds ...keystore.Kind) (keystore.Entry, error) {
	entry, ok := store.Lookup(c.value("label"))
	if !ok {
		entry, ok = bySubject(store, c.value("label"))
	}
	if !ok || !slices.Contains(kinds, entry.Kind) {
		return keystore.Entry{}, &keystore.EntryError{Label: c.value("label"), Err: keystore.ErrNotFound}
	}
	return entry, nil
}

// bySubject finds the one certificate with a subject: that is the label which the
// programs of old gave to one that came without. They wrote it in either order.
func bySubject(store *keystore.Store, label string) (found keystore.Entry, ok bool) {
	if !strings.Contains(label, "=") {
		return found, false
	}
	name := stateWord(label)
	ldap, errLDAP := dn.ParseLDAP(name)
	straight, err := dn.Parse(name)
	if errLDAP != nil || err != nil {
		return found, false
	}
	for entry := range store.Entries() {
		summary, err := entry.Summary()
		if err != nil {
			continue
		}
		subject, err := dn.FromDER(summary.Subject)
		if err != nil || !subject.Equal(ldap) && !subject.Equal(straight) {
			continue
		}
		if ok {
			return keystore.Entry{}, false // which one is meant nobody knows
		}
		found, ok = entry, true
	}
	return found, ok
}

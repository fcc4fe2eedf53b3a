package gskit

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"keyman/internal/escape"
	"keyman/keystore"
)

// A hintedError is an error that says what to do.
type hintedError struct {
	error
	hint string
}

func (e hintedError) Unwrap() error { return e.error }
func (e hintedError) Hint() string  { return e.hint }

// hint gives an error a line that says what to do.
func hint(err error, format string, args ...any) error {
	return hintedError{err, fmt.Sprintf(format, args...)}
}

// A usageError is a command line that cannot be meant.
type usageError struct {
	text string
	help string // the words that list what there is; may be ""
}

func (e usageError) Error() string { return e.text }

// usagef makes a usageError.
func usagef(help, format string, args ...any) error {
	return usageError{fmt.Sprintf(format, args...), help}
}

// withCommand says where the options of a command are listed.
func withCommand(err error, help string) error {
	var u usageError
	if errors.As(err, &u) && u.help == "" {
		u.help = help
		return u
	}
	return err
}

// known are errors whose words gskcapicmd has, or that want other ones here than
// in the commands of keyman. The codes are those that scripts of others were seen
// to look for; an error without a code is told without one.
var known = []struct {
	err  error
	text string // "" is the error's own
	hint string
}{
	{keystore.ErrNotFound, "", "-cert -list and -certreq -list show the labels"},
	{keystore.ErrDuplicateCertificate, "CTGSK2021W A duplicate certificate already exists in the database.", ""},
	{keystore.ErrUnknownIssuer, "CTGSK2146W An invalid certificate chain was found.", "add the certificate of the CA first: -cert -add"},
	{keystore.ErrUntrustedIssuer, "CTGSK2146W An invalid certificate chain was found.", "if you do trust that CA: -cert -modify -trust enable"},
	{keystore.ErrPath, "CTGSK2146W An invalid certificate chain was found.", ""},
	{keystore.ErrPasswordExpired, "", "-keydb -changepw sets a new one"},
	{keystore.ErrPassword, "An invalid password was given.", "the database may be damaged instead: the two look alike"},
	{keystore.ErrNoStash, "", "-keydb -stashpw makes one; or use -pw, or leave both out to be asked"},
	{keystore.ErrForeignStash, "", "move it away, or name another key database"},
	{keystore.ErrNoRequest, "", "receive it into the key database that made the request"},
	{keystore.ErrOwnKey, "", "a certificate for a request is received: -cert -receive; for a key that has one make a request first: -certreq -recreate"},
	{keystore.ErrUnusable, "", ""},
	{keystore.ErrUnknownFormat, "", "-keydb -list shows the kinds of key databases"},
	{keystore.ErrDuplicateLabel, "", "choose another label; upper and lower case do not count"},
	{keystore.ErrChanged, "", "nothing was saved: do it again on what is there now"},
	{keystore.ErrEmptyPassword, "", "a key database needs a password"},
	{fs.ErrExist, "", "choose another file, or -keydb -delete removes it"},
}

// explain prints an error. It may quote what a file or a command line said.
func (s *session) explain(err error) {
	text, advice := message(err)
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "CTGSK") {
			line = s.Name + ": " + line
		}
		fmt.Fprintln(s.Stderr, escape.Printable(line))
	}
	if advice != "" {
		fmt.Fprintf(s.Stderr, "  hint: %s\n", escape.Printable(strings.ReplaceAll(advice, "$0", s.Name)))
	}
}

// message words an error.
func message(err error) (text, advice string) {
	text = err.Error()
	var (
		usage  usageError
		hinted hintedError
		entry  *keystore.EntryError
	)
	switch {
	case errors.As(err, &usage):
		if usage.help != "" {
			advice = "$0 " + usage.help + " shows what there is"
		}
		return text, advice
	case errors.As(err, &hinted):
		return text, hinted.hint
	}
	if errors.As(err, &entry) && errors.Is(err, keystore.ErrNotFound) {
		return fmt.Sprintf("CTGSK3029W The database doesn't contain an entry with label %q.", entry.Label), known[0].hint
	}
	for _, k := range known {
		if !errors.Is(err, k.err) {
			continue
		}
		if k.text != "" {
			text = k.text + "\n" + text
		}
		return text, k.hint
	}
	return text, ""
}

package gskit

import (
	"slices"
	"strconv"
	"strings"
)

// A shape says what follows an option.
type shape int

const (
	takesValue shape = iota // -opt VALUE
	takesNone               // -opt
	takesBool               // -opt, or -opt true|false
	takesDays               // -opt, or -opt NUMBER
)

// shapes are those of the options that do not simply take a value.
var shapes = map[string]shape{
	"stash": takesNone, "stashed": takesNone, "target_stashed": takesNone, "strong": takesNone, "populate": takesNone,
	"showoid": takesNone, "genpw": takesNone, "prompt": takesNone, "pqc": takesBool, "v1stash": takesNone, "fips": takesBool, "expiry": takesDays,
	"pqcdemo": takesNone, "pqcdemor": takesNone, "preserve": takesNone,
}

// choices are the values of options that have but a few.
var choices = map[string][]string{
	"format": {"ascii", "binary"}, "trust": {"enable", "disable"}, "default_cert": {"yes", "no"},
	"ca": {"true", "false"}, "x509version": {"3", "2", "1"}, "encryption": {"strong", "weak"},
}

// aliases are other names of options.
var aliases = map[string]string{"sigalg": "sig_alg", "target_passwd": "target_pw"}

// undone are options that gskcapicmd has and keyman has not, and why.
var undone = map[string]string{
	"crypto":             "the key databases here are files, not tokens of PKCS#11",
	"tokenlabel":         "the key databases here are files, not tokens of PKCS#11",
	"relativeslotnumber": "the key databases here are files, not tokens of PKCS#11",
	"secondarydb":        "it belongs to tokens of PKCS#11",
	"secondarydbpw":      "it belongs to tokens of PKCS#11",
	"secondarydbtype":    "it belongs to tokens of PKCS#11",
	"template":           "certificates and requests are made from -dn and the -san options",
	"certpolicy":         "certificates are made without policies",
	"ca_label":           "a certificate of another's is signed by -cert -sign",
	"pqcdemo":            "there are no such algorithms here",
	"pqcdemor":           "there are no such algorithms here",
	"populate":           "keyman brings no CAs along; \"keyman cert populate FILE\" adds those of a bundle",
	"v1stash":            "the stash file is of version 2, or of version 1 where it was one",
}

// A call is a command line that has been read.
type call struct {
	*session
	given map[string]string // options, lower case, and their values
	word  string            // the one without an option, lower case
	last  string            // the option that was read last
}

func (c *call) has(name string) bool {
	_, ok := c.given[name]
	return ok
}

func (c *call) value(name string) string { return c.given[name] }

// yes reports whether an option says so: that with a boolean, or yes.
func (c *call) yes(name string) bool {
	switch strings.ToLower(c.given[name]) {
	case "true", "yes", "enable":
		return true
	default:
		return false
	}
}

// days reads a number of days; usual where there is none.
func (c *call) days(name string, usual, least, most int) (int, error) {
	if !c.has(name) {
		return usual, nil
	}
	n, err := strconv.Atoi(c.given[name])
	if err != nil || n < least || n > most {
		return 0, usagef("", "-%s %q: a number of days from %d to %d", name, c.given[name], least, most)
	}
	return n, nil
}

// splitGlued takes apart an argument that is several options with their values in
// one, as a program writes that forgot about the shell, and leaves out empty ones
// where an option may stand. IBM's own programs depend on both.
func splitGlued(args []string) []string {
	var out []string
	for i, arg := range args {
		// What follows an option that takes a value is that value.
		afterOption := i > 0 && isValued(args[i-1])
		switch {
		case afterOption:
			out = append(out, arg)
		case arg == "":
		case strings.HasPrefix(arg, "-") && strings.Contains(arg, " "):
			out = append(out, strings.Fields(arg)...)
		default:
			out = append(out, arg)
		}
	}
	return out
}

// isValued reports whether an argument is an option that takes a value.
func isValued(arg string) bool {
	name, ok := optionName(arg)
	if !ok || strings.Contains(arg, " ") {
		return false
	}
	shape, special := shapes[name]
	return isOption(name) && (!special || shape == takesValue)
}

// isOption reports whether any action knows an option.
func isOption(name string) bool {
	if _, ok := undone[name]; ok {
		return true
	}
	for _, o := range objects() {
		for _, a := range o.actions {
			if a.takes(name) {
				return true
			}
		}
	}
	return false
}

func (a action) takes(name string) bool {
	return slices.Contains(a.required, name) || slices.Contains(a.optional, name)
}

// optionName returns the name of an option as it is looked up.
func optionName(arg string) (string, bool) {
	name, ok := strings.CutPrefix(arg, "-")
	if !ok || name == "" {
		return "", false
	}
	name = strings.ToLower(name)
	if alias, ok := aliases[name]; ok {
		name = alias
	}
	return name, true
}

func isBool(word string) bool {
	return slices.Contains([]string{"true", "false", "yes", "no"}, strings.ToLower(word))
}

// parse reads the options of an action.
func parse(s *session, a action, args []string) (*call, error) {
	c := &call{session: s, given: make(map[string]string)}
	for len(args) > 0 {
		arg := args[0]
		name, ok := optionName(arg)
		if !ok && c.word == "" && slices.Contains(a.words, strings.ToLower(arg)) {
			c.word = strings.ToLower(arg)
			args = args[1:]
			continue
		}
		if !ok || !isOption(name) {
			return nil, c.unknown(a, arg)
		}
		if why, ok := undone[name]; ok && !a.takes(name) {
			return nil, usagef("", "-%s is not done: %s", name, why)
		}
		if !a.takes(name) {
			return nil, usagef("", "option -%s is not known to %s", name, a.name)
		}
		if c.has(name) {
			return nil, usagef("", "option -%s is given twice", name)
		}
		value, taken, err := valueOf(name, args[1:])
		if err != nil {
			return nil, err
		}
		c.given[name], c.last = value, name
		args = args[1+taken:]
	}
	for _, name := range a.required {
		if !c.has(name) {
			return nil, usagef("", "option -%s is missing", name)
		}
	}
	if c.yes("fips") {
		s.warnFIPS()
	}
	return c, nil
}

// passwords are the options whose values are never repeated.
var passwords = []string{"pw", "new_pw", "target_pw"}

// beforeSecrets are the options behind which somebody may have put a password that
// does not belong there.
var beforeSecrets = append([]string{"stash", "stashed", "target_stashed", "genpw", "prompt", "secondarydbpw"}, passwords...)

// unknown is a word that is no option. It may be a password that lost its quotes or its
// option, and is not repeated; what looks like a mistyped option is, where none stands
// before it that has to do with passwords.
func (c *call) unknown(a action, word string) error {
	switch name, dashed := optionName(word); {
	case slices.Contains(passwords, c.last):
		return usagef("", "the word after the value of -%s is no option: a password with blanks wants quotes", c.last)
	case slices.Contains(beforeSecrets, c.last):
		return usagef("", "the word after -%s is no option of %s, and -%s takes no value", c.last, a.name, c.last)
	case !dashed && c.last != "":
		return usagef("", "the word after the value of -%s is no option: a value with blanks wants quotes", c.last)
	case !dashed && len(a.words) > 0 && c.word == "":
		return usagef("", "a word that is no option: %s takes %s, or options", a.name, strings.Join(a.words, ", "))
	case !dashed:
		return usagef("", "the word after %s is no option of it", a.name)
	default:
		if glued := slices.IndexFunc(passwords, func(pw string) bool { return strings.HasPrefix(name, pw) }); glued >= 0 {
			return usagef("", "an option begins with -%[1]s and is not -%[1]s: a blank stands between it and the password", passwords[glued])
		}
		name, _, _ = strings.Cut(word, "=")
		return usagef("", "%q is no option of %s", name, a.name)
	}
}

// valueOf takes the value of an option from what follows it.
func valueOf(name string, rest []string) (value string, taken int, err error) {
	switch shapes[name] {
	case takesNone:
		return "yes", 0, nil
	case takesBool:
		if len(rest) > 0 && isBool(rest[0]) {
			return rest[0], 1, nil
		}
		return "yes", 0, nil
	case takesDays:
		if len(rest) > 0 {
			if _, err := strconv.Atoi(rest[0]); err == nil {
				return rest[0], 1, nil
			}
		}
		return "", 0, nil
	}
	if len(rest) == 0 {
		return "", 0, usagef("", "option -%s needs a value", name)
	}
	if next, ok := optionName(rest[0]); ok && isOption(next) {
		return "", 0, usagef("", "option -%s needs a value, and %s follows", name, rest[0])
	}
	if list, ok := choices[name]; ok {
		if !slices.Contains(list, strings.ToLower(rest[0])) {
			return "", 0, usagef("", "-%s %q: use one of %s", name, rest[0], strings.Join(list, ", "))
		}
		return strings.ToLower(rest[0]), 1, nil
	}
	return rest[0], 1, nil
}

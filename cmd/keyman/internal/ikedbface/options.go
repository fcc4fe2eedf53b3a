package ikedbface

import (
	"fmt"
	"strings"
)

// A usageError is a command line that cannot be meant.
type usageError struct{ text, fix string }

func (e *usageError) Error() string { return e.text }

// Hint says what to do.
func (e *usageError) Hint() string { return e.fix }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), "ikedb -? shows how it is written"}
}

// A call is a command line that has been read.
type call struct {
	action byte              // p, g, d, x or o
	flags  map[byte]bool     // those without a value
	values map[string]string // those with one
	file   string            // the last word; "-" where there is none
}

// takes are the flags that may stand with each action.
var takes = map[byte]string{'p': "Fse", 'g': "rtniy", 'd': "tniy", 'x': "", 'o': ""}

// valued are the flags with a value.
const valued = "etniy"

// words are keyman's own flags, with the actions that take them.
var words = map[string]struct {
	actions string
	valued  bool
}{
	"--state":       {"pgdx", true},
	"--allow-weak":  {"p", false},
	"--certificate": {"p", true},
	"--secrets":     {"g", false},
}

// undone are flags of AIX that are refused by name.
var undone = map[byte]string{
	'c': "configurations of other systems are not converted here: write the tunnels as XML or TOML",
	'R': "policies are not kept in LDAP here: use the database of this machine",
}

// parse reads a command line. Flags without values may stand together behind one
// dash, and a value directly behind its flag, as in -pF or -tIKETunnel.
func parse(args []string) (*call, error) {
	c := &call{flags: make(map[byte]bool), values: make(map[string]string), file: "-"}
	var given []string // all flags, for the check of what goes together
	i := 0
	for ; i < len(args); i++ {
		arg := args[i]
		if arg == "-" || !strings.HasPrefix(arg, "-") {
			break
		}
		if word, known := words[arg]; known {
			value := ""
			if word.valued {
				if i++; i == len(args) {
					return nil, usagef("%s needs a value", arg)
				}
				value = args[i]
			}
			c.values[arg] = value
			given = append(given, arg)
			continue
		}
		for j := 1; j < len(arg); j++ {
			flag := arg[j]
			switch {
			case undone[flag] != "":
				return nil, &usageError{fmt.Sprintf("-%c is not done", flag), undone[flag]}
			case strings.IndexByte(valued, flag) >= 0:
				value := arg[j+1:]
				if value == "" {
					if i++; i == len(args) {
						return nil, usagef("-%c needs a value", flag)
					}
					value = args[i]
				}
				if _, twice := c.values[string(flag)]; twice {
					return nil, usagef("-%c stands there twice", flag)
				}
				c.values[string(flag)] = value
				given = append(given, string(flag))
				j = len(arg)
			case strings.IndexByte("pgdxo", flag) >= 0:
				if c.action != 0 && c.action != flag {
					return nil, usagef("both -%c and -%c", c.action, flag)
				}
				c.action = flag
			case strings.IndexByte("Fsr", flag) >= 0:
				c.flags[flag] = true
				given = append(given, string(flag))
			default:
				return nil, usagef("-%c is not known", flag)
			}
		}
	}
	if err := c.check(given); err != nil {
		return nil, err
	}
	return c, c.arguments(args[i:])
}

// check refuses flags that do not go together.
func (c *call) check(given []string) error {
	if c.action == 0 {
		return usagef("one of -p, -g, -d, -x and -o is needed")
	}
	for _, flag := range given {
		if word, known := words[flag]; known {
			if strings.IndexByte(word.actions, c.action) < 0 {
				return usagef("%s does not go with -%c", flag, c.action)
			}
		} else if !strings.Contains(takes[c.action], flag) {
			return usagef("-%s does not go with -%c", flag, c.action)
		}
	}
	_, typed := c.values["t"]
	_, named := c.values["n"]
	_, id := c.values["i"]
	_, idType := c.values["y"]
	switch {
	case c.action == 'd' && !typed:
		return usagef("-d needs -t: say what is deleted")
	case !typed && (named || id || idType):
		return usagef("-n, -i and -y need -t")
	case id != idType:
		return usagef("-i and -y stand together: the identity and its type")
	case named && id:
		return usagef("both -n and -i")
	}
	return nil
}

// arguments reads what stands behind the flags: a file for -p.
func (c *call) arguments(rest []string) error {
	switch {
	case len(rest) == 0:
	case c.action != 'p':
		return usagef("%q is one word too many", rest[0])
	case len(rest) > 1:
		return usagef("%q is one word too many: the file is the last", rest[1])
	default:
		c.file = rest[0]
	}
	return nil
}

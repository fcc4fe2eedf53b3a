package gskit

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
)

// invoke runs a command line without a terminal.
func invoke(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = Run(t.Context(), Invocation{Name: "gskcapicmd", Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &err, Version: "keyman test", Quiet: true})
	return code, out.String(), err.String()
}

func TestIs(t *testing.T) {
	for name, want := range map[string]bool{
		"gskcapicmd": true, "gsk8capicmd_64": true, "gsk7cmd": true, "gskcmd": true, "ikeycmd": true, "runmqakm": true,
		"keyman": false, "": false, "GSKCAPICMD": false, "/usr/bin/gskcapicmd": false,
	} {
		if got := Is(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// look is an action with options of every shape.
func look() action {
	return action{
		name: "-look", required: []string{"db"},
		optional: []string{"pw", "stashed", "fips", "expiry", "format", "sig_alg", "label"}, words: []string{"all", "ca"},
		run: func(context.Context, *call) error { return nil },
	}
}

func TestParse(t *testing.T) {
	for what, tt := range map[string]struct {
		args string // blanks between them
		want map[string]string
		word string
	}{
		"any order":         {"-label x -db f", map[string]string{"db": "f", "label": "x"}, ""},
		"any case":          {"-DB f -Stashed", map[string]string{"db": "f", "stashed": "yes"}, ""},
		"an alias":          {"-db f -sigalg sha256", map[string]string{"db": "f", "sig_alg": "sha256"}, ""},
		"a word":            {"ALL -db f", map[string]string{"db": "f"}, "all"},
		"a word behind":     {"-db f ca", map[string]string{"db": "f"}, "ca"},
		"a boolean":         {"-fips false -db f", map[string]string{"db": "f", "fips": "false"}, ""},
		"no boolean":        {"-fips -db f", map[string]string{"db": "f", "fips": "yes"}, ""},
		"days":              {"-expiry 30 -db f", map[string]string{"db": "f", "expiry": "30"}, ""},
		"no days":           {"-expiry -db f", map[string]string{"db": "f", "expiry": ""}, ""},
		"a choice":          {"-db f -format ASCII", map[string]string{"db": "f", "format": "ascii"}, ""},
		"a value with dash": {"-db f -label -x", map[string]string{"db": "f", "label": "-x"}, ""},
	} {
		c, err := parse(&session{warned: map[string]bool{}, Invocation: Invocation{Quiet: true}}, look(), strings.Fields(tt.args))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if !maps.Equal(c.given, tt.want) || c.word != tt.word {
			t.Errorf("%s: %v and %q, want %v and %q", what, c.given, c.word, tt.want, tt.word)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for what, tt := range map[string]struct{ args, want string }{
		"a missing option":         {"-label x", "-db is missing"},
		"a missing value":          {"-db", "-db needs a value"},
		"an option for a value":    {"-db -pw x", "-db needs a value, and -pw follows"},
		"one of another action":    {"-db f -target x", "-target is not known to -look"},
		"one that nobody knows":    {"-db f -wat", `"-wat" is no option of -look`},
		"one that is not done":     {"-db f -crypto x", "-crypto is not done"},
		"one twice":                {"-db f -db g", "-db is given twice"},
		"an alias twice":           {"-db f -sigalg x -sig_alg y", "-sig_alg is given twice"},
		"another word":             {"secret -db f", "a word that is no option: -look takes all, ca, or options"},
		"two words":                {"all secret -db f", "the word after -look is no option of it"},
		"a word behind a value":    {"-db f secret", "the word after the value of -db is no option"},
		"a password behind -stash": {"-db f -stashed secret", "-stashed takes no value"},
		"a dash behind -stash":     {"-db f -stashed -secret", "-stashed takes no value"},
		"a password glued":         {"-db f -pwsecret", "begins with -pw"},
		"not a choice":             {"-db f -format hex", `-format "hex": use one of ascii, binary`},
		"a password in two words":  {"-db f -pw secret secret", "wants quotes"},
		"a password and a dash":    {"-db f -pw secret -secret", "wants quotes"},
		"a password behind a sign": {"-db f -pw=secret", "begins with -pw and is not -pw"},
		"a dash":                   {"-db f -", "the word after the value of -db is no option"},
	} {
		_, err := parse(&session{warned: map[string]bool{}}, look(), strings.Fields(tt.args))
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", what, err, tt.want)
		}
	}
}

func TestSplitGlued(t *testing.T) {
	for what, tt := range map[string]struct{ args, want []string }{
		"nothing":          {nil, nil},
		"as it is":         {[]string{"-cert", "-list", "-db", "a b"}, []string{"-cert", "-list", "-db", "a b"}},
		"glued":            {[]string{"-cert", "-create", "-size 2048 -eku serverAuth"}, []string{"-cert", "-create", "-size", "2048", "-eku", "serverAuth"}},
		"empty":            {[]string{"-cert", "", "-create"}, []string{"-cert", "-create"}},
		"an empty value":   {[]string{"-pw", ""}, []string{"-pw", ""}},
		"a value with one": {[]string{"-pw", "-a b"}, []string{"-pw", "-a b"}},
		"behind a flag":    {[]string{"-stashed", "-size 2048"}, []string{"-stashed", "-size", "2048"}},
	} {
		if got := splitGlued(tt.args); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", what, got, tt.want)
		}
	}
}

// TestTables looks over the tables of actions: each option has one name, and
// nothing is both required and optional.
func TestTables(t *testing.T) {
	for _, o := range objects() {
		for _, a := range o.actions {
			seen := map[string]bool{}
			for _, name := range slices.Concat(a.required, a.optional) {
				if seen[name] || strings.ToLower(name) != name || aliases[name] != "" {
					t.Errorf("%s %s: option %q", o.name, a.name, name)
				}
				seen[name] = true
			}
			if code, out, err := invoke(t, o.name, a.name, "-?"); code != exitOK || !strings.Contains(out, "Optional") || err != "" {
				t.Errorf("%s %s -?: %d, %q, %q", o.name, a.name, code, out, err)
			}
		}
	}
}

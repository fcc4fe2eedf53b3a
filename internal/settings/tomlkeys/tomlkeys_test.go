package tomlkeys_test

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"keyman/internal/settings/tomlkeys"
)

type file struct {
	Title  string     `toml:"title"`
	Tables []*table   `toml:"table"`
	Addr   netip.Addr `toml:"addr"`
	Secret string     `toml:"-"`
	Plain  string     // no key
}

type table struct {
	Name  string `toml:"name,omitempty"`
	Below below  `toml:"below"`
}

type below struct {
	X int `toml:"x"`
	Y int `toml:"Y"`
}

func TestCheck(t *testing.T) {
	var (
		top   = []string{"title", "table", "addr"}
		inner = []string{"name", "below"}
		last  = []string{"x", "Y"}
	)
	for name, c := range map[string]struct {
		data  string
		want  *tomlkeys.Unknown
		right string
	}{
		"nothing":              {"", nil, ""},
		"every form":           {"title = \"a\"\naddr = \"::1\"\n[[table]]\nname = \"n\"\nbelow.x = 1\n[[table]]\n[table.below]\nY = 2\n", nil, ""},
		"inline":               {"table = [{name = \"n\", below = {x = 1, Y = 2}}, {below.x = 3}]\n", nil, ""},
		"quoted":               {"\"title\" = \"a\"\n", nil, ""},
		"another case":         {"title = \"a\"\n\nTitle = \"b\"\n", &tomlkeys.Unknown{Line: 3, Key: []string{"Title"}, Table: top}, "title"},
		"quoted, another case": {"\"TITLE\" = \"a\"\n", &tomlkeys.Unknown{Line: 1, Key: []string{"TITLE"}, Table: top}, "title"},
		"escaped":              {"\"\\u0054itle\" = \"a\"\n", &tomlkeys.Unknown{Line: 1, Key: []string{"Title"}, Table: top}, "title"},
		"small for capital":    {"[table.below]\ny = 1\n", &tomlkeys.Unknown{Line: 2, Key: []string{"table", "below", "y"}, Table: last}, "Y"},
		"table":                {"[[Table]]\nname = \"n\"\n", &tomlkeys.Unknown{Line: 1, Key: []string{"Table"}, Table: top}, "table"},
		"table in a table":     {"[[table]]\n[table.Below]\nx = 1\n", &tomlkeys.Unknown{Line: 2, Key: []string{"table", "Below"}, Table: inner}, "below"},
		"dotted":               {"[[table]]\nbelow.X = 1\n", &tomlkeys.Unknown{Line: 2, Key: []string{"table", "below", "X"}, Table: last}, "x"},
		"in an inline table":   {"table = [\n{name = \"n\"},\n{below = {X = 1}}]\n", &tomlkeys.Unknown{Line: 3, Key: []string{"table", "below", "X"}, Table: last}, "x"},
		"no such key":          {"other = 1\n", &tomlkeys.Unknown{Line: 1, Key: []string{"other"}, Table: top}, ""},
		"below no such key":    {"[other]\nx = 1\n", &tomlkeys.Unknown{Line: 1, Key: []string{"other"}, Table: top}, ""},
		"empty key":            {"\"\" = 1\n", &tomlkeys.Unknown{Line: 1, Key: []string{""}, Table: top}, ""},
		"field without a key":  {"Plain = \"a\"\n", &tomlkeys.Unknown{Line: 1, Key: []string{"Plain"}, Table: top}, ""},
		"field that is no key": {"Secret = \"a\"\n", &tomlkeys.Unknown{Line: 1, Key: []string{"Secret"}, Table: top}, ""},
		"table for text":       {"addr = {x = 1}\n", &tomlkeys.Unknown{Line: 1, Key: []string{"addr", "x"}}, ""},
		"the first of two":     {"a = 1\nb = 1\n", &tomlkeys.Unknown{Line: 1, Key: []string{"a"}, Table: top}, ""},
		"no TOML after it":     {"a = 1\nb = \n", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := tomlkeys.Check([]byte(c.data), &file{})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
			if got != nil && got.Right() != c.right {
				t.Errorf("right is %q, want %q", got.Right(), c.right)
			}
			if got == nil && c.data != "a = 1\nb = \n" {
				if err := toml.Unmarshal([]byte(c.data), &file{}); err != nil {
					t.Errorf("the sample is wrong: %v", err)
				}
			}
		})
	}
}

// FuzzCheck holds Check against the TOML package: what that finds unknown
// without regard to case, Check finds too.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		"title = \"a\"\n[[table]]\nname = \"n\"\nbelow.x = 1\n[table.below]\nY = 2\n",
		"table = [{name = \"n\", below = {x = 1, Y = 2}}, {below.x = 3}]\n", "Title = \"a\"\n", "[other]\nx = 1\n", "addr = {x = 1}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found := tomlkeys.Check(data, &file{})
		err := toml.Unmarshal(data, &map[string]any{})
		if err == nil {
			var v file
			decoder := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
			var unknown *toml.StrictMissingError
			if errors.As(decoder.Decode(&v), &unknown) && found == nil {
				t.Fatalf("missed: %v", unknown)
			}
		}
		if found != nil && (found.Line < 1 || len(found.Key) == 0) {
			t.Fatalf("%+v", found)
		}
	})
}

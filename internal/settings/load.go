package settings

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"keyman/internal/atomicfile"
	"keyman/internal/settings/tomlkeys"
)

// MaxFile bounds a file of settings, in bytes.
const MaxFile = 1 << 20

// maxKey bounds the key for which the nearest one is looked for, in bytes.
const maxKey = 256

// Load reads the file at path over v, a pointer to a struct. Keys that are not
// in the file keep their values. A file that does not exist is an empty one.
func Load(path string, v any) error {
	data, _, err := atomicfile.Read(path, MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return decode(path, data, v)
}

// decode reads data over v; name is that of the file, or "" where the place of an
// error in it means nothing to the reader.
func decode(name string, data []byte, v any) error {
	if unknown := tomlkeys.Check(data, v); unknown != nil {
		return at(name, unknown.Line, unknownKey(unknown.Key, v))
	}
	err := toml.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, _ := wrong.Position()
		message := strings.TrimPrefix(wrong.Error(), "toml: ")
		if key := wrong.Key(); len(key) > 0 {
			message = strings.Join(key, ".") + ": " + message
		}
		return at(name, line, errors.New(message))
	}
	return at(name, 0, err)
}

// at puts the place in a file before an error.
func at(name string, line int, err error) error {
	switch {
	case name == "":
		return err
	case line == 0:
		return fmt.Errorf("%s: %w", name, err)
	default:
		return fmt.Errorf("%s:%d: %w", name, line, err)
	}
}

// unknownKey is the error for a key that the struct does not have.
func unknownKey(key []string, v any) error {
	name := strings.Join(key, ".")
	if len(name) > maxKey {
		return fmt.Errorf("a key of %d bytes is not known", len(name))
	}
	var known []string // sections, too: the name of one may be what is wrong
	for _, key := range Keys(v) {
		known = append(known, key)
		for section, _, ok := cutLast(key); ok; section, _, ok = cutLast(section) {
			known = append(known, section)
		}
	}
	if len(known) == 0 {
		return fmt.Errorf("the key %q is not known", name)
	}
	// Case counts for nothing here: a name that is wrong by it alone is nearest.
	far := func(key string) int { return distance(strings.ToLower(name), strings.ToLower(key)) }
	nearest := slices.MinFunc(known, func(a, b string) int { return far(a) - far(b) })
	return fmt.Errorf("the key %q is not known; the nearest one is %q", name, nearest)
}

// cutLast cuts a dotted name before its last part.
func cutLast(name string) (section, last string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

// Keys returns the dotted names of all values in v, a struct or a pointer to one.
func Keys(v any) []string {
	var all []string
	walk(reflect.Indirect(reflect.ValueOf(v)), "", func(name string, _ reflect.Value) { all = append(all, name) })
	return all
}

// KeysIn returns those of v's keys that the file at path sets, to whatever value;
// v is a pointer to a struct and is not changed. A file that does not exist sets
// none.
func KeysIn(path string, v any) ([]string, error) {
	data, _, err := atomicfile.Read(path, MaxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	if err := decode(path, data, reflect.New(reflect.TypeOf(v).Elem()).Interface()); err != nil {
		return nil, err
	}
	all, err := tree(data)
	if err != nil {
		return nil, at(path, 0, err)
	}
	return slices.DeleteFunc(Keys(v), func(key string) bool { return !has(all, key) }), nil
}

// walk calls visit for every value below a struct with its dotted name.
func walk(v reflect.Value, prefix string, visit func(string, reflect.Value)) {
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("toml"), ",")
		if name == "" || name == "-" {
			continue
		}
		field := v.Field(i)
		if field.Kind() == reflect.Struct && !isText(field) {
			walk(field, prefix+name+".", visit)
			continue
		}
		visit(prefix+name, field)
	}
}

// distance is the number of letters to add, take away, change, or swap with the
// next one to make b of a.
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			if i == 0 || j == 0 {
				rows[i][j] = i + j
				continue
			}
			change := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			rows[i][j] = min(change, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

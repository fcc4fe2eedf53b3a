package settings

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"keyman/internal/atomicfile"
)

// A ValueError is a key or a value that Set refuses: the caller's mistake, and
// not the file's.
type ValueError struct{ Err error }

func (e *ValueError) Error() string { return e.Err.Error() }
func (e *ValueError) Unwrap() error { return e.Err }

// Set changes keys, by their dotted names, in the file at path, which is made
// where there is none. An empty value takes the key out of the file. v is a
// pointer to a struct with the defaults; the file as changed is read over it, and
// check, unless nil, is asked then: what v or check refuses is not saved, and the
// error is a ValueError. The rest of the file stays as it is. A new file is for
// its owner alone: proxies may have passwords.
func Set(ctx context.Context, path string, values map[string]string, v any, check func() error) error {
	data, before, err := atomicfile.Read(path, MaxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("settings: %w", err)
	}
	if data, err = editAll(path, data, values, v); err != nil {
		return err
	}
	if check != nil {
		if err := check(); err != nil {
			return &ValueError{err}
		}
	}
	if _, err := atomicfile.Save(ctx, path, data, atomicfile.Options{Expect: &before}); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}

// Apply sets keys of v, a pointer to a struct, by their dotted names, as Set
// would in a file.
func Apply(values map[string]string, v any) error {
	_, err := editAll("", nil, values, v)
	return err
}

// editAll changes keys in data, reads the result over v and returns it.
func editAll(name string, data []byte, values map[string]string, v any) ([]byte, error) {
	// What is wrong before the change is the file's fault. The old values go into
	// a struct of their own: a key that is taken out must not leave its value.
	if err := decode(name, data, reflect.New(reflect.TypeOf(v).Elem()).Interface()); err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		literal, err := literalFor(key, values[key], v)
		if err != nil {
			return nil, &ValueError{err}
		}
		if data, err = edit(data, key, literal); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := decode("", data, v); err != nil {
		return nil, &ValueError{err}
	}
	return data, nil
}

// literalFor writes a value as TOML, by the type of its field in v. The result
// is "" for a key that is to be taken out.
func literalFor(key, value string, v any) (literal string, err error) {
	err = unknownKey(strings.Split(key, "."), v)
	walk(reflect.ValueOf(v).Elem(), "", func(name string, field reflect.Value) {
		if name != key {
			return
		}
		if err = nil; value == "" {
			return
		}
		switch kind := field.Kind(); {
		case isText(field), kind == reflect.String:
			literal = quote(value)
		case kind == reflect.Slice:
			var items []string
			for item := range strings.SplitSeq(value, ",") {
				items = append(items, quote(strings.TrimSpace(item)))
			}
			literal = "[" + strings.Join(items, ", ") + "]"
		case kind == reflect.Bool:
			if _, bad := strconv.ParseBool(value); bad != nil {
				err = fmt.Errorf("%s: %q is neither true nor false", key, value)
			}
			literal = value
		default:
			n, bad := strconv.ParseInt(value, 10, 64)
			if bad != nil {
				err = fmt.Errorf("%s: %q is not a whole number", key, value)
			}
			literal = strconv.FormatInt(n, 10)
		}
	})
	return literal, err
}

// isText reports whether a field reads itself from text.
func isText(field reflect.Value) bool {
	_, ok := field.Addr().Interface().(encoding.TextUnmarshaler)
	return ok
}

// quote writes a TOML basic string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// edit replaces, adds or takes out the line of one key. It works on lines, and
// then makes sure by reading the result that this key and nothing else changed.
func edit(data []byte, key, literal string) ([]byte, error) {
	section, name, _ := cutLast(key)
	changed := []byte(editLines(string(data), section, name, literal))
	before, err := tree(data)
	if err != nil {
		return nil, err
	}
	after, err := tree(changed)
	if err != nil || !reflect.DeepEqual(with(before, key, literal), with(after, key, literal)) || has(after, key) != (literal != "") {
		return nil, fmt.Errorf("the key %q cannot be changed here because of the way the file is written; edit it by hand", key)
	}
	return changed, nil
}

// editLines does the work of edit for a file that has one key on a line.
func editLines(text, section, name, literal string) string {
	lines := strings.SplitAfter(text, "\n")
	current, insertAt := "", -1
	if section == "" {
		insertAt = 0
	}
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "[") {
			current = strings.TrimSpace(strings.Trim(strings.SplitN(trimmed, "#", 2)[0], "[] \t"))
		}
		if current != section || trimmed == "" {
			continue
		}
		key, _, isKey := strings.Cut(trimmed, "=")
		if isKey && strings.Trim(strings.TrimSpace(key), `"`) == name {
			replacement := ""
			if literal != "" {
				replacement = name + " = " + literal + "\n"
			}
			return strings.Join(lines[:i], "") + replacement + strings.Join(lines[i+1:], "")
		}
		insertAt = i + 1
	}
	switch {
	case literal == "":
		return text
	case insertAt >= 0:
		before := strings.Join(lines[:insertAt], "")
		return endLine(before) + name + " = " + literal + "\n" + strings.Join(lines[insertAt:], "")
	default:
		if text != "" {
			text = endLine(text) + "\n"
		}
		return text + "[" + section + "]\n" + name + " = " + literal + "\n"
	}
}

// endLine adds the line break that a last line may lack.
func endLine(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// tree reads TOML without knowing the keys.
func tree(data []byte) (map[string]any, error) {
	all := map[string]any{}
	if err := toml.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	return all, nil
}

// with returns a copy of a tree in which a key has the given value, so that
// trees can be compared apart from that key.
func with(all map[string]any, key, value string) map[string]any {
	all = maps.Clone(all)
	if all == nil {
		all = map[string]any{}
	}
	section, rest, nested := strings.Cut(key, ".")
	if !nested {
		all[key] = value
		return all
	}
	below, _ := all[section].(map[string]any)
	all[section] = with(below, rest, value)
	return all
}

// has reports whether a tree has a key.
func has(all map[string]any, key string) bool {
	section, rest, nested := strings.Cut(key, ".")
	value, ok := all[section]
	if !nested {
		return ok
	}
	below, _ := value.(map[string]any)
	return has(below, rest)
}

package aixxml

import (
	"fmt"
	"io"
	"strings"
)

// The limits of a file of entities.
const (
	// MaxEntities is how many there are.
	MaxEntities = 256
	// MaxEntity is the longest value, in bytes.
	MaxEntity = 1024
	// maxEntityFile is the largest file, in bytes.
	maxEntityFile = MaxEntities * 2 * MaxEntity
)

// ParseEntities reads a file of declarations such as
//
//	<!ENTITY branch "192.0.2.7">
//
// The values are text: they hold no markup and do not refer to entities, and an
// entity whose value is in another file is refused. Comments are skipped. What is
// wrong is an *Error.
func ParseEntities(r io.Reader) (map[string]string, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxEntityFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxEntityFile {
		return nil, &Error{Element: "entities", Text: fmt.Sprintf("the file is larger than %d bytes", maxEntityFile), Fix: "leave some out"}
	}
	entities := make(map[string]string)
	text := string(data)
	rest := text
	for {
		rest = strings.TrimLeft(rest, " \t\r\n")
		if rest == "" {
			return entities, nil
		}
		fail := func(format string, args ...any) error {
			line := 1 + strings.Count(text[:len(text)-len(rest)], "\n")
			return &Error{Line: line, Element: "ENTITY", Text: fmt.Sprintf(format, args...), Fix: `write <!ENTITY name "text">`}
		}
		if after, ok := strings.CutPrefix(rest, "<!--"); ok {
			_, behind, ended := strings.Cut(after, "-->")
			if !ended {
				return nil, fail("a comment without an end")
			}
			rest = behind
			continue
		}
		name, value, behind, problem := declaration(rest)
		switch {
		case problem != "":
			return nil, fail("%s", problem)
		case len(entities) == MaxEntities:
			return nil, fail("there are more than %d entities", MaxEntities)
		case len(value) > MaxEntity:
			return nil, fail("%s has %d bytes, more than %d", name, len(value), MaxEntity)
		case strings.ContainsAny(value, "<&%"):
			return nil, fail("%s has one of < & %%: entities are text, and do not refer to entities", name)
		}
		if _, twice := entities[name]; twice {
			return nil, fail("%s stands there twice", name)
		}
		entities[name] = value
		rest = behind
	}
}

// declaration reads one declaration from the beginning of text, or tells what is
// wrong with it.
func declaration(text string) (name, value, behind, problem string) {
	rest, ok := strings.CutPrefix(text, "<!ENTITY")
	if !ok {
		return "", "", "", "no declaration of an entity"
	}
	rest = strings.TrimLeft(rest, " \t\r\n")
	end := strings.IndexAny(rest, " \t\r\n")
	if end <= 0 || strings.Trim(rest[:end], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != "" {
		return "", "", "", "a name is made of letters, digits and _ - ."
	}
	name, rest = rest[:end], strings.TrimLeft(rest[end:], " \t\r\n")
	if strings.HasPrefix(rest, "SYSTEM") || strings.HasPrefix(rest, "PUBLIC") {
		return "", "", "", name + " is in another file: nothing is fetched"
	}
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return "", "", "", "the text of " + name + " is not in quotes"
	}
	value, rest, ok = strings.Cut(rest[1:], rest[:1])
	if !ok {
		return "", "", "", "the text of " + name + " has no end"
	}
	behind, ok = strings.CutPrefix(strings.TrimLeft(rest, " \t\r\n"), ">")
	if !ok {
		return "", "", "", "behind the text of " + name + " there is no >"
	}
	return name, value, behind, ""
}

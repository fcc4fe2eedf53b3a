// Package tomlkeys finds keys of a TOML file that a struct does not have.
//
// The TOML package matches keys with fields without regard to case, so that a
// second spelling of a key silently replaces the value of the first. TOML itself
// tells them apart, and so does Check: a key is known only as the struct's
// `toml:"name"` tag spells it.
package tomlkeys

import (
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Unknown is a key that is not known.
type Unknown struct {
	// Line is where it stands, from 1.
	Line int
	// Key has its parts, with those of the tables around it.
	Key []string
	// Table has the keys that may stand where the last part of Key does; it is
	// empty where a table stands for a value that is written as text.
	Table []string
}

// Right returns the known key that differs from the last part of Key in case
// only, or "".
func (u *Unknown) Right() string {
	for _, known := range u.Table {
		if strings.EqualFold(known, u.Key[len(u.Key)-1]) {
			return known
		}
	}
	return ""
}

// Check returns the first key in data that v, a struct or a pointer to one,
// does not have; nil where there is none. It leaves to the decoder what is no
// TOML, and a table in the place of a word or a number.
func Check(data []byte, v any) *Unknown {
	var (
		c      = checker{}
		root   = place{typ: reflect.TypeOf(v)}
		header = root // the table that a line [a.b] has opened
	)
	c.parser.Reset(data)
	for c.parser.NextExpression() {
		expression := c.parser.Expression()
		if expression.Kind == unstable.KeyValue {
			c.keyValue(expression, header)
			continue
		}
		header = c.descend(expression.Key(), root)
	}
	if c.parser.Error() != nil {
		return nil
	}
	return c.first
}

// A place is where a key stands: below which keys, and the type there. The type
// is nil where keys are not checked.
type place struct {
	keys []string
	typ  reflect.Type
}

// A checker goes through a file and keeps the first key that is not known.
type checker struct {
	parser unstable.Parser
	first  *Unknown
}

// keyValue checks the key and, for inline tables, the value.
func (c *checker) keyValue(n *unstable.Node, at place) {
	c.value(n.Value(), c.descend(n.Key(), at))
}

// value checks the keys in a value. The depth of arrays and inline tables is
// bounded by the parser.
func (c *checker) value(n *unstable.Node, at place) {
	switch children := n.Children(); n.Kind {
	case unstable.InlineTable:
		for children.Next() {
			c.keyValue(children.Node(), at)
		}
	case unstable.Array:
		for children.Next() {
			c.value(children.Node(), at)
		}
	}
}

// descend returns where the parts of a key lead.
func (c *checker) descend(key unstable.Iterator, at place) place {
	for key.Next() {
		table := tableType(at.typ)
		if table == nil {
			return place{}
		}
		part := string(key.Node().Data)
		keys := append(slices.Clip(at.keys), part)
		typ, known := lookup(table, part)
		if !known {
			if c.first == nil {
				c.first = &Unknown{Line: c.parser.Shape(key.Node().Raw).Start.Line, Key: keys, Table: names(table)}
			}
			return place{}
		}
		at = place{keys, typ}
	}
	return at
}

// tableType returns the struct that a table, or each of several, is read into;
// nil where there is none. A struct that reads itself from text has no keys.
func tableType(t reflect.Type) reflect.Type {
	for t != nil {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			t = t.Elem()
		case reflect.Struct:
			return t
		default:
			return nil
		}
	}
	return nil
}

// lookup returns the type of a table's value by its key.
func lookup(table reflect.Type, key string) (reflect.Type, bool) {
	for field := range table.Fields() {
		if name := nameOf(field); name == key && name != "" {
			return field.Type, true
		}
	}
	return nil, false
}

// names returns the keys of a table.
func names(table reflect.Type) []string {
	var all []string
	for field := range table.Fields() {
		if name := nameOf(field); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// nameOf returns the key of a field, "" where it has none.
func nameOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("toml"), ",")
	if name == "-" {
		return ""
	}
	return name
}

package ikedb

import "fmt"

// An Error is what is wrong with one definition.
type Error struct {
	// Table is "tunnel", "protection", "group", "preshared-key",
	// "data-tunnel", "data-protection" or "proposal".
	Table string
	// Index is the definition's place among those of its table, from 0.
	Index int
	// Name is the definition's name, or its place such as "#2" where it has
	// none.
	Name string
	// Key is the key within the table, such as "remote.id".
	Key string
	// Text says what is wrong.
	Text string
	// Fix says what to do; it may be empty.
	Fix string
}

// Error names the place and what is wrong there.
func (e *Error) Error() string {
	name := e.Name
	if name == "" || name[0] != '#' {
		name = fmt.Sprintf("%q", name)
	}
	return fmt.Sprintf("%s %s: %s: %s", e.Table, name, e.Key, e.Text)
}

// Hint says what to do.
func (e *Error) Hint() string { return e.Fix }

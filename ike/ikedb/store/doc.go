// Package store keeps the definitions of ikedb in a file: an SQLite database,
// ike.db in the state directory.
//
// Open opens it; Add puts definitions into it, and makes it where there is none.
// Put, Delete and Expunge change it, each in one transaction: what they would leave
// behind is checked as a whole by ikedb.New before anything is written, and whatever
// kills the process leaves the old definitions or the new ones. Writers wait for
// each other. Read gives all of it, Get some; ikedb.New makes of that what an engine
// uses, as Load does.
//
// # What stays the same
//
// A tunnel keeps its number when it is replaced and when others go; the number
// of one that has gone is not given again until the database is emptied.
// Definitions keep the order in which they came. A preshared key with several
// identities becomes one for each.
//
// # The file
//
// It is for its owner alone (mode 0600), since it holds preshared keys, and is
// refused where others may read it. What is deleted is overwritten with zeros. A
// file of another program, or of a later keyman, is refused.
//
// The table "definition" has a row for each definition: its kind, as ikedb.Kind,
// its name, its number if it is a tunnel, its place in the order, its body as
// JSON in the words of tunnels.toml, and a preshared key's secret in a column of
// its own. The table "last_number" has the highest number that was given.
package store

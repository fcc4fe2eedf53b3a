// Package settings reads and changes a TOML file of settings, strictly.
//
// Load reads a file over a struct whose fields hold the defaults; a key that the
// struct does not have, spelled in just that case, is an error that names the
// nearest key that it has. Set changes single keys of a file by their dotted names
// and leaves everything else in it as it stands, comments too.
//
// The struct's fields carry `toml:"name"` tags; sections are struct fields.
// Values may be strings, integers, booleans, lists of strings, and types that
// implement encoding.TextUnmarshaler, such as Duration.
package settings

// Package tui will hold the Bubble Tea program: one root model and a folder a
// page. Nothing is here yet; what it will show, the command line shows with
// the same functions.
package tui

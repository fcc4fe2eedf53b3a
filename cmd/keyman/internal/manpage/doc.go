// Package manpage writes manual pages, in the language of man(7), for a tree of
// commands.
//
// Use [Manual.Write] for one command, [Name] for what its page is called, and
// [Commands] for all that have one. The text is that of the commands themselves:
// what --help says and what the page says cannot differ. What commands do not say,
// such as which files there are, the Manual has.
//
// A page depends on nothing else: no date, no version, no machine. The same tree
// gives the same octets.
package manpage

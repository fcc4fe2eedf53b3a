package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// The forms in which certificates, lists and keys are written: the words of
// --form, wherever there is one.
const (
	formPEM         = "pem"         // RFC 7468
	formDER         = "der"         // the octets alone
	formP7B         = "p7b"         // certificates in PKCS#7, as PEM
	formText        = "text"        // for people
	formCSV         = "csv"         // RFC 4180
	formTraditional = "traditional" // a key as old OpenSSL wrote it, as PEM
)

// A choice is the value of a flag that takes one of some words.
type choice struct {
	word  *string
	words []string
}

// addForm adds --form, which takes one of some words, the first where nothing is
// said. A shell completes them.
func addForm(cmd *cobra.Command, word *string, usage string, words ...string) {
	*word = words[0]
	cmd.Flags().Var(&choice{word, words}, "form", usage+": "+list(words, "or"))
	completeWords(cmd, "form", words...)
}

// String implements pflag.Value.
func (c *choice) String() string {
	if c.word == nil {
		return ""
	}
	return *c.word
}

// Set implements pflag.Value.
func (c *choice) Set(word string) error {
	if !slices.Contains(c.words, word) {
		return fmt.Errorf("use %s", list(c.words, "or"))
	}
	*c.word = word
	return nil
}

// Type implements pflag.Value.
func (*choice) Type() string { return "word" }

// list writes words with commas, and one word before the last.
func list(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

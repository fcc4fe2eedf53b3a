package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fileSuffixes are those of files with what a key database holds.
var fileSuffixes = []string{".pem", ".crt", ".cer", ".der", ".p7b", ".p7c", ".csr", ".req", ".key", ".p12", ".pfx"}

// looksLikeFile reports whether a word is rather the name of a file than a label.
func looksLikeFile(word string) bool {
	if slices.Contains(fileSuffixes, strings.ToLower(filepath.Ext(word))) || filepath.IsAbs(word) {
		return true
	}
	dir, _ := filepath.Split(word)
	if dir == "" {
		return false
	}
	info, err := os.Stat(dir) // a label may have a slash in it
	return err == nil && info.IsDir()
}

// notFileForLabel refuses the name of a file where a label is wanted, or would do, before
// a password is asked for. Where the command line says the password, nothing is asked
// for, and a label may look as it will.
func notFileForLabel(word string, flags *keydbFlags) error {
	if flags.password.given() || !looksLikeFile(word) {
		return nil
	}
	if _, err := os.Stat(word); err == nil {
		return withHint(fmt.Errorf("%s is a file", word), "--file "+word+" shows it")
	}
	return withHint(noFile(word), "a label of that name is looked up where the command line says the password, such as by --password-file")
}

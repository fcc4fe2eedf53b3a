package interop

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"keyman/internal/testpeer"
)

// A peer is a column of the matrix: a program that reads and writes files.
type peer struct {
	name string
	// look reads a file and signs with each key in it.
	look func(f fileFormat, path string) (sight, error)
	// make writes a subject to a file, and returns what it wrote: the subject,
	// or one of its own where it takes none.
	make func(f fileFormat, s subject, path string) (subject, error)
	// labels and trust are whether it writes them in a format.
	labels, trust func(f fileFormat) bool
}

func peers() []peer { return []peer{openssl(), keytool(), certtool(), pki(), sshKeygen()} }

func never(fileFormat) bool { return false }

// in returns a function that tells whether a format is among some.
func in(names ...string) func(fileFormat) bool {
	return func(f fileFormat) bool { return slices.Contains(names, f.name) }
}

// run runs a program and returns what it wrote to standard output.
func run(name string, args ...string) ([]byte, error) { return runWith("", name, args...) }

// runWith is run with a standard input.
func runWith(input, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(context.Background(), testpeer.Program(name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.Stdin = strings.NewReader(input)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, complaints.Bytes())
	}
	return out, nil
}

// runAll runs a program and returns all that it printed.
func runAll(name string, args ...string) (string, error) {
	cmd := exec.CommandContext(context.Background(), testpeer.Program(name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), err
}

// runs runs programs one after the other, until one fails.
func runs(calls ...[]string) error {
	for _, call := range calls {
		if _, err := run(call[0], call[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// hasNo returns the error that a program cannot do something, if the word is not
// in what it says of its options.
func hasNo(word, name string, args ...string) error {
	out, err := runAll(name, args...)
	if err != nil || out == "" {
		return nil // then the file that it should have made is not there
	}
	if strings.Contains(strings.ToLower(out), word) {
		return nil
	}
	return fmt.Errorf("its options do not speak of %q", word)
}

// words are by which options would speak of a format.
var words = map[string]string{"jks": "jks", "jceks": "jceks", "cms": "kdb", "openssh": "openssh", "pkcs12": "to-p12", "pkcs8 encrypted": "encrypt"}

// errWithout is a subject that a program has no way to take.
var errWithout = errors.New("it takes no such thing")

// join puts files into one.
func join(to string, from ...string) error {
	var all []byte
	for _, path := range from {
		if path == "" {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		all = append(all, data...)
	}
	return os.WriteFile(to, all, 0o600)
}

// keyAndRest splits a folder, or takes one file for both.
func keyAndRest(f fileFormat, path string) (key string, rest []string, err error) {
	if f.name != "folder of PEM files" {
		return path, []string{path}, nil
	}
	names, err := filepath.Glob(filepath.Join(path, "*"))
	for _, name := range names {
		if filepath.Ext(name) == ".key" {
			key = name
		} else {
			rest = append(rest, name)
		}
	}
	return key, rest, err
}

// blockTypeIn returns the first PEM block of a file whose type ends with a word;
// nil for none.
func blockTypeIn(path, word string) *pem.Block {
	for _, b := range blocks(mustRead(path)) {
		if strings.HasSuffix(b.Type, word) {
			return b.Block
		}
	}
	return nil
}

package ikedb

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"keyman/internal/settings/tomlkeys"
)

// MaxFile is the largest definitions file, in bytes.
const MaxFile = 16 << 20

// Load reads definitions from a TOML file (see the package comment) with the
// secrets it points to, and checks them as New does. An absent file is
// fs.ErrNotExist.
func Load(path string) (*DB, error) {
	d, err := ReadTOML(path)
	if err != nil {
		return nil, err
	}
	db, err := New(d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// ReadTOML reads definitions from a TOML file (see the package comment) with the
// secrets it points to. It does not check them as a whole, as New does: they may
// refer to others. An absent file is fs.ErrNotExist.
func ReadTOML(path string) (Definitions, error) {
	data, mode, err := readFile(path, MaxFile)
	if err != nil {
		return Definitions{}, fmt.Errorf("tunnel definitions: %w", err)
	}
	d, err := parseTOML(data, mode, filesAndEnvironment(path))
	if err != nil {
		return Definitions{}, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// ParseTOML is ReadTOML for the text of a file that holds its secrets itself, or
// names them by absolute paths.
func ParseTOML(data []byte) (Definitions, error) {
	if len(data) > MaxFile {
		return Definitions{}, fmt.Errorf("the definitions are larger than %d bytes", MaxFile)
	}
	return parseTOML(data, 0o600, filesAndEnvironment(""))
}

// filesAndEnvironment finds secrets beside the file at path and in the
// environment.
func filesAndEnvironment(path string) secretSource {
	return secretSource{
		file: func(name string) ([]byte, fs.FileMode, error) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(filepath.Dir(path), name)
			}
			return readFile(name, MaxSecret+len("\r\n"))
		},
		env: os.LookupEnv,
	}
}

// readFile returns a regular file of at most limit bytes and its mode.
func readFile(path string, limit int) ([]byte, fs.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is no regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	if err != nil {
		return nil, 0, err
	}
	if len(data) > limit {
		return nil, 0, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return data, info.Mode(), nil
}

// A secretSource is where definitions find what they do not hold themselves.
type secretSource struct {
	file func(name string) ([]byte, fs.FileMode, error)
	env  func(name string) (string, bool)
}

// parseTOML makes definitions of a file's content and mode.
func parseTOML(data []byte, mode fs.FileMode, source secretSource) (Definitions, error) {
	var f file
	if err := decode(data, &f); err != nil {
		return Definitions{}, err
	}
	return f.definitions(mode, source)
}

// decode reads TOML strictly. The errors name the place and nothing else: the
// words of the TOML package may show text of the file, which may be a secret.
func decode(data []byte, into any) error {
	if unknown := tomlkeys.Check(data, into); unknown != nil {
		advice := "use " + strings.Join(unknown.Table, ", ")
		if right := unknown.Right(); right != "" {
			advice = "write " + right
		}
		return fmt.Errorf("line %d: the key %s is not known: %s", unknown.Line, keyText(unknown.Key), advice)
	}
	err := toml.Unmarshal(data, into)
	if err == nil {
		return nil
	}
	if broken, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := broken.Position()
		if key := keyText(broken.Key()); key != "" {
			return fmt.Errorf("line %d: %s: the value is of the wrong type or out of range", line, key)
		}
		return fmt.Errorf("line %d, column %d: no valid TOML", line, column)
	}
	return errors.New("no valid TOML")
}

// keyText returns a key as it is written in a file.
func keyText(key []string) string {
	var b []byte
	for i, part := range key {
		if i > 0 {
			b = append(b, '.')
		}
		if domainName(part) {
			b = append(b, part...)
		} else {
			b = strconv.AppendQuote(b, part)
		}
	}
	return string(b)
}

// secret gets the one secret that the table holds or points to; none where it was
// left out when the file was written. The error names the key.
func (table presharedKeyTable) secret(mode fs.FileMode, source secretSource) (Secret, *Error) {
	if table.SecretHidden {
		return Secret{}, nil
	}
	given := 0
	for _, s := range []*string{table.Secret, table.SecretHex, table.SecretFile, table.SecretEnv} {
		if s != nil {
			given++
		}
	}
	if given != 1 {
		return Secret{}, &Error{Key: "secret", Text: fmt.Sprintf("%d of the keys secret, secret-hex, secret-file and secret-env stand there", given),
			Fix: "give exactly one"}
	}
	switch {
	case table.SecretFile != nil:
		data, fileMode, err := source.file(*table.SecretFile)
		if err != nil {
			return Secret{}, &Error{Key: "secret-file", Text: err.Error()}
		}
		if fault := private(*table.SecretFile, fileMode); fault != nil {
			fault.Key = "secret-file"
			return Secret{}, fault
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		return NewSecret(bytes.TrimSuffix(line, []byte("\r"))), nil
	case table.SecretEnv != nil:
		value, ok := source.env(*table.SecretEnv)
		if !ok {
			return Secret{}, &Error{Key: "secret-env", Text: fmt.Sprintf("the environment variable %q is not set", *table.SecretEnv)}
		}
		return NewSecret([]byte(value)), nil
	}
	if fault := private("this file", mode); fault != nil {
		fault.Key = "secret"
		return Secret{}, fault
	}
	if table.SecretHex != nil {
		octets, err := hex.DecodeString(*table.SecretHex)
		if err != nil {
			// The error of hex would show a character of the secret.
			return Secret{}, &Error{Key: "secret-hex", Text: "it is not pairs of hexadecimal digits", Fix: "write the digits alone, without 0x or blanks"}
		}
		return NewSecret(octets), nil
	}
	return NewSecret([]byte(*table.Secret)), nil
}

// private refuses a file with a secret that group or others may touch.
func private(name string, mode fs.FileMode) *Error {
	if mode.Perm()&0o077 == 0 {
		return nil
	}
	return &Error{
		Text: fmt.Sprintf("%s holds a secret, but its mode %04o lets others than its owner at it", name, mode.Perm()),
		Fix:  "chmod 600 it, or move the secret to a secret-file of its own",
	}
}

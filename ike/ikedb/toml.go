package ikedb

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"keyman/crl"
	"keyman/ike/suite"
	"keyman/internal/settings/tomlkeys"
)

// MaxFile is the largest definitions file, in bytes.
const MaxFile = 16 << 20

// Load reads definitions from a TOML file (see the package comment) with the
// secrets it points to, and checks them as New does. An absent file is
// fs.ErrNotExist.
func Load(path string) (*DB, error) {
	data, mode, err := readFile(path, MaxFile)
	if err != nil {
		return nil, fmt.Errorf("tunnel definitions: %w", err)
	}
	db, err := load(data, mode, secretSource{
		file: func(name string) ([]byte, fs.FileMode, error) {
			if !filepath.IsAbs(name) {
				name = filepath.Join(filepath.Dir(path), name)
			}
			return readFile(name, MaxSecret+len("\r\n"))
		},
		env: os.LookupEnv,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
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

// load makes a DB of a file's content and mode.
func load(data []byte, mode fs.FileMode, source secretSource) (*DB, error) {
	var f tomlFile
	if err := decode(data, &f); err != nil {
		return nil, err
	}
	d, err := f.definitions(mode, source)
	if err != nil {
		return nil, err
	}
	return New(d)
}

// The tables of the file. Words are read as strings, so that one place, with
// the definition's name at hand, says what is wrong with them.
type (
	tomlFile struct {
		Tunnel       []tomlTunnel       `toml:"tunnel"`
		Protection   []tomlProtection   `toml:"protection"`
		Group        []tomlGroup        `toml:"group"`
		PresharedKey []tomlPresharedKey `toml:"preshared-key"`
	}
	tomlTunnel struct {
		Name       string     `toml:"name"`
		Protection string     `toml:"protection"`
		AutoStart  bool       `toml:"autostart"`
		Local      tomlLocal  `toml:"local"`
		Remote     tomlRemote `toml:"remote"`
	}
	tomlLocal struct {
		Address     *string `toml:"address"`
		ID          *string `toml:"id"`
		Certificate string  `toml:"certificate"`
	}
	tomlRemote struct {
		Address  *string `toml:"address"`
		ID       *string `toml:"id"`
		Group    string  `toml:"group"`
		Port     *uint16 `toml:"port"`
		NATTPort *uint16 `toml:"natt-port"`
	}
	tomlProtection struct {
		Name       string   `toml:"name"`
		Role       Role     `toml:"role"`
		Auth       string   `toml:"auth"`
		Transforms []string `toml:"transforms"`
		Revocation *string  `toml:"revocation"`
		CRLTimeout *string  `toml:"crl-timeout"`
		Lifetime   *string  `toml:"lifetime"`
		Weak       *string  `toml:"weak"`
	}
	tomlGroup struct {
		Name string   `toml:"name"`
		IDs  []string `toml:"ids"`
	}
	tomlPresharedKey struct {
		IDs        []string `toml:"ids"`
		Secret     *string  `toml:"secret"`
		SecretHex  *string  `toml:"secret-hex"`
		SecretFile *string  `toml:"secret-file"`
		SecretEnv  *string  `toml:"secret-env"`
	}
)

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

// definitions converts the words of the file.
func (f *tomlFile) definitions(mode fs.FileMode, source secretSource) (Definitions, error) {
	var d Definitions
	for i, table := range f.Tunnel {
		t, key, err := table.tunnel()
		if err != nil {
			return d, &Error{Table: "tunnel", Name: place(table.Name, i), Key: key, Text: err.Error()}
		}
		d.Tunnels = append(d.Tunnels, t)
	}
	for i, table := range f.Protection {
		p, key, err := table.protection()
		if err != nil {
			return d, &Error{Table: "protection", Name: place(table.Name, i), Key: key, Text: err.Error()}
		}
		d.Protections = append(d.Protections, p)
	}
	for i, table := range f.Group {
		ids, err := parseIDs(table.IDs)
		if err != nil {
			return d, &Error{Table: "group", Name: place(table.Name, i), Key: "ids", Text: err.Error()}
		}
		d.Groups = append(d.Groups, Group{Name: table.Name, IDs: ids})
	}
	for i, table := range f.PresharedKey {
		name := place("", i)
		ids, err := parseIDs(table.IDs)
		if err != nil {
			return d, &Error{Table: "preshared-key", Name: name, Key: "ids", Text: err.Error()}
		}
		secret, fault := table.secret(mode, source)
		if fault != nil {
			fault.Table, fault.Name = "preshared-key", name
			return d, fault
		}
		d.PresharedKeys = append(d.PresharedKeys, PresharedKey{IDs: ids, Secret: secret})
	}
	return d, nil
}

// tunnel converts one table; key says where an error belongs.
func (table tomlTunnel) tunnel() (t Tunnel, key string, err error) {
	t = Tunnel{Name: table.Name, Protection: table.Protection, AutoStart: table.AutoStart}
	t.Local.Certificate, t.Remote.Group = table.Local.Certificate, table.Remote.Group
	if t.Local.Address, err = parseAddress(table.Local.Address); err != nil {
		return t, "local.address", err
	}
	if t.Remote.Address, err = parseAddress(table.Remote.Address); err != nil {
		return t, "remote.address", err
	}
	if t.Local.ID, err = parseID(table.Local.ID); err != nil {
		return t, "local.id", err
	}
	if t.Remote.ID, err = parseID(table.Remote.ID); err != nil {
		return t, "remote.id", err
	}
	if table.Remote.Address == nil {
		t.Remote.Address = t.Remote.ID.Addr()
	}
	if t.Remote.Port, err = parsePort(table.Remote.Port); err != nil {
		return t, "remote.port", err
	}
	if t.Remote.NATTPort, err = parsePort(table.Remote.NATTPort); err != nil {
		return t, "remote.natt-port", err
	}
	return t, "", nil
}

// protection converts one table; key says where an error belongs.
func (table tomlProtection) protection() (p Protection, key string, err error) {
	p = Protection{Name: table.Name, Role: table.Role, Auth: AuthMethod(table.Auth)}
	for _, word := range table.Transforms {
		t, err := suite.ParseTransform(word)
		if err != nil {
			return p, "transforms", err
		}
		p.Transforms = append(p.Transforms, t)
	}
	switch {
	case table.Revocation != nil:
		if err := p.Revocation.UnmarshalText([]byte(*table.Revocation)); err != nil {
			return p, "revocation", err
		}
	case p.Auth == AuthRSASignature:
		p.Revocation = crl.Off
	}
	if p.CRLTimeout, err = parseDuration(table.CRLTimeout); err != nil {
		return p, "crl-timeout", err
	}
	if p.Lifetime, err = parseDuration(table.Lifetime); err != nil {
		return p, "lifetime", err
	}
	if table.Weak != nil {
		if *table.Weak != "allow" {
			return p, "weak", fmt.Errorf("%q is not known: write \"allow\" or leave it out", *table.Weak)
		}
		p.AllowWeak = true
	}
	return p, "", nil
}

// secret gets the one secret that the table holds or points to. The error names
// the key.
func (table tomlPresharedKey) secret(mode fs.FileMode, source secretSource) (Secret, *Error) {
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

func parseIDs(words []string) ([]Identity, error) {
	var ids []Identity
	for _, word := range words {
		id, err := ParseIdentity(word)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func parseID(word *string) (Identity, error) {
	if word == nil {
		return Identity{}, nil
	}
	return ParseIdentity(*word)
}

func parseAddress(word *string) (netip.Addr, error) {
	if word == nil || *word == "any" {
		return netip.Addr{}, nil
	}
	addr, err := netip.ParseAddr(*word)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%q is neither an IP address nor \"any\"", *word)
	}
	return addr, nil
}

func parsePort(port *uint16) (uint16, error) {
	switch {
	case port == nil:
		return 0, nil
	case *port == 0:
		return 0, errors.New("0 is no port")
	}
	return *port, nil
}

func parseDuration(word *string) (time.Duration, error) {
	if word == nil {
		return 0, nil
	}
	d, err := time.ParseDuration(*word)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no length of time such as \"20s\" or \"8h\"", *word)
	}
	return d, nil
}

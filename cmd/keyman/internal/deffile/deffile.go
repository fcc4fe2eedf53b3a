// Package deffile reads and writes the files of definitions that the commands
// take and give: XML in the words of AIX, or TOML.
package deffile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"keyman/ike/ikedb"
	"keyman/ike/ikedb/aixxml"
)

// The formats of files.
const (
	XML  = "xml"
	TOML = "toml"
)

// Options say how a file is read.
type Options struct {
	// Entities is a file with declarations of entities for XML; it may be "".
	Entities string
	// Swap exchanges the ends of tunnels, for a file of the peer's.
	Swap bool
	// AllowWeak lets protections have the weak algorithms that they name.
	AllowWeak bool
	// Certificate is the label of the certificate of tunnels that sign and
	// name none; it may be "".
	Certificate string
}

// A File is what was read.
type File struct {
	ikedb.Definitions
	// Exposed is set where the file holds preshared keys and others than its
	// owner may read it.
	Exposed bool

	name     string
	document *aixxml.Document // nil for TOML
}

// Read reads a file; "-" is standard input.
func Read(path string, stdin io.Reader, o Options) (*File, error) {
	data, mode, err := content(path, stdin)
	if err != nil {
		return nil, err
	}
	f := &File{name: path}
	if path == "-" {
		f.name = "standard input"
	}
	switch {
	case bytes.HasPrefix(bytes.TrimLeft(data, "\ufeff \t\r\n"), []byte("<")):
		err = f.readXML(bytes.TrimPrefix(data, []byte("\ufeff")), o)
		f.Exposed = mode&0o077 != 0 && len(f.PresharedKeys) > 0
	case path == "-":
		f.Definitions, err = ikedb.ParseTOML(data)
	default:
		// It finds files beside itself, and holds no secret that others read.
		f.Definitions, err = ikedb.ReadTOML(path)
		return f.adapted(err, o)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", f.name, err)
	}
	return f.adapted(err, o)
}

func (f *File) readXML(data []byte, o Options) error {
	var entities map[string]string
	if o.Entities != "" {
		file, err := os.Open(o.Entities)
		if err != nil {
			return err
		}
		defer file.Close()
		if entities, err = aixxml.ParseEntities(file); err != nil {
			return fmt.Errorf("%s: %w", o.Entities, err)
		}
	}
	d, err := aixxml.Read(bytes.NewReader(data), entities)
	if err != nil {
		return err
	}
	f.document, f.Definitions = d, d.Definitions
	return nil
}

// adapted changes what was read as the options say.
func (f *File) adapted(err error, o Options) (*File, error) {
	if err != nil {
		return nil, err
	}
	if o.Swap {
		if f.Definitions, err = ikedb.Swap(f.Definitions); err != nil {
			return nil, f.Explain(err)
		}
	}
	if o.AllowWeak {
		f.allowWeak()
	}
	if o.Certificate != "" {
		f.nameCertificate(o.Certificate)
	}
	return f, nil
}

// allowWeak lets protections have the weak algorithms that they name.
func (f *File) allowWeak() {
	weak := make(map[string]bool)
	for _, p := range f.Proposals {
		for _, t := range append(append([]ikedb.DataTransform(nil), p.ESP...), p.AH...) {
			weak[p.Name] = weak[p.Name] || len(t.Weak()) > 0
		}
	}
	for i := range f.DataProtections {
		p := &f.DataProtections[i]
		p.AllowWeak = p.AllowWeak || p.PFS != 0 && p.PFS.Weak() != ""
		for _, g := range p.AcceptPFS {
			p.AllowWeak = p.AllowWeak || g != 0 && g.Weak() != ""
		}
		for _, name := range p.Proposals {
			p.AllowWeak = p.AllowWeak || weak[name]
		}
	}
	for i := range f.Protections {
		p := &f.Protections[i]
		// A hash of the key is shown to whoever asks.
		p.AllowWeak = p.AllowWeak || p.Mode.Aggressive() && !p.Signatures()
		for _, t := range p.Transforms {
			p.AllowWeak = p.AllowWeak || len(t.Weak()) > 0
		}
	}
}

// nameCertificate gives tunnels that sign a certificate.
func (f *File) nameCertificate(label string) {
	signs := make(map[string]bool)
	for _, p := range f.Protections {
		signs[p.Name] = p.Signatures()
	}
	for i := range f.Tunnels {
		if t := &f.Tunnels[i]; t.Local.Certificate == "" && signs[t.Protection] {
			t.Local.Certificate = label
		}
	}
}

// content returns a file's content and mode.
func content(path string, stdin io.Reader) ([]byte, os.FileMode, error) {
	from := stdin
	mode := os.FileMode(0o600)
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, 0, err
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return nil, 0, err
		}
		from, mode = file, info.Mode().Perm()
	}
	data, err := io.ReadAll(io.LimitReader(from, ikedb.MaxFile+1))
	if err != nil {
		return nil, 0, err
	}
	if len(data) > ikedb.MaxFile {
		return nil, 0, fmt.Errorf("%s is larger than %d bytes", path, ikedb.MaxFile)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, 0, fmt.Errorf("%s is empty", path)
	}
	return data, mode, nil
}

// Explain gives an error about the file's definitions the file's name and, for
// XML, the element and the line.
func (f *File) Explain(err error) error {
	var wrong *ikedb.Error
	if !errors.As(err, &wrong) {
		return err
	}
	if f.document != nil {
		err = f.document.Explain(err)
	}
	if wrong.Index < 0 {
		return fmt.Errorf("what the database has: %w", err)
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// Write writes definitions in a format, with or without preshared keys.
func Write(w io.Writer, d ikedb.Definitions, format string, secrets bool) error {
	if format == XML {
		return aixxml.Write(w, d, secrets)
	}
	data, err := ikedb.MarshalTOML(d, secrets)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

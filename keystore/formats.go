package keystore

import (
	"path/filepath"
	"slices"
	"strings"

	"keyman/internal/atomicfile"
	"keyman/keystore/format"
	"keyman/keystore/jks"
	"keyman/keystore/pem"
	"keyman/keystore/pkcs12"
)

// Format is a kind of file that holds a key database.
type Format = format.Format

// Kind says what an Entry is.
type Kind = format.Kind

// The kinds of entries.
const (
	Personal  = format.Personal  // a private key with its certificate
	Signer    = format.Signer    // a certificate without a key: a CA, or a peer
	Request   = format.Request   // a private key that waits for its certificate
	SecretKey = format.SecretKey // a symmetric key
)

// A known is a format with the names by which people know it.
type known struct {
	Format
	aliases  []string // words other than its Name
	suffixes []string // of file names, lower case
	plain    bool     // a file may be without a password
}

// knownFormats lists the formats, the default of Create first.
func knownFormats() []known {
	return []known{
		{Format: pkcs12.Format{}, aliases: []string{"p12"}, suffixes: []string{".p12", ".pfx"}},
		{Format: jks.JKS{}, suffixes: []string{".jks"}},
		{Format: jks.JCEKS{}, suffixes: []string{".jceks"}},
		{Format: cms{}, aliases: []string{"kdb"}, suffixes: []string{".kdb"}},
		{Format: pem.Format{}, suffixes: []string{".pem"}, plain: true},
	}
}

// Formats returns the formats that Open recognizes, the default of Create first.
func Formats() []Format {
	var list []Format
	for _, k := range knownFormats() {
		list = append(list, k.Format)
	}
	return list
}

// Detect finds the format of a file by its content, of which the beginning is
// enough.
func Detect(data []byte) (Format, bool) {
	for _, f := range Formats() {
		if f.Detect(data) {
			return f, true
		}
	}
	return nil, false
}

// DetectFile finds the format of the file at path; nil where it has none.
func DetectFile(path string) (Format, error) {
	for _, n := range []int64{usualBeginning, maxBeginning} {
		beginning, err := atomicfile.ReadBeginning(path, n)
		if err != nil {
			return nil, err
		}
		if f, ok := Detect(beginning); ok {
			return f, nil
		}
	}
	return nil, nil
}

// MayBePlain reports whether a file of a format may be one that needs no
// password, such as a PEM file with certificates.
func MayBePlain(f Format) bool {
	return f != nil && slices.ContainsFunc(knownFormats(), func(k known) bool { return k.plain && k.Name() == f.Name() })
}

// FormatNamed finds a format by its name, such as "pkcs12" or "p12"; upper and
// lower case do not count.
func FormatNamed(name string) (Format, bool) {
	for _, k := range knownFormats() {
		if strings.EqualFold(k.Name(), name) || slices.Contains(k.aliases, strings.ToLower(name)) {
			return k.Format, true
		}
	}
	return nil, false
}

// FormatForPath finds the format that the name of a file speaks of.
func FormatForPath(path string) (Format, bool) {
	for _, k := range knownFormats() {
		if slices.Contains(k.suffixes, strings.ToLower(filepath.Ext(path))) {
			return k.Format, true
		}
	}
	return nil, false
}

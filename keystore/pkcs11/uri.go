package pkcs11

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// maxURI bounds a URI in bytes, as it is read and as String writes it.
const maxURI = 4096

// scheme begins every URI of a token.
const scheme = "pkcs11:"

// A URI names a token, and perhaps an object on it (RFC 7512). What is empty is
// any.
type URI struct {
	Token        string // the label of the token
	Serial       string
	Manufacturer string
	Model        string
	Object       string // the label of a key
	ID           []byte // the CKA_ID of a key
	// Module is the absolute path of the library that speaks with the token.
	Module string
	// PINSource is the absolute path of a file whose first line is the PIN.
	PINSource string
}

// IsURI reports whether s names a token rather than something else.
func IsURI(s string) bool {
	return len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme)
}

// ParseURI reads a URI. Attributes that it does not know are refused, because they
// would choose; so is pin-value, because it would show the PIN in argument lists
// and files, and a pin-source that is a command.
func ParseURI(s string) (URI, error) {
	u, err := parseURI(s)
	if err != nil {
		return URI{}, &URIError{err}
	}
	return u, nil
}

func parseURI(s string) (URI, error) {
	switch {
	case len(s) > maxURI:
		return URI{}, fmt.Errorf("it is longer than %d bytes", maxURI)
	case !IsURI(s):
		return URI{}, fmt.Errorf("it does not begin with %q", scheme)
	case strings.ContainsFunc(s, notInURI):
		return URI{}, errors.New("it has a character that is written with a percent sign, such as %20 for a space")
	}
	path, query, _ := strings.Cut(s[len(scheme):], "?")
	var u URI
	if err := u.attributes(path, ";", u.setPath); err != nil {
		return URI{}, err
	}
	if err := u.attributes(query, "&", u.setQuery); err != nil {
		return URI{}, err
	}
	if len(u.String()) > maxURI { // an id gets a percent sign for each octet
		return URI{}, fmt.Errorf("it is longer than %d bytes with its percent signs", maxURI)
	}
	return u, nil
}

// notInURI reports whether a character does not stand in a URI as it is (RFC 3986, 2).
func notInURI(c rune) bool {
	return c <= ' ' || c > '~' || strings.ContainsRune("\"#<>\\^`{}", c)
}

// attributes reads name=value pairs, each name once.
func (u *URI) attributes(s, separator string, set func(name, value string) error) error {
	if s == "" {
		return nil
	}
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(s, separator) {
		name, escaped, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return errors.New("an attribute is not name=value")
		}
		if seen[name] {
			return fmt.Errorf("the attribute %q stands twice", name)
		}
		seen[name] = true
		value, err := url.PathUnescape(escaped)
		if err != nil || strings.ContainsRune(value, 0) && name != "id" {
			return fmt.Errorf("the value of %q is not well formed", name)
		}
		if value == "" { // it could be mistaken for any
			return fmt.Errorf("the attribute %q is empty", name)
		}
		if err := set(name, value); err != nil {
			return err
		}
	}
	return nil
}

// setPath takes an attribute of RFC 7512, 2.3, path component.
func (u *URI) setPath(name, value string) error {
	switch name {
	case "token":
		u.Token = value
	case "serial":
		u.Serial = value
	case "manufacturer":
		u.Manufacturer = value
	case "model":
		u.Model = value
	case "object":
		u.Object = value
	case "id":
		u.ID = []byte(value)
	case "type":
		if value != "private" && value != "cert" && value != "public" {
			return fmt.Errorf("type=%s names neither a key nor a certificate", value)
		}
	default:
		return fmt.Errorf("the attribute %q is not known here", name)
	}
	return nil
}

// setQuery takes an attribute of RFC 7512, 2.3, query component.
func (u *URI) setQuery(name, value string) error {
	switch name {
	case "module-path":
		if !filepath.IsAbs(value) {
			return fmt.Errorf("module-path %q is no absolute path", value)
		}
		u.Module = value
	case "pin-source":
		path, isURL := strings.CutPrefix(value, "file:")
		if isURL {
			path = strings.TrimPrefix(path, "//")
		}
		if !filepath.IsAbs(path) {
			return errors.New("pin-source is no absolute path of a file")
		}
		u.PINSource = path
	case "pin-value":
		return errors.New("a PIN in a URI can be read by others: use pin-source")
	default:
		return fmt.Errorf("the attribute %q is not known here", name)
	}
	return nil
}

// String returns the form that ParseURI reads.
func (u URI) String() string {
	var path, query []string
	add := func(to *[]string, name, value string) {
		if value != "" {
			*to = append(*to, name+"="+escape(value))
		}
	}
	add(&path, "token", u.Token)
	add(&path, "serial", u.Serial)
	add(&path, "manufacturer", u.Manufacturer)
	add(&path, "model", u.Model)
	add(&path, "object", u.Object)
	if len(u.ID) > 0 {
		path = append(path, "id="+escapeAll(u.ID))
	}
	add(&query, "module-path", u.Module)
	add(&query, "pin-source", u.PINSource)
	s := scheme + strings.Join(path, ";")
	if len(query) > 0 {
		s += "?" + strings.Join(query, "&")
	}
	return s
}

// escape writes a value with percent signs for all that could be mistaken (RFC
// 7512, 2.3).
func escape(value string) string {
	var b strings.Builder
	for _, c := range []byte(value) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/:", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// escapeAll writes octets as RFC 7512 wants an id: each with a percent sign.
func escapeAll(id []byte) string {
	var b strings.Builder
	for _, c := range id {
		b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return b.String()
}

// token returns how errors call the token that the URI names; "" is any.
func (u URI) token() string {
	alone := URI{Serial: u.Serial, Manufacturer: u.Manufacturer, Model: u.Model}.String()
	if u.Token != "" || alone == scheme {
		return u.Token
	}
	return alone
}

// names reports whether the URI names a token of this description, one that is
// initialized.
func (u URI) names(i Info) bool {
	same := func(want, is string) bool { return want == "" || want == is }
	return i.Initialized && same(u.Token, i.Label) && same(u.Serial, i.Serial) &&
		same(u.Manufacturer, i.Manufacturer) && same(u.Model, i.Model)
}

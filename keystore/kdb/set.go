package kdb

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// A Set is what the files of a database hold. A file that is not there is nil.
//
// Nothing in the files ties them together but the password. Whoever saves a set
// one file after the other saves the .kdb file first and the .rdb file last: when
// a certificate is received its key goes from the second to the first, and in
// between is in both rather than in none. Between the files of a set that gets a
// new password, DecodeSet says which of them has the old one.
type Set struct {
	KDB []byte // certificates and keys
	RDB []byte // requests
	CRL []byte // revocation lists, which are kept and not looked at
}

// Beside returns where the other files of a set lie, by the path of its .kdb
// file: the suffix is replaced, or added to a name that does not end with .kdb.
func Beside(path string) (rdb, crl string) {
	name := strings.TrimSuffix(path, typeKDB.suffix)
	return name + typeRDB.suffix, name + typeCRL.suffix
}

// IsPart reports whether data begins as one of the files of a set, with
// certificates, requests or lists.
func IsPart(data []byte) bool { return typeKDB.is(data) || typeRDB.is(data) || typeCRL.is(data) }

// DecodeSet reads a database. Of the files only the .kdb must be there. The
// items of the .kdb file come first, then the requests. It returns the errors of
// format.Format; a file of the set that has another password than the .kdb file
// is ErrDamaged.
func DecodeSet(s Set, password []byte) (*format.Content, error) {
	return ConsumeSet(s.clone(), password)
}

// ConsumeSet does the same, and keeps the files: what it returns holds parts of them,
// and nobody may change them any more. A file of 10,000 entries has 50 MB.
func ConsumeSet(s Set, password []byte) (*format.Content, error) {
	return decodeSet(s, password, pbe.Limits{}, false)
}

// clone copies the files that are there.
func (s Set) clone() Set {
	return Set{KDB: bytes.Clone(s.KDB), RDB: bytes.Clone(s.RDB), CRL: bytes.Clone(s.CRL)}
}

func decodeSet(s Set, password []byte, limits pbe.Limits, alone bool) (*format.Content, error) {
	if hasNUL(password) {
		return nil, format.ErrPassword
	}
	p, err := pbe.NewPassword(password)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", format.ErrPassword, err)
	}
	defer p.Wipe()
	opener := pbe.NewOpener(p, limits)

	o := &origin{alone: alone, strange: map[string][]strangeSlot{}}
	if o.kdb, err = readContainer(typeKDB, s.KDB, password); err != nil {
		// The verifier does not match: either the password is another one or
		// the header. A password that opens a key of the file is the right one.
		if errors.Is(err, format.ErrPassword) && opensAny(o.kdb, opener) {
			return nil, fmt.Errorf("%w: its header is not what was written, although the password opens its keys", format.ErrDamaged)
		}
		return nil, err
	}
	if o.rdb, err = readBeside(typeRDB, s.RDB, password); err != nil {
		return nil, err
	}
	if o.crl, err = readBeside(typeCRL, s.CRL, password); err != nil {
		return nil, err
	}

	items, err := o.readItems(o.kdb, opener)
	if err != nil {
		return nil, err
	}
	if o.rdb != nil {
		requests, err := o.readItems(o.rdb, opener)
		if err != nil {
			return nil, err
		}
		items = append(items, requests...)
	}
	finish(items)
	return &format.Content{Items: items, PasswordExpires: o.kdb.expires(), Kept: o}, nil
}

// readBeside reads a file that belongs to the .kdb file that the password opens.
func readBeside(t fileType, data, password []byte) (*container, error) {
	if data == nil {
		return nil, nil
	}
	c, err := readContainer(t, data, password)
	if errors.Is(err, format.ErrPassword) {
		return nil, fmt.Errorf("%s file: %w: it has another password than the .kdb file", t.suffix, format.ErrDamaged)
	}
	return c, err
}

// EncodeSet writes a database: the .kdb, .rdb and .crl file. What was read without
// its .rdb file by [Format] is refused, because it would lose the requests.
func EncodeSet(c *format.Content, password []byte) (Set, error) {
	w := newWriter(c, password)
	files, err := w.containers()
	if err != nil {
		return Set{}, err
	}
	var items, requests []format.Item
	for _, item := range c.Items {
		if item.Kind == format.Request {
			requests = append(requests, item)
		} else {
			items = append(items, item)
		}
	}
	var s Set
	if files.kdb, err = files.kdb.withExpiry(c.PasswordExpires); err != nil {
		return Set{}, err
	}
	if s.KDB, err = w.file(files.kdb, items, password); err != nil {
		return Set{}, err
	}
	if s.RDB, err = w.file(files.rdb, requests, password); err != nil {
		return Set{}, err
	}
	if s.CRL, err = files.crl.write(files.crl.slots, password); err != nil {
		return Set{}, err
	}
	return s, nil
}

// containers returns the files that the new ones are made of: those that were
// read, and empty ones for those that were not there.
func (w *writer) containers() (origin, error) {
	var files origin
	if w.origin != nil {
		files = *w.origin
	}
	if files.alone {
		return files, errors.New("the .kdb file was read without the requests in the .rdb file beside it, which would be lost")
	}
	v := version6
	if files.kdb != nil {
		v = files.kdb.version
	}
	orNew := func(c *container, t fileType) *container {
		if c == nil {
			return newContainer(t, v)
		}
		return c
	}
	files.kdb, files.rdb, files.crl = orNew(files.kdb, typeKDB), orNew(files.rdb, typeRDB), orNew(files.crl, typeCRL)
	return files, nil
}

package keystore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"keyman/internal/atomicfile"
	"keyman/keystore/format"
	"keyman/keystore/kdb"
)

// Errors of a file.
var (
	// ErrPassword is a password that does not open the file.
	ErrPassword = format.ErrPassword
	// ErrDamaged is a file whose content is not what was written.
	ErrDamaged = format.ErrDamaged
	// ErrUnprotected is a file without a MAC.
	ErrUnprotected = format.ErrUnprotected
	// ErrUnsupported is a file that uses what keyman does not know.
	ErrUnsupported = format.ErrUnsupported
	// ErrUnknownFormat is a file that is no key database.
	ErrUnknownFormat = errors.New("not a key database")
	// ErrEmptyPassword is a new password without a character.
	ErrEmptyPassword = errors.New("the password is empty")
	// ErrPasswordExpired is a password that was right until a certain time.
	ErrPasswordExpired = errors.New("the password has expired")
	// ErrPasswordExpiry is a time at which no password can be made to expire.
	ErrPasswordExpiry = errors.New("not a time for a password to expire")
	// ErrNoPasswordExpiry is a file whose format has no place for such a time.
	ErrNoPasswordExpiry = errors.New("in a file of this format passwords do not expire")
	// ErrStash is a password that a stash file cannot hold.
	ErrStash = kdb.ErrStash
	// ErrNoStash is a key database without a stash file.
	ErrNoStash = errors.New("there is no stash file")
	// ErrForeignStash is a stash file that does not hold the password of the key
	// database that it lies beside, or holds that of another one, too.
	ErrForeignStash = errors.New("the stash file is not that of this key database alone")
	// ErrNoGeneration is a key database of which no older generation is kept
	// that is other than what is there.
	ErrNoGeneration = errors.New("there is no older generation to go back to")
	// ErrLoose is a Save of keys and certificates that came from files of their
	// own.
	ErrLoose = errors.New("keys and certificates in files of their own can be imported and converted, not changed")
	// ErrPending is a stash file that is to be written by the save of another key
	// database of this name, which was stopped.
	ErrPending = atomicfile.ErrPending
	// ErrLocked is a file that another program is saving.
	ErrLocked = atomicfile.ErrLocked
	// ErrChanged is a file that another program saved since it was read.
	ErrChanged = atomicfile.ErrChanged
)

// Errors of an entry.
var (
	ErrNotFound             = errors.New("no such entry")
	ErrLabel                = errors.New("not a label")
	ErrDuplicateLabel       = errors.New("the label is taken")
	ErrDuplicateCertificate = errors.New("the certificate is there already")
	ErrCertificate          = errors.New("not a certificate")
	ErrUnusable             = errors.New("the certificate cannot be used")
	ErrNoCertificate        = errors.New("the entry has no certificate")
	ErrNoKey                = errors.New("the entry has no private key")
	ErrKeyMismatch          = errors.New("the key and the certificate do not belong together")
	ErrNoDefault            = errors.New("in a file of this format no entry is the default")
	ErrKind                 = errors.New("the entry is of another kind")
	ErrNoRequest            = errors.New("no request has the key of this certificate")
	ErrOwnKey               = errors.New("its private key is here")
	ErrUnknownIssuer        = errors.New("the issuer is not in the key database")
	ErrUntrustedIssuer      = errors.New("the issuer is not trusted")
	ErrPath                 = errors.New("no valid path leads from it to a trusted CA")
	ErrNotRoot              = errors.New("not the certificate of a root CA")
	ErrExpired              = errors.New("the certificate has expired")
	ErrInUse                = errors.New("other entries chain to this certificate")
)

// A remedy says what to do about an error.
type remedy struct {
	err  error
	hint string
}

// remedies are made where something has failed, and not at every start.
func remedies() []remedy {
	return []remedy{
		{ErrPassword, "if the password is right, the file is damaged: restore a backup"},
		{ErrPasswordExpired, "give it a new one: keyman keydb passwd"},
		{ErrNoPasswordExpiry, "of the formats of keyman keydb create --type, cms has it"},
		{ErrStash, "choose a password of 1 to 128 bytes"},
		{ErrNoStash, "keyman keydb stash makes one"},
		{ErrForeignStash, "if nothing needs that file, remove it; otherwise give the key database a name of its own"},
		{ErrDamaged, "restore a backup; the file was left as it is"},
		{ErrUnprotected, "export it again with a MAC, such as with openssl pkcs12 -export without -nomac"},
		{ErrUnknownFormat, "the formats are those of keyman keydb create --type, which makes one"},
		{ErrEmptyPassword, "a file with keys needs a password"},
		{fs.ErrNotExist, "keyman keydb create makes a key database; --keydb says where it is"},
		{fs.ErrExist, "open it as it is, or choose another name: nothing is written over it"},
		{ErrChanged, "nothing was saved: do it again on what is there now"},
		{ErrNoGeneration, "keyman keydb undo --list shows what is kept"},
		{ErrDuplicateLabel, "choose another label; upper and lower case do not count"},
		{ErrNotFound, "keyman cert list and keyman req list show the labels"},
		{ErrUnusable, "it can be shown, kept and exported all the same"},
		{ErrNoDefault, "name the entry where it is used, or convert the file: keyman keydb convert"},
		{ErrNoCertificate, "keyman req show shows a request; a secret key goes into another key database: keyman cert export LABEL --to FILE"},
		{ErrKeyMismatch, "the certificate has to be the one that was issued for this very key"},
		{ErrNoRequest, "receive it into the key database that made the request"},
		{ErrOwnKey, "a certificate for a request of one's own is received: keyman cert receive; one for a key that has a certificate needs a request first: keyman cert renew"},
		{ErrUnknownIssuer, "certificates of CAs between belong into the same file; if you trust the CA at the top, add it first: keyman cert add FILE"},
		{ErrUntrustedIssuer, "if you do trust that CA: keyman cert trust LABEL on"},
		{ErrPath, "tell the CA what is wrong with it, or keyman cert add one of its CAs above that you trust"},
		{ErrNotRoot, "keyman cert add takes the certificate of any CA"},
		{ErrInUse, "delete those first, or use --force"},
		{syscall.ENOSPC, "make room on the disk and do it again; the file was left as it is"},
		{syscall.EDQUOT, "make room in your quota of the disk and do it again; the file was left as it is"},
		{syscall.EROFS, "the disk can only be read: make it writable, or copy the file elsewhere"},
		{syscall.EIO, "the disk reports an error: look into the system's log before you do it again"},
		{fs.ErrPermission, "look at owner and mode of the file and its folder: to save makes a new file in the folder"},
		{atomicfile.ErrTooLarge, "no key database is as large as that: look whether it is the right file"},
	}
}

// An Error is an error of a key database: what was done to which file, and why
// it failed. It wraps the errors above.
type Error struct {
	Op   string // such as "open"
	Path string // the file
	Err  error
}

func (e *Error) Error() string {
	// Package atomicfile says which file it was to save, too.
	return fmt.Sprintf("%s %s: %s", e.Op, e.Path, strings.TrimPrefix(e.Err.Error(), "save "+e.Path+": "))
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do about it; "" where nothing is known.
func (e *Error) Hint() string {
	if e.Op == "create" && errors.Is(e.Err, fs.ErrNotExist) {
		return "the folder in which it shall be has to be there"
	}
	return hintFor(e.Err)
}

// An EntryError is an error of one entry. It wraps the errors above.
type EntryError struct {
	Label  string
	Err    error
	Detail string // what is to be known beside Err; may be ""
}

func (e *EntryError) Error() string {
	var b strings.Builder
	if e.Label != "" {
		fmt.Fprintf(&b, "%q: ", e.Label)
	}
	b.WriteString(e.Err.Error())
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	return b.String()
}

// Unwrap returns the reason.
func (e *EntryError) Unwrap() error { return e.Err }

// Hint says what to do about it; "" where nothing is known.
func (e *EntryError) Hint() string { return hintFor(e.Err) }

func hintFor(err error) string {
	for _, h := range remedies() {
		if errors.Is(err, h.err) {
			return h.hint
		}
	}
	var inner interface{ Hint() string }
	if errors.As(err, &inner) {
		return inner.Hint()
	}
	return ""
}

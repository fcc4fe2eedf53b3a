package keyfile

import (
	"errors"
	"fmt"

	"keyman/internal/pbe"
	"keyman/internal/pemtext"
)

// Limits of a file.
const (
	// MaxSize is the largest file in bytes.
	MaxSize = 4 << 20
	// MaxKey is the largest key in bytes, in whatever form: an RSA key of
	// MaxRSABits with its chain of certificates as attributes is far smaller.
	MaxKey = 256 << 10
	// maxBlocks is the largest number of PEM blocks in a file with a key.
	maxBlocks = 4096
)

var (
	// ErrNoKey is a file without a private key.
	ErrNoKey = errors.New("there is no private key in it")
	// ErrSeveral is a file with more than one private key.
	ErrSeveral = errors.New("there is more than one private key in it")
	// ErrNoPassword is an encrypted key where nobody gave a password.
	ErrNoPassword = errors.New("the private key is encrypted, and there is no password")
	// ErrPassword is a password that does not decrypt the key.
	ErrPassword = errors.New("wrong password for the private key")
	// ErrDamaged is a key that is not what was written.
	ErrDamaged = errors.New("the private key is damaged")
	// ErrUnsupported is a key in a form that is not known, or one that asks
	// for more work than a limit allows.
	ErrUnsupported = errors.New("the private key cannot be read")
)

// Types of PEM blocks with keys that are written (RFC 7468, 10 and 11).
const (
	TypePKCS8     = "PRIVATE KEY"
	TypeEncrypted = "ENCRYPTED PRIVATE KEY"
)

// Types of PEM blocks with keys that other programs write.
const (
	typeRSA     = "RSA PRIVATE KEY"
	typeEC      = "EC PRIVATE KEY"
	typeDSA     = "DSA PRIVATE KEY"
	typeOpenSSH = "OPENSSH PRIVATE KEY"
)

// An Ask gets a password. What it is for, such as "OpenSSH private key", is for
// a prompt. Nil without an error is no password.
type Ask func(what string) ([]byte, error)

// Parse reads a file with one private key, PEM or DER, and returns it as
// PKCS#8, DER. It asks at most once, and only where the key is encrypted; a nil
// Ask has no password. Its errors are those of this package, wrapped, and that
// of ask.
func Parse(data []byte, ask Ask) ([]byte, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("%w: the file is longer than %d bytes", ErrUnsupported, MaxSize)
	}
	r := NewReader(ask, pbe.Limits{})
	defer r.Wipe()
	if !pemtext.Is(data) {
		return r.DER(data)
	}
	file, err := pemtext.Parse(data, maxBlocks)
	switch {
	case errors.Is(err, pemtext.ErrTooMany):
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	found := -1
	for i, b := range file.Blocks {
		if !IsKey(b.Type) {
			continue
		}
		if found >= 0 {
			return nil, fmt.Errorf("line %d: %w", b.Line, ErrSeveral)
		}
		found = i
	}
	if found < 0 {
		return nil, ErrNoKey
	}
	return r.Block(file.Blocks[found])
}

// IsKey reports whether a PEM block of this type is a private key that a Reader
// reads.
func IsKey(blockType string) bool {
	switch blockType {
	case TypePKCS8, TypeEncrypted, typeRSA, typeEC, typeDSA, typeOpenSSH:
		return true
	default:
		return false
	}
}

// A Reader reads keys that are under one password. It is for one goroutine at a
// time.
type Reader struct {
	ask      Ask
	limits   pbe.Limits
	text     []byte // the password as OpenSSH wants it; a copy
	password pbe.Password
	opener   *pbe.Opener // nil until the password was asked for
}

// NewReader returns a Reader that asks for the password when it needs it first.
// The limits bound what all keys together may cost.
func NewReader(ask Ask, limits pbe.Limits) *Reader { return &Reader{ask: ask, limits: limits} }

// Wipe overwrites the password in memory.
func (r *Reader) Wipe() {
	clear(r.text)
	r.password.Wipe()
}

// Block reads a PEM block for which IsKey is true.
func (r *Reader) Block(b pemtext.Block) ([]byte, error) {
	key, err := r.block(b)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", b.Line, err)
	}
	return key, nil
}

func (r *Reader) block(b pemtext.Block) ([]byte, error) {
	info, encrypted := b.Headers["DEK-Info"]
	switch {
	case !IsKey(b.Type):
		return nil, ErrNoKey
	case len(b.Bytes) > MaxKey:
		return nil, fmt.Errorf("%w: it is longer than %d bytes", ErrUnsupported, MaxKey)
	case b.Type == typeOpenSSH:
		return r.openSSH(b.Bytes)
	case encrypted:
		opener, err := r.open("private key (" + b.Type + ")")
		if err != nil {
			return nil, err
		}
		plain, err := opener.DecryptPEM(info, b.Bytes)
		if err != nil {
			return nil, passwordError(err)
		}
		if !isSequence(plain) {
			return nil, ErrPassword
		}
		return fromPlain(plain)
	}
	return r.DER(b.Bytes)
}

// open asks for the password, once.
func (r *Reader) open(what string) (*pbe.Opener, error) {
	if r.opener != nil {
		return r.opener, nil
	}
	if r.ask == nil {
		return nil, ErrNoPassword
	}
	text, err := r.ask(what)
	if err != nil {
		return nil, err
	}
	if text == nil {
		return nil, ErrNoPassword
	}
	password, err := pbe.NewPassword(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassword, err)
	}
	r.text = append([]byte{}, text...)
	r.password, r.opener = password, pbe.NewOpener(password, r.limits)
	return r.opener, nil
}

// passwordError makes an error of pbe one of this package.
func passwordError(err error) error {
	switch {
	case errors.Is(err, pbe.ErrDecrypt):
		return ErrPassword
	case errors.Is(err, pbe.ErrUnsupported), errors.Is(err, pbe.ErrLimit):
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	default:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
}

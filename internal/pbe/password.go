package pbe

import (
	"errors"
	"log/slog"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrEncoding is a password that is not UTF-8 text.
var ErrEncoding = errors.New("the password is not UTF-8 text")

// A Password is a password in the two forms that the schemes hash.
type Password struct {
	utf8 []byte // PBES2 and PBMAC1: RFC 8018, 3
	bmp  []byte // RFC 7292, B.1: UTF-16 with two zero bytes at the end
}

// NewPassword prepares a password. Where text is nil there is no password,
// which the KDF of RFC 7292 tells apart from the empty one: the empty password
// has two zero bytes at its end, the absent one has nothing. It returns
// ErrEncoding for text that is not UTF-8.
func NewPassword(text []byte) (Password, error) {
	if text == nil {
		return Password{}, nil
	}
	if !utf8.Valid(text) {
		return Password{}, ErrEncoding
	}
	// RFC 7292 says BMPString; what lies outside of the BMP is written as two
	// surrogates, as OpenSSL and Java do.
	bmp := make([]byte, 0, 2*len(text)+2)
	for rest := text; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			bmp = append(bmp, byte(high>>8), byte(high), byte(low>>8), byte(low))
		} else {
			bmp = append(bmp, byte(r>>8), byte(r))
		}
	}
	return Password{utf8: append([]byte{}, text...), bmp: append(bmp, 0, 0)}, nil
}

// String returns a placeholder, never the password.
func (Password) String() string { return "[password]" }

// GoString returns a placeholder, never the password.
func (Password) GoString() string { return "[password]" }

// LogValue returns a placeholder, never the password.
func (Password) LogValue() slog.Value { return slog.StringValue("[password]") }

// Wipe overwrites the password in memory.
func (p Password) Wipe() {
	clear(p.utf8)
	clear(p.bmp)
}

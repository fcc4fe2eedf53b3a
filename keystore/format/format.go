// Package format is the contract between a key database in memory and the file
// formats that hold it.
//
// A program uses package keystore. This package is for those who add a format:
// a folder below keystore implements [Format], and keystore has it in its list.
package format

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrPassword is a password that does not open the database.
	ErrPassword = errors.New("wrong password")
	// ErrDamaged is a file of this format whose content is not what was written.
	ErrDamaged = errors.New("the file is damaged")
	// ErrUnprotected is a file that has nothing by which a change could be
	// noticed, such as a PKCS#12 file without a MAC.
	ErrUnprotected = errors.New("the file has no MAC: nobody could tell whether it was changed")
	// ErrUnsupported is a file that uses what keyman does not know, or asks
	// for more work than a limit allows.
	ErrUnsupported = errors.New("the file cannot be read")
)

// A Kind says what an Item is. The zero value is no kind.
type Kind int

const (
	// Personal is a private key with its certificate.
	Personal Kind = iota + 1
	// Signer is a certificate without a key: a CA, or a peer.
	Signer
	// Request is a private key that waits for its certificate.
	Request
	// SecretKey is a symmetric key.
	SecretKey
)

var kindNames = [...]string{Personal: "personal", Signer: "signer", Request: "request", SecretKey: "secret key"}

// String returns the word for people.
func (k Kind) String() string {
	if k < Personal || k > SecretKey {
		return fmt.Sprintf("Kind(%d)", int(k))
	}
	return kindNames[k]
}

// MarshalText implements encoding.TextMarshaler.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// An Item is one entry of a database. It holds secrets: never print it.
type Item struct {
	Kind  Kind
	Label string
	// Certificate is DER; of Personal and Signer.
	Certificate []byte
	// Key is a PKCS#8 PrivateKeyInfo, DER; of Personal, Request and SecretKey.
	Key []byte
	// Request is the PKCS#10 request, DER; of Request, where it is known.
	Request []byte
	// Trusted marks a Signer as a CA that is believed.
	Trusted bool
	// Default marks the one Personal item that is used where none is named.
	Default bool
	// Kept is what only the format understands and wants back at the next
	// Encode; nil for an item that comes from elsewhere.
	Kept any
}

// A Content is all that a file holds.
type Content struct {
	// Items are the entries in the file's order.
	Items []Item
	// PasswordExpires is when the password ends to hold good; zero is never. Only
	// an Expirer keeps it.
	PasswordExpires time.Time
	// Kept is the rest of the file, as in Item. It may be an Extra.
	Kept any
}

// An Extra is what a file holds beside items, and another format cannot have.
type Extra interface {
	// Extras names what there is, such as "2 revocation lists"; nil is nothing.
	Extras() []string
}

// A Format reads and writes one kind of file. It is a value without state, for
// use by several goroutines.
type Format interface {
	// Name returns the word for settings and for people, such as "pkcs12".
	Name() string
	// Detect reports whether data looks like a file of this format. It looks
	// at the beginning only, so that a damaged file is still recognized.
	Detect(data []byte) bool
	// Holds reports whether the format can hold entries of this kind.
	Holds(k Kind) bool
	// Decode reads a file. A nil password is no password. It returns
	// ErrPassword, ErrDamaged, ErrUnprotected or ErrUnsupported, wrapped.
	// Labels are neither empty nor equal to another one but for their case.
	Decode(data, password []byte) (*Content, error)
	// Encode writes a file. It changes neither the content nor the password.
	Encode(c *Content, password []byte) ([]byte, error)
}

// A Consumer is a Format that reads a file in the memory where it lies.
type Consumer interface {
	Format
	// Consume does what Decode does, but may write into data, and what it
	// returns may hold parts of it: nobody else uses data from then on.
	Consume(data, password []byte) (*Content, error)
}

// A SetConsumer is a Set that does so.
type SetConsumer interface {
	Set
	// ConsumeSet is to DecodeSet what Consume is to Decode.
	ConsumeSet(files [][]byte, password []byte) (*Content, error)
}

// An Expirer is a Format with a place for Content.PasswordExpires.
type Expirer interface {
	Format
	// LatestExpiry returns the last time that has a place, which is kept in
	// whole seconds.
	LatestExpiry() time.Time
}

// A Marker is a Format that keeps Item.Default. In files of others no item is marked.
type Marker interface {
	Format
	// MarksDefault does nothing: that it is there says so.
	MarksDefault()
}

// A Set is a Format whose database is several files side by side, which are read
// and saved as one. Its Decode and Encode are not used.
type Set interface {
	Format
	// Paths returns the paths of all files by that of the main one, which
	// comes first and is the one that Detect looks at.
	Paths(main string) []string
	// DecodeSet reads the files in the order of Paths; one that is absent is
	// nil. Its errors are those of Decode.
	DecodeSet(files [][]byte, password []byte) (*Content, error)
	// EncodeSet writes the files in the order of Paths; nil leaves one as it
	// is, or absent.
	EncodeSet(c *Content, password []byte) ([][]byte, error)
}

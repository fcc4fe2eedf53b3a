package kdb

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math"
	"time"

	"keyman/keystore/format"
)

const (
	// maxSlot bounds a slot in bytes. A post-quantum certificate with its key
	// needs some 20,000.
	maxSlot = 1 << 20
	// minSlot is what a record without DER and label needs.
	minSlot = 20
	// defaultSlot is the size of a slot unless a record needs more.
	defaultSlot = 5000
	// maxRecords bounds the records of a file.
	maxRecords = 100_000
	// maxWritten bounds what is written, in bytes: one large record makes all
	// slots large.
	maxWritten = 1 << 30
)

// The header: all integers are big-endian.
const (
	versionAt  = 0x02 // after the magic 37 48
	groupAt    = 0x03
	expiryAt   = 0x04 // of the password: seconds since 1970, or zero
	typeAt     = 0x08
	slotSizeAt = 0x10
	countAt    = 0x14
	saltAt     = 0x18
	saltLen    = 24
	verifierAt = 0x30
)

var magic = []byte{0x37, 0x48}

// A version is a version of the format: it says which hash the MACs have.
type version struct {
	number byte
	hash   func() hash.Hash
	size   int // of a MAC, in bytes
}

var (
	version4 = version{4, sha1.New, sha1.Size}
	version6 = version{6, sha512.New384, sha512.Size384}
)

// header returns the length of a header in bytes.
func (v version) header() int { return verifierAt + 2*v.size }

// mac computes an HMAC; its key is the password as it is.
func (v version) mac(password []byte, parts ...[]byte) []byte {
	h := hmac.New(v.hash, password)
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// A fileType says which file of a set a file is.
type fileType struct {
	suffix string
	group  byte
	name   string // as it stands in the header, with its NUL
}

var (
	typeKDB = fileType{".kdb", 2, "X509KEY\x00"}
	typeRDB = fileType{".rdb", 1, "X509KYP\x00"}
	typeCRL = fileType{".crl", 1, "X509CRL\x00"}
)

// is reports whether a file begins as one of this type.
func (t fileType) is(data []byte) bool {
	return len(data) >= slotSizeAt && bytes.Equal(data[:versionAt], magic) &&
		data[groupAt] == t.group && string(data[typeAt:slotSizeAt]) == t.name
}

// A container is a file of slots. It is not changed after it was made.
type container struct {
	fileType fileType
	version  version
	slotSize int
	head     []byte // the header before the verifier; of a new file without salt
	verifier []byte // nil for a new file
	slots    [][]byte
	// expiry is what write puts at expiryAt.
	expiry uint32
}

// newContainer returns an empty container for a file that does not exist yet.
func newContainer(t fileType, v version) *container {
	head := make([]byte, verifierAt)
	copy(head, magic)
	head[versionAt], head[groupAt] = v.number, t.group
	copy(head[typeAt:], t.name)
	return &container{fileType: t, version: v, slotSize: defaultSlot, head: head}
}

// readContainer reads a file. A wrong password is ErrPassword, everything else
// that does not fit ErrDamaged or ErrUnsupported.
func readContainer(t fileType, data, password []byte) (*container, error) {
	c, err := splitContainer(t, data)
	if err != nil {
		return nil, fmt.Errorf("%s file: %w", t.suffix, err)
	}
	if !c.opens(password) {
		return c, format.ErrPassword
	}
	signed := verifierAt + c.version.size
	integrity := data[signed:c.version.header()]
	if !hmac.Equal(integrity, c.version.mac(password, data[:signed], data[c.version.header():])) {
		return nil, fmt.Errorf("%s file: %w: it is not what was written with this password", t.suffix, format.ErrDamaged)
	}
	return c, nil
}

// splitContainer takes a file apart without looking at its MACs. The slots are
// parts of data.
func splitContainer(t fileType, data []byte) (*container, error) {
	if !t.is(data) {
		return nil, fmt.Errorf("%w: it does not begin as such a file does", format.ErrDamaged)
	}
	var v version
	switch data[versionAt] {
	case version4.number:
		v = version4
	case version6.number:
		v = version6
	default:
		return nil, fmt.Errorf("%w: version %d of the format", format.ErrUnsupported, data[versionAt])
	}
	if len(data) < v.header() {
		return nil, fmt.Errorf("%w: it ends in its header", format.ErrDamaged)
	}
	slotSize := binary.BigEndian.Uint32(data[slotSizeAt:])
	count := binary.BigEndian.Uint32(data[countAt:])
	body := data[v.header():]
	switch {
	case slotSize < minSlot || slotSize > maxSlot:
		return nil, fmt.Errorf("%w: slots of %d bytes; %d to %d are read", format.ErrDamaged, slotSize, minSlot, maxSlot)
	case uint64(slotSize)*uint64(count) != uint64(len(body)):
		return nil, fmt.Errorf("%w: %d bytes in place of %d slots of %d", format.ErrDamaged, len(body), count, slotSize)
	case count > maxRecords:
		return nil, fmt.Errorf("%w: %d records; at most %d are read", format.ErrUnsupported, count, maxRecords)
	}
	c := &container{
		fileType: t, version: v, slotSize: int(slotSize),
		head: data[:verifierAt], verifier: data[verifierAt : verifierAt+v.size],
		expiry: binary.BigEndian.Uint32(data[expiryAt:]),
	}
	for len(body) > 0 {
		c.slots = append(c.slots, body[:slotSize:slotSize])
		body = body[slotSize:]
	}
	return c, nil
}

// opens reports whether the password is the one that the file was written with;
// no password opens a new file.
func (c *container) opens(password []byte) bool {
	return c.verifier != nil && hmac.Equal(c.verifier, c.version.mac(password, c.head))
}

// expires returns when the password ends to hold good; zero is never.
func (c *container) expires() time.Time {
	if c.expiry == 0 {
		return time.Time{}
	}
	return time.Unix(int64(c.expiry), 0).UTC()
}

// withExpiry returns a container that is written with another time at which the
// password ends to hold good, in whole seconds; zero is never.
func (c *container) withExpiry(t time.Time) (*container, error) {
	changed := *c
	changed.expiry = 0
	if !t.IsZero() {
		seconds := t.Unix()
		if seconds < 1 || seconds > math.MaxUint32 {
			return nil, fmt.Errorf("a CMS key database has no place for %s as the end of a password", t.UTC().Format(time.RFC3339))
		}
		changed.expiry = uint32(seconds)
	}
	return &changed, nil
}

// write makes the file anew with other slots, which may be shorter than a slot
// is. Under the same password it keeps the salt, so that what is not changed is
// written as it was.
func (c *container) write(slots [][]byte, password []byte) ([]byte, error) {
	if len(password) == 0 || hasNUL(password) {
		return nil, errors.New("a CMS key database needs a password, without a NUL in it")
	}
	slotSize := c.slotSize
	for _, s := range slots {
		slotSize = max(slotSize, len(s))
	}
	if slotSize > maxSlot {
		return nil, fmt.Errorf("a record of %d bytes; a CMS key database holds records of %d", slotSize, maxSlot)
	}
	if len(slots) > maxRecords || slotSize*len(slots) > maxWritten {
		return nil, fmt.Errorf("%d records of %d bytes are more than a CMS key database holds", len(slots), slotSize)
	}
	head := bytes.Clone(c.head)
	binary.BigEndian.PutUint32(head[expiryAt:], c.expiry)
	binary.BigEndian.PutUint32(head[slotSizeAt:], uint32(slotSize))
	binary.BigEndian.PutUint32(head[countAt:], uint32(len(slots)))
	if !c.opens(password) {
		copy(head[saltAt:], newSalt())
	}
	data := make([]byte, c.version.header()+slotSize*len(slots))
	copy(data, head)
	for i, s := range slots {
		copy(data[c.version.header()+i*slotSize:], s)
	}
	copy(data[verifierAt:], c.version.mac(password, head))
	signed := verifierAt + c.version.size
	copy(data[signed:], c.version.mac(password, data[:signed], data[c.version.header():]))
	return data, nil
}

// hasNUL reports what no password has: HMAC fills its key up with zeros, so that
// one with a NUL at its end would pass for the one without.
func hasNUL(p []byte) bool { return bytes.IndexByte(p, 0) >= 0 }

// newSalt returns random bytes without a zero, and a zero after them.
func newSalt() []byte {
	salt := nonZero(saltLen)
	salt[saltLen-1] = 0
	return salt
}

// nonZero returns n random bytes of which none is zero.
func nonZero(n int) []byte {
	p := make([]byte, 0, n)
	for len(p) < n {
		some := make([]byte, n)
		rand.Read(some) // never fails: it ends the process instead
		for _, b := range some {
			if b != 0 && len(p) < n {
				p = append(p, b)
			}
		}
	}
	return p
}

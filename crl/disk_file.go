package crl

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// A list of the cache is two files: NAME-DIGEST.crl is the list itself, DER, and
// NAME.idx is what this file is about. It names the other one, so that it is what
// makes a list of the cache.
//
//	magic   8 octets, the version of the format in them
//	size    of the record, uint32
//	record  JSON
//	key     of the index, hashKeySize octets
//	starts  of the index; their number follows from that of the slots
//	slots   of the index
//	issuers where entries with certificateIssuer begin, uint32
//	sum     SHA-256 of all before it
//
// Numbers are little endian.
const (
	indexMagic = "KMCRLI2\n"
	// maxRecord bounds a record, in octets; maxPlacesKept and maxSignerKept
	// are what may be long in it: the places at which a list was found, and its
	// issuer's certificate.
	maxRecord     = 64 << 10
	maxPlacesKept = 8
	maxSignerKept = 16 << 10
)

// ErrDamaged is in the error for a file of the cache that is not as it was
// written.
var ErrDamaged = errors.New("damaged")

func damaged(path, what string) error { return fmt.Errorf("%s is %w: %s", path, ErrDamaged, what) }

// A record is what is kept about a list.
type record struct {
	DER             string   `json:"der"` // name of the file
	Size            int64    `json:"size"`
	Digest          []byte   `json:"digest"` // of what is signed: see signedPart.check
	Entries         int      `json:"entries"`
	Issuers         int      `json:"issuers,omitempty"`
	UnknownCritical []string `json:"unknown_critical,omitempty"`
	Authority       bool     `json:"authority,omitempty"`
	Source          string   `json:"source,omitempty"`
	// Validators are those of the HTTP server of Source.
	Validators Validators `json:"validators,omitzero"`
	Places     []string   `json:"places"`
	Signer     []byte     `json:"signer"` // the certificate, DER
	Stored     time.Time  `json:"stored"`
	// Together is how many lists the place gave at that instant: without the
	// others this one is not its answer.
	Together int `json:"together"`
}

// seenAt reports whether the list was found at a place.
func (r *record) seenAt(place string) bool { return slices.Contains(r.Places, place) }

// encodeIndex writes an index file.
func encodeIndex(r *record, l *List) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if len(text) > maxRecord {
		return nil, fmt.Errorf("a record of %d bytes, more than %d", len(text), maxRecord)
	}
	key := l.index.key
	if key == nil {
		key = new(hashKey)
	}
	size := len(indexMagic) + 4 + len(text) + hashKeySize + int(l.index.size()) + 4*len(l.issuers) + sha256.Size
	data := append(make([]byte, 0, size), indexMagic...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(text)))
	data = append(data, text...)
	data = append(data, key.encode()...)
	data = append(data, l.index.starts...)
	data = append(data, l.index.slots...)
	for _, at := range l.issuers {
		data = binary.LittleEndian.AppendUint32(data, at)
	}
	sum := sha256.Sum256(data)
	return append(data, sum[:]...), nil
}

// decodeRecord reads the record at the beginning of an index file, and returns
// where it ends.
func decodeRecord(path string, data []byte) (r *record, end int, err error) {
	head := len(indexMagic) + 4
	if len(data) < head || string(data[:len(indexMagic)]) != indexMagic {
		return nil, 0, damaged(path, "it does not begin as an index")
	}
	size := binary.LittleEndian.Uint32(data[len(indexMagic):])
	if size > maxRecord || int(size) > len(data)-head {
		return nil, 0, damaged(path, "its record is cut short")
	}
	end = head + int(size)
	r = new(record)
	decoder := json.NewDecoder(bytes.NewReader(data[head:end]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(r); err != nil || r.Entries < 0 || r.Issuers < 0 ||
		r.Entries > math.MaxInt32 || r.Issuers > r.Entries || r.Size < 0 || r.Size > MaxMaxBytes {
		return nil, 0, damaged(path, "its record cannot be read")
	}
	return r, end, nil
}

// decodeIndex reads an index file. The index lies in data.
func decodeIndex(path string, data []byte) (*record, index, []uint32, error) {
	r, at, err := decodeRecord(path, data)
	if err != nil {
		return nil, index{}, nil, err
	}
	rest := data[at:]
	starts := startSize * startsFor(r.Entries)
	slots := slotSize * r.Entries
	if len(rest) != hashKeySize+starts+slots+4*r.Issuers+sha256.Size {
		return nil, index{}, nil, damaged(path, "it has another size than it says")
	}
	if sum := sha256.Sum256(data[:len(data)-sha256.Size]); !bytes.Equal(sum[:], data[len(data)-sha256.Size:]) {
		return nil, index{}, nil, damaged(path, "its checksum is wrong")
	}
	x := index{key: decodeHashKey(rest)}
	rest = rest[hashKeySize:]
	x.starts, rest = rest[:starts:starts], rest[starts:]
	x.slots, rest = rest[:slots:slots], rest[slots:]
	issuers := make([]uint32, r.Issuers)
	for i := range issuers {
		issuers[i] = binary.LittleEndian.Uint32(rest[4*i:])
	}
	return r, x, issuers, nil
}

// reopen makes the list of a record out of its DER, without a look at the
// entries.
func reopen(path string, r *record, x index, issuers []uint32, der []byte) (*List, error) {
	if int64(len(der)) != r.Size {
		return nil, damaged(path, "it has another size than when it was stored")
	}
	p := &parser{intake: &intake{buf: der}, list: &List{Version: 1}, stored: true}
	if err := p.head(MaxMaxBytes); err != nil {
		return nil, damaged(path, err.Error())
	}
	if err := p.tail(); err != nil {
		return nil, damaged(path, err.Error())
	}
	l := p.list
	l.index, l.issuers, l.UnknownCritical = x, issuers, r.UnknownCritical
	l.authority, l.Source, l.validators = r.Authority, r.Source, r.Validators
	l.signed.expected = r.Digest
	return l, nil
}

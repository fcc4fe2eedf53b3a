package crl

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// An index finds the entries of a list by serial number: a hash table over the
// entries' DER that holds no serial number itself, so that what it finds is
// compared with the DER. It takes 8.25 bytes for an entry: 8 for its slot, and a
// share of the 4 for each bucket.
//
// Buckets of bucketSize slots lie one behind the other, each as long as it must
// be: no slot is empty, a bucket is two or three neighbouring lines of the processor's
// cache, which come together, and the slots of a serial number are in the order of
// the list. A slot holds 32 bits of hash, by which nearly all serial numbers that
// are in no list are told without a look at the DER, and the others look at one
// entry. Where buckets begin takes so little that it stays in the processor's cache:
// in a large list two accesses to memory find an entry, and one tells that there is
// none. Smaller buckets are slower for what their beginnings take, larger ones for
// what is to be looked through.
//
// The slots are bytes, little endian, so that an index in a file is used where it
// lies. The zero value has no entries.
type index struct {
	key    *hashKey
	starts []byte // where each bucket begins in slots, and where the last one ends: uint32
	slots  []byte // hash << 32 | offset of the entry: uint64
}

const (
	// bucketSize is how many slots a bucket has on average.
	bucketSize = 16
	// slotSize and startSize are in octets.
	slotSize  = 8
	startSize = 4
)

// len returns the number of entries.
func (x *index) len() int { return len(x.slots) / slotSize }

// size returns the octets that the index takes.
func (x *index) size() int64 { return int64(len(x.starts)) + int64(len(x.slots)) }

// startsFor returns how many starts the index of some entries has.
func startsFor(entries int) int {
	if entries == 0 {
		return 0
	}
	return (entries+bucketSize-1)/bucketSize + 1
}

// A probe is where a search for a serial number has come to.
type probe struct {
	hash    uint32
	at, end int // slots
}

// probe begins a search.
func (x *index) probe(serial []byte) probe {
	buckets := len(x.starts)/startSize - 1
	if buckets < 1 {
		return probe{}
	}
	hash := x.key.sum(serial)
	b := bucketOf(hash, buckets)
	return probe{hash, int(x.start(b)), min(int(x.start(b+1)), x.len())}
}

// start returns where a bucket begins, in slots.
func (x *index) start(bucket int) uint32 {
	return binary.LittleEndian.Uint32(x.starts[bucket*startSize:])
}

// next returns the offset of the next entry whose serial number may be the one
// that is searched.
func (x *index) next(p *probe) (offset uint32, ok bool) {
	for p.at < p.end {
		slot := binary.LittleEndian.Uint64(x.slots[p.at*slotSize:])
		p.at++
		if uint32(slot>>32) == p.hash {
			return uint32(slot), true
		}
	}
	return 0, false
}

// bucketOf maps a hash evenly to a bucket.
func bucketOf(hash uint32, buckets int) int {
	return int(uint64(hash) * uint64(buckets) >> 32)
}

// A hashKey is the secret of one index: who makes a list cannot know it, and so
// cannot fill one bucket with all of its entries. The hash is multilinear,
// k[0] + k[1]*length + the sum of k[2+i]*word[i] mod 2^64 over words of 32 bits: two
// serial numbers of up to maxHashed octets have the same sum with a probability of
// at most 2^-33 over the choice of the key, whatever they are. The sums of serial
// numbers that follow each other do so, too; a mixer without a key scatters them.
type hashKey [2 + maxHashed/4]uint64

// maxHashed is the length, in octets, up to which a serial number is hashed word
// by word. RFC 5280, 4.1.2.2, allows 20.
const maxHashed = 64

// hashKeySize is that of an encoded key, in octets.
const hashKeySize = 8 * (2 + maxHashed/4)

func newHashKey() *hashKey {
	var random [hashKeySize]byte
	_, _ = rand.Read(random[:]) // never fails
	return decodeHashKey(random[:])
}

// decodeHashKey reads a key of hashKeySize octets.
func decodeHashKey(octets []byte) *hashKey {
	k := new(hashKey)
	for i := range k {
		k[i] = binary.LittleEndian.Uint64(octets[8*i:])
	}
	return k
}

// encode writes the key.
func (k *hashKey) encode() []byte {
	var octets []byte
	for _, part := range k {
		octets = binary.LittleEndian.AppendUint64(octets, part)
	}
	return octets
}

// sum hashes a serial number.
func (k *hashKey) sum(serial []byte) uint32 {
	if len(serial) > maxHashed {
		return k.sumLong(serial)
	}
	h := k[0] + k[1]*uint64(len(serial))
	part := 2 // of k, below len(k): the last one is for the last word
	for ; len(serial) >= 8 && part < len(k)-1; part += 2 {
		words := binary.BigEndian.Uint64(serial)
		h += k[part]*(words>>32) + k[part+1]*(words&math.MaxUint32)
		serial = serial[8:]
	}
	if len(serial) >= 4 {
		h += k[part] * uint64(binary.BigEndian.Uint32(serial))
		part++
		serial = serial[4:]
	}
	if len(serial) > 0 {
		word := uint64(0)
		for _, b := range serial {
			word = word<<8 | uint64(b)
		}
		h += k[part] * word
	}
	// The mixer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom
	// number generators, 2014), which maps no two sums to one.
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return uint32(h >> 32)
}

// sumLong hashes what no certificate of RFC 5280 has.
func (k *hashKey) sumLong(serial []byte) uint32 {
	octets := make([]byte, 0, hashKeySize+256) // constant, and so not on the heap
	for _, part := range k {
		octets = binary.LittleEndian.AppendUint64(octets, part)
	}
	digest := sha256.Sum256(append(octets, serial...))
	return binary.BigEndian.Uint32(digest[:])
}

package crl

import (
	"encoding/binary"

	"keyman/internal/hugepage"
)

// An indexMaker collects entries while they arrive, in 5 bytes for each: their
// hash, and the size from which their offset follows.
type indexMaker struct {
	key    *hashKey
	chunks []chunk // in the order of the list
	count  int
	// long are the sizes of the entries that a chunk has no room for.
	long []uint32
}

// A chunk is a run of entries. Chunks are never copied.
type chunk struct {
	hashes []uint32
	sizes  []byte // 0 is in long; as many as hashes
}

// The entries of the first chunk, and of the largest.
const (
	firstChunk = 64
	maxChunk   = 1 << 16
)

func newIndexMaker() *indexMaker { return &indexMaker{key: newHashKey()} }

// add adds an entry that has a size, header counted, and lies behind the one that
// was added before it.
func (m *indexMaker) add(serial []byte, size int) {
	c := m.room()
	short := byte(size)
	if size > 0xff {
		short = 0
		m.long = append(m.long, uint32(size))
	}
	c.hashes = append(c.hashes, m.key.sum(serial))
	c.sizes = append(c.sizes, short)
	m.count++
}

// room returns a chunk with room for one entry more.
func (m *indexMaker) room() *chunk {
	last := len(m.chunks) - 1
	if last < 0 || len(m.chunks[last].hashes) == cap(m.chunks[last].hashes) {
		size := firstChunk
		if last >= 0 {
			size = min(4*cap(m.chunks[last].hashes), maxChunk)
		}
		m.chunks = append(m.chunks, chunk{make([]uint32, 0, size), make([]byte, 0, size)})
		last++
	}
	return &m.chunks[last]
}

// index returns the index of what was added.
func (m *indexMaker) index() index {
	x := index{key: m.key}
	if m.count == 0 {
		return x
	}
	starts := startsFor(m.count)
	buckets := starts - 1
	// next counts, first: next[b+2] is how many slots bucket b has. Then next[b+1] is
	// where its next slot goes; in the end that is where the following one begins.
	next := hugepage.Make(startSize * (starts + 1))
	at := func(i int) []byte { return next[startSize*i : startSize*(i+1)] }
	for _, c := range m.chunks {
		for _, hash := range c.hashes {
			n := at(bucketOf(hash, buckets) + 2)
			binary.LittleEndian.PutUint32(n, binary.LittleEndian.Uint32(n)+1)
		}
	}
	sum := uint32(0)
	for i := range starts + 1 {
		sum += binary.LittleEndian.Uint32(at(i))
		binary.LittleEndian.PutUint32(at(i), sum)
	}
	x.slots = hugepage.Make(slotSize * m.count)
	offset, long := uint32(0), m.long
	for _, c := range m.chunks {
		for i, hash := range c.hashes {
			n := at(bucketOf(hash, buckets) + 1)
			slot := binary.LittleEndian.Uint32(n)
			binary.LittleEndian.PutUint32(n, slot+1)
			binary.LittleEndian.PutUint64(x.slots[int(slot)*slotSize:], uint64(hash)<<32|uint64(offset))
			size := uint32(c.sizes[i])
			if size == 0 {
				size, long = long[0], long[1:]
			}
			offset += size
		}
	}
	x.starts = next[: startSize*starts : startSize*starts]
	return x
}

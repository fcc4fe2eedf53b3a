package crl

import (
	"encoding/binary"
	"slices"
)

// indexes reports whether an index is one of the entries of a list: each slot leads to
// an entry whose serial number has its hash and belongs into its bucket, those of a
// bucket are in the order of the list, and each entry has one. It takes the time of
// reading the list, also where all entries have one serial number.
func (x *index) indexes(l *List) bool {
	offsets := make([]uint32, 0, l.Len())
	for at := 0; at < len(l.revoked); {
		offsets = append(offsets, uint32(at))
		_, at = elementAt(l.revoked, at)
	}
	if x.len() != len(offsets) {
		return false
	}
	slots := 0 // before the bucket
	buckets := startsFor(len(offsets)) - 1
	for b := range buckets {
		last, end := -1, int(x.start(b+1))
		if int(x.start(b)) != slots || end < slots || end > len(offsets) {
			return false
		}
		for at := slots; at < end; at++ {
			slot := binary.LittleEndian.Uint64(x.slots[at*slotSize:])
			hash, offset := uint32(slot>>32), uint32(slot)
			if _, known := slices.BinarySearch(offsets, offset); !known || int(offset) <= last ||
				bucketOf(hash, buckets) != b || x.key.sum(l.entryAt(offset).Serial) != hash {
				return false
			}
			last = int(offset)
		}
		slots = end
	}
	// As many as there are entries, and none twice: one serial number has one bucket.
	return slots == len(offsets)
}

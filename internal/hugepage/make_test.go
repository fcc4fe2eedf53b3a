package hugepage_test

import (
	"bytes"
	"testing"

	"keyman/internal/hugepage"
)

// TestMake: memory of all sizes is there, zero, and can be written to its end.
func TestMake(t *testing.T) {
	for _, size := range []int{0, 1, 4<<20 - 1, 4 << 20, 9<<20 + 5} {
		octets := hugepage.Make(size)
		if len(octets) != size || bytes.Count(octets, []byte{0}) != size {
			t.Errorf("%d octets: %d, not all of them zero", size, len(octets))
		}
		for i := range octets {
			octets[i] = 1
		}
	}
}

package keystore

import (
	"slices"
	"time"
)

// Due lists the entries whose certificates are no longer valid after t, the
// soonest first; one whose end cannot be read comes before all others.
func (s *Store) Due(t time.Time) []Head {
	type due struct {
		end  time.Time
		head Head
	}
	var list []due
	for h := range s.Heads() {
		if h.certificate == nil {
			continue
		}
		if brief, err := h.Brief(); err != nil || brief.EndsBy(t) {
			list = append(list, due{brief.NotAfter, h})
		}
	}
	slices.SortStableFunc(list, func(a, b due) int { return a.end.Compare(b.end) })
	heads := make([]Head, len(list))
	for i, d := range list {
		heads[i] = d.head
	}
	return heads
}

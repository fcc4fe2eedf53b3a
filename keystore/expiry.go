package keystore

import (
	"slices"
	"time"
)

// Due lists the entries whose certificates are no longer valid after t, the
// soonest first; one whose end cannot be read comes before all others.
func (s *Store) Due(t time.Time) []Entry {
	type due struct {
		end   time.Time
		entry Entry
	}
	var list []due
	for e := range s.Entries() {
		if len(e.Chain) == 0 {
			continue
		}
		if summary, err := e.Summary(); err != nil || summary.EndsBy(t) {
			list = append(list, due{summary.NotAfter, e})
		}
	}
	slices.SortStableFunc(list, func(a, b due) int { return a.end.Compare(b.end) })
	entries := make([]Entry, len(list))
	for i, d := range list {
		entries[i] = d.entry
	}
	return entries
}

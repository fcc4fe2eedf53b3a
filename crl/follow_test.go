package crl

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestFollow: who is asked when, by a clock of the test's own.
func TestFollow(t *testing.T) {
	const never = time.Hour
	for _, c := range []struct {
		name  string
		takes []time.Duration // each place answers then
		until int             // the answer after which the loop ends
		limit time.Duration   // 0 is none
		asked []time.Duration
		came  []int
		end   time.Duration
	}{
		{"one after the other", []time.Duration{0, 0, 0}, -1, 0, []time.Duration{0, 0, 0}, []int{0, 1, 2}, 0},
		{"the first will do", []time.Duration{headStart / 2, 0}, 0, 0, []time.Duration{0}, []int{0}, headStart / 2},
		{"the first hangs", []time.Duration{never, time.Second}, 1, 0, []time.Duration{0, headStart}, []int{1}, headStart + time.Second},
		{"the first is slow, and wins", []time.Duration{5 * time.Second, never}, 0, 0, []time.Duration{0, headStart}, []int{0}, 5 * time.Second},
		{"all hang", []time.Duration{never, never, never}, -1, 3 * headStart / 2, []time.Duration{0, headStart / 2, headStart}, nil, 3 * headStart / 2},
		{"a failure hurries the next", []time.Duration{headStart / 2, never, 0}, 2, 0, []time.Duration{0, headStart / 2, 3 * headStart / 2}, []int{0, 2}, 3 * headStart / 2},
		{"none", nil, -1, 0, nil, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				if c.limit > 0 {
					ctx, cancel = context.WithTimeout(ctx, c.limit)
				}
				defer cancel()
				begin := time.Now()
				var (
					mu    sync.Mutex
					asked []time.Duration
				)
				var came []int
				for i, answered := range follow(ctx, len(c.takes), func(ctx context.Context, i int) bool {
					mu.Lock()
					asked = append(asked, time.Since(begin))
					mu.Unlock()
					select {
					case <-time.After(c.takes[i]):
						return true
					case <-ctx.Done():
						return false
					}
				}) {
					if answered {
						came = append(came, i)
					}
					if i == c.until {
						break
					}
				}
				if fmt.Sprint(asked) != fmt.Sprint(c.asked) || !slices.Equal(came, c.came) || time.Since(begin) != c.end {
					t.Errorf("asked at %v, came %v, ended after %v", asked, came, time.Since(begin))
				}
			})
		})
	}
}

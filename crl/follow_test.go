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
		{"the first will do", []time.Duration{time.Second, 0}, 0, 0, []time.Duration{0}, []int{0}, time.Second},
		{"the first hangs", []time.Duration{never, time.Second}, 1, 0, []time.Duration{0, headStart}, []int{1}, headStart + time.Second},
		{"the first is slow, and wins", []time.Duration{5 * time.Second, never}, 0, 0, []time.Duration{0, headStart}, []int{0}, 5 * time.Second},
		{"all hang", []time.Duration{never, never, never}, -1, 6 * time.Second, []time.Duration{0, 2 * time.Second, 4 * time.Second}, nil, 6 * time.Second},
		{"a failure hurries the next", []time.Duration{time.Second, never, 0}, 2, 0, []time.Duration{0, time.Second, time.Second + headStart}, []int{0, 2}, time.Second + headStart},
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

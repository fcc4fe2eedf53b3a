package crl

import (
	"context"
	"iter"
	"sync"
	"time"
)

// headStart is the longest time that one place has before the next is asked, too.
const headStart = time.Second

// follow asks n places and yields what they say as it comes. The next place is
// asked when one has answered and the loop goes on, or when the last one asked
// has had its share of the time, at most headStart; those asked before are still
// waited for. The end of the loop ends all that are under way, and waits for it.
func follow[T any](ctx context.Context, n int, ask func(ctx context.Context, i int) T) iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		type result struct {
			i     int
			value T
		}
		var running sync.WaitGroup
		defer running.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		results := make(chan result, n) // nobody is kept from ending
		for asked, answered := 0, 0; answered < n; {
			var late <-chan time.Time
			if asked < n {
				i := asked
				asked++
				running.Go(func() { results <- result{i, ask(ctx, i)} })
			}
			if asked < n {
				late = time.After(share(ctx, n-asked+1))
			}
			select {
			case r := <-results:
				answered++
				if !yield(r.i, r.value) {
					return
				}
			case <-late:
			}
		}
	}
}

// share is what one of some places has of the time of ctx, at most headStart.
func share(ctx context.Context, left int) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return headStart
	}
	return min(time.Until(deadline)/time.Duration(left), headStart)
}

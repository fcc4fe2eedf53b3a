package ike

import (
	"sync"
)

// workers run jobs on a fixed number of goroutines. Their queue has no bound of
// its own: an SA waits for one job at a time, and the SAs are bounded.
type workers struct {
	mu     sync.Mutex // guards queue and closed
	ready  *sync.Cond
	queue  []func()
	closed bool
	done   sync.WaitGroup
}

// startWorkers starts n goroutines; stop ends them.
func startWorkers(n int) *workers {
	w := &workers{}
	w.ready = sync.NewCond(&w.mu)
	for range n {
		w.done.Go(w.run)
	}
	return w
}

// do queues a job.
func (w *workers) do(job func()) {
	w.mu.Lock()
	w.queue = append(w.queue, job)
	w.mu.Unlock()
	w.ready.Signal()
}

func (w *workers) run() {
	for {
		w.mu.Lock()
		for len(w.queue) == 0 && !w.closed {
			w.ready.Wait()
		}
		if w.closed {
			w.mu.Unlock()
			return
		}
		job := w.queue[0]
		w.queue[0] = nil
		w.queue = w.queue[1:]
		w.mu.Unlock()
		job()
	}
}

// stop drops the jobs that have not begun and waits for those that have.
func (w *workers) stop() {
	w.mu.Lock()
	w.closed, w.queue = true, nil
	w.mu.Unlock()
	w.ready.Broadcast()
	w.done.Wait()
}

package ike

import (
	"sync"
)

// workers run jobs on a fixed number of goroutines. Their queues have no bound of
// their own: an SA waits for one job at a time, and the SAs are bounded.
type workers struct {
	mu     sync.Mutex // guards what follows
	ready  *sync.Cond
	queue  []func()
	later  []func() // jobs that wait while there is another one
	doing  int      // how many of those are being done
	most   int      // how many of those may be done at once
	closed bool
	done   sync.WaitGroup
}

// startWorkers starts n goroutines; stop ends them. At most half of them, and at
// least one, do jobs of doLater at once.
func startWorkers(n int) *workers {
	w := &workers{most: max(1, n/2)}
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

// doLater queues a job for when no job of do waits.
func (w *workers) doLater(job func()) {
	w.mu.Lock()
	w.later = append(w.later, job)
	w.mu.Unlock()
	w.ready.Signal()
}

func (w *workers) run() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.closed:
			return
		case len(w.queue) > 0:
			w.perform(&w.queue)
		case len(w.later) > 0 && w.doing < w.most:
			w.doing++
			w.perform(&w.later)
			w.doing--
		default:
			w.ready.Wait()
		}
	}
}

// perform does the first job of a queue. The lock is held when it is called and
// when it returns, and not while the job runs.
func (w *workers) perform(queue *[]func()) {
	job := (*queue)[0]
	(*queue)[0] = nil
	*queue = (*queue)[1:]
	w.mu.Unlock()
	defer w.mu.Lock()
	job()
}

// stop drops the jobs that have not begun and waits for those that have.
func (w *workers) stop() {
	w.mu.Lock()
	w.closed, w.queue, w.later = true, nil, nil
	w.mu.Unlock()
	w.ready.Broadcast()
	w.done.Wait()
}

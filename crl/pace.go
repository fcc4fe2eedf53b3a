package crl

import (
	"fmt"
	"sync"
	"time"
)

const (
	// DefaultMinRate is the slowest server that is waited for, in bytes a
	// second.
	DefaultMinRate = 512
	// rateWindow is the time over which the rate is taken: one pause in it
	// does no harm.
	rateWindow = 4 * time.Second
)

// A slowError is a server that sends too little.
type slowError struct{ bytes int64 }

func (e slowError) Error() string {
	return fmt.Sprintf("the server sent less than %d bytes in %v", e.bytes, rateWindow)
}

// Hint tells what to do.
func (e slowError) Hint() string {
	return "keyman crl config set min_rate=BYTES waits for slower servers, and 0 for every one"
}

// A pace ends a transfer that is too slow. It runs between start and stop. A nil
// pace lets everything be.
type pace struct {
	least int64       // bytes in a window
	end   func(error) // ends the transfer

	mu      sync.Mutex
	got     int64 // bytes in this window
	running bool
	run     int         // counts the calls of start
	timer   *time.Timer // of this run
}

// newPace returns a pace for a rate in bytes a second; a rate below 1 is nil.
func newPace(rate int64, end func(error)) *pace {
	if rate < 1 {
		return nil
	}
	return &pace{least: rate * int64(rateWindow/time.Second), end: end}
}

// start begins a window: the server has begun to send.
func (p *pace) start() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.run++
	p.got, p.running = 0, true
	run := p.run
	p.timer = time.AfterFunc(rateWindow, func() { p.look(run) })
}

// add counts bytes.
func (p *pace) add(n int) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got += int64(n)
}

// stop ends the last window.
func (p *pace) stop() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running = false; p.timer != nil {
		p.timer.Stop()
	}
}

// look runs at the end of each window of a run. It may come late, when that run is
// over and another one has begun.
func (p *pace) look(run int) {
	p.mu.Lock()
	current := p.running && p.run == run
	slow := current && p.got < p.least
	if current && !slow {
		p.got = 0
		p.timer.Reset(rateWindow)
	}
	p.mu.Unlock()
	if slow {
		p.end(slowError{p.least})
	}
}

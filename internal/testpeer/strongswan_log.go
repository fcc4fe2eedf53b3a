package testpeer

import (
	"bytes"
	"sync"
	"testing"
	"time"
)

// logBook collects what a program writes and lets tests wait for a text in it.
type logBook struct {
	mu     sync.Mutex
	text   []byte
	closed bool
	news   chan struct{} // closed and replaced with each write; closed for good by close
}

func newLogBook() *logBook { return &logBook{news: make(chan struct{})} }

// Write adds to the book.
func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text = append(b.text, p...)
	close(b.news)
	b.news = make(chan struct{})
	return len(p), nil
}

// close says that no more will come; nobody writes afterwards.
func (b *logBook) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	close(b.news)
}

// String returns all that was written so far.
func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.text)
}

// look tells whether the book holds a text and whether more can come, and gives
// the channel that closes when it is worth looking again.
func (b *logBook) look(text string) (found, closed bool, news <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Contains(b.text, []byte(text)), b.closed, b.news
}

// wait returns when the book holds a text. The test fails where the program
// ends without it, or after the limit.
func (b *logBook) wait(t testing.TB, limit time.Duration, text string) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	for {
		found, closed, news := b.look(text)
		switch {
		case found:
			return
		case closed:
			t.Fatalf("the program ended without saying %q:\n%s", text, b)
		}
		select {
		case <-news:
		case <-deadline.C:
			t.Fatalf("not said within %v: %q\n%s", limit, text, b)
		}
	}
}

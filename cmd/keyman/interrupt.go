package main

import (
	"context"
	"time"

	"keyman/cmd/keyman/internal/prompt"
)

// graceToEnd is how long a command that was told to end may take to end by itself. A
// computation, such as the making of a large key, is then left behind in a process that
// ends: every file is saved whole or not at all.
const graceToEnd = 500 * time.Millisecond

// errInterrupted is a command that was told to end and did not.
var errInterrupted = withHint(prompt.ErrInterrupted, "every file is as it was, or has all that is new")

// endSoon runs a command, and goes on without it a little after ctx has ended: false is
// one that was left behind. One that takes its time says so by holding.
func endSoon(ctx context.Context, holding func() bool, command func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		growStack()
		command()
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	late := time.NewTimer(graceToEnd)
	defer late.Stop()
	select {
	case <-done:
		return true
	case <-late.C:
	}
	if !holding() {
		return false
	}
	<-done
	return true
}

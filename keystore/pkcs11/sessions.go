//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"sync"

	"github.com/miekg/pkcs11"
)

// maxSessions bounds the sessions with a token, which are the signatures at one time.
const maxSessions = 8

// An opener opens and closes sessions, as the module does.
type opener interface {
	OpenSession(slot, flags uint) (pkcs11.SessionHandle, error)
	CloseSession(pkcs11.SessionHandle) error
}

// sessions hands out sessions: one is for one goroutine at a time (PKCS#11, 5.6). The
// first one, which has logged in, stays open until all are closed: with the last one
// the user would be logged out.
type sessions struct {
	ctx   opener
	slot  uint
	flags uint

	mu     sync.Mutex
	change *sync.Cond // a session is free, or all are closed
	free   []pkcs11.SessionHandle
	open   int // free or in use
	most   int // what we open, or what the token lets us, if that is less
	closed bool
}

func newSessions(ctx opener, slot, flags uint, first pkcs11.SessionHandle) *sessions {
	s := &sessions{ctx: ctx, slot: slot, flags: flags, free: []pkcs11.SessionHandle{first}, open: 1, most: maxSessions}
	s.change = sync.NewCond(&s.mu)
	return s
}

// with calls f with a session of its own.
func (s *sessions) with(f func(pkcs11.SessionHandle) error) error {
	handle, err := s.take()
	if err != nil {
		return failure(err)
	}
	defer s.give(handle)
	return failure(f(handle))
}

// take returns a session that is free, or opens one, or waits for one.
func (s *sessions) take() (pkcs11.SessionHandle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch last := len(s.free) - 1; {
		case s.closed:
			return 0, ErrGone
		case last >= 0:
			handle := s.free[last]
			s.free = s.free[:last]
			return handle, nil
		case s.open < s.most:
			handle, err := s.ctx.OpenSession(s.slot, s.flags)
			if errors.Is(err, pkcs11.Error(pkcs11.CKR_SESSION_COUNT)) {
				s.most = s.open
				continue
			}
			if err == nil {
				s.open++
			}
			return handle, err
		}
		s.change.Wait()
	}
}

func (s *sessions) give(handle pkcs11.SessionHandle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, handle)
	s.change.Broadcast()
}

// close waits for those in use, and closes all.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.change.Broadcast()
	for len(s.free) < s.open {
		s.change.Wait()
	}
	for _, handle := range s.free {
		_ = s.ctx.CloseSession(handle) // a token that is gone has no sessions
	}
	s.free, s.open = nil, 0
}

//go:build pkcs11 && cgo

package pkcs11

import (
	"sync"

	"github.com/miekg/pkcs11"
)

// maxSessions bounds the sessions with a token, which are the signatures at one time.
const maxSessions = 8

// sessions hands out sessions: one is for one goroutine at a time (PKCS#11, 5.6).
type sessions struct {
	ctx   *pkcs11.Ctx
	slot  uint
	flags uint
	turn  chan struct{} // one for each session that is in use

	mu     sync.Mutex
	free   []pkcs11.SessionHandle
	all    []pkcs11.SessionHandle
	closed bool
}

func newSessions(ctx *pkcs11.Ctx, slot, flags uint, first pkcs11.SessionHandle) *sessions {
	return &sessions{
		ctx: ctx, slot: slot, flags: flags, turn: make(chan struct{}, maxSessions),
		free: []pkcs11.SessionHandle{first}, all: []pkcs11.SessionHandle{first},
	}
}

// with calls f with a session of its own.
func (s *sessions) with(f func(pkcs11.SessionHandle) error) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	handle, err := s.take()
	if err != nil {
		return failure(err)
	}
	defer s.give(handle)
	return failure(f(handle))
}

func (s *sessions) take() (pkcs11.SessionHandle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, ErrGone
	}
	if n := len(s.free); n > 0 {
		handle := s.free[n-1]
		s.free = s.free[:n-1]
		return handle, nil
	}
	handle, err := s.ctx.OpenSession(s.slot, s.flags)
	if err == nil {
		s.all = append(s.all, handle)
	}
	return handle, err
}

func (s *sessions) give(handle pkcs11.SessionHandle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, handle)
}

// close waits for those in use, and closes all.
func (s *sessions) close() {
	for range maxSessions {
		s.turn <- struct{}{}
		defer func() { <-s.turn }()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, handle := range s.all {
		_ = s.ctx.CloseSession(handle) // a token that is gone has no sessions
	}
	s.all, s.free = nil, nil
}

//go:build pkcs11 && cgo

package pkcs11

import (
	"errors"
	"sync"
	"testing"

	"github.com/miekg/pkcs11"

	"keyman/keystore"
)

// fewSessions is a token that lets only so many sessions be open.
type fewSessions struct {
	mu         sync.Mutex
	most, open int
}

func (f *fewSessions) OpenSession(uint, uint) (pkcs11.SessionHandle, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == f.most {
		return 0, pkcs11.Error(pkcs11.CKR_SESSION_COUNT)
	}
	f.open++
	return pkcs11.SessionHandle(f.open), nil
}

func (f *fewSessions) CloseSession(pkcs11.SessionHandle) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open--
	return nil
}

// Where a token has fewer sessions than we would like, all wait for their turn; no
// session is in two hands, and none is left open.
func TestFewSessions(t *testing.T) {
	for _, most := range []int{1, 2, 3, maxSessions, 2 * maxSessions} {
		token := &fewSessions{most: most}
		first, err := token.OpenSession(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := newSessions(token, 0, 0, first)
		var (
			mu    sync.Mutex
			inUse = map[pkcs11.SessionHandle]bool{}
			wg    sync.WaitGroup
		)
		for range 5 * maxSessions {
			wg.Go(func() {
				err := s.with(func(h pkcs11.SessionHandle) error {
					mu.Lock()
					twice := inUse[h]
					inUse[h] = true
					mu.Unlock()
					if twice {
						t.Errorf("session %d is in two hands", h)
					}
					mu.Lock()
					delete(inUse, h)
					mu.Unlock()
					return nil
				})
				if err != nil {
					t.Errorf("of %d sessions: %v", most, err)
				}
			})
		}
		wg.Wait()
		if token.open > maxSessions {
			t.Errorf("%d sessions were opened", token.open)
		}
		s.close()
		if token.open != 0 {
			t.Errorf("%d of %d sessions are left open", token.open, most)
		}
		if err := s.with(func(pkcs11.SessionHandle) error { return nil }); !errors.Is(err, ErrGone) {
			t.Errorf("after close: %v, want ErrGone", err)
		}
	}
}

// What modules answer is told in our words, with the module's own behind them.
func TestFailure(t *testing.T) {
	tests := []struct {
		code pkcs11.Error
		want error
	}{
		{pkcs11.CKR_PIN_INCORRECT, ErrPIN},
		{pkcs11.CKR_PIN_LEN_RANGE, ErrPIN},
		{pkcs11.CKR_PIN_LOCKED, ErrLocked},
		{pkcs11.CKR_DEVICE_REMOVED, ErrGone},
		{pkcs11.CKR_SESSION_HANDLE_INVALID, ErrGone},
		{pkcs11.CKR_KEY_HANDLE_INVALID, keystore.ErrNotFound},
		{pkcs11.CKR_USER_NOT_LOGGED_IN, ErrMechanism},
		{pkcs11.CKR_MECHANISM_INVALID, ErrMechanism},
		{pkcs11.CKR_DEVICE_MEMORY, ErrMechanism},
		{pkcs11.CKR_TOKEN_WRITE_PROTECTED, ErrMechanism},
		{pkcs11.CKR_GENERAL_ERROR, ErrModule},
	}
	for _, tt := range tests {
		if got := failure(tt.code); !errors.Is(got, tt.want) {
			t.Errorf("%v is %v, want %v", tt.code, got, tt.want)
		}
	}
	if err := failure(nil); err != nil {
		t.Errorf("no failure is %v", err)
	}
}

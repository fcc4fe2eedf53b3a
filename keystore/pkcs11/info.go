package pkcs11

import (
	"fmt"

	"keyman/keystore"
)

// Info describes a token.
type Info struct {
	Label        string `json:"label"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Serial       string `json:"serial"`
	Initialized  bool   `json:"initialized"`
	NeedsPIN     bool   `json:"needs_pin"`
	Keypad       bool   `json:"keypad"` // the PIN is typed on the token's own keypad
	ReadOnly     bool   `json:"read_only"`
	PINLow       bool   `json:"pin_count_low"` // a wrong PIN was given since the last right one
	PINFinal     bool   `json:"pin_final_try"` // the next wrong one locks it
	PINLocked    bool   `json:"pin_locked"`
}

// choose returns the index of the one token that the URI names.
func choose(u URI, list []Info) (int, error) {
	found, count := -1, 0
	for i, info := range list {
		if u.names(info) {
			found = i
			count++
		}
	}
	switch count {
	case 0:
		return -1, ErrNoToken
	case 1:
		return found, nil
	default:
		return -1, fmt.Errorf("%w: %d tokens", ErrAmbiguous, count)
	}
}

// takesPIN tells why a PIN is not even given to the token: each wrong one counts.
func (i Info) takesPIN(pin keystore.Password) error {
	switch {
	case i.PINLocked:
		return ErrLocked
	case i.Keypad:
		return fmt.Errorf("%w: it takes its PIN by a keypad of its own", ErrMechanism)
	case len(pin) == 0:
		return fmt.Errorf("%w: it is empty", ErrPIN)
	default:
		return nil
	}
}

// refused makes the error of a token that has just refused a PIN: it says how near the
// PIN is to be locked.
func (i Info) refused() error {
	switch {
	case i.PINLocked:
		return fmt.Errorf("%w, and it is locked now", ErrPIN)
	case i.PINFinal:
		return fmt.Errorf("%w; the next wrong one locks it", ErrPIN)
	case i.PINLow:
		return fmt.Errorf("%w; a few wrong ones lock it", ErrPIN)
	default:
		return ErrPIN
	}
}

package gskit

import (
	"errors"
	"fmt"

	"keyman/keystore"
)

// The policy of -strong, as IBM's guide has it.
const (
	strongLength  = 14
	strongRepeats = 3 // of one character in all
	strongRun     = 2 // of one character in a row
)

// checkStrong tells why a password does not meet the policy of -strong, without
// repeating any of it.
func checkStrong(password keystore.Password) error {
	var (
		counts              [256]int
		lower, upper, other bool
		run                 int
	)
	if len(password) < strongLength {
		return fmt.Errorf("-strong: the password has %d characters, and %d are wanted", len(password), strongLength)
	}
	for i, b := range password {
		if b < 0x20 || b > 0x7e {
			return errors.New("-strong: the password has a character that is not printable ASCII")
		}
		switch {
		case 'a' <= b && b <= 'z':
			lower = true
		case 'A' <= b && b <= 'Z':
			upper = true
		case b != ' ':
			other = true
		}
		if counts[b]++; counts[b] > strongRepeats {
			return fmt.Errorf("-strong: the password has one character more than %d times", strongRepeats)
		}
		if run++; i == 0 || password[i-1] != b {
			run = 1
		}
		if run > strongRun {
			return fmt.Errorf("-strong: the password has one character more than %d times in a row", strongRun)
		}
	}
	if !lower || !upper || !other {
		return errors.New("-strong: the password lacks a lower-case letter, an upper-case letter, or a digit or other sign")
	}
	return nil
}

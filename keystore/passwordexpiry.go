package keystore

import (
	"fmt"
	"time"

	"keyman/keystore/format"
)

// PasswordExpires returns when the password ends to hold good; false where it
// never does.
func (s *Store) PasswordExpires() (time.Time, bool) {
	t := s.content().PasswordExpires
	return t, !t.IsZero()
}

// SetPasswordExpiry sets, for the next Save, when the password ends to hold good,
// in whole seconds; the zero time is never. It is for after SetPassword, which
// makes it never.
//
// It returns ErrNoPasswordExpiry where the format has no place for it, and
// ErrPasswordExpiry for a time that has passed or that the format cannot write.
func (s *Store) SetPasswordExpiry(t time.Time) error {
	if !t.IsZero() {
		if err := s.checkPasswordExpiry(t, time.Now()); err != nil {
			return fileError("let the password expire of", s.path, err)
		}
		t = t.UTC().Truncate(time.Second)
	}
	s.content().PasswordExpires = t
	return nil
}

func (s *Store) checkPasswordExpiry(t, now time.Time) error {
	f, ok := s.format.(format.Expirer)
	switch {
	case !ok:
		return fmt.Errorf("%w: it is of format %s", ErrNoPasswordExpiry, s.format.Name())
	case !t.After(now):
		return fmt.Errorf("%w: %s has passed", ErrPasswordExpiry, t.UTC().Format(time.RFC3339))
	case t.After(f.LatestExpiry()):
		return fmt.Errorf("%w: the format knows no time after %s", ErrPasswordExpiry, f.LatestExpiry().Format(time.RFC3339))
	default:
		return nil
	}
}

// checkExpired returns ErrPasswordExpired where the password holds good no more.
func (s *Store) checkExpired(now time.Time) error {
	if t, ok := s.PasswordExpires(); ok && !now.Before(t) {
		return fmt.Errorf("%w: it held good until %s", ErrPasswordExpired, t.Format(time.RFC3339))
	}
	return nil
}

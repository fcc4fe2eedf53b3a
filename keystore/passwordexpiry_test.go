package keystore

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPasswordExpiry(t *testing.T) {
	f, _ := FormatNamed("cms")
	s, err := Create(t.Context(), filepath.Join(t.TempDir(), "keys.kdb"), Password(testPassword), Options{Format: f})
	if err != nil {
		t.Fatal(err)
	}
	if end, ok := s.PasswordExpires(); ok {
		t.Errorf("a new password expires %v", end)
	}
	end := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	if err := s.SetPasswordExpiry(end); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	if got, ok := s.PasswordExpires(); !ok || !got.Equal(end) {
		t.Errorf("read again it is %v, %v; want %v", got, ok, end)
	}
	for name, never := range map[string]time.Time{"past": time.Now().Add(-time.Second), "now": time.Now(), "after 2106": time.Unix(1<<32, 0)} {
		if err := s.SetPasswordExpiry(never); !errors.Is(err, ErrPasswordExpiry) {
			t.Errorf("%s: %v; want ErrPasswordExpiry", name, err)
		}
	}
	// It does not hinder a change, and stays with one.
	add(t, s, "gw1", newAuthority(t, "CA", nil))
	s = reopen(t, s)
	if got, _ := s.PasswordExpires(); !got.Equal(end) {
		t.Errorf("after a change it is %v", got)
	}
	// A database that is made of this one has a password of its own.
	converted, losses, err := s.Convert(t.Context(), filepath.Join(t.TempDir(), "other.kdb"), Password("other"), Options{Format: f})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := converted.PasswordExpires(); ok || len(losses) != 1 || !strings.Contains(losses[0].What, "expire") {
		t.Errorf("converted: %v, told %v", ok, losses)
	}
	if err := s.SetPassword(Password("new")); err != nil {
		t.Fatal(err)
	}
	if s = reopenWith(t, s, "new"); !s.content().PasswordExpires.IsZero() {
		t.Error("a new password has the end of the old one")
	}
}

// TestPasswordExpired tells a wrong password first, then one that has expired.
func TestPasswordExpired(t *testing.T) {
	f, _ := FormatNamed("cms")
	s, err := Create(t.Context(), filepath.Join(t.TempDir(), "keys.kdb"), Password("old"), Options{Format: f})
	if err != nil {
		t.Fatal(err)
	}
	s.content().PasswordExpires = time.Now().Add(-time.Minute)
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), s.Path(), Password("wrong")); !errors.Is(err, ErrPassword) {
		t.Errorf("%v; want ErrPassword", err)
	}
	_, err = Open(t.Context(), s.Path(), Password("old"))
	if !errors.Is(err, ErrPasswordExpired) || errors.Is(err, ErrPassword) {
		t.Errorf("%v; want ErrPasswordExpired", err)
	}
	if told := (*Error)(nil); !errors.As(err, &told) || !strings.Contains(told.Hint(), "keyman keydb passwd") {
		t.Errorf("%v has no hint", err)
	}
	if s, err = OpenExpired(t.Context(), s.Path(), Password("old")); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPassword(Password("new")); err != nil {
		t.Fatal(err)
	}
	reopenWith(t, s, "new")
}

// TestNoPasswordExpiry refuses it for formats that have no place for it.
func TestNoPasswordExpiry(t *testing.T) {
	for _, f := range Formats() {
		s, err := New(filepath.Join(t.TempDir(), "keys"), Password("first"), Options{Format: f})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetPasswordExpiry(time.Time{}); err != nil {
			t.Errorf("%s: never: %v", f.Name(), err)
		}
		err = s.SetPasswordExpiry(time.Now().Add(time.Hour))
		if (f.Name() == "cms") != (err == nil) || err != nil && !errors.Is(err, ErrNoPasswordExpiry) {
			t.Errorf("%s: %v", f.Name(), err)
		}
	}
}

package keystore

import (
	"errors"
	"testing"

	"keyman/keystore/format"
)

// TestLabelsAlike takes labels that look the same for the same: Unicode writes many
// characters in two ways, and others not so that they are seen.
func TestLabelsAlike(t *testing.T) {
	const composed, decomposed = "caf\u00e9", "Cafe\u0301"
	ca := newAuthority(t, "CA", nil)
	for label, alike := range map[string]string{composed: decomposed, decomposed: composed, "k": "\u212a", "a;b": "a\u037eb", "\u212b": "\u00e5"} {
		s := newStore(t)
		add(t, s, label, ca)
		if err := s.CheckLabel(alike); !errors.Is(err, ErrDuplicateLabel) {
			t.Errorf("%+q beside %+q: %v; want %v", alike, label, err, ErrDuplicateLabel)
		}
		if e, ok := s.Lookup(alike); !ok || e.Label != label {
			t.Errorf("%+q finds %+q, %v; want %+q", alike, e.Label, ok, label)
		}
		if err := s.Rename(label, alike); err != nil {
			t.Errorf("%+q renamed to %+q: %v", label, alike, err)
		}
		s = reopen(t, s)
		if e, ok := s.Lookup(label); !ok || e.Label != alike {
			t.Errorf("after renaming %+q finds %+q, %v", label, e.Label, ok)
		}
		if err := s.Delete(label, false); err != nil {
			t.Error(err)
		}
		if err := s.CheckLabel(label); err != nil {
			t.Errorf("%+q after its deletion: %v", label, err)
		}
	}
	s := newStore(t)
	for _, label := range []string{"gw\u3164", "gw\ufe0f", "g\u034fw", "gw\u200b", "\u202egw", "gw\U000e0100"} {
		if err := s.CheckLabel(label); !errors.Is(err, ErrLabel) {
			t.Errorf("%+q: %v; want %v", label, err, ErrLabel)
		}
	}
	// What a file has is found by what it is, both of two that look the same.
	s.content().Items = []format.Item{{Kind: Signer, Label: composed, Certificate: ca.der}, {Kind: Signer, Label: decomposed, Certificate: newAuthority(t, "x", nil).der}}
	for _, label := range []string{composed, decomposed} {
		if e, ok := s.Lookup(label); !ok || e.Label != label {
			t.Errorf("%+q finds %+q, %v", label, e.Label, ok)
		}
	}
}

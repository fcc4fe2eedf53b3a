package ca

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestState follows what a CA tells of itself through its life.
func TestState(t *testing.T) {
	c := newTestCA(t, nil)
	now := time.Now()
	state := func(at time.Time) State {
		t.Helper()
		s, err := c.State(at)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := state(now); s.Certificates != 0 || s.Latest != nil || s.CRLNumber != 0 || s.Overdue(now.AddDate(99, 0, 0)) || s.Settings.CRLDays != DefaultCRLDays {
		t.Errorf("at first: %+v", s)
	}
	first := issue(t, c, newRequest(t, "CN=gw1", newKey(t)), IssueOptions{Days: 1})
	second := issue(t, c, newRequest(t, "CN=gw2", newKey(t)), IssueOptions{Profile: ProfileIKETLS})
	if _, err := c.MakeCRL(t.Context(), CRLOptions{Lifetime: time.Hour}); err != nil {
		t.Fatal(err)
	}
	// One is revoked as of a day before the list, which does not know of it.
	if _, err := c.Revoke(t.Context(), serialOf(t, first), RevokeOptions{Date: now.Add(-24 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	s := state(now)
	if s.Certificates != 2 || s.Statuses["revoked"] != 1 || s.Statuses["valid"] != 1 || s.Profiles[ProfileIKE] != 1 || s.Profiles[ProfileIKETLS] != 1 {
		t.Errorf("%+v", s)
	}
	if s.Latest == nil || s.Latest.Serial != second.Record.Serial || s.CRLNumber != 1 || s.Unlisted != 1 || s.Overdue(now) || !s.Overdue(now.Add(2*time.Hour)) {
		t.Errorf("%+v", s)
	}
	if _, err := c.MakeCRL(t.Context(), CRLOptions{}); err != nil {
		t.Fatal(err)
	}
	if s := state(now); s.Unlisted != 0 || s.CRLNumber != 2 || s.ListError != "" {
		t.Errorf("with a new list: %+v", s)
	}
	// A list that is not there, or not the latest, is on nobody's desk.
	path := filepath.Join(c.dir, crlFile)
	for name, spoil := range map[string]func() error{
		"damaged": func() error { return os.WriteFile(path, []byte("x"), 0o600) },
		"gone":    func() error { return os.Remove(path) },
	} {
		if err := spoil(); err != nil {
			t.Fatal(err)
		}
		if s := state(now); s.Unlisted != 1 || !strings.Contains(s.ListError, crlFile) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

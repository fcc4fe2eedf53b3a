package crl_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"keyman/crl"
	"keyman/internal/dn"
)

// TestNextFetch: whatever a list and a server say, the next list is asked for
// before this one is out of date, and not in the past.
func TestNextFetch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		life := time.Duration(rapid.Int64Range(0, int64(400*24*time.Hour)).Draw(t, "life"))
		l := &crl.List{ThisUpdate: now, NextUpdate: now.Add(life)}
		at := now.Add(time.Duration(rapid.Int64Range(0, int64(life)).Draw(t, "now")))
		seed := rapid.Uint64().Draw(t, "seed")
		maxAge := time.Duration(rapid.Int64Range(0, int64(1000*24*time.Hour)).Draw(t, "max-age"))
		next := crl.NextFetch(l, at, seed, maxAge)
		if next.Before(at) || next.After(l.NextUpdate) {
			t.Fatalf("at %v", next)
		}
		if next != crl.NextFetch(l, at, seed, maxAge) {
			t.Fatal("two plans of one seed")
		}
		if late := crl.NextFetch(l, l.NextUpdate.Add(time.Hour), seed, 0); !late.Equal(l.NextUpdate.Add(time.Hour)) {
			t.Fatalf("out of date, and asked for at %v", late)
		}
	})
	day := &crl.List{ThisUpdate: now, NextUpdate: now.Add(24 * time.Hour)}
	var all []time.Time
	for seed := range uint64(100) {
		next := crl.NextFetch(day, now, seed, 0)
		if left := day.NextUpdate.Sub(next); left < 24*time.Hour*5/100 || left > 24*time.Hour*20/100 {
			t.Errorf("seed %d: %v before the end", seed, left)
		}
		all = append(all, next)
	}
	slices.SortFunc(all, time.Time.Compare)
	if len(slices.Compact(all)) < 90 {
		t.Error("the plans of 100 seeds are not apart")
	}
	if next := crl.NextFetch(day, now, 1, 23*time.Hour+30*time.Minute); !next.Equal(now.Add(23*time.Hour + 30*time.Minute)) {
		t.Errorf("a server that says the same until then: %v", next)
	}
	if next := crl.NextFetch(day, now, 1, crl.MaxMaxAge); !next.Before(day.NextUpdate) {
		t.Errorf("a server that says the same for too long: %v", next)
	}
	if next := crl.NextFetch(&crl.List{ThisUpdate: now}, now, 1, 0); !next.After(now) {
		t.Errorf("a list without an end: %v", next)
	}
}

// A scriptedSource answers from functions, by URL, and directory entries from
// that of "".
type scriptedSource struct {
	asked   []string
	answers map[string]func(context.Context) ([]*crl.List, error)
}

func (s *scriptedSource) Lists(ctx context.Context, url string) ([]*crl.List, error) {
	s.asked = append(s.asked, url)
	if answer := s.answers[url]; answer != nil {
		return answer(ctx)
	}
	return nil, errors.New("no list at " + url)
}

func (s *scriptedSource) ListsByIssuer(ctx context.Context, issuer dn.Name) ([]*crl.List, error) {
	return s.Lists(ctx, "issuer "+issuer.LDAP())
}

// TestBackoff: a place that fails again and again is left alone for longer and
// longer, and asked as before once it has answered.
func TestBackoff(t *testing.T) {
	clock := now
	down := errors.New("down")
	up := false
	source := &scriptedSource{answers: map[string]func(context.Context) ([]*crl.List, error){
		"http://a": func(context.Context) ([]*crl.List, error) {
			if up {
				return []*crl.List{{}}, nil
			}
			return nil, down
		},
	}}
	b := crl.NewBackoff(source, func() time.Time { return clock })
	ask := func() (asked bool, err error) {
		before := len(source.asked)
		_, err = b.Lists(t.Context(), "http://a")
		return len(source.asked) > before, err
	}
	fail := func(want bool) {
		t.Helper()
		asked, err := ask()
		var paused *crl.PausedError
		if asked != want || !errors.Is(err, down) || errors.As(err, &paused) == want {
			t.Fatalf("asked %t, want %t: %v", asked, want, err)
		}
	}
	fail(true)
	fail(true) // one failure is nothing
	for pause := crl.FirstPause; pause < 20*crl.LongestPause; pause *= 2 {
		clock = clock.Add(min(pause, crl.LongestPause) - 1)
		fail(false)
		clock = clock.Add(1)
		fail(true)
	}
	clock = clock.Add(-time.Hour)
	fail(true) // the clock was set back
	fail(false)
	clock, up = clock.Add(crl.LongestPause), true
	if _, err := ask(); err != nil {
		t.Fatal(err)
	}
	up = false
	fail(true)
	fail(true)
	fail(false)
	if _, err := b.ListsByIssuer(t.Context(), dn.Name{}); err == nil || errors.Is(err, down) {
		t.Errorf("another place: %v", err)
	}

	// Who gives up waiting has not learned anything about the place.
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for range 3 {
		if _, err := b.Lists(canceled, "http://b"); errors.As(err, new(*crl.PausedError)) {
			t.Error("a fetch that was given up counts as a failure")
		}
	}
	for i := range 5000 {
		for range 2 {
			_, _ = b.Lists(t.Context(), fmt.Sprint("http://", i)) // fails
		}
	}
	clock = clock.Add(time.Second)
	fail(true) // forgotten among so many
}

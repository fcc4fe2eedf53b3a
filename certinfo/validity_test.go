package certinfo

import (
	"strings"
	"testing"
	"time"
)

func TestValidity(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	until := from.AddDate(0, 0, 360)
	for _, tt := range []struct {
		now   time.Time
		bar   string
		words string
		state State
	}{
		{from.Add(-time.Second), "[----------]", "not valid before 2026-01-01", NotYet},
		{from, "[#---------]", "expires in 360 days", Good},
		{from.AddDate(0, 0, 180), "[#####-----]", "expires in 180 days", Good},
		{until.AddDate(0, 0, -20), "[#########-]", "expires in 20 days", EndsSoon},
		{until.AddDate(0, 0, -1), "[#########-]", "expires in 1 day", EndsSoon},
		{until.Add(-time.Hour), "[#########-]", "expires within a day", EndsSoon},
		{until, "[#########-]", "expires within a day", EndsSoon},
		{until.Add(time.Second), "[##########]", "expired on 2026-12-27", Expired},
	} {
		v := Validity{from, until, tt.now}
		if got := v.Bar(10); got != tt.bar || v.String() != tt.words || v.State() != tt.state {
			t.Errorf("%s: %s %s, %v", tt.now, got, v, v.State())
		}
	}
	// What cannot be, or cannot be read.
	for what, v := range map[string]Validity{
		"no end":           {NotBefore: from, Now: from},
		"ends before":      {until, from, from.AddDate(0, 0, 30)},
		"ten thousand":     {from, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), from.AddDate(4000, 0, 0)},
		"before the epoch": {time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), from, from.AddDate(-1000, 0, 0)},
	} {
		if bar := v.Bar(10); len(bar) != 12 || strings.Trim(bar, "[]#-") != "" || v.UsedPercent() < 0 || v.UsedPercent() > 100 {
			t.Errorf("%s: %s, %d", what, bar, v.UsedPercent())
		}
	}
	if days := (Validity{from, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), from}).DaysLeft(); days != 2912442 {
		t.Errorf("%d days until the end of 9999", days)
	}
}

// Colours mark what the words say, and go away.
func TestColor(t *testing.T) {
	info := describeFile(t, "testdata/dsa-sha1.der")
	var plain, colored strings.Builder
	info.Write(&plain, Style{})
	info.Write(&colored, Style{Color: true})
	text := colored.String()
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(text, "\x1b[33msigned by SHA1-DSA, a key of 1024 bits\x1b[0m") {
		t.Error(text)
	}
	for _, code := range []string{"\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"} {
		text = strings.ReplaceAll(text, code, "")
	}
	if text != plain.String() {
		t.Errorf("without its colours it is\n%s", text)
	}
}

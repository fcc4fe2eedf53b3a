package certinfo

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Validity is the time for which a certificate is good, and a time to look at it
// from. A date that is zero could not be read.
type Validity struct{ NotBefore, NotAfter, Now time.Time }

// day is what certificates are counted in.
const day = 24 * time.Hour

// known reports whether both dates could be read.
func (v Validity) known() bool { return !v.NotBefore.IsZero() && !v.NotAfter.IsZero() }

// DaysLeft returns the whole days that are left, negative where it has expired.
func (v Validity) DaysLeft() int {
	// Seconds: a time.Duration ends after 292 years, and validities need not.
	left := v.NotAfter.Unix() - v.Now.Unix()
	if v.Now.Nanosecond() > v.NotAfter.Nanosecond() {
		left--
	}
	return int(math.Floor(float64(left) / day.Seconds()))
}

// UsedPercent returns how much of the validity has passed, 0 to 100; 100 where it
// is not known.
func (v Validity) UsedPercent() int {
	total, passed := v.NotAfter.Unix()-v.NotBefore.Unix(), v.Now.Unix()-v.NotBefore.Unix()
	switch {
	case !v.known() || total <= 0 || passed >= total:
		return 100
	case passed <= 0:
		return 0
	}
	return int(100 * float64(passed) / float64(total))
}

// State says how far a validity has gone.
type State int

// The states.
const (
	Good        State = iota
	NotYet            // it begins later
	EndsSoon          // within 30 days
	Expired           //
	UnknownDate       // a date cannot be read
)

// soon is how long before its end a certificate should be renewed.
const soon = 30 * day

// State returns the state.
func (v Validity) State() State {
	switch {
	case !v.known():
		return UnknownDate
	case v.Now.Before(v.NotBefore):
		return NotYet
	case v.Now.After(v.NotAfter):
		return Expired
	case v.NotAfter.Sub(v.Now) < soon:
		return EndsSoon
	default:
		return Good
	}
}

// String says it in words: "expires in 178 days".
func (v Validity) String() string {
	days := v.DaysLeft()
	switch v.State() {
	case UnknownDate:
		return "validity that cannot be read"
	case NotYet:
		return "not valid before " + v.NotBefore.UTC().Format(time.DateOnly)
	case Expired:
		return "expired on " + v.NotAfter.UTC().Format(time.DateOnly)
	}
	switch days {
	case 0:
		return "expires within a day"
	case 1:
		return "expires in 1 day"
	default:
		return fmt.Sprintf("expires in %d days", days)
	}
}

// Bar returns the validity as a bar of so many characters between brackets, ASCII:
// "[##########----------]". A part that has begun is not shown as none, nor one
// that is left as nothing.
func (v Validity) Bar(width int) string {
	width = max(width, 2)
	used := v.UsedPercent() * width / 100
	if v.State() == Good || v.State() == EndsSoon {
		used = min(max(used, 1), width-1)
	}
	return "[" + strings.Repeat("#", used) + strings.Repeat("-", width-used) + "]"
}

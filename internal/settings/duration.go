package settings

import (
	"fmt"
	"strconv"
	"time"
)

// A Duration is a time.Duration that is written like "10s" or "1m30s"; a bare
// number counts seconds.
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler. A duration is not negative.
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if n, bare := strconv.ParseUint(string(text), 10, 31); bare == nil {
		value, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || value < 0 {
		return fmt.Errorf("%q is no duration: write one like 10s or 1m30s", text)
	}
	*d = Duration(value)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String writes a duration like "10s".
func (d Duration) String() string { return time.Duration(d).String() }

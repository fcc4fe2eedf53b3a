package ikedb

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
)

// MaxSecret is the longest preshared key, in bytes.
const MaxSecret = 1024

// redacted stands wherever a Secret is printed.
const redacted = "[secret]"

// A Secret is a preshared key. It prints as a placeholder through fmt, log/slog
// and encoding/json. The zero value is empty.
type Secret struct {
	// A pointer, because fmt reaches fields past all methods where a verb
	// does not fit the value around them; it stops at a pointer.
	octets *[]byte
}

// NewSecret makes a secret of a copy of octets.
func NewSecret(octets []byte) Secret {
	octets = slices.Clone(octets)
	return Secret{&octets}
}

// Bytes returns a copy of the octets.
func (s Secret) Bytes() []byte {
	if s.octets == nil {
		return nil
	}
	return slices.Clone(*s.octets)
}

// Len returns the number of octets.
func (s Secret) Len() int {
	if s.octets == nil {
		return 0
	}
	return len(*s.octets)
}

// Format prints a placeholder for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns a placeholder, never the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a placeholder, never the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

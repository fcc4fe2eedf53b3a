package ikev1

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// A Secret is key material on its way to the data plane. It prints as a
// placeholder, whatever prints it, and is not written as JSON.
type Secret struct {
	// A pointer, because fmt reaches fields past all methods where it finds a
	// Secret in an unexported field; it stops at a pointer.
	octets *[]byte
}

// newSecret takes octets over.
func newSecret(octets []byte) Secret { return Secret{&octets} }

// secretText is what a Secret prints as.
const secretText = "(secret)"

// Bytes returns the key itself, which the caller must not keep beyond the
// Secret. It is empty where the algorithms need no such key.
func (s Secret) Bytes() []byte {
	if s.octets == nil {
		return nil
	}
	return *s.octets
}

// Len returns the length in bytes.
func (s Secret) Len() int { return len(s.Bytes()) }

// Equal compares in constant time.
func (s Secret) Equal(o Secret) bool { return subtle.ConstantTimeCompare(s.Bytes(), o.Bytes()) == 1 }

// Wipe overwrites the key.
func (s Secret) Wipe() { clear(s.Bytes()) }

// String returns a placeholder.
func (Secret) String() string { return secretText }

// Format prints a placeholder whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, secretText) }

// LogValue logs a placeholder.
func (Secret) LogValue() slog.Value { return slog.StringValue(secretText) }

// MarshalText writes a placeholder.
func (Secret) MarshalText() ([]byte, error) { return []byte(secretText), nil }

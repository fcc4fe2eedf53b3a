package keystore

import "log/slog"

// redacted stands wherever a Password is printed.
const redacted = "[password]"

// A Password opens a key database. It prints as a placeholder through fmt,
// log/slog and encoding/json, so that it cannot slip into a log or an error.
// The zero value (nil) is "no password", which PKCS#12 tells apart from the
// empty one.
type Password []byte

// String returns a placeholder, never the password.
func (Password) String() string { return redacted }

// GoString returns a placeholder, never the password.
func (Password) GoString() string { return redacted }

// LogValue returns a placeholder, never the password.
func (Password) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns a placeholder, never the password.
func (Password) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// Wipe overwrites the password in memory. The runtime may have copied it
// before; Wipe shortens the time a secret is there, it does not promise more.
func (p Password) Wipe() { clear(p) }

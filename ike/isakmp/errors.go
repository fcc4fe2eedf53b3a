package isakmp

import (
	"errors"
	"fmt"
)

// ErrEncrypted says that a message's payloads are encrypted: decrypt what
// follows the header and call ParseDecrypted.
var ErrEncrypted = errors.New("isakmp: the message is encrypted")

// Error says why a message was refused.
type Error struct {
	// Notify is the notification that answers such a message (RFC 2408, 5).
	Notify NotifyType
	// Payload is the payload at fault; PayloadNone means the header or the
	// chain of payloads.
	Payload PayloadType
	// Reason says what is wrong, with the value.
	Reason string
}

// Error gives the payload, the reason and the notification's name.
func (e *Error) Error() string {
	if e.Payload == PayloadNone {
		return fmt.Sprintf("isakmp: %s (%s)", e.Reason, e.Notify)
	}
	return fmt.Sprintf("isakmp: %s payload: %s (%s)", e.Payload, e.Reason, e.Notify)
}

// refuse makes an Error.
func refuse(n NotifyType, p PayloadType, format string, args ...any) *Error {
	return &Error{Notify: n, Payload: p, Reason: fmt.Sprintf(format, args...)}
}

// malformed makes an Error that is answered with PAYLOAD-MALFORMED.
func malformed(p PayloadType, format string, args ...any) *Error {
	return refuse(PayloadMalformed, p, format, args...)
}

//go:build !pkcs11 || !cgo

package pkcs11

import (
	"errors"
	"testing"
)

// Without the tag everything says that it is not there, and how to get it.
func TestNotBuilt(t *testing.T) {
	_, openErr := Open(t.Context(), URI{Token: "vpn"}, nil)
	_, listErr := Tokens(t.Context(), "/usr/lib/m.so")
	_, findErr := Find(t.Context(), URI{Token: "vpn"})
	for _, err := range []error{openErr, findErr, listErr} {
		var at *TokenError
		if !errors.Is(err, ErrNotBuilt) || !errors.As(err, &at) || at.Hint() == "" {
			t.Errorf("got %v, want ErrNotBuilt with a hint", err)
		}
	}
}

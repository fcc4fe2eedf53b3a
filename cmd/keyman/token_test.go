package main

import (
	"errors"
	"strings"
	"testing"

	"keyman/keystore/pkcs11"
)

// The last try before a token locks is only for a PIN that a person types.
func TestLastTry(t *testing.T) {
	for _, tt := range []struct {
		final, typed, refused bool
	}{{false, false, false}, {false, true, false}, {true, true, false}, {true, false, true}} {
		err := lastTry(pkcs11.Info{Label: "vpn", PINLow: true, PINFinal: tt.final}, tt.typed)
		var hint hinted
		if (err != nil) != tt.refused || tt.refused && (!errors.As(err, &hint) || !strings.Contains(hint.Hint(), "token show")) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

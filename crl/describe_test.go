package crl

import (
	"math/big"
	"testing"
)

// A serial number reads as the CA that gave it writes it, so that a person finds
// one by the other.
func TestSerialText(t *testing.T) {
	for _, want := range []string{"0", "1", "7f", "80", "a0b", "cac2e84884900648230b3a8cfad5e475"} {
		n, _ := new(big.Int).SetString(want, 16)
		if got := serialText(integerOctets(n)); got != want || got != n.Text(16) {
			t.Errorf("serialText of %s = %s", want, got)
		}
	}
}

package keystore

import (
	"crypto/rsa"
	"errors"
	"math/big"
	"testing"

	"keyman/internal/keyfile"
)

// TestLargeRSA uses no certificate whose key would take minutes to verify by.
func TestLargeRSA(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	for bits, usable := range map[int]bool{keyfile.MaxRSABits: true, keyfile.MaxRSABits + 1: false, 1_000_000: false} {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		der := issue(t, "large", &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}, true, ca, nil)
		if _, err := parseCertificate(der); (err == nil) != usable {
			t.Errorf("%d bits: %v", bits, err)
		}
		summary, err := Summarize(der)
		if err != nil || (summary.Unusable == nil) != usable {
			t.Errorf("%d bits: %v, unusable %v", bits, err, summary.Unusable)
		}
		if _, err := newStore(t).AddSigner("large", der, true); usable != !errors.Is(err, ErrUnusable) {
			t.Errorf("%d bits, trusted: %v", bits, err)
		}
	}
}

package ike

import (
	"context"
	"crypto"

	"keyman/crl"
)

// A Verifier decides about certificate chains; crl.Checker is one. Check gets
// the chain as the peer sent it, DER, leaf first, and the policy of the tunnel.
// It may take its time, within the policy's timeout, and is called from many
// goroutines at once. It returns when ctx ends, with a verdict that does not
// accept.
type Verifier interface {
	Check(ctx context.Context, chain [][]byte, p crl.Policy) crl.Verdict
}

// A Credential is what we authenticate with: a key, which stays where it is, and
// the certificates for it, DER, leaf first.
type Credential struct {
	Signer crypto.Signer
	Chain  [][]byte
}

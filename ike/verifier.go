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

// A Watcher is a Verifier that goes on looking at chains which it has accepted;
// crl.Watcher is one. With it an active tunnel ends when its peer's certificate
// is not good any more; without it the verdict of the negotiation stands until
// the next one.
type Watcher interface {
	Verifier
	// Watch looks at a chain again and again, from the verdict of Check on, and
	// calls tell with each verdict that is news, until stop is called. It
	// returns at once and keeps the chain. tell may be called from any
	// goroutine, may wait, and may be called once more after stop.
	Watch(chain [][]byte, p crl.Policy, from crl.Verdict, tell func(crl.Verdict)) (stop func())
}

// A Credential is what we authenticate with: a key, which stays where it is, and
// the certificates for it, DER, leaf first.
type Credential struct {
	Signer crypto.Signer
	Chain  [][]byte
}

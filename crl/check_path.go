package crl

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"

	"keyman/crl/certpath"
)

// Limits of a check.
const (
	// MaxChain bounds the certificates that a peer may send for one check.
	MaxChain = 32
	// MaxPlaces bounds the places that are asked about one certificate.
	MaxPlaces = 64
	// maxPaths bounds the valid paths that are asked about revocation.
	maxPaths = 8
)

// How long the keys on a path must be, in bits. They apply to the anchor, too:
// who breaks its key makes certificates and lists as he likes.
const (
	// MinBits is for RSA and DSA, by the length of the modulus.
	MinBits = certpath.DefaultMinBits
	// MinWeakBits is in the place of MinBits where the policy allows weak keys.
	MinWeakBits = 1024
	// MinCurveBits is for ECDSA, by the length of the field.
	MinCurveBits = certpath.DefaultMinCurveBits
)

// strength returns which signatures and keys a policy accepts.
func (p Policy) strength() certpath.Strength {
	if p.AllowWeak {
		return certpath.Strength{AllowSHA1: true, MinBits: MinWeakBits}
	}
	return certpath.Strength{}
}

// read reads the certificates of a check. Those of others that cannot be read
// are left out, with a note: they can only make fewer paths, never more.
func (c *Checker) read(chain [][]byte, p Policy) (leaf *certpath.Certificate, o certpath.Options, notes []Reason, refused *Reason) {
	refuse := func(code string, about *certpath.Certificate, detail string) *Reason {
		r := newReason(Fatal, code, about, detail)
		return &r
	}
	if len(chain) == 0 || len(chain) > MaxChain {
		return nil, o, nil, refuse(CodeMalformed, nil, fmt.Sprintf("a chain of %d certificates, allowed are 1 to %d", len(chain), MaxChain))
	}
	leaf, err := certpath.ParseCertificate(chain[0])
	if err != nil {
		return nil, o, nil, refuse(CodeMalformed, nil, "the certificate: "+err.Error())
	}
	for i, der := range p.Anchors {
		a, err := c.anchors.of(der)
		if err != nil {
			notes = append(notes, newReason(Note, CodeMalformed, nil, fmt.Sprintf("trusted certificate %d: %v", i+1, err)))
			continue
		}
		o.Anchors = append(o.Anchors, a)
	}
	for i, der := range chain[1:] {
		between, err := certpath.ParseCertificate(der)
		if err != nil {
			notes = append(notes, newReason(Note, CodeMalformed, nil, fmt.Sprintf("certificate of the chain %d: %v", i+1, err)))
			continue
		}
		o.Intermediates = append(o.Intermediates, between)
	}
	if len(o.Anchors) == 0 {
		return nil, o, notes, refuse(CodeNoAnchor, leaf, "no certificate is trusted")
	}
	if !p.Identity.IsZero() && !p.Identity.In(leaf) {
		return nil, o, notes, refuse(CodeIdentity, leaf, p.Identity.String())
	}
	o.InitialPolicies, o.RequireExplicitPolicy = p.Policies, p.ExplicitPolicy
	o.InhibitMapping, o.InhibitAnyPolicy = p.InhibitMapping, p.InhibitAnyPolicy
	o.Purpose, o.Strength = p.Purpose, p.strength()
	return leaf, o, notes, nil
}

// anchors remembers the anchors that were read: a policy has the same ones for
// each check, and there may be hundreds.
type anchors struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]*certpath.Anchor
}

// maxAnchors bounds what is remembered; then all is forgotten.
const maxAnchors = 4096

func (a *anchors) of(der []byte) (*certpath.Anchor, error) {
	key := sha256.Sum256(der)
	a.mu.Lock()
	known := a.known[key]
	a.mu.Unlock()
	if known != nil {
		return known, nil
	}
	c, err := certpath.ParseCertificate(slices.Clone(der))
	if err != nil {
		return nil, err
	}
	anchor, err := certpath.AnchorOf(c)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) >= maxAnchors {
		a.known = map[[sha256.Size]byte]*certpath.Anchor{}
	}
	a.known[key] = anchor
	return anchor, nil
}

// diagnose turns the error of certpath.Validate into Reasons: the path that came
// furthest is why, the others are notes.
func diagnose(ctx context.Context, err error, leaf *certpath.Certificate, o certpath.Options) []Reason {
	var failed *certpath.Error
	if !errors.As(err, &failed) {
		return []Reason{newReason(Fatal, CodePath, leaf, err.Error())}
	}
	if failed.Code() == certpath.CodeWeakKey {
		// The search ends at the first key that is too short: tell of them all.
		o.Strength.MinBits, o.Strength.MinCurveBits, o.Revocation = 1, 1, nil
		strict := o.Strength
		if strict.MinBits = MinBits; o.Strength.AllowSHA1 {
			strict.MinBits = MinWeakBits
		}
		strict.MinCurveBits = MinCurveBits
		if path, err := certpath.Validate(ctx, leaf, o); err == nil {
			if weak := weakKeys(Fatal, path, strict); len(weak) > 0 {
				return weak
			}
		}
	}
	var reasons []Reason
	for i, attempt := range failed.Attempts {
		r := ofFailure(attempt.Failure)
		if i > 0 {
			r.Severity = Note
		}
		if !slices.ContainsFunc(reasons, func(told Reason) bool { return told.Text == r.Text }) {
			reasons = append(reasons, r)
		}
	}
	return reasons
}

// ofFailure makes a Reason of why a path is not valid.
func ofFailure(f *certpath.Failure) Reason {
	r := Reason{Severity: Fatal, Code: string(f.Code), Text: f.Error(), Clause: f.Clause()}
	if c := f.Certificate; c != nil {
		r.Certificate, r.Serial = subjectOf(c), serialText(c)
		switch f.Code {
		case certpath.CodeExpired:
			r.Date = c.NotAfter
		case certpath.CodeNotYetValid:
			r.Date = c.NotBefore
		}
	}
	return r
}

// weakKeys returns a Reason for each key on a path that is too weak, from the
// anchor down.
func weakKeys(severity Severity, path certpath.Path, strength certpath.Strength) []Reason {
	var reasons []Reason
	tell := func(c *certpath.Certificate, err error) {
		if err != nil {
			reasons = append(reasons, newReason(severity, CodeWeakKey, c, err.Error()))
		}
	}
	if !trustedItself(path) {
		tell(path.Anchor.Certificate, strength.CheckKey(path.Anchor.PublicKey()))
	}
	for i, c := range slices.Backward(path.Certificates) {
		tell(c, strength.CheckKey(path.PublicKeyOf(i)))
	}
	return reasons
}

// weakened returns a warning for what is on an accepted path only because the
// policy allows what is weak.
func weakened(path certpath.Path) []Reason {
	reasons := weakKeys(Warning, path, certpath.Strength{})
	if trustedItself(path) {
		return reasons // its signature proves nothing
	}
	for _, c := range slices.Backward(path.Certificates) {
		if err := (certpath.Strength{}).CheckSignature(c.Algorithm); err != nil {
			reasons = append(reasons, newReason(Warning, CodeWeakSignature, c, err.Error()))
		}
	}
	return reasons
}

// trustedItself reports whether the leaf of a path is a trusted certificate.
func trustedItself(path certpath.Path) bool {
	return len(path.Certificates) == 1 && path.Anchor.Certificate != nil &&
		slices.Equal(path.Certificates[0].Raw, path.Anchor.Certificate.Raw)
}

package crl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"weak"

	"keyman/crl/certpath"
	"keyman/internal/cert"
)

// A verified remembers which key signed which list, so that a list that serves
// many checks is hashed once. It is used by several goroutines at once.
type verified struct {
	mu    sync.Mutex
	known map[signedList]error
}

// A signedList is a list and the key that is to have signed it.
type signedList struct {
	list weak.Pointer[List] // what is remembered keeps no list in memory
	key  string             // its ID
}

// maxVerified bounds what is remembered; then all is forgotten.
const maxVerified = 4096

func newVerified() *verified { return &verified{known: map[signedList]error{}} }

// check returns why a list's signature by a key does not count.
func (v *verified) check(l *List, key cert.PublicKey, strength certpath.Strength) error {
	algorithm, err := cert.ParseAlgorithm(l.algorithm)
	if err != nil {
		return err
	}
	if err := strength.CheckSignature(algorithm); err != nil {
		return fmt.Errorf("is %w", err)
	}
	known := signedList{weak.Make(l), key.ID()}
	v.mu.Lock()
	result, ok := v.known[known]
	v.mu.Unlock()
	if ok {
		return result
	}
	digest, err := l.signed.sum()
	if err != nil {
		return err
	}
	if result = cert.CheckDigest(algorithm, key, digest, l.signature); result != nil {
		result = fmt.Errorf("is not signed by its issuer's key: %w", result)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.known) >= maxVerified {
		clear(v.known)
	}
	v.known[known] = result
	return result
}

// signedBy returns the key that signed a list, whose owner is its issuer and has
// a valid path to the anchor of the path that is being checked (RFC 5280, 6.3.3
// (f) and (g)).
func (c *listCheck) signedBy(ctx context.Context, l *List) (cert.PublicKey, error) {
	var why error
	// The usual signer is on the path already: who issued the certificate, or
	// somebody above.
	path := c.query.Path
	for i := c.query.Index; i < len(path.Certificates); i++ {
		key, err := c.signerOnPath(l, path.IssuerKey(i), path.Issuer(i), path.Anchor)
		if err == nil {
			return key, nil
		}
		if !errors.Is(err, errWrongIssuer) {
			why = err
		}
	}
	for _, signer := range c.possibleSigners() {
		if signer.SubjectKey != l.issuerKey {
			continue
		}
		if *c.work++; *c.work > MaxSignerChecks {
			return cert.PublicKey{}, fmt.Errorf("was not checked: more than %d signers were tried", MaxSignerChecks)
		}
		key, err := c.signerBeside(ctx, l, signer)
		if err == nil {
			return key, nil
		}
		why = err
	}
	if why == nil {
		why = errors.New("is signed by nobody of whom there is a certificate")
	}
	return cert.PublicKey{}, why
}

// signerOnPath checks a list by a key of the path; signer is its certificate, nil
// where it is the anchor's and that has none.
func (c *listCheck) signerOnPath(l *List, key cert.PublicKey, signer *certpath.Certificate, anchor *certpath.Anchor) (cert.PublicKey, error) {
	name := anchor.NameKey()
	if signer != nil {
		name = signer.SubjectKey
	}
	if name != l.issuerKey {
		return cert.PublicKey{}, errWrongIssuer
	}
	if signer != nil {
		if err := maySignLists(signer); err != nil {
			return cert.PublicKey{}, err
		}
	}
	return key, c.checker.verified.check(l, key, c.query.Options.Strength)
}

// possibleSigners returns the certificates beside the path of which one may be
// the signer's.
func (c *listCheck) possibleSigners() []*certpath.Certificate {
	all := append([]*certpath.Certificate{}, c.checker.signers...)
	return append(all, c.query.Options.Intermediates...)
}

// signerBeside checks a list by the key of a certificate that is not above the
// target on the path, and that certificate's own path.
func (c *listCheck) signerBeside(ctx context.Context, l *List, signer *certpath.Certificate) (cert.PublicKey, error) {
	none := cert.PublicKey{}
	if err := maySignLists(signer); err != nil {
		return none, err
	}
	if bytes.Equal(c.target.Raw, signer.Raw) {
		// The list speaks about its own signer, whose path is valid as far as
		// this very question. If it does not revoke the signer, nobody does.
		key := c.query.Path.PublicKeyOf(c.query.Index)
		return key, c.checker.verified.check(l, key, c.query.Options.Strength)
	}
	if c.depth == MaxSignerDepth {
		return none, fmt.Errorf("was not checked: its signer lies behind %d others", MaxSignerDepth)
	}
	options := *c.query.Options
	// RFC 5280, 6.3.3 (f): the same anchor. Policies and purposes are those of
	// the target, and not of who signs lists.
	options.Anchors = []*certpath.Anchor{c.query.Path.Anchor}
	options.InitialPolicies, options.RequireExplicitPolicy = nil, false
	options.Purpose = certpath.AnyPurpose
	options.Intermediates = append(options.Intermediates[:len(options.Intermediates):len(options.Intermediates)], c.query.Path.Certificates...)
	// The path goes first, without revocation: it costs little, and the list of
	// which somebody claims to be the signer may be large.
	options.Revocation = nil
	path, err := certpath.Validate(ctx, signer, options)
	if err != nil {
		return none, fmt.Errorf("has a signer without a valid path: %w", err)
	}
	if err := c.checker.verified.check(l, path.PublicKey(), options.Strength); err != nil {
		return none, err
	}
	options.Revocation = listRun{checker: c.checker, depth: c.depth + 1, work: c.work}
	if path, err = certpath.Validate(ctx, signer, options); err != nil {
		return none, fmt.Errorf("has a signer without a valid path: %w", err)
	}
	return path.PublicKey(), nil
}

// maySignLists returns why a certificate's key usage does not let it sign lists
// (RFC 5280, 6.3.3 (f)).
func maySignLists(c *certpath.Certificate) error {
	e, ok := c.Extension(cert.OIDKeyUsage)
	if !ok {
		return nil
	}
	if usage, err := cert.ParseKeyUsage(e.Value); err != nil || usage&cert.CRLSign == 0 {
		return fmt.Errorf("has a signer, %s, who may not sign lists by its key usage", certpath.Title(c))
	}
	return nil
}

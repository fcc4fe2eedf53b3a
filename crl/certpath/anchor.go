package certpath

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"keyman/internal/cert"
	"keyman/internal/dn"
)

// An Anchor is a name and a key that are trusted (RFC 5280, 6.1.1 (d)), with
// what limits the trust. Make one by AnchorOf or NewAnchor; the limits may be
// changed before it is used. It may be used by several goroutines at once.
type Anchor struct {
	// Certificate is where the anchor comes from, nil for a name and a key.
	Certificate *Certificate
	// NotBefore and NotAfter frame the time of the trust; zero is no limit.
	NotBefore, NotAfter time.Time
	// MaxPathLen bounds the certificates below that are not self-issued, the
	// leaf not counted; nil is no limit.
	MaxPathLen *int
	// NoIssuer says that the anchor signs no certificates: only the
	// certificate itself is trusted.
	NoIssuer bool
	// Purposes are the extended key usages that the anchor issues for; none
	// is any.
	Purposes []OID
	// NameConstraints limit the names below; nil is no limit.
	NameConstraints *cert.NameConstraints

	name    dn.Name
	nameKey string
	key     cert.PublicKey
	keyID   []byte
}

// NewAnchor makes an anchor of a distinguished name and a subjectPublicKeyInfo,
// both DER.
func NewAnchor(name, spki []byte) (*Anchor, error) {
	a := &Anchor{}
	var err error
	if a.name, err = dn.FromDER(name); err != nil {
		return nil, fmt.Errorf("anchor: %w", err)
	}
	if a.name.IsEmpty() {
		return nil, errors.New("anchor: an empty name")
	}
	a.nameKey = cert.NameKey(name)
	if a.key, err = cert.ParsePublicKey(spki); err != nil {
		return nil, fmt.Errorf("anchor %s: %w", a.name, err)
	}
	if !a.key.Complete() {
		return nil, fmt.Errorf("anchor %s: a DSA key without parameters", a.name)
	}
	return a, nil
}

// AnchorOf makes an anchor of a certificate, self-signed or not. It takes over
// what the certificate says about its own time, path length, usages and name
// constraints (RFC 5937, 2). A certificate without a subject, or with a key or
// extension that cannot be read, is no anchor.
func AnchorOf(c *Certificate) (*Anchor, error) {
	in := newNode(c)
	if f := in.unfit; f != nil {
		return nil, fmt.Errorf("anchor: %w", f)
	}
	a, err := NewAnchor(c.RawSubject, c.RawSPKI)
	if err != nil {
		return nil, err
	}
	a.Certificate = c
	a.NotBefore, a.NotAfter = c.NotBefore, c.NotAfter
	a.NoIssuer = in.notCA() != nil && !legacyRoot(in)
	if in.basic != nil {
		a.MaxPathLen = in.basic.MaxPathLen
	}
	a.Purposes, a.NameConstraints, a.keyID = in.purposes, in.constraints, in.subjectKeyID
	return a, nil
}

// legacyRoot reports whether a certificate has no way to say that it is a CA's:
// roots of version 1 have no extensions.
func legacyRoot(in *node) bool { return in.cert.Version < 3 }

// Name returns the name that is trusted.
func (a *Anchor) Name() dn.Name { return a.name }

// NameKey returns the name in the form of Certificate.SubjectKey.
func (a *Anchor) NameKey() string { return a.nameKey }

// PublicKey returns the key that is trusted.
func (a *Anchor) PublicKey() cert.PublicKey { return a.key }

// is reports whether a certificate is the trusted one itself.
func (a *Anchor) is(c *Certificate) bool {
	return a.Certificate != nil && bytes.Equal(a.Certificate.Raw, c.Raw)
}

// current returns why the anchor is not trusted at a time.
func (a *Anchor) current(at time.Time) *Failure {
	switch {
	case !a.NotBefore.IsZero() && at.Before(a.NotBefore):
		return a.fail(CodeNotYetValid, "the anchor, before "+when(a.NotBefore))
	case !a.NotAfter.IsZero() && at.After(a.NotAfter):
		return a.fail(CodeExpired, "the anchor, on "+when(a.NotAfter))
	}
	return nil
}

// fail makes a Failure about the anchor.
func (a *Anchor) fail(code Code, detail string) *Failure {
	if a.Certificate != nil {
		return fail(code, a.Certificate, detail)
	}
	return &Failure{Code: code, Detail: detail, anchor: a}
}

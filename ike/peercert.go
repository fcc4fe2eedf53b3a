package ike

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"keyman/crl"
	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
	"keyman/ike/isakmp"
	"keyman/internal/der"
	"keyman/internal/dn"
)

// Bounds on a peer's RSA key, in bits. A larger key only costs time, a smaller
// one is weak.
const (
	maxRSABits  = 8192
	goodRSABits = 2048
	minRSABits  = 1024
)

// A PeerError says why a peer was not accepted.
type PeerError struct {
	// Summary is one sentence.
	Summary string
	// Reasons are the findings of the certificate check, if it came to that.
	Reasons []crl.Reason
}

// Error returns the summary and the fatal reasons.
func (e *PeerError) Error() string {
	var fatal []string
	for _, r := range e.Reasons {
		if r.Severity == crl.Fatal {
			fatal = append(fatal, r.Text)
		}
	}
	if len(fatal) == 0 {
		return e.Summary
	}
	return e.Summary + ": " + strings.Join(fatal, "; ")
}

// Hint says what to do about it.
func (e *PeerError) Hint() string {
	if len(e.Reasons) > 0 {
		return "keyman crl check asks for the same certificate's lists, and shows each step"
	}
	return "compare remote.id and the algorithms of the tunnel with the peer's certificate"
}

func refused(format string, args ...any) *PeerError {
	return &PeerError{Summary: fmt.Sprintf(format, args...)}
}

// A peerCheck is the question whether a peer is who it says.
type peerCheck struct {
	ikev1.Verify
	verifier  Verifier
	policy    crl.Policy
	allowWeak bool
}

// identify answers what needs no verifier: that the peer holds the key of its
// certificate, and that this stands for the identity. Nothing is fetched for a
// peer that fails here.
func (c *peerCheck) identify() error {
	leaf, err := c.signer()
	if err != nil {
		return err
	}
	if err := checkUsage(leaf); err != nil {
		return err
	}
	return matchIdentity(leaf, &c.ID)
}

// signer finds the peer's own certificate, by which the signature is right, and
// puts it first: the certificates of PKCS #7 are a set (RFC 2315, 9.1), and some
// peers begin a chain at its other end. If none is, what is wrong with the first
// one is told.
func (c *peerCheck) signer() (*x509.Certificate, error) {
	var first error
	for i, der := range c.Certificates {
		leaf, err := x509.ParseCertificate(der)
		if err != nil {
			err = refused("the peer's certificate cannot be read: %v", err)
		} else if err = c.checkSignature(leaf); err == nil {
			if i > 0 {
				others := slices.Delete(slices.Clone(c.Certificates), i, i+1)
				c.Certificates = append([][]byte{der}, others...)
			}
			return leaf, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

// decide asks the verifier about the chain.
func (c *peerCheck) decide(ctx context.Context) (crl.Verdict, error) {
	verdict := c.verifier.Check(ctx, c.Certificates, c.policy)
	if !verdict.Accepted() {
		return verdict, &PeerError{Summary: "the peer's certificate was not accepted (" + string(verdict.Status) + ")", Reasons: verdict.Reasons}
	}
	return verdict, nil
}

// checkSignature checks the peer's signature with its certificate's key
// (RFC 2409, 5.1; RFC 4754).
func (c *peerCheck) checkSignature(leaf *x509.Certificate) error {
	method := c.Policy.Auth()
	if err := method.CheckKey(leaf.PublicKey); err != nil {
		return refused("the peer's certificate %s does not fit: %v", subject(leaf), err)
	}
	if key, ok := leaf.PublicKey.(*rsa.PublicKey); ok {
		switch bits := key.N.BitLen(); {
		case bits > maxRSABits:
			return refused("the peer's RSA key has %d bits: at most %d", bits, maxRSABits)
		case bits < minRSABits:
			return refused("the peer's RSA key has %d bits: at least %d", bits, minRSABits)
		case bits < goodRSABits && !c.allowWeak:
			return refused("the peer's RSA key has %d bits, which is weak: the protection must say weak = \"allow\"", bits)
		}
	}
	if method.Verify(leaf.PublicKey, c.Hash, c.Signature) != nil {
		return refused("the peer's signature is wrong: it does not hold the key of the certificate %s", subject(leaf))
	}
	return nil
}

// Extended key usages that an IKE peer may have (RFC 4945, 5.1.3.12), and those
// that CAs for VPNs give instead.
var (
	ekuIPsecIKE       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 17}
	ekuIKEIntermediat = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 8, 2, 2}
)

// checkUsage checks that the certificate is for authentication in IKE (RFC 4945,
// 5.1.3.2 and 5.1.3.12).
func checkUsage(leaf *x509.Certificate) error {
	const signs = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	if leaf.KeyUsage != 0 && leaf.KeyUsage&signs == 0 {
		return refused("the certificate %s is not for signatures (key usage)", subject(leaf))
	}
	if len(leaf.ExtKeyUsage)+len(leaf.UnknownExtKeyUsage) == 0 {
		return nil
	}
	for _, u := range leaf.ExtKeyUsage {
		switch u {
		case x509.ExtKeyUsageAny, x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth,
			x509.ExtKeyUsageIPSECEndSystem, x509.ExtKeyUsageIPSECTunnel, x509.ExtKeyUsageIPSECUser:
			return nil
		}
	}
	for _, u := range leaf.UnknownExtKeyUsage {
		if u.Equal(ekuIPsecIKE) || u.Equal(ekuIKEIntermediat) {
			return nil
		}
	}
	return refused("the certificate %s is not for IKE (extended key usage)", subject(leaf))
}

// matchIdentity checks that a certificate stands for an identity: its subject
// for a distinguished name, otherwise a subject alternative name of the same
// kind (RFC 4945, 3.1).
func matchIdentity(leaf *x509.Certificate, id *isakmp.Identification) error {
	claimed, err := ikedb.FromPayload(id)
	if err != nil {
		return refused("the peer's identity cannot be read: %v", err)
	}
	var ok bool
	switch claimed.Type() {
	case isakmp.IDIPv4Addr, isakmp.IDIPv6Addr:
		ok = slices.ContainsFunc(leaf.IPAddresses, func(ip net.IP) bool { return hasAddr(ip, claimed.Addr()) })
	case isakmp.IDFQDN:
		ok = slices.ContainsFunc(leaf.DNSNames, func(n string) bool { return strings.EqualFold(n, claimed.Value()) })
	case isakmp.IDUserFQDN:
		ok = slices.ContainsFunc(leaf.EmailAddresses, func(m string) bool { return sameMailbox(m, claimed.Value()) })
	case isakmp.IDDERASN1DN:
		name, err := dn.FromDER(id.Data)
		own, ownErr := dn.FromDER(leaf.RawSubject)
		ok = errors.Join(err, ownErr) == nil && !name.IsEmpty() && name.Equal(own)
	case isakmp.IDKeyID:
		// RFC 2407 leaves open what a key ID is: only a name that the CA
		// put into the certificate, to the byte, stands for one.
		key := string(id.Data)
		ok = key == leaf.Subject.CommonName || slices.Contains(leaf.DNSNames, key) || slices.Contains(leaf.EmailAddresses, key)
	}
	if !ok {
		return refused("the certificate %s does not stand for the peer's identity %s: neither its subject nor its alternative names are that", subject(leaf), claimed)
	}
	return nil
}

func hasAddr(ip []byte, addr netip.Addr) bool {
	a, ok := netip.AddrFromSlice(ip)
	return ok && a.Unmap() == addr.Unmap()
}

// sameMailbox compares mailboxes: the host part without regard to case
// (RFC 5280, 7.5).
func sameMailbox(a, b string) bool {
	i, j := strings.LastIndexByte(a, '@'), strings.LastIndexByte(b, '@')
	return i > 0 && j > 0 && a[:i] == b[:j] && strings.EqualFold(a[i:], b[j:])
}

// subject returns the name in a certificate, for people.
func subject(c *x509.Certificate) string {
	name, err := dn.FromDER(c.RawSubject)
	if err != nil || name.IsEmpty() {
		return "with serial number " + der.SerialText(c.SerialNumber)
	}
	return fmt.Sprintf("%q", name.String())
}

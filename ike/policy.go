package ike

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"keyman/crl"
	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
	"keyman/internal/dn"
)

// A definition is a tunnel with all that belongs to it, ready to be used.
type definition struct {
	tunnel     ikedb.Tunnel
	protection ikedb.Protection
	credential Credential
	chain      [][]byte // what is sent: without a self-signed certificate at its end
}

// speaks reports whether the tunnel is negotiated in a mode.
func (d *definition) speaks(mode ikedb.Mode) bool {
	if mode == ikedb.ModeAggressive {
		return d.protection.Mode.Aggressive()
	}
	return d.protection.Mode.Main()
}

// newDefinitions checks every tunnel against the credentials at hand.
func newDefinitions(db *ikedb.DB, credentials map[string]Credential) (map[string]*definition, error) {
	defs := make(map[string]*definition)
	for _, t := range db.Tunnels() {
		p, ok := db.Protection(t.Protection)
		if !ok {
			return nil, fmt.Errorf("tunnel %q: no protection %q", t.Name, t.Protection)
		}
		d := &definition{tunnel: t, protection: p}
		if p.Signatures() {
			c, ok := credentials[t.Local.Certificate]
			if !ok {
				return nil, noCredentialError{t.Name, t.Local.Certificate, credentials}
			}
			if err := checkCredential(c, p.Auth.Suite(), p.AllowWeak); err != nil {
				return nil, fmt.Errorf("tunnel %q: certificate %q: %w", t.Name, t.Local.Certificate, err)
			}
			if err := checkOwnIdentity(c, t.Local.ID); err != nil {
				return nil, fmt.Errorf("tunnel %q: local.id: %w", t.Name, err)
			}
			d.credential, d.chain = c, withoutRoot(c.Chain)
		}
		defs[t.Name] = d
	}
	return defs, nil
}

// noCredentialError is a tunnel whose certificate is not in the key database.
type noCredentialError struct {
	tunnel, label string
	have          map[string]Credential
}

func (e noCredentialError) Error() string {
	return fmt.Sprintf("tunnel %q: there is no personal certificate %q with a key", e.tunnel, e.label)
}

// Hint names those that there are.
func (e noCredentialError) Hint() string {
	labels := make([]string, 0, len(e.have))
	for l := range e.have {
		labels = append(labels, fmt.Sprintf("%q", l))
	}
	if len(labels) == 0 {
		return "the key database has no personal certificate: make one with keyman req create and keyman cert receive"
	}
	slices.Sort(labels)
	return "the key database has " + strings.Join(labels, ", ")
}

// checkCredential checks that signatures of a method can be made with a credential
// and that its certificate is for its key.
func checkCredential(c Credential, method suite.AuthMethod, allowWeak bool) error {
	if c.Signer == nil || len(c.Chain) == 0 {
		return fmt.Errorf("it has no key or no certificate")
	}
	leaf, err := x509.ParseCertificate(c.Chain[0])
	if err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	if err := method.CheckKey(c.Signer.Public()); err != nil {
		return err
	}
	if own, ok := c.Signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !own.Equal(leaf.PublicKey) {
		return fmt.Errorf("its key is not that of the certificate")
	}
	if key, ok := leaf.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < goodRSABits && !allowWeak {
		return fmt.Errorf("its RSA key has %d bits, which is weak: the protection must say weak = \"allow\"", key.N.BitLen())
	}
	return nil
}

// checkOwnIdentity checks that our certificate stands for who we say we are: no
// peer would accept us otherwise.
func checkOwnIdentity(c Credential, id ikedb.Identity) error {
	leaf, err := x509.ParseCertificate(c.Chain[0])
	if err != nil {
		return err
	}
	if err := matchIdentity(leaf, id.Payload()); err != nil {
		return ownIdentityError{id, leaf}
	}
	return nil
}

// ownIdentityError is an identity that our certificate does not have.
type ownIdentityError struct {
	id   ikedb.Identity
	leaf *x509.Certificate
}

func (e ownIdentityError) Error() string {
	return fmt.Sprintf("the certificate %s does not stand for %s: no peer would accept it", subject(e.leaf), e.id)
}

// Hint names the identities that it stands for.
func (e ownIdentityError) Hint() string {
	var names []string
	if n, err := dn.FromDER(e.leaf.RawSubject); err == nil && !n.IsEmpty() {
		names = append(names, "dn:"+n.String())
	}
	for _, n := range e.leaf.DNSNames {
		names = append(names, "fqdn:"+n)
	}
	for _, m := range e.leaf.EmailAddresses {
		names = append(names, "user_fqdn:"+m)
	}
	for _, ip := range e.leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return "it stands for " + strings.Join(names, ", ")
}

// withoutRoot drops a self-signed certificate at the end of a longer chain: the
// peer must have it already or will not trust it.
func withoutRoot(chain [][]byte) [][]byte {
	last := len(chain) - 1
	if last > 0 {
		if c, err := x509.ParseCertificate(chain[last]); err == nil && bytes.Equal(c.RawIssuer, c.RawSubject) {
			return chain[:last]
		}
	}
	return chain
}

// authorities returns the subjects of the anchors, for certificate requests.
func authorities(anchors [][]byte) ([][]byte, error) {
	names := make([][]byte, 0, len(anchors))
	for i, der := range anchors {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("trusted certificate %d of %d cannot be read: %w", i+1, len(anchors), err)
		}
		names = append(names, c.RawSubject)
	}
	return names, nil
}

// policy makes what an SA uses for a tunnel with a peer at an address, in a mode.
// In main mode, a tunnel with a preshared key has none where no key is for that
// address; in aggressive mode the peer's identity decides about the key.
func (e *Engine) policy(d *definition, mode ikedb.Mode, peer netip.Addr) (*ikev1.Policy, bool) {
	p := &ikev1.Policy{
		Name:       d.tunnel.Name,
		Transforms: d.protection.Transforms,
		LocalID:    *d.tunnel.Local.ID.Payload(),
		MatchID: func(id isakmp.Identification) bool {
			claimed, err := ikedb.FromPayload(&id)
			return err == nil && e.db.AdmitsAt(d.tunnel, mode, claimed, peer)
		},
	}
	if d.protection.Signatures() {
		p.Chain, p.Authorities = d.chain, e.authorities
		return p, true
	}
	if mode == ikedb.ModeAggressive {
		p.KeyFor = func(id isakmp.Identification) []byte {
			claimed, err := ikedb.FromPayload(&id)
			if err != nil {
				return nil
			}
			secret, _ := e.db.PresharedKeyOf(d.tunnel, claimed)
			return secret.Bytes()
		}
		// For an initiator, whose tunnel is for one peer.
		secret, _ := e.db.PresharedKeyOf(d.tunnel, d.tunnel.Remote.ID)
		p.PSK = secret.Bytes()
		return p, true
	}
	secret, ok := e.db.PresharedKey(d.tunnel, peer)
	if !ok {
		return nil, false
	}
	p.PSK = secret.Bytes()
	return p, true
}

// describeID writes an identity for people.
func describeID(id isakmp.Identification) string {
	known, err := ikedb.FromPayload(&id)
	if err != nil {
		return fmt.Sprintf("of type %v that cannot be read", id.IDType)
	}
	return known.String()
}

// crlPolicy is what the tunnel demands of its peer's certificate.
func (e *Engine) crlPolicy(p ikedb.Protection) crl.Policy {
	return crl.Policy{Anchors: e.anchors, Revocation: p.Revocation, Timeout: p.CRLTimeout, Grace: p.CRLGrace, AllowWeak: p.AllowWeak}
}

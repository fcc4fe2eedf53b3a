package certpath

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/der"
)

// now is the time that the tests validate at.
var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// An entity is a name, a key, and a certificate of its own.
type entity struct {
	name string
	key  crypto.Signer
	own  *Certificate
	raw  *x509.Certificate
}

// serial gives each certificate of a test its number.
var serial = new(big.Int)

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A change makes a certificate different from the usual one.
type change func(*x509.Certificate)

// entityOf returns an entity without a certificate.
func entityOf(t testing.TB, name string) *entity { return &entity{name: name, key: newKey(t)} }

// sign returns an entity's certificate by an issuer.
func (e *entity) sign(t testing.TB, subject *entity, changes ...change) *entity {
	t.Helper()
	serial.Add(serial, big.NewInt(1))
	template := &x509.Certificate{
		SerialNumber: new(big.Int).Set(serial), Subject: pkix.Name{CommonName: subject.name},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
	}
	for _, c := range changes {
		c(template)
	}
	parent := &x509.Certificate{Subject: pkix.Name{CommonName: e.name}}
	if e.raw != nil {
		parent.RawSubject = e.raw.RawSubject
	}
	encoded, err := x509.CreateCertificate(rand.Reader, template, parent, subject.key.Public(), e.key)
	if err != nil {
		t.Fatal(err)
	}
	signed := &entity{name: subject.name, key: subject.key}
	if signed.raw, err = x509.ParseCertificate(encoded); err != nil {
		// crypto/x509 cannot read all that it writes.
		signed.raw = &x509.Certificate{RawSubject: template.RawSubject}
	}
	if signed.own, err = ParseCertificate(encoded); err != nil {
		t.Fatal(err)
	}
	return signed
}

// isCA makes a certificate a CA's.
func isCA(c *x509.Certificate) {
	c.BasicConstraintsValid, c.IsCA, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}

func newRoot(t testing.TB, name string, changes ...change) *entity {
	t.Helper()
	e := entityOf(t, name)
	return e.sign(t, e, append([]change{isCA}, changes...)...)
}

// issueCA and issue make a new key and its certificate.
func (e *entity) issueCA(t testing.TB, name string, changes ...change) *entity {
	t.Helper()
	return e.sign(t, entityOf(t, name), append([]change{isCA}, changes...)...)
}

func (e *entity) issue(t testing.TB, name string, changes ...change) *entity {
	t.Helper()
	return e.sign(t, entityOf(t, name), changes...)
}

// anchor trusts the entity's certificate.
func (e *entity) anchor(t testing.TB) *Anchor {
	t.Helper()
	a, err := AnchorOf(e.own)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// withExtension adds an extension with the value that build makes.
func withExtension(oid OID, critical bool, build func(*cryptobyte.Builder)) change {
	return func(c *x509.Certificate) {
		var b cryptobyte.Builder
		build(&b)
		var id asn1.ObjectIdentifier
		input := cryptobyte.String(append([]byte{6, byte(len(oid))}, oid...))
		if !input.ReadASN1ObjectIdentifier(&id) {
			panic("OID " + oid.String())
		}
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: id, Critical: critical, Value: b.BytesOrPanic()})
	}
}

// raw is an extension's value as it stands.
func raw(value string) func(*cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) { b.AddBytes([]byte(value)) }
}

// policy returns the n-th policy of the tests, or anyPolicy for 0.
func policy(n int) OID {
	if n == 0 {
		return AnyPolicy
	}
	o, err := der.ParseOID("1.3." + big.NewInt(int64(n)).String())
	if err != nil {
		panic(err)
	}
	return o
}

// addOID adds an OBJECT IDENTIFIER.
func addOID(b *cryptobyte.Builder, o OID) {
	b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(o)) })
}

// policies is a certificate policies extension.
func policies(numbers ...int) change {
	return withExtension(cert.OIDPolicies, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, n := range numbers {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addOID(b, policy(n)) })
			}
		})
	})
}

// mappings is a policy mappings extension: pairs of an issuer's policy and a
// subject's.
func mappings(pairs ...[2]int) change {
	return withExtension(cert.OIDPolicyMappings, true, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, p := range pairs {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addOID(b, policy(p[0]))
					addOID(b, policy(p[1]))
				})
			}
		})
	})
}

// constraints is a name constraints extension with the content of
// permittedSubtrees and excludedSubtrees, each made of names.
func constraintsOn(permitted, excluded []cert.GeneralName) change {
	return withExtension(cert.OIDNameConstraints, true, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for tag, names := range [][]cert.GeneralName{permitted, excluded} {
				if names == nil {
					continue
				}
				b.AddASN1(cbasn1.Tag(tag).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
					for _, n := range names {
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addName(b, n) })
					}
				})
			}
		})
	})
}

// altNames is a subject alternative name extension.
func altNames(names ...cert.GeneralName) change {
	return withExtension(cert.OIDSubjectAltName, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, n := range names {
				addName(b, n)
			}
		})
	})
}

func addName(b *cryptobyte.Builder, n cert.GeneralName) {
	tag := cbasn1.Tag(n.Kind).ContextSpecific()
	switch n.Kind {
	case cert.OtherName, cert.X400Address, cert.DirectoryName, cert.EDIPartyName:
		tag = tag.Constructed()
	}
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes(n.Value) })
}

// under are the options that trust a root and know intermediates.
func under(t testing.TB, root *entity, between ...*entity) Options {
	t.Helper()
	o := Options{Anchors: []*Anchor{root.anchor(t)}, Time: now}
	for _, e := range between {
		o.Intermediates = append(o.Intermediates, e.own)
	}
	return o
}

// validate wants a code, "" for a valid path, and returns that.
func validate(t *testing.T, what string, leaf *entity, o Options, want Code) Path {
	t.Helper()
	p, err := Validate(t.Context(), leaf.own, o)
	if got := CodeOf(err); got != want || (err == nil) != (want == "") {
		t.Errorf("%s: %q, want %q: %v", what, got, want, err)
	}
	var failed *Error
	if err != nil && (!errors.As(err, &failed) || len(failed.Attempts) == 0) {
		t.Errorf("%s: no attempt is told: %v", what, err)
	}
	return p
}

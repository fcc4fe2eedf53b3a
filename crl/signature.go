package crl

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/der"
	"keyman/internal/dn"
)

// A signatureKind is what a signature AlgorithmIdentifier means.
type signatureKind struct {
	oid       string
	algorithm x509.SignatureAlgorithm
	null      bool // the parameters may be NULL (RFC 4055, 5; RFC 8017, A.2.4)
}

var signatureKinds = []signatureKind{
	{"1.2.840.113549.1.1.5", x509.SHA1WithRSA, true},
	{"1.2.840.113549.1.1.11", x509.SHA256WithRSA, true},
	{"1.2.840.113549.1.1.12", x509.SHA384WithRSA, true},
	{"1.2.840.113549.1.1.13", x509.SHA512WithRSA, true},
	{"1.2.840.10045.4.1", x509.ECDSAWithSHA1, false},
	{"1.2.840.10045.4.3.2", x509.ECDSAWithSHA256, false},
	{"1.2.840.10045.4.3.3", x509.ECDSAWithSHA384, false},
	{"1.2.840.10045.4.3.4", x509.ECDSAWithSHA512, false},
	{"1.3.101.112", x509.PureEd25519, false},
}

// oidPSS is id-RSASSA-PSS; its parameters say which hash.
const oidPSS = "1.2.840.113549.1.1.10"

// pssKinds are the parameters that are understood: the salt as long as the hash.
var pssKinds = []struct {
	hash      asn1.ObjectIdentifier
	salt      int64
	algorithm x509.SignatureAlgorithm
}{
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}, 32, x509.SHA256WithRSAPSS},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, 48, x509.SHA384WithRSAPSS},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, 64, x509.SHA512WithRSAPSS},
}

// parseAlgorithm returns what an AlgorithmIdentifier means, or the OID and
// UnknownSignatureAlgorithm.
func parseAlgorithm(element cryptobyte.String) (algorithm x509.SignatureAlgorithm, oid string) {
	var content cryptobyte.String
	if !element.ReadASN1(&content, cbasn1.SEQUENCE) {
		return x509.UnknownSignatureAlgorithm, "malformed"
	}
	id, ok := der.ReadOID(&content)
	if !ok {
		return x509.UnknownSignatureAlgorithm, "malformed"
	}
	oid = id.String()
	if oid == oidPSS {
		for _, k := range pssKinds {
			if slices.ContainsFunc([]bool{true, false}, func(null bool) bool {
				return slices.Equal(pssParameters(k.hash, k.salt, null), content)
			}) {
				return k.algorithm, oid
			}
		}
		return x509.UnknownSignatureAlgorithm, oid
	}
	for _, k := range signatureKinds {
		if k.oid == oid && (content.Empty() || k.null && slices.Equal(content, cryptobyte.String{5, 0})) {
			return k.algorithm, oid
		}
	}
	return x509.UnknownSignatureAlgorithm, oid
}

// pssParameters encodes RSASSA-PSS-params (RFC 4055, 3.1) for one hash, with or
// without the NULL that the hash algorithm may carry (RFC 4055, 2.1).
func pssParameters(hash asn1.ObjectIdentifier, salt int64, null bool) []byte {
	hashAlgorithm := func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(hash)
			if null {
				b.AddASN1NULL()
			}
		})
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tag0Constructed, hashAlgorithm)
		b.AddASN1(tag1Constructed, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}) // id-mgf1
				hashAlgorithm(b)
			})
		})
		b.AddASN1(tag2Constructed, func(b *cryptobyte.Builder) { b.AddASN1Int64(salt) })
	})
	return b.BytesOrPanic()
}

// algorithmName returns a word for an AlgorithmIdentifier.
func algorithmName(element []byte) string {
	algorithm, oid := parseAlgorithm(element)
	if algorithm == x509.UnknownSignatureAlgorithm {
		return oid
	}
	return algorithm.String()
}

// errWrongIssuer is in the error where a certificate is not that of the list's
// issuer, so that its key need not be tried.
var errWrongIssuer = errors.New("the list has another issuer")

// CheckSignatureFrom returns nil where the list was issued and signed by the
// owner of a CA certificate: its subject is the list's issuer, its key usage,
// if it has one, allows cRLSign (RFC 5280, 6.3.3 (f)), and its key made the
// signature (g). It does not ask whether the certificate itself is to be
// trusted. SHA-1 is refused unless allowWeak is set.
func (l *List) CheckSignatureFrom(issuer *x509.Certificate, allowWeak bool) error {
	if issuer == nil {
		return errWrongIssuer
	}
	subject, err := dn.FromDER(issuer.RawSubject)
	if err != nil {
		return fmt.Errorf("subject of the issuer's certificate: %w", err)
	}
	if subject.IsEmpty() || !subject.Equal(l.Issuer) {
		return fmt.Errorf("%w: %s, and not %s", errWrongIssuer, l.Issuer, subject)
	}
	if hasKeyUsage(issuer) && issuer.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return fmt.Errorf("the key usage of %s does not allow it to sign revocation lists", subject)
	}
	if err := l.verify(issuer, allowWeak); err != nil {
		if !l.sameKey(issuer) {
			return fmt.Errorf("%w (the list names the key %x, %s has %x)", err, l.AuthorityKeyID, subject, issuer.SubjectKeyId)
		}
		return err
	}
	return nil
}

// verify checks the signature by the key of a certificate.
func (l *List) verify(issuer *x509.Certificate, allowWeak bool) error {
	switch algorithm, oid := parseAlgorithm(l.algorithm); algorithm {
	case x509.UnknownSignatureAlgorithm:
		return fmt.Errorf("the signature algorithm %s is not known", oid)
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1:
		if !allowWeak {
			return fmt.Errorf("the signature is made with %s, which is weak and not allowed", algorithm)
		}
	}
	algorithm, err := cert.ParseAlgorithm(l.algorithm)
	if err != nil {
		return err
	}
	key, err := cert.ParsePublicKey(issuer.RawSubjectPublicKeyInfo)
	if err != nil {
		return fmt.Errorf("key of the issuer's certificate: %w", err)
	}
	digest, err := l.signed.sum()
	if err != nil {
		return err
	}
	if err := cert.CheckDigest(algorithm, key, digest, l.signature); err != nil {
		return fmt.Errorf("the signature is wrong: %w", err)
	}
	return nil
}

// hasKeyUsage reports whether a certificate has the key usage extension. Its
// value zero is not the same as its absence.
func hasKeyUsage(cert *x509.Certificate) bool {
	return slices.ContainsFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.String() == "2.5.29.15" })
}

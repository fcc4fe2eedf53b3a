package keystore

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// A Summary is what can be told of any certificate by its outer structure (RFC
// 5280, 4.1), also of one that crypto/x509 refuses: such a certificate can be
// shown, kept and given away, but not used.
type Summary struct {
	Serial          *big.Int // may be what RFC 5280 forbids: zero or negative
	Issuer, Subject []byte   // names, DER
	// NotBefore and NotAfter are zero where the date cannot be read.
	NotBefore, NotAfter time.Time
	// PublicKey is the SubjectPublicKeyInfo, DER.
	PublicKey []byte
	// KeyType names the kind of key, such as "rsa", "brainpoolP256r1" or
	// "dsa"; a dotted identifier where it has no name here.
	KeyType string
	// Signature is the dotted identifier of the signature algorithm.
	Signature string
	// Unusable tells why the certificate cannot be used; nil where it can. It
	// wraps ErrUnusable.
	Unusable error
}

// EndsBy reports whether the certificate is no longer valid after t. One whose
// end cannot be read counts as ended.
func (s Summary) EndsBy(t time.Time) bool { return s.NotAfter.IsZero() || !s.NotAfter.After(t) }

// Summarize reads the outer structure of a certificate. It returns
// ErrCertificate for what is none.
func Summarize(der []byte) (Summary, error) {
	s, err := summarize(der)
	if err != nil {
		return Summary{}, &EntryError{Err: ErrCertificate, Detail: err.Error()}
	}
	s.Unusable = unusable(der, s.KeyType)
	return s, nil
}

// unusable tells why a certificate cannot be used; nil where it can.
func unusable(der []byte, keyType string) error {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return &EntryError{Err: ErrUnusable, Detail: err.Error()}
	}
	switch certificate.PublicKey.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	default:
		return &EntryError{Err: ErrUnusable, Detail: "a key of type " + keyType + " is not known"}
	}
}

var errNoCertificate = errors.New("it has not the structure of RFC 5280, 4.1")

// summarize reads a Certificate as far as the key, and the signature algorithm.
func summarize(der []byte) (Summary, error) {
	var (
		s                                  Summary
		certificate, tbs, algorithm, dates cryptobyte.String
		issuer, subject, key               cryptobyte.String
		err                                error
	)
	input := cryptobyte.String(der)
	if !input.ReadASN1(&certificate, cbasn1.SEQUENCE) || !input.Empty() ||
		!certificate.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!certificate.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!certificate.SkipASN1(cbasn1.BIT_STRING) || !certificate.Empty() {
		return s, errNoCertificate
	}
	s.Serial = new(big.Int)
	if !tbs.SkipOptionalASN1(cbasn1.Tag(0).ContextSpecific().Constructed()) || // version
		!tbs.ReadASN1Integer(s.Serial) ||
		!tbs.SkipASN1(cbasn1.SEQUENCE) || // signature
		!tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1(&dates, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(&subject, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1Element(&key, cbasn1.SEQUENCE) {
		return s, errNoCertificate
	}
	s.Issuer, s.Subject, s.PublicKey = bytes.Clone(issuer), bytes.Clone(subject), bytes.Clone(key)
	s.NotBefore = readTime(&dates)
	s.NotAfter = readTime(&dates)
	if s.Signature, err = readIdentifier(&algorithm); err != nil {
		return s, err
	}
	s.KeyType, err = keyType(key)
	return s, err
}

// readTime reads a Time (RFC 5280, 4.1.2.5); zero where it cannot be read.
func readTime(dates *cryptobyte.String) time.Time {
	var t time.Time
	switch {
	case dates.PeekASN1Tag(cbasn1.UTCTime) && dates.ReadASN1UTCTime(&t),
		dates.PeekASN1Tag(cbasn1.GeneralizedTime) && dates.ReadASN1GeneralizedTime(&t):
		return t.UTC()
	default:
		return time.Time{}
	}
}

func readIdentifier(s *cryptobyte.String) (string, error) {
	var (
		content cryptobyte.String
		id      x509.OID
	)
	if !s.ReadASN1(&content, cbasn1.OBJECT_IDENTIFIER) || id.UnmarshalBinary(content) != nil {
		return "", errNoCertificate
	}
	return id.String(), nil
}

// keyTypes are the names of key types and curves: those of RFC 3279, RFC 4055,
// RFC 5480, RFC 5639, RFC 8410 and FIPS 204.
var keyTypes = map[string]string{
	"1.2.840.113549.1.1.1":    "rsa",
	"1.2.840.113549.1.1.7":    "rsa-oaep",
	"1.2.840.113549.1.1.10":   "rsa-pss",
	"1.2.840.10040.4.1":       "dsa",
	"1.2.840.10046.2.1":       "dh",
	"1.2.840.10045.3.1.1":     "p192",
	"1.2.840.10045.3.1.7":     "p256",
	"1.3.132.0.33":            "p224",
	"1.3.132.0.34":            "p384",
	"1.3.132.0.35":            "p521",
	"1.3.132.0.10":            "secp256k1",
	"1.3.36.3.3.2.8.1.1.3":    "brainpoolP192r1",
	"1.3.36.3.3.2.8.1.1.5":    "brainpoolP224r1",
	"1.3.36.3.3.2.8.1.1.7":    "brainpoolP256r1",
	"1.3.36.3.3.2.8.1.1.9":    "brainpoolP320r1",
	"1.3.36.3.3.2.8.1.1.11":   "brainpoolP384r1",
	"1.3.36.3.3.2.8.1.1.13":   "brainpoolP512r1",
	"1.3.101.110":             "x25519",
	"1.3.101.111":             "x448",
	"1.3.101.112":             "ed25519",
	"1.3.101.113":             "ed448",
	"2.16.840.1.101.3.4.3.17": "ml-dsa-44",
	"2.16.840.1.101.3.4.3.18": "ml-dsa-65",
	"2.16.840.1.101.3.4.3.19": "ml-dsa-87",
}

// oidECKey is id-ecPublicKey, whose parameters name the curve (RFC 5480, 2.1.1).
const oidECKey = "1.2.840.10045.2.1"

// keyType names the kind of key of a SubjectPublicKeyInfo.
func keyType(spki []byte) (string, error) {
	var info, algorithm cryptobyte.String
	input := cryptobyte.String(spki)
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !info.ReadASN1(&algorithm, cbasn1.SEQUENCE) {
		return "", errNoCertificate
	}
	return algorithmType(algorithm)
}

// privateKeyType names the kind of key of a PrivateKeyInfo (RFC 5958, 2).
func privateKeyType(key []byte) (string, error) {
	var info, algorithm cryptobyte.String
	input := cryptobyte.String(key)
	if !input.ReadASN1(&info, cbasn1.SEQUENCE) || !info.SkipASN1(cbasn1.INTEGER) || !info.ReadASN1(&algorithm, cbasn1.SEQUENCE) {
		return "", errors.New("it has not the structure of RFC 5958, 2")
	}
	return algorithmType(algorithm)
}

// algorithmType names the kind of key of an AlgorithmIdentifier.
func algorithmType(algorithm cryptobyte.String) (string, error) {
	id, err := readIdentifier(&algorithm)
	if err != nil {
		return "", err
	}
	if id == oidECKey {
		curve, err := readIdentifier(&algorithm)
		if err != nil {
			return "ec with parameters of its own", nil
		}
		if name, ok := keyTypes[curve]; ok {
			return name, nil
		}
		return fmt.Sprintf("ec on curve %s", curve), nil
	}
	if name, ok := keyTypes[id]; ok {
		return name, nil
	}
	return id, nil
}

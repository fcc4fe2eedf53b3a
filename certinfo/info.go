package certinfo

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"keyman/internal/cert"
	"keyman/internal/der"
	"keyman/internal/dn"
	"keyman/internal/oids"
)

// Info is a certificate in words.
type Info struct {
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	// Serial is in lower-case hexadecimal digits, in pairs.
	Serial  string `json:"serial"`
	Version int    `json:"version"`
	// NotBefore and NotAfter are zero where the date cannot be read.
	NotBefore time.Time `json:"not_before,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`
	// DaysLeft are whole days; negative where it has expired.
	DaysLeft int `json:"days_left"`
	// UsedPercent is how much of the validity has passed: 0 to 100.
	UsedPercent int    `json:"used_percent"`
	Key         string `json:"key"` // such as "rsa-3072", "p256", "brainpoolP256r1"
	Signature   string `json:"signature_algorithm"`
	// Weak names what of it must not be relied on: a short key, or a signature
	// by a hash for which collisions can be made.
	Weak []string `json:"weak,omitempty"`
	// Flaws are the rules of RFC 5280 that its structure breaks.
	Flaws []string `json:"flaws,omitempty"`

	// What the usual extensions say; Extensions has all of them.
	CA          bool     `json:"ca"`
	KeyID       string   `json:"key_id,omitempty"`
	SANs        []string `json:"sans,omitempty"`
	KeyUsage    []string `json:"key_usage,omitempty"`
	ExtKeyUsage []string `json:"extended_key_usage,omitempty"`
	CRLs        []string `json:"crl_distribution_points,omitempty"`

	Extensions []Extension `json:"extensions,omitempty"`

	PublicKey string `json:"public_key_sha256"` // of the SubjectPublicKeyInfo
	SHA256    string `json:"sha256"`
	SHA1      string `json:"sha1"`

	validity Validity
}

// Describe reads a certificate, DER. The error says why it is none. One whose
// extensions cannot be read has none here, and a flaw that says so.
func Describe(encoded []byte, now time.Time) (Info, error) {
	c, err := cert.ParseLoosely(encoded)
	if err != nil {
		return Info{}, err
	}
	sum256, sum1, key := sha256.Sum256(encoded), sha1.Sum(encoded), sha256.Sum256(c.RawSPKI)
	validity := Validity{NotBefore: c.NotBefore, NotAfter: c.NotAfter, Now: now}
	info := Info{
		Subject:   nameText(c.RawSubject),
		Issuer:    nameText(c.RawIssuer),
		Serial:    der.OctetsText(c.SerialOctets),
		Version:   c.Version,
		NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		DaysLeft: validity.DaysLeft(), UsedPercent: validity.UsedPercent(), validity: validity,
		Key:       keyName(c.RawSPKI),
		Signature: signatureName(c.Algorithm),
		Weak:      weaknesses(c.Algorithm, c.RawSPKI),
		PublicKey: Colons(key[:]), SHA256: Colons(sum256[:]), SHA1: Colons(sum1[:]),
	}
	for _, flaw := range c.Flaws {
		info.Flaws = append(info.Flaws, string(flaw))
	}
	for _, e := range c.Extensions {
		info.Extensions = append(info.Extensions, describe(e))
	}
	usual := readUsual(c.Extensions)
	info.CA, info.KeyID, info.SANs, info.CRLs = usual.ca, usual.keyID, usual.sans, usual.crls
	info.KeyUsage, info.ExtKeyUsage = usual.keyUsage, usual.purposes
	return info, nil
}

// Validity returns where the time of Describe lies in the certificate's validity.
func (i Info) Validity() Validity { return i.validity }

// usual is what the usual extensions say.
type usual struct {
	ca                             bool
	keyID                          string
	sans, keyUsage, purposes, crls []string
}

// readUsual reads the usual extensions. One that cannot be read says nothing here;
// describe shows it.
func readUsual(extensions []cert.Extension) usual {
	var u usual
	for _, e := range extensions {
		switch e.OID {
		case cert.OIDBasicConstraints:
			if c, err := cert.ParseBasicConstraints(e.Value); err == nil {
				u.ca = c.CA
			}
		case cert.OIDSubjectKeyID:
			if id, err := cert.ParseSubjectKeyID(e.Value); err == nil {
				u.keyID = Colons(id)
			}
		case cert.OIDSubjectAltName:
			if names, err := cert.ParseGeneralNames(e.Value); err == nil {
				u.sans = namesText(names)
			}
		case cert.OIDKeyUsage:
			u.keyUsage, _ = keyUsage(e.Value)
		case cert.OIDExtKeyUsage:
			u.purposes, _ = purposes(e.Value)
		case cert.OIDCRLPoints:
			u.crls = locations(e.Value)
		}
	}
	return u
}

// keyName names a key.
func keyName(spki []byte) string {
	if name, ok := cert.KeyName(spki); ok {
		return name
	}
	return "a key that cannot be read"
}

// weaknesses names what of an algorithm and a key must not be relied on.
func weaknesses(signature cert.Algorithm, spki []byte) []string {
	var weak []string
	if s, err := signature.Scheme(); err == nil && s.Weak() || strings.HasPrefix(signatureName(signature), "MD") {
		weak = append(weak, "signed by "+signatureName(signature))
	}
	key, err := cert.ParsePublicKey(spki)
	if err != nil {
		return weak
	}
	switch key.Kind {
	case cert.RSA, cert.RSAPSS, cert.DSA:
		if bits := key.Bits(); bits > 0 && bits < minModulus {
			weak = append(weak, fmt.Sprintf("a key of %d bits", bits))
		}
	}
	return weak
}

// minModulus is the shortest modulus of RSA or DSA that is not weak, in bits (NIST
// SP 800-131A).
const minModulus = 2048

// signatureName names a signature algorithm.
func signatureName(a cert.Algorithm) string {
	if s, err := a.Scheme(); err == nil {
		return s.String()
	}
	return oids.SignatureName(a.OID.String())
}

// nameText writes a distinguished name.
func nameText(encoded []byte) string {
	name, err := dn.FromDER(encoded)
	if err != nil {
		return "(a name that cannot be read)"
	}
	return name.String()
}

// Colons writes octets in upper-case hexadecimal digits with colons between them,
// as fingerprints are written.
func Colons(octets []byte) string {
	var b strings.Builder
	for i, octet := range octets {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{octet})))
	}
	return b.String()
}

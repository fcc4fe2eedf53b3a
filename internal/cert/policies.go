package cert

import (
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// OIDAnyPolicy is anyPolicy (RFC 5280, 4.2.1.4).
const OIDAnyPolicy OID = "\x55\x1d\x20\x00" // 2.5.29.32.0

// The qualifiers of RFC 5280, 4.2.1.4.
const (
	OIDQualifierCPS    OID = "\x2b\x06\x01\x05\x05\x07\x02\x01" // 1.3.6.1.5.5.7.2.1
	OIDQualifierNotice OID = "\x2b\x06\x01\x05\x05\x07\x02\x02" // 1.3.6.1.5.5.7.2.2
)

// A Policy is one certificate policy (RFC 5280, 4.2.1.4).
type Policy struct {
	ID OID
	// Qualifiers is the content of the sequence of qualifiers, nil where
	// there is none: see ParseQualifiers.
	Qualifiers []byte
}

// A Qualifier says more about a policy, for people.
type Qualifier struct {
	ID OID
	// Value is a whole element.
	Value []byte
}

// ParsePolicies reads the value of a certificate policies extension. That each
// policy stands there once is not asked.
func ParsePolicies(value []byte) ([]Policy, error) {
	content, err := readSequence(value, "certificate policies")
	if err != nil {
		return nil, err
	}
	n, ok := count(content)
	if !ok || n == 0 {
		return nil, errMalformed("certificate policies")
	}
	all := make([]Policy, n)
	for i := range all {
		var policy, qualifiers cryptobyte.String
		if !content.ReadASN1(&policy, cbasn1.SEQUENCE) {
			return nil, errMalformed("certificate policies")
		}
		if all[i].ID, ok = der.ReadOID(&policy); !ok {
			return nil, errMalformed("certificate policies")
		}
		if !policy.Empty() && (!policy.ReadASN1(&qualifiers, cbasn1.SEQUENCE) || !policy.Empty()) {
			return nil, errMalformed("certificate policies")
		}
		all[i].Qualifiers = qualifiers
	}
	return all, nil
}

// ParseQualifiers reads Policy.Qualifiers.
func ParseQualifiers(content []byte) ([]Qualifier, error) {
	rest := cryptobyte.String(content)
	n, ok := count(rest)
	if !ok {
		return nil, errMalformed("policy qualifiers")
	}
	all := make([]Qualifier, n)
	for i := range all {
		var (
			qualifier, value cryptobyte.String
			tag              cbasn1.Tag
		)
		if !rest.ReadASN1(&qualifier, cbasn1.SEQUENCE) {
			return nil, errMalformed("policy qualifiers")
		}
		if all[i].ID, ok = der.ReadOID(&qualifier); !ok || !qualifier.ReadAnyASN1Element(&value, &tag) || !qualifier.Empty() {
			return nil, errMalformed("policy qualifiers")
		}
		all[i].Value = value
	}
	return all, nil
}

// A PolicyMapping says that a policy of the issuer is as good as one of the
// subject's (RFC 5280, 4.2.1.5).
type PolicyMapping struct{ Issuer, Subject OID }

// ParsePolicyMappings reads the value of a policy mappings extension.
func ParsePolicyMappings(value []byte) ([]PolicyMapping, error) {
	content, err := readSequence(value, "policy mappings")
	if err != nil {
		return nil, err
	}
	n, ok := count(content)
	if !ok || n == 0 {
		return nil, errMalformed("policy mappings")
	}
	all := make([]PolicyMapping, n)
	for i := range all {
		var pair cryptobyte.String
		if !content.ReadASN1(&pair, cbasn1.SEQUENCE) {
			return nil, errMalformed("policy mappings")
		}
		var okIssuer, okSubject bool
		all[i].Issuer, okIssuer = der.ReadOID(&pair)
		all[i].Subject, okSubject = der.ReadOID(&pair)
		if !okIssuer || !okSubject || !pair.Empty() {
			return nil, errMalformed("policy mappings")
		}
	}
	return all, nil
}

// PolicyConstraints demand policies, or forbid mapping, from some certificate
// below on (RFC 5280, 4.2.1.11). nil is no demand.
type PolicyConstraints struct {
	RequireExplicit, InhibitMapping *int
}

// ParsePolicyConstraints reads the value of a policy constraints extension.
func ParsePolicyConstraints(value []byte) (PolicyConstraints, error) {
	var c PolicyConstraints
	content, err := readSequence(value, "policy constraints")
	if err != nil {
		return c, err
	}
	if content.Empty() {
		// RFC 5280, 4.2.1.11: one of the two must be there.
		return c, errMalformed("policy constraints")
	}
	if content.PeekASN1Tag(tag0) {
		if c.RequireExplicit, err = readNumber(&content, tag0); err != nil {
			return c, err
		}
	}
	if content.PeekASN1Tag(tag1) {
		if c.InhibitMapping, err = readNumber(&content, tag1); err != nil {
			return c, err
		}
	}
	if !content.Empty() {
		return c, errMalformed("policy constraints")
	}
	return c, nil
}

// ParseInhibitAnyPolicy reads the value of an inhibit anyPolicy extension (RFC
// 5280, 4.2.1.14): how many certificates may still use anyPolicy.
func ParseInhibitAnyPolicy(value []byte) (int, error) {
	input := cryptobyte.String(value)
	n, err := readNumber(&input, cbasn1.INTEGER)
	if err != nil || !input.Empty() {
		return 0, errMalformed("inhibit anyPolicy")
	}
	return *n, nil
}

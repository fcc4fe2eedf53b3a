package certpath

import (
	"fmt"

	"keyman/internal/cert"
)

// A node is a certificate with what validation reads of it, read once.
type node struct {
	cert *Certificate
	key  cert.PublicKey

	basic             *cert.BasicConstraints
	usage             *cert.KeyUsage
	purposes          []OID // none is any
	constraints       *cert.NameConstraints
	policies          []cert.Policy
	mappings          []cert.PolicyMapping
	policyConstraints cert.PolicyConstraints
	inhibitAny        *int
	altNames          []cert.GeneralName
	subjectKeyID      []byte
	authorityKeyID    []byte

	compiled []constraint // of constraints, made where they are needed
	names    []name       // those that constraints apply to, likewise
	hasNames bool

	// unfit is why the certificate is on no path, whatever lies around it.
	unfit *Failure
}

// fatalFlaws are those that leave open what a certificate says. A negative,
// long or zero serial number, and a date of the wrong type, do not.
var fatalFlaws = []cert.Flaw{
	cert.FlawVersion, cert.FlawVersionFields, cert.FlawSerialPadded, cert.FlawAlgorithmsDiffer, cert.FlawIssuer, cert.FlawIssuerEmpty,
	cert.FlawSubject, cert.FlawNotBefore, cert.FlawNotAfter, cert.FlawDuplicateExtension, cert.FlawSignatureUnusedBits,
}

// newNode reads a certificate.
func newNode(c *Certificate) *node {
	n := &node{cert: c}
	for _, flaw := range fatalFlaws {
		if c.Has(flaw) {
			n.unfit = fail(CodeMalformed, c, string(flaw))
			if flaw == cert.FlawSignatureUnusedBits {
				n.unfit.Code = CodeBadSignature
			}
			return n
		}
	}
	var err error
	if n.key, err = c.PublicKey(); err != nil {
		n.unfit = fail(CodeMalformed, c, err.Error())
		return n
	}
	for _, e := range c.Extensions {
		known, err := n.read(e)
		switch {
		case err != nil:
			n.unfit = fail(CodeMalformed, c, fmt.Sprintf("extension %s: %v", e.OID, err))
			return n
		case !known && e.Critical:
			n.unfit = fail(CodeCriticalExtension, c, e.OID.String())
			return n
		}
	}
	return n
}

// read reads one extension, and reports whether it is known here.
func (n *node) read(e cert.Extension) (known bool, err error) {
	switch e.OID {
	case cert.OIDBasicConstraints:
		var b cert.BasicConstraints
		b, err = cert.ParseBasicConstraints(e.Value)
		n.basic = &b
	case cert.OIDKeyUsage:
		var u cert.KeyUsage
		u, err = cert.ParseKeyUsage(e.Value)
		n.usage = &u
	case cert.OIDExtKeyUsage:
		n.purposes, err = cert.ParseExtKeyUsage(e.Value)
	case cert.OIDNameConstraints:
		var c cert.NameConstraints
		c, err = cert.ParseNameConstraints(e.Value)
		n.constraints = &c
	case cert.OIDPolicies:
		if n.policies, err = cert.ParsePolicies(e.Value); err == nil {
			err = distinct(n.policies)
		}
	case cert.OIDPolicyMappings:
		n.mappings, err = cert.ParsePolicyMappings(e.Value)
	case cert.OIDPolicyConstraints:
		n.policyConstraints, err = cert.ParsePolicyConstraints(e.Value)
	case cert.OIDInhibitAnyPolicy:
		var skip int
		skip, err = cert.ParseInhibitAnyPolicy(e.Value)
		n.inhibitAny = &skip
	case cert.OIDSubjectAltName:
		n.altNames, err = cert.ParseGeneralNames(e.Value)
	case cert.OIDSubjectKeyID:
		// Key identifiers are hints: one that cannot be read is none.
		n.subjectKeyID, _ = cert.ParseSubjectKeyID(e.Value)
	case cert.OIDAuthorityKeyID:
		if a, err := cert.ParseAuthorityKeyID(e.Value); err == nil {
			n.authorityKeyID = a.KeyID
		}
	case cert.OIDCRLPoints, cert.OIDFreshestCRL, cert.OIDIssuerAltName:
		// The first two are for Revocation; nothing follows from the last.
	default:
		return false, nil
	}
	return true, err
}

// distinct returns an error where a policy stands there twice (RFC 5280,
// 4.2.1.4).
func distinct(policies []cert.Policy) error {
	seen := make(map[OID]bool, len(policies))
	for _, p := range policies {
		if seen[p.ID] {
			return fmt.Errorf("policy %s is there twice", p.ID)
		}
		seen[p.ID] = true
	}
	return nil
}

// notCA returns why the certificate cannot issue others (RFC 5280, 6.1.4 (k) and
// (n)).
func (n *node) notCA() *Failure {
	switch {
	case n.cert.Version != 3:
		return fail(CodeNotCA, n.cert, fmt.Sprintf("version %d", n.cert.Version))
	case n.basic == nil:
		return fail(CodeNotCA, n.cert, "no basic constraints")
	case !n.basic.CA:
		return fail(CodeNotCA, n.cert, "by its basic constraints")
	case n.usage != nil && *n.usage&cert.KeyCertSign == 0:
		return fail(CodeKeyUsage, n.cert, "it does not sign certificates")
	}
	return nil
}

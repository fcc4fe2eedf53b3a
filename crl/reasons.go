package crl

import (
	"fmt"
	"time"

	"keyman/crl/certpath"
)

// The codes of a Reason. They are stable: programs may compare them.
const (
	// About the path: those of certpath, with its words.
	CodeNoAnchor          = string(certpath.CodeNoAnchor)
	CodeMalformed         = string(certpath.CodeMalformed)
	CodeExpired           = string(certpath.CodeExpired)
	CodeNotYetValid       = string(certpath.CodeNotYetValid)
	CodeBadSignature      = string(certpath.CodeBadSignature)
	CodeWeakSignature     = string(certpath.CodeWeakSignature)
	CodeWeakKey           = string(certpath.CodeWeakKey)
	CodeNotCA             = string(certpath.CodeNotCA)
	CodeKeyUsage          = string(certpath.CodeKeyUsage)
	CodePathLength        = string(certpath.CodePathLength)
	CodePurpose           = string(certpath.CodePurpose)
	CodeNameConstraint    = string(certpath.CodeNameConstraint)
	CodePolicy            = string(certpath.CodePolicy)
	CodeCriticalExtension = string(certpath.CodeCriticalExtension)
	CodeLimit             = string(certpath.CodeLimit)
	CodeIdentity          = "identity"
	CodePath              = "path" // the check itself could not be made

	// About revocation.
	CodeRevoked      = "revoked"
	CodeNoSource     = "no-source"
	CodeUnavailable  = "crl-unavailable"
	CodeCRLExpired   = "crl-expired"
	CodeCRLNotYet    = "crl-not-yet-valid"
	CodeCRLSignature = "crl-signature"
	CodeCRLIssuer    = "crl-issuer"
	CodeCRLCritical  = "crl-critical-extension"
	CodeCRLScope     = "crl-scope"

	// About what was accepted.
	CodeUnchecked = "unchecked"
	CodeChecked   = "checked"
	CodeAnchor    = "anchor"
)

// reasonTable holds the words and the clause for each code. The words follow
// the certificate's name.
var reasonTable = map[string]struct{ words, clause string }{
	CodeNoAnchor:      {"no path leads to a trusted certificate", "RFC 5280, 6.1.1 (d)"},
	CodeMalformed:     {"cannot be read", "RFC 5280, 4.1"},
	CodeWeakSignature: {"signed with a weak algorithm", ""},
	CodeWeakKey:       {"its key is weak", ""},
	CodeIdentity:      {"it does not stand for the name that is asked for", "RFC 5280, 4.2.1.6"},
	CodePath:          {"the path is not valid", "RFC 5280, 6.1"},
	CodeRevoked:       {"revoked", "RFC 5280, 6.3.3 (i), (j)"},
	CodeNoSource:      {"names no usable source of a revocation list", "RFC 5280, 4.2.1.13"},
	CodeUnavailable:   {"no revocation list could be had", "RFC 5280, 6.3.3 (a)"},
	CodeCRLExpired:    {"the revocation list is out of date", "RFC 5280, 5.1.2.5"},
	CodeCRLNotYet:     {"the revocation list is not valid yet", "RFC 5280, 5.1.2.4"},
	CodeCRLSignature:  {"the revocation list's signature does not stand", "RFC 5280, 6.3.3 (f), (g)"},
	CodeCRLIssuer:     {"the revocation list is another issuer's", "RFC 5280, 6.3.3 (b)(1)"},
	CodeCRLCritical:   {"the revocation list has a critical extension that is not known", "RFC 5280, 5.2, 5.3"},
	CodeCRLScope:      {"the revocation list does not answer for this certificate", "RFC 5280, 6.3.3 (b)(2)"},
	CodeUnchecked:     {"accepted without a revocation list", ""},
	CodeChecked:       {"not revoked", "RFC 5280, 6.3.3"},
	CodeAnchor:        {"is itself a trusted certificate: there is nothing to check", "RFC 5280, 6.1"},
}

// newReason makes a Reason about a certificate, which may be nil.
func newReason(severity Severity, code string, cert *certpath.Certificate, detail string) Reason {
	entry := reasonTable[code]
	r := Reason{Severity: severity, Code: code, Text: entry.words, Clause: entry.clause}
	if detail != "" {
		r.Text += ": " + detail
	}
	if cert != nil {
		r.Certificate = subjectOf(cert)
		r.Serial = serialText(cert)
		r.Text = fmt.Sprintf("%s (serial %s): %s", r.Certificate, r.Serial, r.Text)
	}
	return r
}

// about adds what is known about the list behind a Reason.
func (r Reason) about(l *List) Reason {
	r.CRL = l.Source
	if l.Number != nil {
		r.CRLNumber = l.Number.String()
	}
	return r
}

// listName names a list for people: its source and its number.
func listName(l *List) string {
	name := "the list"
	if l.Number != nil {
		name += " with number " + l.Number.String()
	}
	if l.Source != "" {
		name += " from " + l.Source
	}
	return name
}

// subjectOf names a certificate for people.
func subjectOf(cert *certpath.Certificate) string {
	if cert.Subject.IsEmpty() {
		return "certificate without a subject"
	}
	return cert.Subject.String()
}

// when writes an instant for people.
func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

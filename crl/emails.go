package crl

import (
	"crypto/x509"
	"slices"
	"strings"
)

// oidEmailAddress is the subject attribute emailAddress of PKCS #9.
const oidEmailAddress = "1.2.840.113549.1.9.1"

// breaksEmailConstraints reports whether an e-mail address on a path is one that
// a CA above it may not certify (RFC 5280, 4.2.1.10). crypto/x509 checks these
// constraints, too, but takes a host's name for a whole domain's and does not
// look at addresses in the subject.
func breaksEmailConstraints(path []*x509.Certificate) bool {
	for i, ca := range path {
		for _, below := range path[:i] {
			if slices.ContainsFunc(emailsOf(below), func(address string) bool { return !mayCertify(ca, address) }) {
				return true
			}
		}
	}
	return false
}

// emailsOf returns the addresses that constraints apply to: those in the subject
// alternative name, or where there are none, in the subject.
func emailsOf(cert *x509.Certificate) []string {
	if len(cert.EmailAddresses) > 0 {
		return cert.EmailAddresses
	}
	var all []string
	for _, attribute := range cert.Subject.Names {
		if attribute.Type.String() == oidEmailAddress {
			// What is no string becomes "", which is no address.
			address, _ := attribute.Value.(string)
			all = append(all, address)
		}
	}
	return all
}

// mayCertify reports whether a CA's constraints let an address be. Where there
// are any, what is no address may not be.
func mayCertify(ca *x509.Certificate, address string) bool {
	if len(ca.PermittedEmailAddresses)+len(ca.ExcludedEmailAddresses) > 0 && !strings.Contains(address, "@") {
		return false
	}
	matches := func(constraint string) bool { return emailMatches(constraint, address) }
	permitted := len(ca.PermittedEmailAddresses) == 0 || slices.ContainsFunc(ca.PermittedEmailAddresses, matches)
	return permitted && !slices.ContainsFunc(ca.ExcludedEmailAddresses, matches)
}

// emailMatches compares by RFC 5280, 4.2.1.10: a constraint is a mailbox, a host,
// or behind a leading dot a domain, in which every host counts. Case counts in
// the local part only.
func emailMatches(constraint, address string) bool {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return false
	}
	local, host := address[:at], address[at+1:]
	switch at := strings.LastIndexByte(constraint, '@'); {
	case at >= 0:
		return constraint[:at] == local && strings.EqualFold(constraint[at+1:], host)
	case strings.HasPrefix(constraint, "."):
		return len(host) > len(constraint) && strings.EqualFold(host[len(host)-len(constraint):], constraint)
	default:
		return strings.EqualFold(constraint, host)
	}
}

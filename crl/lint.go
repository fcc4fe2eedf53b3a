package crl

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	"keyman/internal/der"
)

// A LintFinding is a rule that a list breaks.
type LintFinding struct {
	// Severity is Fatal for what RFC 5280 forbids, Warning for what it advises
	// against or what others stumble over.
	Severity Severity `json:"severity"`
	// Clause is that of RFC 5280.
	Clause string `json:"clause"`
	Text   string `json:"text"`
}

// Lint returns the rules of RFC 5280, 5, for those who issue lists that this one
// breaks, in the order of the clauses. A rule that many entries break is told
// once, with their number and the first of them.
func (l *List) Lint() []LintFinding {
	lint := &linter{list: l}
	lint.head()
	lint.extensions()
	lint.entries()
	// The numbers in them have one digit.
	slices.SortStableFunc(lint.found, func(a, b LintFinding) int { return strings.Compare(a.Clause, b.Clause) })
	return lint.found
}

// A linter is one run of Lint.
type linter struct {
	list  *List
	found []LintFinding
}

// rule tells a broken rule.
func (l *linter) rule(broken bool, severity Severity, clause, format string, args ...any) {
	if broken {
		l.found = append(l.found, LintFinding{severity, clause, fmt.Sprintf(format, args...)})
	}
}

func (l *linter) head() {
	list := l.list
	l.rule(list.Version < 2, Fatal, "5.1.2.1", "version 1: lists of today have version 2")
	algorithm, _ := parseAlgorithm(list.algorithm)
	weak := algorithm == x509.SHA1WithRSA || algorithm == x509.ECDSAWithSHA1
	l.rule(weak, Fatal, "5.1.1.2", "the signature is made with %s, which is weak", list.SignatureAlgorithm)
	l.rule(!weak && algorithm == x509.UnknownSignatureAlgorithm, Warning, "5.1.1.2", "the signature algorithm %s is not known here", list.SignatureAlgorithm)
	l.rule(list.Issuer.IsEmpty(), Fatal, "5.1.2.3", "the issuer has no name")
	l.rule(list.NextUpdate.IsZero(), Fatal, "5.1.2.5", "no nextUpdate: nobody knows when the list is out of date")
	l.rule(!list.NextUpdate.IsZero() && !list.NextUpdate.After(list.ThisUpdate), Fatal, "5.1.2.5",
		"nextUpdate, %s, is not after thisUpdate, %s", when(list.NextUpdate), when(list.ThisUpdate))
}

func (l *linter) extensions() {
	list := l.list
	l.rule(list.AuthorityKeyID == nil, Fatal, "5.2.1", "no authority key identifier with a key identifier")
	l.rule(list.Number == nil, Fatal, "5.2.3", "no CRL number")
	for _, oid := range list.UnknownCritical {
		l.rule(true, Fatal, "5.2", "a critical extension that is not known here, OID %s: readers must not use the list", oid)
	}
	for _, e := range list.Extensions {
		switch extensionNames[e.OID] {
		case "authorityKeyIdentifier":
			l.rule(e.Critical, Fatal, "5.2.1", "the authority key identifier is critical")
		case "cRLNumber":
			l.rule(e.Critical, Fatal, "5.2.3", "the CRL number is critical")
		case "deltaCRLIndicator":
			l.rule(!e.Critical, Fatal, "5.2.4", "the delta CRL indicator is not critical")
		case "issuingDistributionPoint":
			l.rule(!e.Critical, Fatal, "5.2.5", "the issuing distribution point is not critical")
		case "freshestCRL":
			l.rule(e.Critical, Fatal, "5.2.6", "the freshest CRL is critical")
			l.rule(list.DeltaBase != nil, Fatal, "5.2.6", "a delta list with a freshest CRL")
		}
	}
	if list.DeltaBase != nil && list.Number != nil {
		l.rule(list.Number.Cmp(list.DeltaBase) < 0, Fatal, "5.2.4", "the list has number %s and completes a later one, %s", list.Number, list.DeltaBase)
	}
	if s := list.Scope; s != nil {
		kinds := 0
		for _, only := range []bool{s.OnlyUserCerts, s.OnlyCACerts, s.OnlyAttributeCerts} {
			if only {
				kinds++
			}
		}
		l.rule(kinds > 1, Fatal, "5.2.5", "the issuing distribution point leaves only certificates of %d kinds, and so none", kinds)
		l.rule(*s == Scope{}, Fatal, "5.2.5", "the issuing distribution point is empty")
	}
	indirect := list.Scope != nil && list.Scope.Indirect
	l.rule(list.otherIssuers() && !indirect, Fatal, "5.3.3", "entries name other issuers, and the list does not say that it is indirect")
}

// An entryRule is a rule about entries, how many break it, and the first of them.
type entryRule struct {
	severity      Severity
	clause, words string
	broken        func(e Entry, at uint32) bool
	count         int
	first         Entry
}

func (l *linter) entries() {
	list := l.list
	find := finder{list: list}
	rules := []*entryRule{
		{severity: Fatal, clause: "4.1.2.2", words: "a serial number that is not positive",
			broken: func(e Entry, _ uint32) bool { return e.Serial[0]&0x80 != 0 || len(e.Serial) == 1 && e.Serial[0] == 0 }},
		{severity: Fatal, clause: "4.1.2.2", words: "a serial number of more than 20 octets",
			broken: func(e Entry, _ uint32) bool { return len(e.Serial) > maxSerial }},
		{severity: Fatal, clause: "5.1.2.6", words: "a serial number that was there before",
			broken: func(e Entry, at uint32) bool {
				first, ok := find.entryOf(e.Serial, list.issuersOf(at))
				return ok && first != at
			}},
		{severity: Warning, clause: "5.1.2.6", words: "a revocation date after thisUpdate",
			broken: func(e Entry, _ uint32) bool { return e.Date.After(list.ThisUpdate) }},
		{severity: Fatal, clause: "5.3.1", words: "a reason code that does not exist",
			broken: func(e Entry, _ uint32) bool { return reasonCodeNames[e.Reason] == "" }},
		{severity: Fatal, clause: "5.3.1", words: "the reason removeFromCRL in a list that is no delta list",
			broken: func(e Entry, _ uint32) bool { return e.Reason == RemoveFromCRL && list.DeltaBase == nil }},
	}
	for at := 0; at < len(list.revoked); {
		e := list.entryAt(uint32(at))
		if len(e.Serial) == 0 {
			break // Parse has read every entry
		}
		for _, r := range rules {
			if r.broken(e, uint32(at)) {
				if r.count++; r.count == 1 {
					r.first = e
				}
			}
		}
		_, at = elementAt(list.revoked, at)
	}
	for _, r := range rules {
		l.rule(r.count == 1, r.severity, r.clause, "entry %s: %s", der.OctetsText(r.first.Serial), r.words)
		l.rule(r.count > 1, r.severity, r.clause, "%d entries, the first of them %s: %s", r.count, der.OctetsText(r.first.Serial), r.words)
	}
}

// maxSerial is the length of a serial number, in octets (RFC 5280, 4.1.2.2).
const maxSerial = 20

package certpath

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"keyman/internal/der"
	"keyman/internal/escape"
)

// A Code names what is wrong with a path. Codes are stable: programs may compare
// them.
type Code string

// The codes of a Failure.
const (
	CodeNoAnchor          Code = "no-anchor"
	CodeMalformed         Code = "malformed"
	CodeBadSignature      Code = "bad-signature"
	CodeWeakSignature     Code = "weak-signature"
	CodeWeakKey           Code = "weak-key"
	CodeExpired           Code = "expired"
	CodeNotYetValid       Code = "not-yet-valid"
	CodeNotCA             Code = "not-a-ca"
	CodeKeyUsage          Code = "key-usage"
	CodePathLength        Code = "path-length"
	CodePurpose           Code = "purpose"
	CodeNameConstraint    Code = "name-constraint"
	CodePolicy            Code = "policy"
	CodeCriticalExtension Code = "critical-extension"
	CodeRevoked           Code = "revoked"
	CodeUndetermined      Code = "revocation-undetermined"
	CodeLimit             Code = "limit"
)

// codeTable has the words for each code, the clause, and how far a path has come
// that ends so: the furthest is told first.
var codeTable = map[Code]struct {
	words, clause string
	reached       int
}{
	CodeNoAnchor:          {"no path leads from here to a trusted certificate", "RFC 5280, 6.1.1 (d)", 1},
	CodeMalformed:         {"it breaks the rules of a certificate", "RFC 5280, 4.1, 4.2", 2},
	CodeBadSignature:      {"the signature of the issuer is wrong", "RFC 5280, 6.1.3 (a)(1)", 0},
	CodeWeakSignature:     {"it is signed with a weak algorithm", "", 3},
	CodeWeakKey:           {"its key is weak", "", 3},
	CodeExpired:           {"it has expired", "RFC 5280, 6.1.3 (a)(2)", 4},
	CodeNotYetValid:       {"it is not valid yet", "RFC 5280, 6.1.3 (a)(2)", 4},
	CodeNotCA:             {"it is not a CA's", "RFC 5280, 6.1.4 (k)", 2},
	CodeKeyUsage:          {"its key is not for this use", "RFC 5280, 6.1.4 (n), 4.2.1.3", 3},
	CodePathLength:        {"it lies deeper than a CA above allows", "RFC 5280, 6.1.4 (l), (m)", 4},
	CodePurpose:           {"it is not for this purpose", "RFC 5280, 4.2.1.12", 4},
	CodeNameConstraint:    {"it has a name that a CA above may not certify", "RFC 5280, 6.1.3 (b), (c)", 4},
	CodePolicy:            {"no policy that is asked for is valid on the path", "RFC 5280, 6.1.3 (f), 6.1.5 (g)", 4},
	CodeCriticalExtension: {"a critical extension is not known", "RFC 5280, 6.1.4 (o), 6.1.5 (f)", 3},
	CodeRevoked:           {"it is on a revocation list", "RFC 5280, 6.1.3 (a)(3)", 6},
	CodeUndetermined:      {"whether it is revoked could not be told", "RFC 5280, 6.1.3 (a)(3)", 5},
	CodeLimit:             {"the search came to its limit", "", 0},
}

// A Failure is why a path is not valid.
type Failure struct {
	Code Code
	// Certificate is where it shows, nil where that is an anchor without a
	// certificate, or the search as a whole.
	Certificate *Certificate
	// Detail says more, such as a date or a name; it is fit to be shown.
	Detail string
	// Err is what Revocation, or the check of a signature, said.
	Err error

	anchor *Anchor
}

func fail(code Code, c *Certificate, detail string) *Failure {
	return &Failure{Code: code, Certificate: c, Detail: detail}
}

// Clause returns the clause that was broken, such as "RFC 5280, 6.1.4 (k)", or
// "".
func (f *Failure) Clause() string { return codeTable[f.Code].clause }

// Error says which certificate, what is wrong, and the detail.
func (f *Failure) Error() string {
	text := codeTable[f.Code].words
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	if f.Err != nil {
		text += ": " + f.Err.Error()
	}
	switch {
	case f.Certificate != nil:
		return Title(f.Certificate) + ": " + text
	case f.anchor != nil:
		return f.anchor.name.String() + ": " + text
	}
	return text
}

// Unwrap returns Err.
func (f *Failure) Unwrap() error { return f.Err }

// Title names a certificate for people: its subject and serial number.
func Title(c *Certificate) string {
	name := c.Subject.String()
	if name == "" {
		name = "certificate without a subject"
	}
	return fmt.Sprintf("%s (serial %s)", name, der.OctetsText(c.SerialOctets))
}

// An Attempt is one path, or the beginning of one, that was tried.
type Attempt struct {
	// Certificates are those of the attempt, the leaf first.
	Certificates []*Certificate
	// Anchor is where it ends, nil where it does not reach one.
	Anchor  *Anchor
	Failure *Failure
}

// An Error says why a certificate has no valid path.
type Error struct {
	// Attempts are the paths that were tried, at least one and at most
	// MaxAttempts, the one that came furthest first.
	Attempts []Attempt
}

// Error is that of the attempt that came furthest.
func (e *Error) Error() string {
	text := e.Attempts[0].Failure.Error()
	if more := len(e.Attempts) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more tried)", more)
	}
	return text
}

// Unwrap returns the Failure of the attempt that came furthest.
func (e *Error) Unwrap() error { return e.Attempts[0].Failure }

// Code returns the code of the attempt that came furthest.
func (e *Error) Code() Code { return e.Attempts[0].Failure.Code }

// rank orders attempts, the one that came furthest first; those that came as
// far stay in the order in which they were tried.
func rank(attempts []Attempt) {
	slices.SortStableFunc(attempts, func(a, b Attempt) int { return b.reached() - a.reached() })
}

func (a Attempt) reached() int {
	reached := 2 * codeTable[a.Failure.Code].reached
	if a.Anchor != nil {
		reached++
	}
	return reached
}

// CodeOf returns the code of the Failure in an error of Validate, "" where there
// is none.
func CodeOf(err error) Code {
	var f *Failure
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

// when writes an instant for people.
func when(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// quote writes text of others for people.
func quote(text string) string {
	const most = 200
	if len(text) > most {
		text = text[:most] + "..."
	}
	return `"` + strings.ReplaceAll(escape.Printable(text), `"`, `\"`) + `"`
}

package crl

import (
	"errors"
	"strings"
	"time"
)

// A Status is the answer of a check.
type Status string

const (
	// StatusUndetermined means that no answer could be found, and that the
	// policy demands one. It is what the zero Verdict means, too.
	StatusUndetermined Status = "undetermined"
	// StatusGood means that the path is valid and nothing on it is revoked.
	StatusGood Status = "good"
	// StatusRevoked means that a certificate on the path is revoked.
	StatusRevoked Status = "revoked"
	// StatusInvalid means that the path itself is not valid.
	StatusInvalid Status = "invalid"
)

// A Severity says how a Reason weighs.
type Severity string

// The weights of a Reason, lightest first.
const (
	Note    Severity = "note"
	Warning Severity = "warning"
	Fatal   Severity = "fatal"
)

// A Reason is one finding of a check, in the order in which it was found. Fields
// that do not apply are zero.
type Reason struct {
	Severity    Severity  `json:"severity"`
	Code        string    `json:"code"`                  // stable word for programs, such as "revoked" or "crl-expired"
	Text        string    `json:"text"`                  // a sentence for people
	Clause      string    `json:"clause,omitempty"`      // such as "RFC 5280, 6.3.3"
	Certificate string    `json:"certificate,omitempty"` // subject of the certificate
	Serial      string    `json:"serial,omitempty"`      // its serial number, hexadecimal
	CRL         string    `json:"crl,omitempty"`         // where the list came from: a URL or a file
	CRLNumber   string    `json:"crl_number,omitempty"`
	Date        time.Time `json:"date,omitzero"` // revocation date, or the date that was missed
}

// A Verdict is the answer of a check with all its reasons. The zero value
// accepts nothing.
type Verdict struct {
	Status  Status   `json:"status"`
	Reasons []Reason `json:"reasons"`
	// NextUpdate is when the first of the lists that counted is due; zero
	// where none counted.
	NextUpdate time.Time `json:"next_update,omitzero"`
	// Path names the certificates of the accepted path, the first one first and
	// the anchor last.
	Path []string `json:"path,omitempty"`
	// Policies are those that are valid on it, as OIDs; 2.5.29.32.0 is any.
	Policies []string `json:"policies,omitempty"`
}

// Accepted reports whether the chain may be used.
func (v Verdict) Accepted() bool { return v.Status == StatusGood }

// Err returns nil for an accepted verdict, otherwise an error that names the
// fatal reasons in the order in which they were found.
func (v Verdict) Err() error {
	if v.Accepted() {
		return nil
	}
	var parts []string
	for _, r := range v.Reasons {
		if r.Severity == Fatal {
			parts = append(parts, r.Text)
		}
	}
	if len(parts) == 0 {
		return errors.New("the certificate could not be checked")
	}
	return errors.New(strings.Join(parts, "; "))
}

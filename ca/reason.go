package ca

import (
	"fmt"
	"strings"
)

// A Reason is why a certificate was revoked (RFC 5280, 5.3.1). The numbers are
// those of the standard.
type Reason int

// The reasons; 7 is not used by the standard.
const (
	Unspecified          Reason = 0
	KeyCompromise        Reason = 1
	CACompromise         Reason = 2
	AffiliationChanged   Reason = 3
	Superseded           Reason = 4
	CessationOfOperation Reason = 5
	CertificateHold      Reason = 6
	RemoveFromCRL        Reason = 8
	PrivilegeWithdrawn   Reason = 9
	AACompromise         Reason = 10
)

// reasonNames are the identifiers of the standard.
var reasonNames = [...]string{
	Unspecified:          "unspecified",
	KeyCompromise:        "keyCompromise",
	CACompromise:         "cACompromise",
	AffiliationChanged:   "affiliationChanged",
	Superseded:           "superseded",
	CessationOfOperation: "cessationOfOperation",
	CertificateHold:      "certificateHold",
	RemoveFromCRL:        "removeFromCRL",
	PrivilegeWithdrawn:   "privilegeWithdrawn",
	AACompromise:         "aACompromise",
}

// String returns the name in the standard's spelling.
func (r Reason) String() string {
	if r < 0 || int(r) >= len(reasonNames) || reasonNames[r] == "" {
		return fmt.Sprintf("Reason(%d)", int(r))
	}
	return reasonNames[r]
}

// MarshalText implements encoding.TextMarshaler.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler: a name in any case, with
// or without hyphens.
func (r *Reason) UnmarshalText(text []byte) error {
	plain := strings.ReplaceAll(string(text), "-", "")
	var known []string
	for i, name := range reasonNames {
		if name == "" {
			continue
		}
		if strings.EqualFold(plain, name) {
			*r = Reason(i)
			return nil
		}
		if Reason(i) != RemoveFromCRL { // in delta lists only
			known = append(known, name)
		}
	}
	return fmt.Errorf("revocation reason %.40q is not known: use one of %s", text, strings.Join(known, ", "))
}

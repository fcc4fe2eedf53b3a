package crl

import (
	"errors"
	"fmt"
	"strings"

	"keyman/crl/certpath"
	"keyman/internal/cert"
)

// An Answer says what lists say about one certificate.
type Answer struct {
	// Status is StatusGood, StatusRevoked or StatusUndetermined.
	Status Status
	// Entry is that of a certificate that is revoked, and By the list that it
	// stands in.
	Entry Entry
	By    *List
	// Named is set where a certificate is StatusUndetermined and yet a list
	// that its issuer signed says that it is revoked: one out of date, not
	// valid yet, for other certificates, or with a critical extension that is
	// not known. By is that list.
	Named *Entry
	// Reasons are those for which a list was found: cert.AllReasons where the
	// certificate is good.
	Reasons cert.Reasons
	// Considered are the lists that were looked at, in their order.
	Considered []Considered
	// Errors are what the source and the certificate's extensions said.
	Errors []error
}

// Considered is a list that was looked at, and why it did not count.
type Considered struct {
	List *List
	// Code is one of the codes of a Reason, and Why are words that follow the
	// list's name. Both are empty for a list that counted.
	Code, Why string
}

// maxTold bounds the findings that Err tells: the answers about the signers of lists
// are told within each other.
const maxTold = 16

// Err returns nil for a certificate that is good. The error has
// certpath.ErrRevoked in it for one that is revoked.
func (a Answer) Err() error {
	switch a.Status {
	case StatusGood:
		return nil
	case StatusRevoked:
		return fmt.Errorf("%w on %s, reason %s, says %s", certpath.ErrRevoked, when(a.Entry.Date), a.Entry.Reason, listName(a.By))
	}
	var parts []string
	for _, err := range a.Errors {
		parts = append(parts, err.Error())
	}
	for _, c := range a.Considered {
		if c.Why != "" {
			parts = append(parts, listName(c.List)+" "+c.Why)
		}
	}
	if more := len(parts) - maxTold; more > 0 {
		parts = append(parts[:maxTold], fmt.Sprintf("and %d more", more))
	}
	switch {
	case a.Reasons != 0:
		parts = append(parts, fmt.Sprintf("the lists that count leave out the reasons %#x", uint16(cert.AllReasons&^a.Reasons)))
	case len(parts) == 0:
		parts = []string{"no list was found"}
	}
	if a.Named != nil {
		parts = append(parts, fmt.Sprintf("%s names the certificate, reason %s", listName(a.By), a.Named.Reason))
	}
	return errors.New(strings.Join(parts, "; "))
}

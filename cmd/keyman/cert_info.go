package main

import (
	"fmt"
	"io"
	"time"

	"keyman/certinfo"
	"keyman/internal/cells"
	"keyman/internal/dn"
	"keyman/internal/escape"
	"keyman/keystore"
)

// certInfo is a certificate as it is shown: what is in it, and why keyman cannot
// use it, where it cannot.
type certInfo struct {
	certinfo.Info
	Unusable string `json:"unusable,omitempty"`
}

// newCertInfo describes a certificate. It returns keystore.ErrCertificate for
// what is none.
func newCertInfo(der []byte, now time.Time) (certInfo, error) {
	s, err := keystore.Summarize(der)
	if err != nil {
		return certInfo{}, err
	}
	info, err := certinfo.Describe(der, now)
	if err != nil {
		return certInfo{}, err
	}
	shown := certInfo{Info: info}
	if s.Unusable != nil {
		shown.Unusable = s.Unusable.Error()
	}
	return shown, nil
}

// write prints the certificate as text.
func (i certInfo) write(w io.Writer) {
	style := styleOf(w)
	if i.Unusable != "" {
		writeWrapped(w, "not usable:    ", printable(i.Unusable))
	}
	i.Write(w, style)
}

// printable makes text from a file fit for a terminal.
func printable(s string) string { return escape.Printable(s) }

// nameText writes a name of a certificate.
func nameText(der []byte) string {
	name, err := dn.FromDER(der)
	if err != nil {
		return "(a name that cannot be read)"
	}
	return name.String()
}

// nameTexts writes a name of a certificate, and what is most specific in it, or ""
// for one without it.
func nameTexts(der []byte) (whole, common string) {
	name, err := dn.FromDER(der)
	if err != nil {
		return nameText(der), ""
	}
	return name.String(), commonPart(name)
}

// commonPart returns the common name of a name as a part of it, "" where it has none.
func commonPart(name dn.Name) string {
	if name.CommonName() == "" {
		return ""
	}
	return "CN=" + name.CommonName()
}

// dateText writes a date of a certificate.
func dateText(t time.Time) string {
	if t.IsZero() {
		return "a date that cannot be read"
	}
	return t.UTC().Format(time.RFC3339)
}

// validityText says in words where now lies in a certificate's validity.
func validityText(notBefore, notAfter, now time.Time) string {
	return certinfo.Validity{NotBefore: notBefore, NotAfter: notAfter, Now: now}.String()
}

// leftCell says in a table how long a certificate is still good.
func leftCell(v certinfo.Validity) cell {
	switch v.State() {
	case certinfo.UnknownDate:
		return cell{text: "no date", color: certinfo.Yellow}
	case certinfo.NotYet:
		return cell{text: "not yet", color: certinfo.Yellow}
	case certinfo.Expired:
		return cell{text: "expired", color: certinfo.Red}
	case certinfo.EndsSoon:
		return cell{text: days(v.DaysLeft()), color: certinfo.Yellow}
	default:
		return cell{text: days(v.DaysLeft())}
	}
}

// days counts days.
func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return fmt.Sprintf("%d days", n)
}

// certColumns are those of a list of certificates.
func certColumns() []column {
	return []column{{}, {title: "LABEL", shorten: cells.CutMiddle}, {title: "SUBJECT", shorten: cells.Cut}, {title: "UNTIL"}, {title: "LEFT", right: true}}
}

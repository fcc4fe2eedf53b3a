package ca

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"time"

	"keyman/internal/dn"
)

// ErrUnknown is a certificate that this CA did not issue.
var ErrUnknown = errors.New("this CA issued no such certificate")

// A RevokedError is a certificate that is revoked already.
type RevokedError struct {
	Serial     string
	Revocation Revocation
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("certificate %s was revoked on %s (%s)", e.Serial, e.Revocation.Date.Format(time.RFC3339), e.Revocation.Reason)
}

// RevokeOptions say why and when a certificate is revoked.
type RevokeOptions struct {
	// Reason must not be RemoveFromCRL, which only delta lists have.
	Reason Reason
	// Date is the date of the revocation, not in the future; zero is Now.
	Date time.Time
	// Now is the present; zero is the clock's.
	Now time.Time
}

// Revoke marks a certificate as revoked; the next list will say so. It returns
// a RevokedError for one that is revoked already, except that one on hold may
// still be revoked for good. A serial number that was not issued is ErrUnknown.
func (c *CA) Revoke(ctx context.Context, serial *big.Int, o RevokeOptions) (_ Record, err error) {
	switch o.Reason {
	case Unspecified, KeyCompromise, CACompromise, AffiliationChanged, Superseded, CessationOfOperation,
		CertificateHold, PrivilegeWithdrawn, AACompromise:
	case RemoveFromCRL:
		return Record{}, fmt.Errorf("revoke: %s stands in delta lists only (RFC 5280, 5.3.1)", o.Reason)
	default:
		return Record{}, fmt.Errorf("revoke: reason %d is not known", int(o.Reason))
	}
	now := moment(o.Now)
	date := now
	if !o.Date.IsZero() {
		date = moment(o.Date)
	}
	if date.After(now) {
		return Record{}, fmt.Errorf("revoke: the date %s is in the future", date.Format(time.RFC3339))
	}
	if date.Year() < 1950 {
		return Record{}, fmt.Errorf("revoke: the date %s is before 1950 (RFC 5280, 5.1.2.4)", date.Format(time.RFC3339))
	}
	tx, err := c.begin(ctx)
	if err != nil {
		return Record{}, fmt.Errorf("revoke: %w", err)
	}
	defer tx.end(&err)
	record := tx.db.find(formatSerial(serial))
	if record == nil {
		return Record{}, fmt.Errorf("revoke %s: %w", formatSerial(serial), ErrUnknown)
	}
	if r := record.Revoked; r != nil && (r.Reason != CertificateHold || o.Reason == CertificateHold) {
		return Record{}, &RevokedError{Serial: record.Serial, Revocation: *r}
	}
	record.Revoked = &Revocation{Date: date, Reason: o.Reason}
	if err := tx.save(); err != nil {
		return Record{}, fmt.Errorf("revoke: %w", err)
	}
	return *record, nil
}

// SerialOf returns the serial number of a certificate, DER, that this CA has
// signed; for any other it returns ErrUnknown.
func (c *CA) SerialOf(der []byte) (*big.Int, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	issuer, err := dn.FromDER(cert.RawIssuer)
	if err != nil {
		return nil, fmt.Errorf("the certificate's issuer: %w", err)
	}
	if !issuer.Equal(c.subject) {
		return nil, fmt.Errorf("%w: it was issued by %s, and this CA is %s", ErrUnknown, issuer, c.subject)
	}
	if err := cert.CheckSignatureFrom(c.cert); err != nil {
		return nil, fmt.Errorf("%w: it names %s as its issuer, but the signature is not by this CA's key", ErrUnknown, issuer)
	}
	return cert.SerialNumber, nil
}

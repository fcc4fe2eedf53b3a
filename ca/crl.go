package ca

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"time"

	"keyman/internal/atomicfile"
	"keyman/internal/certpem"
)

// TypeCRL is the PEM label of a revocation list (RFC 7468, 6).
const TypeCRL = "X509 CRL"

// CRLOptions say how a revocation list is made.
type CRLOptions struct {
	// Lifetime is the time until the next list is due, in whole seconds; 0
	// is that of the CA's settings.
	Lifetime time.Duration
	// Now is the time of the list; zero is the present.
	Now time.Time
}

// A CRL is a new revocation list.
type CRL struct {
	// List is the list, DER.
	List       []byte
	Number     uint64
	ThisUpdate time.Time
	NextUpdate time.Time
	Entries    int
	// File and PEMFile are where the CA keeps it.
	File, PEMFile string
}

// MakeCRL makes and signs a list of all revoked certificates (RFC 5280, 5), with
// a number above that of every list before. A certificate that has expired
// stays on it, so that no peer with a slow clock accepts it.
func (c *CA) MakeCRL(ctx context.Context, o CRLOptions) (_ *CRL, err error) {
	if c.signer == nil {
		return nil, fmt.Errorf("make CRL: %w", ErrNoKey)
	}
	tx, err := c.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	// The files are written under the lock, too, so that an older list never
	// replaces a newer one.
	defer tx.end(&err)
	if o.Lifetime == 0 {
		o.Lifetime = time.Duration(tx.db.Settings.CRLDays) * day
	}
	if o.Lifetime < time.Second || o.Lifetime > MaxDays*day {
		return nil, fmt.Errorf("make CRL: a lifetime of %s: 1s to %d days are accepted", o.Lifetime, MaxDays)
	}
	now := moment(o.Now)
	tx.db.CRLNumber++
	tx.db.ThisUpdate, tx.db.NextUpdate = now, now.Add(o.Lifetime).Truncate(time.Second)
	template := &x509.RevocationList{
		Number:     new(big.Int).SetUint64(tx.db.CRLNumber),
		ThisUpdate: tx.db.ThisUpdate,
		NextUpdate: tx.db.NextUpdate,
	}
	if template.RevokedCertificateEntries, err = entries(tx.db); err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	der, err := c.signCRL(template)
	if err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	if err := tx.save(); err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	list := &CRL{
		List:       der,
		Number:     tx.db.CRLNumber,
		ThisUpdate: tx.db.ThisUpdate,
		NextUpdate: tx.db.NextUpdate,
		Entries:    len(template.RevokedCertificateEntries),
		File:       filepath.Join(c.dir, crlFile),
		PEMFile:    filepath.Join(c.dir, crlPEMFile),
	}
	if err := atomicfile.Write(list.File, der, publicMode); err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	if err := atomicfile.Write(list.PEMFile, certpem.Encode(TypeCRL, der), publicMode); err != nil {
		return nil, fmt.Errorf("make CRL: %w", err)
	}
	return list, nil
}

// entries lists the revoked certificates by serial number. crypto/x509 leaves
// the reason unspecified out, as RFC 5280, 5.3.1 asks.
func entries(db *database) ([]x509.RevocationListEntry, error) {
	var list []x509.RevocationListEntry
	for _, record := range db.Certificates {
		if record.Revoked == nil {
			continue
		}
		serial, err := ParseSerial(record.Serial)
		if err != nil {
			return nil, err
		}
		list = append(list, x509.RevocationListEntry{
			SerialNumber:   serial,
			RevocationTime: record.Revoked.Date,
			ReasonCode:     int(record.Revoked.Reason),
		})
	}
	slices.SortFunc(list, func(a, b x509.RevocationListEntry) int { return a.SerialNumber.Cmp(b.SerialNumber) })
	return list, nil
}

// signCRL checks the template, signs it, and checks what came out.
func (c *CA) signCRL(template *x509.RevocationList) ([]byte, error) {
	if err := lintCRL(template); err != nil {
		return nil, fmt.Errorf("refused to sign: %w", err)
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, c.cert, c.signer)
	if err != nil {
		return nil, err
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		return nil, fmt.Errorf("the signed list cannot be read: %w", err)
	}
	if err := list.CheckSignatureFrom(c.cert); err != nil {
		return nil, fmt.Errorf("the signed list does not verify: %w", err)
	}
	if err := lintCRL(list); err != nil {
		return nil, fmt.Errorf("the signed list: %w", err)
	}
	if list.Number.Cmp(template.Number) != 0 || !bytes.Equal(list.AuthorityKeyId, c.cert.SubjectKeyId) ||
		!bytes.Equal(list.RawIssuer, c.cert.RawSubject) || len(list.RevokedCertificateEntries) != len(template.RevokedCertificateEntries) {
		return nil, errors.New("the signed list is not what was asked for")
	}
	return der, nil
}

// lintCRL tells what is wrong with a list, before it is signed and after.
func lintCRL(list *x509.RevocationList) error {
	if list.Number == nil || list.Number.Sign() <= 0 {
		return errors.New("the CRL number is not positive (RFC 5280, 5.2.3)")
	}
	if !list.NextUpdate.After(list.ThisUpdate) {
		return errors.New("the next list is due before this one (RFC 5280, 5.1.2.5)")
	}
	for i, entry := range list.RevokedCertificateEntries {
		if i > 0 && list.RevokedCertificateEntries[i-1].SerialNumber.Cmp(entry.SerialNumber) >= 0 {
			return fmt.Errorf("serial number %s is out of order or there twice", formatSerial(entry.SerialNumber))
		}
		if entry.ReasonCode == int(RemoveFromCRL) {
			return fmt.Errorf("serial number %s has the reason %s (RFC 5280, 5.3.1)", formatSerial(entry.SerialNumber), RemoveFromCRL)
		}
	}
	return nil
}

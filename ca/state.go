package ca

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"path/filepath"
	"time"

	"keyman/internal/atomicfile"
)

// A State is what a CA has done so far.
type State struct {
	Settings Settings `json:"settings"`
	// Certificates counts what was issued.
	Certificates int `json:"certificates"`
	// Statuses counts them by Record.Status, Profiles by their profile.
	Statuses map[string]int  `json:"statuses"`
	Profiles map[Profile]int `json:"profiles"`
	// Latest is the certificate that was issued last; nil where there is none.
	Latest *Record `json:"latest,omitempty"`
	// CRLNumber is the number of the latest revocation list, which frames its time; 0
	// is none.
	CRLNumber  uint64    `json:"crl_number"`
	ThisUpdate time.Time `json:"crl_this_update,omitzero"`
	NextUpdate time.Time `json:"crl_next_update,omitzero"`
	// Unlisted counts the revoked certificates that are not on that list as it lies in
	// the CA's folder: no peer knows of them. Where it cannot be read these are all, and
	// ListError says why.
	Unlisted  int    `json:"revoked_unlisted"`
	ListError string `json:"crl_error,omitempty"`
}

// State tells what the CA has done so far, as of an instant.
func (c *CA) State(now time.Time) (State, error) {
	db, err := loadDatabase(c.dir)
	if err != nil {
		return State{}, err
	}
	s := State{
		Settings: db.Settings, Certificates: len(db.Certificates), Statuses: map[string]int{}, Profiles: map[Profile]int{},
		CRLNumber: db.CRLNumber, ThisUpdate: db.ThisUpdate, NextUpdate: db.NextUpdate,
	}
	listed, err := c.listed(db.CRLNumber)
	if err != nil {
		s.ListError = err.Error()
	}
	for i, record := range db.Certificates {
		s.Statuses[record.Status(now)]++
		s.Profiles[record.Profile]++
		if s.Latest == nil || !record.Issued.Before(s.Latest.Issued) {
			s.Latest = &db.Certificates[i]
		}
		if record.Revoked != nil && !listed[record.Serial] {
			s.Unlisted++
		}
	}
	return s, nil
}

// listed returns the serial numbers on the list with a number; 0 is none.
func (c *CA) listed(number uint64) (map[string]bool, error) {
	if number == 0 {
		return nil, nil
	}
	data, _, err := atomicfile.Read(filepath.Join(c.dir, crlFile), maxDatabase)
	if err != nil {
		return nil, err
	}
	list, err := x509.ParseRevocationList(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", crlFile, err)
	case list.CheckSignatureFrom(c.cert) != nil:
		return nil, fmt.Errorf("%s is not signed by this CA", crlFile)
	case list.Number == nil || list.Number.Cmp(new(big.Int).SetUint64(number)) != 0:
		return nil, fmt.Errorf("%s has the number %v, and the latest list is %d", crlFile, list.Number, number)
	}
	serials := make(map[string]bool, len(list.RevokedCertificateEntries))
	for _, entry := range list.RevokedCertificateEntries {
		serials[formatSerial(entry.SerialNumber)] = true
	}
	return serials, nil
}

// Overdue reports whether the next revocation list should be there.
func (s State) Overdue(now time.Time) bool { return s.CRLNumber > 0 && now.After(s.NextUpdate) }

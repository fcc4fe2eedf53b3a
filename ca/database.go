package ca

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"path/filepath"
	"strings"
	"time"

	"keyman/csr"
	"keyman/internal/atomicfile"
	"keyman/internal/der"
)

const (
	// databaseFile is the database in the CA's folder.
	databaseFile = "ca.json"
	// databaseVersion is the version of its format.
	databaseVersion = 1
	// maxDatabase is its largest size, in bytes: more than a hundred thousand
	// certificates.
	maxDatabase = 64 << 20
	// maxSerial is the longest serial number, in hexadecimal digits (RFC 5280,
	// 4.1.2.2).
	maxSerial = 40
)

// A Record is what the CA keeps about a certificate that it issued.
type Record struct {
	// Serial is the serial number in lower-case hexadecimal digits, in pairs.
	Serial    string    `json:"serial"`
	Subject   string    `json:"subject"`
	SANs      []csr.SAN `json:"sans,omitempty"`
	Profile   Profile   `json:"profile"`
	Issued    time.Time `json:"issued"`
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
	// SHA256 is the fingerprint of the certificate, in hexadecimal digits.
	SHA256 string `json:"sha256"`
	// Revoked is nil for a certificate that is not revoked.
	Revoked *Revocation `json:"revoked,omitempty"`
}

// A Revocation is when and why a certificate was revoked.
type Revocation struct {
	Date   time.Time `json:"date"`
	Reason Reason    `json:"reason"`
}

// Status returns "revoked", "expired", "not yet valid" or "valid".
func (r Record) Status(now time.Time) string {
	switch {
	case r.Revoked != nil:
		return "revoked"
	case now.After(r.NotAfter):
		return "expired"
	case now.Before(r.NotBefore):
		return "not yet valid"
	}
	return "valid"
}

// A database is the content of ca.json.
type database struct {
	Version  int      `json:"version"`
	Settings Settings `json:"settings"`
	// CRLNumber is the number of the latest list; 0 where there was none.
	CRLNumber    uint64    `json:"crl_number"`
	ThisUpdate   time.Time `json:"crl_this_update,omitzero"`
	NextUpdate   time.Time `json:"crl_next_update,omitzero"`
	Certificates []Record  `json:"certificates"`
}

// find returns the record of a serial number, or nil.
func (db *database) find(serial string) *Record {
	for i := range db.Certificates {
		if db.Certificates[i].Serial == serial {
			return &db.Certificates[i]
		}
	}
	return nil
}

// loadDatabase reads and checks ca.json in a folder.
func loadDatabase(dir string) (*database, error) {
	path := filepath.Join(dir, databaseFile)
	data, _, err := atomicfile.Read(path, maxDatabase)
	if err != nil {
		return nil, err
	}
	db, err := decodeDatabase(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return db, nil
}

// decodeDatabase reads a database strictly: what is not understood might be a
// revocation.
func decodeDatabase(data []byte) (*database, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	db := new(database)
	if err := dec.Decode(db); err != nil {
		return nil, fmt.Errorf("the CA's database cannot be read: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the CA's database has something after its end")
	}
	if db.Version != databaseVersion {
		return nil, fmt.Errorf("the CA's database has version %d: this program reads version %d", db.Version, databaseVersion)
	}
	if err := db.Settings.validate(); err != nil {
		return nil, fmt.Errorf("the CA's settings: %w", err)
	}
	seen := make(map[string]bool, len(db.Certificates))
	for i := range db.Certificates {
		r := &db.Certificates[i]
		serial, err := ParseSerial(r.Serial)
		if err != nil {
			return nil, err
		}
		normal := formatSerial(serial)
		if "0"+r.Serial == normal { // as older programs wrote it: without a first 0
			r.Serial = normal
		}
		switch {
		case r.Serial != normal:
			return nil, fmt.Errorf("serial number %s is not in its normal form", r.Serial)
		case seen[r.Serial]:
			return nil, fmt.Errorf("serial number %s is there twice", r.Serial)
		case r.Revoked != nil && r.Revoked.Date.IsZero():
			return nil, fmt.Errorf("certificate %s is revoked without a date", r.Serial)
		}
		seen[r.Serial] = true
	}
	return db, nil
}

func (db *database) encode() ([]byte, error) {
	data, err := json.MarshalIndent(db, "", "  ")
	if err != nil {
		return nil, err
	}
	if len(data) >= maxDatabase {
		return nil, fmt.Errorf("the CA's database would be larger than %d bytes", maxDatabase)
	}
	return append(data, '\n'), nil
}

// A transaction holds the database's lock and its content.
type transaction struct {
	lock *atomicfile.Lock
	db   *database
}

// begin takes the lock and reads the database as it is now. It waits for
// another process for atomicfile.DefaultWait, then fails with
// atomicfile.ErrLocked.
func (c *CA) begin(ctx context.Context) (*transaction, error) {
	lock, err := atomicfile.Acquire(ctx, filepath.Join(c.dir, databaseFile), 0)
	if err != nil {
		return nil, err
	}
	db, err := loadDatabase(c.dir)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return &transaction{lock: lock, db: db}, nil
}

// save makes the changes durable; the lock stays until end.
func (tx *transaction) save() error {
	data, err := tx.db.encode()
	if err != nil {
		return err
	}
	_, err = tx.lock.Save(data, atomicfile.Options{})
	return err
}

// end gives the lock up, and with it what was not saved. It adds its own error
// to *err.
func (tx *transaction) end(err *error) { *err = errors.Join(*err, tx.lock.Release()) }

// ParseSerial reads a serial number in hexadecimal digits, as the CA and other
// programs print it: in any case, with colons, or with 0x in front.
func ParseSerial(text string) (*big.Int, error) {
	digits := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(text)), "0x"), ":", "")
	if digits == "" || len(digits) > maxSerial || strings.Trim(digits, "0123456789abcdef") != "" {
		return nil, fmt.Errorf("serial number %.60q is not 1 to %d hexadecimal digits", text, maxSerial)
	}
	serial, ok := new(big.Int).SetString(digits, 16)
	if !ok || serial.Sign() <= 0 {
		return nil, fmt.Errorf("serial number %q is not positive", text)
	}
	return serial, nil
}

// formatSerial writes a serial number as Record.Serial has it.
func formatSerial(serial *big.Int) string { return der.SerialText(serial) }

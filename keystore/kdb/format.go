package kdb

import (
	"errors"
	"math"
	"time"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// Format is the .kdb file alone as a format of key databases. Use [DecodeSet]
// and [EncodeSet] where the files beside it can be had.
type Format struct{}

var (
	_ format.Expirer = Format{}
	_ format.Marker  = Format{}
)

// Name implements format.Format.
func (Format) Name() string { return "cms" }

// Holds implements format.Format: requests live in the .rdb file of a [Set].
func (Format) Holds(k format.Kind) bool {
	return k == format.Personal || k == format.Signer || k == format.SecretKey
}

// LatestExpiry implements format.Expirer.
func (Format) LatestExpiry() time.Time { return time.Unix(math.MaxUint32, 0).UTC() }

// MarksDefault implements format.Marker.
func (Format) MarksDefault() {}

// Detect implements format.Format.
func (Format) Detect(data []byte) bool { return typeKDB.is(data) }

// Decode implements format.Format.
func (Format) Decode(data, password []byte) (*format.Content, error) {
	return decodeSet(Set{KDB: data}.clone(), password, pbe.Limits{}, true)
}

// Encode implements format.Format.
func (f Format) Encode(c *format.Content, password []byte) ([]byte, error) {
	for _, item := range c.Items {
		if item.Kind == format.Request {
			return nil, errors.New("a .kdb file holds no requests: they belong into the .rdb file beside it")
		}
	}
	w := newWriter(c, password)
	base := newContainer(typeKDB, version6)
	if w.origin != nil {
		base = w.origin.kdb
	}
	base, err := base.withExpiry(c.PasswordExpires)
	if err != nil {
		return nil, err
	}
	return w.file(base, c.Items, password)
}

package crl

import (
	"encoding/binary"
	"time"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// A simpleEntry is an entry of the form that nearly all have: a UTCTime, and no
// extension or a reason code alone.
type simpleEntry struct {
	serial   []byte
	date     []byte // YYMMDDhhmmssZ
	extended bool
	reason   ReasonCode
	size     int // of the whole element, in octets
}

const (
	utcTime = "YYMMDDhhmmssZ"
	// reasonExtension is an entry's extensions where a reason code is all there
	// is, but for the octet of the code.
	reasonExtension = "\x30\x0c\x30\x0a\x06\x03" + oidReasonCode + "\x04\x03\x0a\x01"
)

// readSimple reads the entry that b begins with. ok is false where it has another
// form, or is not whole. It does not look at the digits of the date.
func readSimple(b []byte) (e simpleEntry, ok bool) {
	const (
		timeSize = 2 + len(utcTime)
		timeHead = uint16(cbasn1.UTCTime)<<8 | uint16(len(utcTime))
	)
	if len(b) < 4 {
		return e, false
	}
	size, serial := int(b[1]), int(b[3])
	if b[0] != byte(cbasn1.SEQUENCE) || b[2] != byte(cbasn1.INTEGER) ||
		size >= 0x80 || serial >= 0x80 || size < 2+serial+timeSize || size > len(b)-2 {
		return e, false
	}
	rest := b[4+serial : 2+size]
	if e.serial = b[4 : 4+serial]; !der.Minimal(e.serial) || binary.BigEndian.Uint16(rest) != timeHead {
		return e, false
	}
	e.date, rest, e.size = rest[2:timeSize], rest[timeSize:], 2+size
	if len(rest) == 0 {
		return e, true
	}
	if len(rest) != len(reasonExtension)+1 || string(rest[:len(reasonExtension)]) != reasonExtension || rest[len(reasonExtension)] >= 0x80 {
		return e, false
	}
	e.extended, e.reason = true, ReasonCode(rest[len(reasonExtension)])
	return e, true
}

// entry returns the Entry; the date is known to be valid.
func (e simpleEntry) entry() Entry {
	year := 1900 + pair(e.date)
	if year < 1950 { // RFC 5280, 4.1.2.5.1
		year += 100
	}
	date := time.Date(year, time.Month(pair(e.date[2:])), pair(e.date[4:]), pair(e.date[6:]), pair(e.date[8:]), pair(e.date[10:]), 0, time.UTC)
	return Entry{Serial: e.serial, Date: date, Reason: e.reason}
}

// validUTCTime reports whether 13 octets are a UTCTime as der.ReadTime reads it.
func validUTCTime(text []byte) bool {
	if !eightDigits(binary.LittleEndian.Uint64(text)) || !eightDigits(binary.LittleEndian.Uint64(text[4:])) || text[12] != 'Z' {
		return false
	}
	year, month, day := pair(text[0:]), pair(text[2:]), pair(text[4:])
	if month < 1 || month > 12 || day < 1 || pair(text[6:]) > 23 || pair(text[8:]) > 59 || pair(text[10:]) > 59 {
		return false
	}
	switch {
	case day <= 28:
		return true
	case month == int(time.February):
		// All years of a UTCTime that four divides are leap years, 2000 too.
		return day == 29 && year%4 == 0
	case month == int(time.April), month == int(time.June), month == int(time.September), month == int(time.November):
		return day <= 30
	}
	return day <= 31
}

// eightDigits reports whether eight octets are decimal digits: each has the upper
// half 3, and still has it when 6 is added.
func eightDigits(octets uint64) bool {
	const upper, threes, sixes = 0xf0f0f0f0f0f0f0f0, 0x3030303030303030, 0x0606060606060606
	return octets&upper == threes && (octets+sixes)&upper == threes
}

// pair reads two digits.
func pair(text []byte) int { return int(text[0]&15)*10 + int(text[1]&15) }

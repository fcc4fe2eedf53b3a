package crl

import (
	"encoding/binary"
	"time"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// The parts of an entry of the simple form, which nearly all have: a UTCTime, and no
// extension or a reason code alone.
const (
	utcTime = "YYMMDDhhmmssZ"
	// reasonExtension is an entry's extensions where a reason code is all there
	// is, but for the octet of the code.
	reasonExtension = "\x30\x0c\x30\x0a\x06\x03" + oidReasonCode + "\x04\x03\x0a\x01"
)

// Sizes within an entry of the simple form, in octets. They are below 128 each, so
// that all lengths are one octet.
const (
	serialAt   = 4                        // behind the headers of the entry and of its serial number
	timeSize   = 2 + len(utcTime)         // with its header
	reasonSize = len(reasonExtension) + 1 // with the code
)

// simpleShape returns the size of the entry that b begins with and that of its
// serial number. size is 0 where the entry has another form, or is not whole. It
// does not look at the digits of the date. That a list is read in a few
// nanoseconds an entry is due to it: it compares words, and makes no slices.
func simpleShape(b []byte) (size, serial int) {
	const (
		heads    = uint32(cbasn1.SEQUENCE) | uint32(cbasn1.INTEGER)<<16
		headMask = 0x80ff80ff // the tags, and that the lengths are below 128
		timeHead = uint16(cbasn1.UTCTime) | uint16(len(utcTime))<<8
	)
	if len(b) < serialAt {
		return 0, 0
	}
	head := binary.LittleEndian.Uint32(b)
	size, serial = int(head>>8&0x7f)+2, int(head>>24)
	if head&headMask != heads || size > len(b) {
		return 0, 0
	}
	rest := size - serialAt - serial - timeSize
	if rest != 0 && rest != reasonSize || !der.Minimal(b[serialAt:serialAt+serial]) ||
		binary.LittleEndian.Uint16(b[serialAt+serial:]) != timeHead {
		return 0, 0
	}
	if rest != 0 && (string(b[size-reasonSize:size-1]) != reasonExtension || b[size-1] >= 0x80) {
		return 0, 0
	}
	return size, serial
}

// isExtended reports whether an entry of simpleShape has a reason code.
func isExtended(size, serial int) bool { return size > serialAt+serial+timeSize }

// readSimple reads the entry that b begins with, of simpleShape and with a date that is
// valid, into an Entry that is zero.
func (e *Entry) readSimple(b []byte, size, serial int) {
	e.Serial = b[serialAt : serialAt+serial]
	date := b[serialAt+serial+2:]
	year := 1900 + pair(date)
	if year < 1950 { // RFC 5280, 4.1.2.5.1
		year += 100
	}
	seconds := (pair(date[6:])*60+pair(date[8:]))*60 + pair(date[10:])
	e.Date = time.Unix(int64(daysSince1970(year, pair(date[2:]), pair(date[4:])))*86400+int64(seconds), 0).UTC()
	if isExtended(size, serial) {
		e.Reason = ReasonCode(b[size-1])
	}
}

// daysSince1970 counts the days to a date from 1950 to 2049, where every fourth year is
// a leap year. time.Date, which knows all years and names of zones, takes a tenth of
// the time of a lookup.
func daysSince1970(year, month, day int) int {
	const (
		yearZero  = 1948 // a leap year, from whose March on days are counted
		to1970    = 7976 // from the 1st of March of yearZero on
		fourYears = 4*365 + 1
	)
	// Years begin with March here, so that a leap day is the last of its year.
	years, months := year-yearZero, month-3
	if months < 0 {
		years, months = years-1, months+12
	}
	return years*fourYears/4 + (153*months+2)/5 + day - 1 - to1970
}

// validUTCTime reports whether 13 octets are a UTCTime as der.ReadTime reads it.
func validUTCTime(text []byte) bool {
	// YYMMDDhh and DDhhmmss, the first digit in the lowest octet.
	first, last := binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[4:])
	if !eightDigits(first) || !eightDigits(last) || text[12] != 'Z' {
		return false
	}
	const (
		low   = 1<<16 | 1<<32 // months and days begin with 1
		high  = 99 | 12<<16 | 28<<32 | 23<<48
		high2 = 99 | 99<<16 | 59<<32 | 59<<48
	)
	if first = pairs(first); !within(first, low, high) || !within(pairs(last), 0, high2) {
		return validLateDay(text)
	}
	return true
}

// validLateDay is validUTCTime for the days behind the 28th: the text is made of
// digits.
func validLateDay(text []byte) bool {
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

// pairs reads eight digits, the first in the lowest octet, as four numbers of two:
// 16 bits each, the first in the lowest.
func pairs(digits uint64) uint64 {
	const units, lanes = 0x0f0f0f0f0f0f0f0f, 0x00ff00ff00ff00ff
	digits &= units
	return (digits*10 + digits>>8) & lanes
}

// within reports whether each of four numbers of 16 bits, below 0x4000, lies
// between those of low and high: no bit is carried from one to the next.
func within(numbers, low, high uint64) bool {
	const sign = 0x8000800080008000
	return ((numbers|sign)-low)&(high|sign-numbers)&sign == sign
}

// pair reads two digits.
func pair(text []byte) int { return int(text[0]&15)*10 + int(text[1]&15) }

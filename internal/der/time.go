package der

import (
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ReadTime reads a Time: UTCTime or GeneralizedTime, in the one form that RFC
// 5280, 4.1.2.5, leaves of each. It allocates nothing.
func ReadTime(s *cryptobyte.String) (time.Time, bool) {
	if s.PeekASN1Tag(asn1.GeneralizedTime) {
		return ReadGeneralizedTime(s)
	}
	var text cryptobyte.String
	if !s.ReadASN1(&text, asn1.UTCTime) || len(text) != len("YYMMDDhhmmssZ") {
		return time.Time{}, false
	}
	year, ok := digits(text[:2])
	if year += 1900; year < 1950 {
		year += 100
	}
	if !ok {
		return time.Time{}, false
	}
	return instant(year, text[2:])
}

// ReadGeneralizedTime reads a GeneralizedTime (RFC 5280, 4.1.2.5.2).
func ReadGeneralizedTime(s *cryptobyte.String) (time.Time, bool) {
	var text cryptobyte.String
	if !s.ReadASN1(&text, asn1.GeneralizedTime) || len(text) != len("YYYYMMDDhhmmssZ") {
		return time.Time{}, false
	}
	year, ok := digits(text[:4])
	if !ok {
		return time.Time{}, false
	}
	return instant(year, text[4:])
}

// instant reads MMDDhhmmssZ.
func instant(year int, text []byte) (time.Time, bool) {
	var part [5]int
	for i := range part {
		var ok bool
		if part[i], ok = digits(text[2*i : 2*i+2]); !ok {
			return time.Time{}, false
		}
	}
	t := time.Date(year, time.Month(part[0]), part[1], part[2], part[3], part[4], 0, time.UTC)
	// time.Date turns the 31st of April into the 1st of May.
	if text[10] != 'Z' || int(t.Month()) != part[0] || t.Day() != part[1] || t.Hour() != part[2] ||
		t.Minute() != part[3] || t.Second() != part[4] {
		return time.Time{}, false
	}
	return t, true
}

// digits reads a decimal number of a fixed width.
func digits(text []byte) (int, bool) {
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

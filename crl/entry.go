package crl

import (
	"bytes"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// A ReasonCode says why a certificate was revoked (RFC 5280, 5.3.1). An entry
// that gives no reason has Unspecified.
type ReasonCode int

// The reasons of RFC 5280, 5.3.1.
const (
	Unspecified          ReasonCode = 0
	KeyCompromise        ReasonCode = 1
	CACompromise         ReasonCode = 2
	AffiliationChanged   ReasonCode = 3
	Superseded           ReasonCode = 4
	CessationOfOperation ReasonCode = 5
	CertificateHold      ReasonCode = 6
	RemoveFromCRL        ReasonCode = 8
	PrivilegeWithdrawn   ReasonCode = 9
	AACompromise         ReasonCode = 10
)

var reasonCodeNames = map[ReasonCode]string{
	Unspecified: "unspecified", KeyCompromise: "keyCompromise", CACompromise: "cACompromise",
	AffiliationChanged: "affiliationChanged", Superseded: "superseded",
	CessationOfOperation: "cessationOfOperation", CertificateHold: "certificateHold",
	RemoveFromCRL: "removeFromCRL", PrivilegeWithdrawn: "privilegeWithdrawn", AACompromise: "aACompromise",
}

// String returns the word that RFC 5280 uses.
func (r ReasonCode) String() string {
	if name, ok := reasonCodeNames[r]; ok {
		return name
	}
	return fmt.Sprintf("reason(%d)", int(r))
}

// An Entry is one revoked certificate of a list.
type Entry struct {
	// Serial is the certificate's serial number: the content octets of its
	// DER INTEGER. It points into the list and must not be changed.
	Serial []byte
	// Date is when the certificate was revoked.
	Date time.Time
	// Reason is why.
	Reason ReasonCode
	// InvalidityDate is when the key is thought to have been lost; zero where
	// the entry does not say.
	InvalidityDate time.Time
}

// Revokes reports whether the entry says that the certificate is revoked, be
// it for good or by a hold. RemoveFromCRL says the opposite.
func (e Entry) Revokes() bool { return e.Reason != RemoveFromCRL }

// The extensions of entries that this package processes, as DER content octets.
const (
	oidReasonCode        = "\x55\x1d\x15" // 2.5.29.21
	oidInvalidityDate    = "\x55\x1d\x18" // 2.5.29.24
	oidCertificateIssuer = "\x55\x1d\x1d" // 2.5.29.29
)

// entryNotes is what parseEntry learns beyond the Entry itself.
type entryNotes struct {
	unknownCritical []byte            // OID content octets, or nil
	issuer          cryptobyte.String // GeneralNames of certificateIssuer, or nil
}

// parseEntry reads the content of one element of revokedCertificates.
func parseEntry(content cryptobyte.String, version int) (e Entry, notes entryNotes, err error) {
	var serial cryptobyte.String
	if !content.ReadASN1(&serial, cbasn1.INTEGER) || !der.Minimal(serial) {
		return e, notes, errMalformed("serial number")
	}
	e.Serial = serial
	var ok bool
	if e.Date, ok = der.ReadTime(&content); !ok {
		return e, notes, errMalformed("revocation date")
	}
	if content.Empty() {
		return e, notes, nil
	}
	if version < 2 {
		return e, notes, errMalformed("version 1 entry with extensions")
	}
	var extensions cryptobyte.String
	if !content.ReadASN1(&extensions, cbasn1.SEQUENCE) || !content.Empty() || extensions.Empty() {
		return e, notes, errMalformed("entry extensions")
	}
	err = notes.read(&e, extensions)
	return e, notes, err
}

// read processes the extensions of an entry. A second extension of a kind that
// means something is an error (RFC 5280, 4.2).
func (n *entryNotes) read(e *Entry, extensions cryptobyte.String) error {
	var hasReason, hasDate bool
	for !extensions.Empty() {
		oid, critical, value, ok := der.ReadRawExtension(&extensions)
		if !ok {
			return errMalformed("entry extension")
		}
		switch string(oid) {
		case oidReasonCode:
			var code int
			if hasReason || !value.ReadASN1Enum(&code) || !value.Empty() || code < 0 {
				return errMalformed("reason code")
			}
			hasReason, e.Reason = true, ReasonCode(code)
		case oidInvalidityDate:
			if e.InvalidityDate, ok = der.ReadGeneralizedTime(&value); hasDate || !ok || !value.Empty() {
				return errMalformed("invalidity date")
			}
			hasDate = true
		case oidCertificateIssuer:
			n.issuer = value
		default:
			if critical && n.unknownCritical == nil {
				n.unknownCritical = oid
			}
		}
	}
	return nil
}

// entryAt returns the entry that begins at an offset of the index. Parse has
// read every entry, so that errors cannot occur any more.
func (l *List) entryAt(at uint32) (e Entry) {
	l.readEntry(&e, at)
	return e
}

// readEntry is entryAt for an Entry that is there, and zero.
func (l *List) readEntry(e *Entry, at uint32) {
	b := l.revoked[min(int(at), len(l.revoked)):]
	if size, serial := simpleShape(b); size > 0 {
		e.readSimple(b, size, serial)
		return
	}
	content, _ := elementAt(b, 0)
	*e, _, _ = parseEntry(content, l.Version)
}

// hasSerial reports whether the entry that b begins with has a serial number.
func hasSerial(b, serial []byte) bool {
	if len(b) > serialAt+len(serial) && b[1] < 0x80 && int(b[3]) == len(serial) {
		// Both lengths are one octet: what is within fewer than 128 has fewer itself.
		return bytes.Equal(b[serialAt:serialAt+len(serial)], serial)
	}
	entry, _ := elementAt(b, 0)
	content, _ := elementAt(entry, 0)
	return bytes.Equal(content, serial)
}

// elementAt returns the content of the DER element at an offset, and where the
// next one begins. The form is known to be right; where it is not, because
// somebody has written into a file of the cache, there is no content and no next
// one.
func elementAt(der []byte, at int) (content []byte, next int) {
	if at < 0 || at > len(der)-2 {
		return nil, len(der)
	}
	size, from := int(der[at+1]), at+2
	if size >= 0x80 {
		octets := size & 0x7f
		if octets > 4 || from+octets > len(der) {
			return nil, len(der)
		}
		size = 0
		for _, b := range der[from : from+octets] {
			size = size<<8 | int(b)
		}
		from += octets
	}
	if size < 0 || size > len(der)-from {
		return nil, len(der)
	}
	return der[from : from+size], from + size
}

package isakmp

import (
	"encoding/binary"
	"fmt"
)

// NotifyType says what a notification tells (RFC 2408, 3.14.1; RFC 2407,
// 4.6.3; RFC 3706, 5.3).
type NotifyType uint16

// The errors.
const (
	InvalidPayloadType      NotifyType = 1
	DOINotSupported         NotifyType = 2
	SituationNotSupported   NotifyType = 3
	InvalidCookie           NotifyType = 4
	InvalidMajorVersion     NotifyType = 5
	InvalidMinorVersion     NotifyType = 6
	InvalidExchangeType     NotifyType = 7
	InvalidFlags            NotifyType = 8
	InvalidMessageID        NotifyType = 9
	InvalidProtocolID       NotifyType = 10
	InvalidSPI              NotifyType = 11
	InvalidTransformID      NotifyType = 12
	AttributesNotSupported  NotifyType = 13
	NoProposalChosen        NotifyType = 14
	BadProposalSyntax       NotifyType = 15
	PayloadMalformed        NotifyType = 16
	InvalidKeyInformation   NotifyType = 17
	InvalidIDInformation    NotifyType = 18
	InvalidCertEncoding     NotifyType = 19
	InvalidCertificate      NotifyType = 20
	CertTypeUnsupported     NotifyType = 21
	InvalidCertAuthority    NotifyType = 22
	InvalidHashInformation  NotifyType = 23
	AuthenticationFailed    NotifyType = 24
	InvalidSignature        NotifyType = 25
	AddressNotification     NotifyType = 26
	NotifySALifetime        NotifyType = 27
	CertificateUnavailable  NotifyType = 28
	UnsupportedExchangeType NotifyType = 29
	UnequalPayloadLengths   NotifyType = 30
)

// The states.
const (
	Connected         NotifyType = 16384
	ResponderLifetime NotifyType = 24576
	ReplayStatus      NotifyType = 24577
	InitialContact    NotifyType = 24578
	RUThere           NotifyType = 36136
	RUThereAck        NotifyType = 36137
)

// IsError reports whether the type lies in the range of errors. 0 is reserved
// and counts as one.
func (n NotifyType) IsError() bool { return n < Connected }

// String gives the RFC's word, or the number.
func (n NotifyType) String() string {
	if n >= 1 && int(n) <= len(notifyErrors) {
		return notifyErrors[n-1]
	}
	switch n {
	case Connected:
		return "CONNECTED"
	case ResponderLifetime:
		return "RESPONDER-LIFETIME"
	case ReplayStatus:
		return "REPLAY-STATUS"
	case InitialContact:
		return "INITIAL-CONTACT"
	case RUThere:
		return "R-U-THERE"
	case RUThereAck:
		return "R-U-THERE-ACK"
	default:
		return fmt.Sprintf("notify type %d", uint16(n))
	}
}

// notifyErrors holds the words of the errors from 1 on.
var notifyErrors = [...]string{
	"INVALID-PAYLOAD-TYPE",
	"DOI-NOT-SUPPORTED",
	"SITUATION-NOT-SUPPORTED",
	"INVALID-COOKIE",
	"INVALID-MAJOR-VERSION",
	"INVALID-MINOR-VERSION",
	"INVALID-EXCHANGE-TYPE",
	"INVALID-FLAGS",
	"INVALID-MESSAGE-ID",
	"INVALID-PROTOCOL-ID",
	"INVALID-SPI",
	"INVALID-TRANSFORM-ID",
	"ATTRIBUTES-NOT-SUPPORTED",
	"NO-PROPOSAL-CHOSEN",
	"BAD-PROPOSAL-SYNTAX",
	"PAYLOAD-MALFORMED",
	"INVALID-KEY-INFORMATION",
	"INVALID-ID-INFORMATION",
	"INVALID-CERT-ENCODING",
	"INVALID-CERTIFICATE",
	"CERT-TYPE-UNSUPPORTED",
	"INVALID-CERT-AUTHORITY",
	"INVALID-HASH-INFORMATION",
	"AUTHENTICATION-FAILED",
	"INVALID-SIGNATURE",
	"ADDRESS-NOTIFICATION",
	"NOTIFY-SA-LIFETIME",
	"CERTIFICATE-UNAVAILABLE",
	"UNSUPPORTED-EXCHANGE-TYPE",
	"UNEQUAL-PAYLOAD-LENGTHS",
}

// notificationFixed is the length of DOI, protocol, SPI size and type.
const notificationFixed = 8

// Notification tells of an error or a state (RFC 2408, 3.14).
type Notification struct {
	DOI        uint32
	Protocol   Protocol
	NotifyType NotifyType
	SPI        []byte // up to MaxSPI bytes; both cookies for an ISAKMP SA, or empty
	Data       []byte
}

// Type gives PayloadNotification.
func (*Notification) Type() PayloadType { return PayloadNotification }

func (p *Notification) appendBody(b []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, p.DOI)
	b = append(b, byte(p.Protocol), byte(len(p.SPI)))
	b = binary.BigEndian.AppendUint16(b, uint16(p.NotifyType))
	b = append(b, p.SPI...)
	return append(b, p.Data...)
}

func (p *Notification) check() error {
	if n := len(p.SPI); n > MaxSPI {
		return refuse(InvalidSPI, p.Type(), "SPI of %d bytes, at most %d", n, MaxSPI)
	}
	return nil
}

func parseNotification(b []byte) (*Notification, error) {
	if len(b) < notificationFixed {
		return nil, malformed(PayloadNotification, "%d bytes are too few", len(b))
	}
	end := notificationFixed + int(b[5])
	if end > len(b) {
		return nil, refuse(InvalidSPI, PayloadNotification, "SPI of %d bytes with %d left", b[5], len(b)-notificationFixed)
	}
	return &Notification{
		DOI:        binary.BigEndian.Uint32(b[0:4]),
		Protocol:   Protocol(b[4]),
		NotifyType: NotifyType(binary.BigEndian.Uint16(b[6:8])),
		SPI:        b[notificationFixed:end:end],
		Data:       b[end:],
	}, nil
}

package ikev1

import (
	"bytes"
	"fmt"
	"strings"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
	"keyman/internal/pkcs7"
)

// certificates are ours, the leaf first.
func (s *SA) certificates() []isakmp.Payload {
	if s.transform.Auth == suite.PresharedKey {
		return nil
	}
	payloads := make([]isakmp.Payload, 0, len(s.policy.Chain))
	for _, der := range s.policy.Chain {
		payloads = append(payloads, &isakmp.Certificate{Encoding: isakmp.CertX509Signature, Data: der})
	}
	return payloads
}

// certificateRequests names the authorities that we accept, as they stand in a
// certificate's issuer (RFC 2408, 3.10).
func (s *SA) certificateRequests() []isakmp.Payload {
	if s.candidates[0].Auth() == suite.PresharedKey {
		return nil
	}
	var names [][]byte
	for _, p := range s.candidates {
		for _, name := range p.Authorities {
			if len(names) < maxAuthorities && !contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		names = [][]byte{nil} // any authority
	}
	requests := make([]isakmp.Payload, 0, len(names))
	for _, name := range names {
		requests = append(requests, &isakmp.CertificateRequest{Encoding: isakmp.CertX509Signature, Authority: name})
	}
	return requests
}

// readCertificates takes the certificates of a message, each in a payload of its
// own or some together in PKCS #7 (RFC 2408, 3.9). Revocation lists and the like
// are passed over; nothing is fetched because a peer says where it is.
func (a *authentication) readCertificates(payloads []*isakmp.Certificate) {
	take := func(ders ...[]byte) {
		a.certificates = append(a.certificates, ders[:min(len(ders), maxCertificates-len(a.certificates))]...)
	}
	pass := func(what string) {
		if len(a.unread) < maxCertificates {
			a.unread = append(a.unread, what)
		}
	}
	for _, c := range payloads {
		switch c.Encoding {
		case isakmp.CertX509Signature:
			take(c.Data)
		case isakmp.CertPKCS7:
			content, err := pkcs7.Parse(c.Data)
			if err != nil {
				pass(fmt.Sprintf("%v that cannot be read (%v)", c.Encoding, err))
				continue
			}
			take(content.Certificates...)
		case isakmp.CertHashURL, isakmp.CertHashURLBundle:
			pass(fmt.Sprintf("the %v, which is not fetched", c.Encoding))
		case isakmp.CertCRL, isakmp.CertARL:
		default:
			pass(c.Encoding.String())
		}
	}
}

// noCertificateError is a peer that signs and sends no certificate that is taken.
type noCertificateError struct {
	peer   string
	unread []string
}

func (e noCertificateError) Error() string {
	text := "the peer " + e.peer + " sent no X.509 certificate"
	if len(e.unread) > 0 {
		text += ", but " + strings.Join(e.unread, ", ")
	}
	return text
}

// Hint says what the peer has to do.
func (noCertificateError) Hint() string {
	return "have the peer send its certificate itself, in X.509 or PKCS #7 encoding"
}

func contains(list [][]byte, b []byte) bool {
	for _, have := range list {
		if bytes.Equal(have, b) {
			return true
		}
	}
	return false
}

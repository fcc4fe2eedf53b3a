package ikev1

import (
	"bytes"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// certificateRequests names the authorities that we accept, as they stand in a
// certificate's issuer (RFC 2408, 3.10).
func (s *SA) certificateRequests() []isakmp.Payload {
	if s.transform.Auth == suite.PresharedKey {
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

func contains(list [][]byte, b []byte) bool {
	for _, have := range list {
		if bytes.Equal(have, b) {
			return true
		}
	}
	return false
}

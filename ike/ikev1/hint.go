package ikev1

import (
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// hintedError is an error with what to do about it.
type hintedError struct {
	error
	hint string
}

func (e hintedError) Unwrap() error { return e.error }

// Hint says what to do about it.
func (e hintedError) Hint() string { return e.hint }

// What to do about failures that administrators meet most.
const (
	hintProposal = "give the protection a transform that both sides have, or have the peer take one of these"
	hintPSK      = "give both sides the same preshared key for these two addresses or identities"
	hintIdentity = "the peer must have a tunnel whose remote identity is our local one"
	hintRefused  = "see there whether it trusts the CA of our certificate, gets its revocation list, and finds our identity in the certificate"
	hintAnswer   = "see whether a daemon runs there that expects us, and whether UDP ports 500 and 4500 pass both ways"
	hintPeer     = "make remote.id of the tunnel what the peer says it is, if that is whom you mean"
)

// advice is what to do about an error that the peer notified; "" where only its own
// log knows.
func (s *SA) advice(n isakmp.NotifyType) string {
	psk := s.transform.Auth == suite.PresharedKey
	switch {
	case n == isakmp.NoProposalChosen:
		return hintProposal
	case n == isakmp.PayloadMalformed && s.chain != nil && psk, n == isakmp.AuthenticationFailed && psk:
		return hintPSK
	case n == isakmp.AuthenticationFailed:
		return hintRefused
	case n == isakmp.InvalidIDInformation:
		return hintIdentity
	}
	return ""
}

// Hint says what to do about it.
func (errNoProposal) Hint() string { return hintProposal }

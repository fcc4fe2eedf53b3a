package ikev1

import "fmt"

// A Role is the side that an SA plays.
type Role int

// The two sides of a negotiation. The zero Role is none.
const (
	Initiator Role = iota + 1
	Responder
)

// String returns the role in words.
func (r Role) String() string {
	switch r {
	case Initiator:
		return "initiator"
	case Responder:
		return "responder"
	}
	return fmt.Sprintf("Role(%d)", int(r))
}

// A State is how far a negotiation has come.
//
// In main mode (RFC 2409, 5.1 and 5.4):
//
//	initiator                             responder
//
//	Idle                                  AwaitSA
//	  | 1 HDR, SA ------------------------>  |
//	AwaitSA                                  |
//	  |  <------------------------ 2 HDR, SA |
//	MakingKey                             AwaitKE
//	  | 3 HDR, KE, Ni -------------------->  |
//	AwaitKE                               MakingKey
//	  |  <-------------------- 4 HDR, KE, Nr |
//	ComputingSecret                       ComputingSecret
//	Signing                               AwaitAuth
//	  | 5 HDR*, IDii, [CERT,] SIG_I ------>  |
//	AwaitAuth                             Verifying
//	  |                                   Signing
//	  |  <------ 6 HDR*, IDir, [CERT,] SIG_R |
//	Verifying                             Established
//	Established
//
// In aggressive mode (RFC 2409, 5.1 and 5.4):
//
//	initiator                             responder
//
//	Idle                                  AwaitSA
//	MakingKey                                |
//	  | 1 HDR, SA, KE, Ni, IDii ---------->  |
//	AwaitSA                               MakingKey
//	  |                                   ComputingSecret
//	  |                                   Signing
//	  |   2 HDR, SA, KE, Nr, IDir, [CERT,]   |
//	  |  <----------------------------- SIG_R|
//	ComputingSecret                       AwaitAuth
//	Verifying                                |
//	Signing                                  |
//	  | 3 HDR*, [CERT,] SIG_I ------------>  |
//	Established                           Verifying
//	                                      Established
//
// With a preshared key HASH stands for SIG, and Signing and Verifying take no
// time; the responder of aggressive mode is ComputingSecret after message 3 then.
// Every state may end in Failed, Established in Closed; both end in Gone.
// The tables of machine.go say it to the letter.
type State int

// The states; see State for the order in which they come.
const (
	Idle State = iota
	AwaitSA
	MakingKey
	AwaitKE
	ComputingSecret
	Signing
	AwaitAuth
	Verifying
	StateEstablished
	StateFailed
	StateClosed
	Gone
)

var stateNames = [...]string{
	Idle:             "idle",
	AwaitSA:          "awaiting SA",
	MakingKey:        "making a Diffie-Hellman key",
	AwaitKE:          "awaiting key exchange",
	ComputingSecret:  "computing the Diffie-Hellman secret",
	Signing:          "signing",
	AwaitAuth:        "awaiting authentication",
	Verifying:        "verifying the peer",
	StateEstablished: "established",
	StateFailed:      "failed",
	StateClosed:      "closed",
	Gone:             "gone",
}

// String returns the state in words.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return stateNames[s]
}

// Computing reports whether the SA waits for a key, a secret or a signature.
func (s State) Computing() bool { return s == MakingKey || s == ComputingSecret || s == Signing }

// ended reports whether the SA takes part in nothing any more.
func (s State) ended() bool { return s >= StateFailed }

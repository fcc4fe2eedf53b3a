package ikev1

import (
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// An Effect is something that the owner of an SA shall do: one of Send,
// SetTimer, GenerateKey, ComputeSecret, Sign, Verify, ExportedKey, Trace,
// Established, Failed, Closed, Done, and of phase 2 ChildOffered, ChildReady,
// ChildUp, ChildFailed, ChildDeleted and ChildLife. Effects are carried out in order.
type Effect interface{ isEffect() }

// Send transmits one ISAKMP message, without non-ESP marker.
type Send struct {
	Path Path
	Data []byte
}

// SetTimer replaces the SA's one timer; the zero time stops it.
type SetTimer struct {
	At time.Time
}

// GenerateKey asks for a fresh Diffie-Hellman key: answer with KeyPair.
type GenerateKey struct {
	Group    suite.Group
	Exchange uint32 // of phase 2, 0 for phase 1; the answer bears it
}

// ComputeSecret asks for the Diffie-Hellman secret: answer with SharedSecret. The
// SA has let the key go: whoever computes wipes it.
type ComputeSecret struct {
	Key  *suite.PrivateKey
	Peer []byte // the peer's public value

	Exchange uint32 // of phase 2, 0 for phase 1; the answer bears it
}

// Sign asks for a signature with the key that belongs to the policy: answer with
// Signed. RSA signs Hash with PKCS #1 v1.5 padding and without a DigestInfo
// (RFC 2409, 5.1).
type Sign struct {
	Policy *Policy
	Hash   []byte
}

// Verify asks whether the peer is who it says: that the first certificate's key
// made the signature over Hash, that the certificate stands for ID, and that its
// chain is valid under the policy. Answer with Verdict.
type Verify struct {
	Policy       *Policy
	ID           isakmp.Identification
	Certificates [][]byte // DER, in the order of the message; never empty
	Hash         []byte
	Signature    []byte
}

// ExportedKey is the key that encrypts the messages of the SA, for decrypting a
// capture. It comes only where Config.ExportKeys asks for it.
type ExportedKey struct {
	Initiator isakmp.Cookie // by which a capture knows the SA
	Key       []byte
}

// String leaves the key out.
func (ExportedKey) String() string { return "a key for decrypting captures" }

// GoString leaves the key out.
func (k ExportedKey) GoString() string { return k.String() }

// Trace tells of a message that was sent or accepted, or of something odd that
// was ignored, for logs and for people who watch.
type Trace struct {
	Kind     TraceKind
	Exchange isakmp.ExchangeType
	Message  int // 1 to 6 in main mode, otherwise 0
	Payloads []isakmp.PayloadType
	Path     Path
	Note     string
}

// A TraceKind says what a Trace is about.
type TraceKind string

// What a Trace is about.
const (
	TraceSent         TraceKind = "sent"
	TraceReceived     TraceKind = "received"
	TraceRetransmit   TraceKind = "retransmitted"
	TraceIgnored      TraceKind = "ignored"
	TraceNotification TraceKind = "notification"
)

// Established reports that both sides are authenticated and the SA may be used.
type Established struct {
	Policy         *Policy
	Transform      suite.Transform
	PeerID         isakmp.Identification
	Expires        time.Time
	InitialContact bool // the peer says it has no other SA with us (RFC 2407, 4.6.3.3)
	NAT            NAT
}

// Failed reports that the negotiation ended without an SA.
type Failed struct {
	Err error
}

// Closed reports that an established SA ended.
type Closed struct {
	Reason string
	// KeepChildren says that the SAs of phase 2 live on: this one was only at
	// its end. Otherwise they end with it.
	KeepChildren bool
}

// Done says that the SA will never answer again: its owner forgets it. It comes
// some time after Failed or Closed, so that retransmissions still find an answer.
type Done struct{}

func (Send) isEffect()          {}
func (SetTimer) isEffect()      {}
func (GenerateKey) isEffect()   {}
func (ComputeSecret) isEffect() {}
func (Sign) isEffect()          {}
func (Verify) isEffect()        {}
func (ExportedKey) isEffect()   {}
func (Trace) isEffect()         {}
func (Established) isEffect()   {}
func (Failed) isEffect()        {}
func (Closed) isEffect()        {}
func (Done) isEffect()          {}

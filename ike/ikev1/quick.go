package ikev1

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A quickState is how far a quick mode has come (RFC 2409, 5.5).
//
//	initiator                                   responder
//
//	quickMakingKey
//	  | 1 HDR*, HASH(1), SA, Ni, [KE,] IDci, IDcr -->  |
//	quickAwaitReply                             quickAwaitTerms
//	  |                                         quickMakingKey
//	  |                                         quickComputing
//	  |  <-- 2 HDR*, HASH(2), SA, Nr, [KE,] IDci, IDcr |
//	quickComputing                              quickAwaitConfirm
//	  | 3 HDR*, HASH(3) ---------------------------->  |
//	quickAwaitConnected                         quickDone
//	  |  <------- HDR*, HASH(1), N(CONNECTED) |
//	quickDone
//
// Without perfect forward secrecy quickMakingKey and quickComputing take no time.
// quickAwaitConnected is there only where the responder set the commit bit (RFC
// 2408, 3.1). Every state may end in quickFailed.
type quickState int

const (
	quickMakingKey quickState = iota
	quickAwaitReply
	quickAwaitTerms
	quickComputing
	quickAwaitConfirm
	quickAwaitConnected
	quickDone
	quickFailed
)

var quickStateNames = [...]string{
	quickMakingKey:      "making a Diffie-Hellman key",
	quickAwaitReply:     "awaiting the answer to quick mode",
	quickAwaitTerms:     "looking for a policy",
	quickComputing:      "computing the Diffie-Hellman secret",
	quickAwaitConfirm:   "awaiting the end of quick mode",
	quickAwaitConnected: "awaiting CONNECTED",
	quickDone:           "done",
	quickFailed:         "failed",
}

// String returns the state in words.
func (s quickState) String() string { return quickStateNames[s] }

// ended reports whether the exchange takes part in nothing but repetitions.
func (s quickState) ended() bool { return s >= quickDone }

// A quick is one quick mode under an SA.
type quick struct {
	id    uint32 // the message ID
	role  Role
	state quickState
	began time.Time

	policy *ChildPolicy
	spi    uint32 // ours, for AH and ESP alike
	offer  *isakmp.SA
	ids    []isakmp.Payload // IDci and IDcr as they stand in the messages
	local  isakmp.Identification
	remote isakmp.Identification
	nonces keyingMaterial
	key    *suite.PrivateKey
	public []byte // our public value; nil without perfect forward secrecy
	peer   []byte // the peer's
	choice *childChoice
	origin OriginalAddresses
	commit bool // the responder set the commit bit
	sa     *ChildSA

	iv       []byte            // the last ciphertext block of the exchange
	accepted [sha256.Size]byte // digest of the last message that moved it on
	sent     flight
	doubt    error

	retransmit, deadline, patience time.Time
	forget                         time.Time // when an ended one is forgotten
}

// next returns when the exchange wants to be woken.
func (q *quick) next() time.Time {
	return earliest(q.retransmit, q.deadline, q.patience, q.forget)
}

// earliest returns the first of some times that are not zero.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, at := range times {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// quickModes are the exchanges of phase 2 of one SA.
type quickModes struct {
	live []*quick // in the order in which they began
	// used are the message IDs of all quick modes that there were: the nonces
	// make old messages useless, and this keeps them from costing anything.
	used      map[uint32]struct{}
	farewells []*farewell
}

// Limits of phase 2 under one SA.
const (
	// maxQuickModes bounds the quick modes that a peer may have under way.
	maxQuickModes = 256
	// maxExchanges bounds the quick modes of one SA; then it ends, and a new one
	// goes on.
	maxExchanges = 4096
	// maxDeletes bounds the SAs of one DELETE that are acted on: more than a tunnel
	// has.
	maxDeletes = 64
)

// find returns the exchange with a message ID.
func (m *quickModes) find(id uint32) *quick {
	for _, q := range m.live {
		if q.id == id {
			return q
		}
	}
	return nil
}

// add makes room for a new exchange.
func (m *quickModes) add(q *quick) {
	if m.used == nil {
		m.used = make(map[uint32]struct{})
	}
	m.used[q.id] = struct{}{}
	m.live = append(m.live, q)
}

// next returns when phase 2 wants to be woken.
func (m *quickModes) next() time.Time {
	var first time.Time
	for _, q := range m.live {
		first = earliest(first, q.next())
	}
	for _, f := range m.farewells {
		first = earliest(first, f.next)
	}
	return first
}

// wakeAt returns the first alarm of the SA.
func (s *SA) wakeAt() time.Time { return earliest(s.alarms.next(), s.quick.next()) }

// expireQuick acts on the alarms of phase 2 that are due.
func (s *SA) expireQuick() {
	for _, q := range slices.Clone(s.quick.live) {
		switch {
		case s.due(q.forget):
			s.quick.live = slices.DeleteFunc(s.quick.live, func(other *quick) bool { return other == q })
		case s.due(q.deadline), s.due(q.patience):
			s.failQuick(q, s.quickTimeout(q))
		case s.due(q.retransmit):
			s.transmitQuick(q, TraceRetransmit)
			q.sent.interval = s.backOff(q.sent.interval)
			q.retransmit = s.now.Add(q.sent.interval)
		}
	}
	s.expireFarewells()
}

// quickTimeout says what an exchange was waiting for.
func (s *SA) quickTimeout(q *quick) error {
	if q.doubt != nil {
		return q.doubt
	}
	return fmt.Errorf("nothing more came from %v within %v while %v", s.path.Remote, s.cfg.Timing.Deadline, q.state)
}

// quickMode takes a whole message of quick mode.
func (s *SA) quickMode(m message) {
	switch {
	case s.state != StateEstablished:
		s.ignore(m.Path, m.header, "quick mode before phase 1 is established")
		return
	case !m.header.Encrypted() || m.header.MessageID == 0:
		s.ignore(m.Path, m.header, "quick mode in the clear or without a message ID")
		return
	}
	q := s.quick.find(m.header.MessageID)
	if q == nil {
		if _, used := s.quick.used[m.header.MessageID]; used {
			// RFC 2408, 3.1: a message ID is used once under an SA.
			s.ignore(m.Path, m.header, "a quick mode that is over")
			return
		}
		s.respondQuick(m)
		return
	}
	if sha256.Sum256(m.Data) == q.accepted {
		s.repeatedQuick(q, m)
		return
	}
	switch {
	case q.role == Initiator && q.state == quickAwaitReply:
		s.takeQuick2(q, m)
	case q.role == Initiator && q.state == quickAwaitConnected:
		s.takeQuick4(q, m)
	case q.role == Responder && q.state == quickAwaitConfirm:
		s.takeQuick3(q, m)
	default:
		s.ignore(m.Path, m.header, "no message of quick mode is awaited while "+q.state.String())
	}
}

// repeatedQuick answers a message that was answered before.
func (s *SA) repeatedQuick(q *quick, m message) {
	answered := q.state == quickFailed || q.role == Responder && q.state >= quickAwaitConfirm || q.role == Initiator && q.state >= quickAwaitConnected
	if !answered || len(q.sent.datagrams) == 0 {
		s.ignore(m.Path, m.header, "seen before")
		return
	}
	s.transmitQuick(q, TraceRetransmit)
}

// openQuick decrypts and authenticates a message. The hash covers the message ID,
// what is given and everything behind the hash payload. A message that is not
// authentic changes nothing.
func (s *SA) openQuick(m message, iv []byte, covered ...[]byte) ([]isakmp.Payload, error) {
	payloads, plain, err := s.chain.open(m.Data, m.header, iv)
	if err != nil {
		return nil, fmt.Errorf("the message of quick mode does not decrypt: %w", err)
	}
	// RFC 2409, 5.5: the hash immediately follows the header.
	hash, ok := payloads[0].(*isakmp.Hash)
	if !ok {
		return nil, errors.New("the message of quick mode does not begin with its hash")
	}
	parts := append([][]byte{binary.BigEndian.AppendUint32(nil, m.header.MessageID)}, covered...)
	if !hmac.Equal(hash.Data, s.keys.hash.MAC(s.keys.a, append(parts, afterFirst(plain, len(payloads)))...)) {
		return nil, errors.New("the hash of the message of quick mode is wrong")
	}
	return payloads[1:], nil
}

// advance notes a message of the peer that moved the exchange on.
func (s *SA) advanceQuick(q *quick, m message) {
	q.accepted = sha256.Sum256(m.Data)
	q.iv = lastBlock(m.Data, s.chain.block.BlockSize())
	q.doubt = nil
	q.patience, q.retransmit = time.Time{}, time.Time{}
	s.confirmed()
}

// lastBlock returns a copy of the last cipher block of a message.
func lastBlock(message []byte, size int) []byte { return slices.Clone(message[len(message)-size:]) }

// sealQuick makes a message of quick mode, with a hash over the message ID, what
// is given and the payloads, and moves the exchange's chain on.
func (s *SA) sealQuick(q *quick, payloads []isakmp.Payload, covered ...[]byte) ([]byte, error) {
	var body []byte
	if len(payloads) > 0 {
		var err error
		if _, body, err = isakmp.MarshalPayloads(payloads); err != nil {
			return nil, err
		}
	}
	parts := append([][]byte{binary.BigEndian.AppendUint32(nil, q.id)}, covered...)
	hash := &isakmp.Hash{Data: s.keys.hash.MAC(s.keys.a, append(parts, body)...)}
	return s.sealHashed(q, append([]isakmp.Payload{hash}, payloads...))
}

// sealHashed encrypts a message of quick mode that has its hash.
func (s *SA) sealHashed(q *quick, payloads []isakmp.Payload) ([]byte, error) {
	h := s.header(isakmp.QuickMode, q.id)
	if q.role == Responder && q.commit {
		h.Flags |= isakmp.FlagCommit
	}
	data, err := s.chain.seal(h, q.iv, payloads)
	if err != nil {
		return nil, err
	}
	q.iv = lastBlock(data, s.chain.block.BlockSize())
	return data, nil
}

// sendQuick sends a message of an exchange; again says that it is repeated until
// it is answered.
func (s *SA) sendQuick(q *quick, number int, data []byte, payloads []isakmp.Payload, again bool) {
	datagrams, err := s.split(data)
	if err != nil {
		s.failQuick(q, err)
		return
	}
	q.sent = flight{number: number, exchange: isakmp.QuickMode, datagrams: datagrams, interval: s.cfg.Timing.Retransmit,
		payloads: append([]isakmp.PayloadType{isakmp.PayloadHash}, payloadTypes(payloads)...)}
	s.transmitQuick(q, TraceSent)
	q.retransmit = time.Time{}
	if again {
		q.retransmit = s.now.Add(q.sent.interval)
	}
}

// payloadTypes lists what a message is made of.
func payloadTypes(payloads []isakmp.Payload) []isakmp.PayloadType {
	types := make([]isakmp.PayloadType, 0, len(payloads))
	for _, p := range payloads {
		types = append(types, p.Type())
	}
	return types
}

// transmitQuick sends an exchange's last message.
func (s *SA) transmitQuick(q *quick, kind TraceKind) {
	s.emit(Trace{Kind: kind, Exchange: q.sent.exchange, Message: q.sent.number, Payloads: q.sent.payloads, Path: s.path})
	for _, d := range q.sent.datagrams {
		s.emit(Send{Path: s.path, Data: d})
	}
}

// traceQuick tells of a message that moved an exchange on.
func (s *SA) traceQuick(number int, m message, payloads []isakmp.Payload) {
	s.emit(Trace{Kind: TraceReceived, Exchange: isakmp.QuickMode, Message: number, Path: m.Path,
		Payloads: append([]isakmp.PayloadType{isakmp.PayloadHash}, payloadTypes(payloads)...)})
}

// haveQuickKey goes on with a Diffie-Hellman key.
func (s *SA) haveQuickKey(ev KeyPair) {
	q := s.quick.find(ev.Exchange)
	switch {
	case q == nil || q.state != quickMakingKey:
		if ev.Key != nil {
			ev.Key.Wipe() // too late
		}
	case ev.Err != nil:
		s.failQuick(q, fmt.Errorf("no Diffie-Hellman key: %w", ev.Err))
	case q.role == Initiator:
		q.key = ev.Key
		q.public = ev.Key.Public()
		s.sendQuick1(q)
	default:
		q.public = ev.Key.Public()
		q.state = quickComputing
		s.emit(ComputeSecret{Key: ev.Key, Peer: q.peer, Exchange: q.id})
	}
}

// haveQuickSecret goes on with the Diffie-Hellman secret.
func (s *SA) haveQuickSecret(ev SharedSecret) {
	q := s.quick.find(ev.Exchange)
	switch {
	case q == nil || q.state != quickComputing:
		clear(ev.Secret) // too late
	case ev.Err != nil:
		s.refuseQuick(q, isakmp.InvalidKeyInformation, fmt.Errorf("the Diffie-Hellman exchange failed: %w", ev.Err))
	case q.role == Initiator:
		q.nonces.secret = ev.Secret
		s.confirmQuick(q)
	default:
		q.nonces.secret = ev.Secret
		s.answerQuick(q)
	}
}

// childSA makes what an exchange has come to, keys and all.
func (s *SA) childSA(q *quick) *ChildSA {
	c := q.choice
	sa := &ChildSA{
		Exchange: q.id, Began: q.began, Role: q.role, Policy: c.policy,
		Local: q.local, Remote: q.remote,
		Group: c.offers[0].Group, Lifetime: c.lifetime, LifeKB: c.kilobytes,
		Path: s.path, NAT: s.nat, Original: q.origin,
	}
	for i, o := range c.offers {
		sa.Pairs = append(sa.Pairs, Pair{
			Algorithms: o.IPsec, Encapsulation: o.Encapsulation,
			In:  q.nonces.oneWay(s.keys, o.IPsec, q.spi),
			Out: q.nonces.oneWay(s.keys, o.IPsec, c.peerSPI[i]),
		})
	}
	q.forgetSecrets()
	return sa
}

// forgetSecrets wipes what is not needed once the keys are made.
func (q *quick) forgetSecrets() {
	clear(q.nonces.secret)
	q.nonces.secret = nil
	if q.key != nil {
		q.key.Wipe()
		q.key = nil
	}
}

// finishQuick ends an exchange that came to an SA. What it sent last is kept as
// long as the peer may ask for it.
func (s *SA) finishQuick(q *quick) {
	sa := q.sa
	s.settleQuick(q, quickDone)
	s.emit(ChildUp{SA: sa})
}

// failQuick ends an exchange without an SA.
func (s *SA) failQuick(q *quick, err error) {
	if q.state.ended() {
		return
	}
	if q.sa != nil {
		// The peer may hold what we let go: message 3 may be lost, or CONNECTED.
		s.farewell(q.sa.Inbound())
	}
	s.settleQuick(q, quickFailed)
	s.emit(ChildFailed{SPI: q.spi, Role: q.role, Err: err})
}

// settleQuick keeps of an ended exchange what answers repetitions.
func (s *SA) settleQuick(q *quick, state quickState) {
	q.forgetSecrets()
	*q = quick{id: q.id, role: q.role, state: state, spi: q.spi, accepted: q.accepted, sent: q.sent, forget: s.now.Add(s.cfg.Timing.Deadline)}
}

// endQuick ends all exchanges with their SA.
func (s *SA) endQuick() {
	for _, q := range s.quick.live {
		if !q.state.ended() {
			s.settleQuick(q, quickFailed)
			s.emit(ChildFailed{SPI: q.spi, Role: q.role, Err: ErrPhase1Ended})
		}
	}
	s.quick = quickModes{}
}

// ErrPhase1Ended is why a quick mode fails whose phase 1 goes: another phase 1 may
// do better.
var ErrPhase1Ended = errors.New("the phase 1 under it ended")

package ikev1

import (
	"errors"
	"fmt"
	"slices"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// errOwnKey is a public value that cannot be the peer's.
var errOwnKey = errors.New("the peer sent our own public value back")

// keyPayloads carry a public value and a nonce.
func keyPayloads(public, nonce []byte) []isakmp.Payload {
	return []isakmp.Payload{&isakmp.KeyExchange{Data: public}, &isakmp.Nonce{Data: nonce}}
}

// readKeyExchange takes message 3 or 4 of main mode apart.
func (s *SA) readKeyExchange(m message) (payloads []isakmp.Payload, public, nonce []byte, ok bool) {
	parsed, err := isakmp.Parse(m.Data)
	if err == nil {
		public, nonce, err = keyExchange(parsed.Payloads, s.transform.Group)
	}
	if err != nil {
		s.reject(m, err)
		return nil, nil, nil, false
	}
	return parsed.Payloads, public, nonce, true
}

// keyExchange finds the public value, which is of a group, and the nonce.
func keyExchange(payloads []isakmp.Payload, group suite.Group) (public, nonce []byte, err error) {
	ke, ok := only[*isakmp.KeyExchange](payloads)
	if !ok {
		return nil, nil, errors.New("the message has not exactly one public value")
	}
	n, ok := only[*isakmp.Nonce](payloads)
	if !ok {
		return nil, nil, errors.New("the message has not exactly one nonce")
	}
	if want := group.PublicSize(); len(ke.Data) != want {
		return nil, nil, fmt.Errorf("the message has a public value of %d bytes: %v has %d", len(ke.Data), group, want)
	}
	return ke.Data, n.Data, nil
}

// haveKey goes on with a Diffie-Hellman key.
func (s *SA) haveKey(ev KeyPair) {
	if s.state != MakingKey {
		if ev.Key != nil {
			ev.Key.Wipe() // too late
		}
		return
	}
	if ev.Err != nil {
		s.fail(fmt.Errorf("no Diffie-Hellman key: %w", ev.Err))
		return
	}
	s.key = ev.Key
	s.take(onKey, ev)
}

// computeSecret asks for the secret and lets the key go: the SA may end, and wipe
// what it has, while somebody computes with it.
func (s *SA) computeSecret(peer []byte) {
	s.emit(ComputeSecret{Key: s.key, Peer: peer})
	s.key = nil
}

// haveSecret goes on with the Diffie-Hellman secret.
func (s *SA) haveSecret(ev SharedSecret) {
	defer clear(ev.Secret)
	if s.state != ComputingSecret {
		return // too late
	}
	if ev.Err != nil {
		s.fail(fmt.Errorf("the Diffie-Hellman exchange failed: %w", ev.Err))
		return
	}
	s.take(onSecret, ev)
}

// derive makes the keys and begins the chain of encrypted messages; psk counts
// only where the transform authenticates with a preshared key. What there is of
// keys already stays.
func (s *SA) derive(secret, psk []byte) bool {
	if s.keys == nil {
		s.keys = newKeys(&s.exchange, s.transform, secret, psk)
	}
	s.keys.complete(&s.exchange, s.transform, secret)
	var err error
	if s.chain, err = newChain(&s.exchange, s.keys, s.transform); err != nil {
		s.fail(err)
		return false
	}
	if s.cfg.ExportKeys {
		s.emit(ExportedKey{Initiator: s.exchange.cookieI, Key: slices.Clone(s.keys.e)})
	}
	return true
}

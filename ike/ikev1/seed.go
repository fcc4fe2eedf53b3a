package ikev1

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// nonceLen is the length of our nonces in bytes; RFC 2409, 5 allows 8 to 256.
const nonceLen = 32

// seeded draws bytes from a seed: block i is HMAC-SHA-256(seed, i). Whoever does
// not know the seed cannot tell them from random ones.
type seeded struct {
	key     [32]byte
	counter uint64
}

func (s *seeded) block() [sha256.Size]byte {
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write(binary.BigEndian.AppendUint64(nil, s.counter))
	s.counter++
	return [sha256.Size]byte(mac.Sum(nil))
}

// nonce returns a fresh nonce.
func (s *seeded) nonce() []byte {
	b := s.block()
	return b[:nonceLen]
}

// messageID returns a fresh message ID, which is never zero (RFC 2408, 3.1).
func (s *seeded) messageID() uint32 {
	for {
		b := s.block()
		if id := binary.BigEndian.Uint32(b[:4]); id != 0 {
			return id
		}
	}
}

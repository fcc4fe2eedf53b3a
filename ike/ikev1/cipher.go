package ikev1

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A chain is the CBC chain of an ISAKMP SA (RFC 2409, appendix B): each message
// of phase 1 starts from the last block of the one before it, every other
// exchange from a hash of phase 1's last block and its message ID.
type chain struct {
	block cipher.Block
	hash  suite.Hash
	// last is the last ciphertext block of phase 1 so far; before is the one
	// ahead of it. A peer that did not see our last message still encrypts
	// informational messages from the one before.
	last, before []byte
}

// newChain starts the chain: the first IV is the hash of both public values.
func newChain(x *exchange, k *keys, t suite.Transform) (*chain, error) {
	block, err := t.NewCipher(k.e)
	if err != nil {
		return nil, err
	}
	iv := t.Hash.Sum(x.publicI, x.publicR)[:block.BlockSize()]
	return &chain{block: block, hash: t.Hash, last: iv, before: iv}, nil
}

// advance moves phase 1 on to the last block of an encrypted message.
func (c *chain) advance(message []byte) {
	c.before = c.last
	c.last = append([]byte(nil), message[len(message)-c.block.BlockSize():]...)
}

// informationalIV is the IV of an exchange of its own.
func (c *chain) informationalIV(base []byte, messageID uint32) []byte {
	return c.hash.Sum(base, binary.BigEndian.AppendUint32(nil, messageID))[:c.block.BlockSize()]
}

// seal encrypts the payloads into a whole message. Padding is of zeroes: its
// length is found by the payloads' own lengths (RFC 2409, appendix B).
func (c *chain) seal(h isakmp.Header, iv []byte, payloads []isakmp.Payload) ([]byte, error) {
	first, body, err := isakmp.MarshalPayloads(payloads)
	if err != nil {
		return nil, err
	}
	size := c.block.BlockSize()
	if rest := len(body) % size; rest != 0 {
		body = append(body, make([]byte, size-rest)...)
	}
	h.Next = first
	h.Flags |= isakmp.FlagEncryption
	h.Length = uint32(isakmp.HeaderLen + len(body))
	if h.Length > isakmp.MaxMessage {
		return nil, fmt.Errorf("message of %d bytes: at most %d", h.Length, isakmp.MaxMessage)
	}
	message := h.AppendTo(make([]byte, 0, h.Length))
	message = append(message, body...)
	cipher.NewCBCEncrypter(c.block, iv).CryptBlocks(message[isakmp.HeaderLen:], body)
	return message, nil
}

// errNotBlocks is a message whose encrypted part cannot have been encrypted.
var errNotBlocks = errors.New("the encrypted part is no whole number of cipher blocks")

// open decrypts a message into its payloads; the message itself is left as it
// is. What comes out is not authenticated: wrong keys show as a parse error.
func (c *chain) open(message []byte, h isakmp.Header, iv []byte) ([]isakmp.Payload, []byte, error) {
	body := message[isakmp.HeaderLen:]
	size := c.block.BlockSize()
	if len(body) == 0 || len(body)%size != 0 {
		return nil, nil, errNotBlocks
	}
	plain := make([]byte, len(body))
	cipher.NewCBCDecrypter(c.block, iv).CryptBlocks(plain, body)
	payloads, err := isakmp.ParseDecrypted(h.Next, plain)
	return payloads, plain, err
}

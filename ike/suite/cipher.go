package suite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"fmt"
)

// Encryption is an encryption algorithm, in CBC mode, by its number in IKEv1
// (RFC 2409, appendix A; RFC 3602 for AES).
type Encryption uint16

// The encryption algorithms. DES is known by name, so that a log can say what a
// peer wants, and never accepted.
const (
	DES       Encryption = 1
	TripleDES Encryption = 5
	AES       Encryption = 7
)

// tripleDESKey is the length of a 3DES key in bytes, with its parity bits.
const tripleDESKey = 24

// String gives the name without the length of the key.
func (e Encryption) String() string {
	switch e {
	case DES:
		return "des"
	case TripleDES:
		return "3des"
	case AES:
		return "aes"
	}
	return fmt.Sprintf("encryption algorithm %d", uint16(e))
}

// checkEncryption refuses what NewCipher cannot do.
func (t Transform) checkEncryption() error {
	switch t.Encryption {
	case TripleDES:
		// RFC 2409, appendix A: no key length where it is fixed.
		if t.KeyBits != 0 {
			return fmt.Errorf("suite: 3des with a key length of %d bits, it takes none", t.KeyBits)
		}
		return nil
	case AES:
		switch t.KeyBits {
		case 128, 192, 256:
			return nil
		}
		// RFC 3602, 5.3: the key length must be given.
		return fmt.Errorf("suite: aes with a key of %d bits, want 128, 192 or 256", t.KeyBits)
	default:
		return fmt.Errorf("suite: %s is not supported", t.Encryption)
	}
}

// KeyLen gives the length of the cipher's key in bytes, 0 where the cipher is
// not supported.
func (t Transform) KeyLen() int {
	switch {
	case t.checkEncryption() != nil:
		return 0
	case t.Encryption == TripleDES:
		return tripleDESKey
	}
	return t.KeyBits / 8
}

// BlockLen gives the length of the cipher's block, and so of the IV, in bytes;
// 0 where the cipher is not supported.
func (t Transform) BlockLen() int {
	switch {
	case t.checkEncryption() != nil:
		return 0
	case t.Encryption == TripleDES:
		return des.BlockSize
	}
	return aes.BlockSize
}

// NewCipher makes the block cipher with a key of KeyLen bytes.
func (t Transform) NewCipher(key []byte) (cipher.Block, error) {
	if err := t.checkEncryption(); err != nil {
		return nil, err
	}
	if len(key) != t.KeyLen() {
		return nil, fmt.Errorf("suite: key of %d bytes for %s, want %d", len(key), t.encryptionWord(), t.KeyLen())
	}
	if t.Encryption == TripleDES {
		return des.NewTripleDESCipher(key)
	}
	return aes.NewCipher(key)
}

// ExpandKey gives the n bytes of an encryption key that SKEYID_e makes (RFC
// 2409, appendix B): its first bytes where it is long enough, otherwise those of
// K1 | K2 | ... with K1 = prf(SKEYID_e, 0) and Ki = prf(SKEYID_e, Ki-1).
func ExpandKey(h Hash, skeyidE []byte, n int) []byte {
	key := make([]byte, 0, n+h.Size())
	if len(skeyidE) >= n {
		return append(key, skeyidE[:n]...)
	}
	for k := []byte{0}; len(key) < n; {
		k = h.MAC(skeyidE, k)
		key = append(key, k...)
	}
	return key[:n]
}

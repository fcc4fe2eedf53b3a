package suite

import (
	"fmt"

	"keyman/ike/isakmp"
)

// Cipher is an encryption algorithm of ESP by its transform ID (RFC 2407, 4.4.4;
// RFC 3602, RFC 4106, RFC 4543).
type Cipher uint8

// The ciphers of ESP. GCM authenticates, too; the number in its name is the
// length of its tag in bytes. GMAC authenticates and does not encrypt.
const (
	ESPDES      Cipher = 2
	ESP3DES     Cipher = 3
	ESPNull     Cipher = 11
	ESPAESCBC   Cipher = 12
	ESPAESGCM8  Cipher = 18
	ESPAESGCM12 Cipher = 19
	ESPAESGCM16 Cipher = 20
	ESPAESGMAC  Cipher = 23
)

// Integrity is an authentication algorithm of AH and ESP by its attribute value
// (RFC 2407, 4.5; RFC 4868 and RFC 3566 by IANA's registry).
type Integrity uint16

// The authentication algorithms. IntegrityNone stands with ciphers that
// authenticate by themselves, and with ESP that does not authenticate.
const (
	IntegrityNone Integrity = 0
	HMACMD5       Integrity = 1
	HMACSHA1      Integrity = 2
	HMACSHA256    Integrity = 5
	HMACSHA384    Integrity = 6
	HMACSHA512    Integrity = 7
	AESXCBC       Integrity = 9
)

// saltLen is the length of the salt that GCM and GMAC take from the end of their
// keying material (RFC 4106, 8.1; RFC 4543, 5.2).
const saltLen = 4

// aead reports whether the cipher authenticates by itself.
func (c Cipher) aead() bool {
	switch c {
	case ESPAESGCM8, ESPAESGCM12, ESPAESGCM16, ESPAESGMAC:
		return true
	}
	return false
}

// aes reports whether the cipher has a key length of its own choice.
func (c Cipher) aes() bool { return c == ESPAESCBC || c.aead() }

// integrityAlgorithm is what is known about an authentication algorithm.
type integrityAlgorithm struct {
	integrity Integrity
	word      string
	key, tag  int   // bytes
	ah        uint8 // transform ID of AH (RFC 2407, 4.4.3)
}

// integrities lists the authentication algorithms in the order of help texts.
// Keys and tags are those of RFC 2403, RFC 2404, RFC 4868, 2.6, and RFC 3566, 4.
var integrities = [...]integrityAlgorithm{
	{HMACSHA256, "sha256", 32, 16, 5},
	{HMACSHA384, "sha384", 48, 24, 6},
	{HMACSHA512, "sha512", 64, 32, 7},
	{AESXCBC, "aesxcbc", 16, 12, 9},
	{HMACSHA1, "sha1", 20, 12, 3},
	{HMACMD5, "md5", 16, 12, 2},
}

func (i Integrity) algorithm() (integrityAlgorithm, bool) {
	for _, a := range integrities {
		if a.integrity == i {
			return a, true
		}
	}
	return integrityAlgorithm{}, false
}

// String gives the word of transforms, such as "sha256".
func (i Integrity) String() string {
	if a, ok := i.algorithm(); ok {
		return a.word
	}
	if i == IntegrityNone {
		return "none"
	}
	return fmt.Sprintf("authentication algorithm %d", uint16(i))
}

// IPsec is one set of algorithms for packets: AH, or ESP. The zero value is not
// usable.
type IPsec struct {
	Protocol  isakmp.Protocol // ProtocolAH or ProtocolESP
	Cipher    Cipher          // of ESP
	KeyBits   int             // of AES: 128, 192 or 256; otherwise 0
	Integrity Integrity
	ESN       bool // sequence numbers of 64 bits (RFC 4304)
}

// Validate refuses a set that cannot be used.
func (t IPsec) Validate() error {
	_, known := t.Integrity.algorithm()
	switch {
	case t.Protocol == isakmp.ProtocolAH:
		if t.Cipher != 0 || t.KeyBits != 0 {
			return fmt.Errorf("suite: AH with the cipher %v, it has none", t.Cipher)
		}
		if !known {
			return fmt.Errorf("suite: AH with %v", t.Integrity)
		}
		return nil
	case t.Protocol != isakmp.ProtocolESP:
		return fmt.Errorf("suite: %v protects no packets: want ESP or AH", t.Protocol)
	case t.Integrity != IntegrityNone && !known:
		return fmt.Errorf("suite: ESP with %v is not supported", t.Integrity)
	case t.Cipher.aes() && t.KeyBits != 128 && t.KeyBits != 192 && t.KeyBits != 256:
		// RFC 2407, 4.5: the key length must be given where it varies.
		return fmt.Errorf("suite: %v with a key of %d bits, want 128, 192 or 256", t.Cipher, t.KeyBits)
	case t.Cipher.aead() && t.Integrity != IntegrityNone:
		return fmt.Errorf("suite: %v with %v: it authenticates by itself", t.Cipher, t.Integrity)
	case t.Cipher.aes():
		return nil
	case t.KeyBits != 0:
		return fmt.Errorf("suite: %v with a key length of %d bits, it takes none", t.Cipher, t.KeyBits)
	case t.Cipher == ESPNull && t.Integrity == IntegrityNone:
		// RFC 4303, 3.1.1: both must not be NULL.
		return fmt.Errorf("suite: ESP that neither encrypts nor authenticates")
	case t.Cipher != ESPNull && t.Cipher != ESPDES && t.Cipher != ESP3DES:
		return fmt.Errorf("suite: %v is not supported", t.Cipher)
	}
	return nil
}

// EncryptionKeyLen gives the length of the encryption key in bytes, with the salt
// that GCM and GMAC have at its end; 0 for AH and for ESP without encryption.
func (t IPsec) EncryptionKeyLen() int {
	switch {
	case t.Protocol != isakmp.ProtocolESP:
		return 0
	case t.Cipher == ESPDES:
		return 8
	case t.Cipher == ESP3DES:
		return tripleDESKey
	case t.Cipher.aead():
		return t.KeyBits/8 + saltLen
	case t.Cipher == ESPAESCBC:
		return t.KeyBits / 8
	}
	return 0
}

// IntegrityKeyLen gives the length of the authentication key in bytes, 0 where
// there is none.
func (t IPsec) IntegrityKeyLen() int {
	a, _ := t.Integrity.algorithm()
	return a.key
}

// KeyLen gives the length in bytes of the keying material of one SA: the
// encryption key and then the authentication key.
func (t IPsec) KeyLen() int { return t.EncryptionKeyLen() + t.IntegrityKeyLen() }

// TagLen gives the length in bytes of what authenticates a packet, 0 where
// nothing does.
func (t IPsec) TagLen() int {
	switch t.Cipher {
	case ESPAESGCM8:
		return 8
	case ESPAESGCM12:
		return 12
	case ESPAESGCM16, ESPAESGMAC:
		return 16
	}
	a, _ := t.Integrity.algorithm()
	return a.tag
}

// Weak gives a word for each algorithm that policy must allow by name; none
// where all are strong. What is not known counts as weak.
func (t IPsec) Weak() []string {
	if t.Validate() != nil {
		return []string{t.String()}
	}
	var weak []string
	switch t.Cipher {
	case ESPDES:
		weak = append(weak, "DES")
	case ESP3DES:
		weak = append(weak, "3DES") // blocks of 64 bits
	}
	switch {
	case t.Integrity == HMACMD5:
		weak = append(weak, "MD5")
	case t.Integrity == HMACSHA1:
		weak = append(weak, "SHA-1")
	case t.Integrity == IntegrityNone && !t.Cipher.aead():
		// RFC 4303, 5: encryption alone invites active attacks.
		weak = append(weak, "ESP without authentication")
	}
	return weak
}

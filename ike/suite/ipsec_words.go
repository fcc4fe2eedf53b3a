package suite

import (
	"fmt"
	"strings"

	"keyman/ike/isakmp"
)

// esnWord ends the words of algorithms with long sequence numbers.
const esnWord = "esn"

// cipherWords are the ciphers of ESP in the order of help texts.
var cipherWords = [...]IPsec{
	{Cipher: ESPAESGCM16, KeyBits: 128}, {Cipher: ESPAESGCM16, KeyBits: 192}, {Cipher: ESPAESGCM16, KeyBits: 256},
	{Cipher: ESPAESCBC, KeyBits: 128}, {Cipher: ESPAESCBC, KeyBits: 192}, {Cipher: ESPAESCBC, KeyBits: 256},
	{Cipher: ESPAESGCM12, KeyBits: 128}, {Cipher: ESPAESGCM12, KeyBits: 192}, {Cipher: ESPAESGCM12, KeyBits: 256},
	{Cipher: ESPAESGCM8, KeyBits: 128}, {Cipher: ESPAESGCM8, KeyBits: 192}, {Cipher: ESPAESGCM8, KeyBits: 256},
	{Cipher: ESPAESGMAC, KeyBits: 128}, {Cipher: ESPAESGMAC, KeyBits: 192}, {Cipher: ESPAESGMAC, KeyBits: 256},
	{Cipher: ESPNull}, {Cipher: ESP3DES}, {Cipher: ESPDES},
}

// String gives the name without the length of the key.
func (c Cipher) String() string {
	switch c {
	case ESPDES:
		return "des"
	case ESP3DES:
		return "3des"
	case ESPNull:
		return "null"
	case ESPAESCBC:
		return "aes"
	case ESPAESGCM8:
		return "aesgcm8"
	case ESPAESGCM12:
		return "aesgcm12"
	case ESPAESGCM16:
		return "aesgcm16"
	case ESPAESGMAC:
		return "aesgmac"
	}
	return fmt.Sprintf("ESP transform %d", uint8(c))
}

// cipherWord gives the cipher with the length of its key, such as "aes256gcm16".
func (t IPsec) cipherWord() string {
	name := t.Cipher.String()
	if !t.Cipher.aes() {
		return name
	}
	return fmt.Sprintf("aes%d%s", t.KeyBits, strings.TrimPrefix(name, "aes"))
}

// String gives the words that ParseESP or ParseAH reads.
func (t IPsec) String() string {
	var words []string
	if t.Protocol != isakmp.ProtocolAH {
		words = append(words, t.cipherWord())
	}
	if !t.Cipher.aead() {
		words = append(words, t.Integrity.String())
	}
	if t.ESN {
		words = append(words, esnWord)
	}
	return strings.Join(words, "-")
}

// ParseESP reads a cipher and an authentication algorithm, such as
// "aes256-sha256", "3des-md5", "null-sha256" or "aes128-none", or a cipher that
// authenticates by itself, such as "aes256gcm16". "-esn" at the end asks for
// sequence numbers of 64 bits. An error lists the words that may stand there.
func ParseESP(s string) (IPsec, error) {
	t := IPsec{Protocol: isakmp.ProtocolESP}
	rest := t.cutESN(s)
	first, second, two := strings.Cut(rest, "-")
	known := make([]string, 0, len(cipherWords))
	for _, c := range cipherWords {
		known = append(known, c.cipherWord())
		if c.cipherWord() == first {
			t.Cipher, t.KeyBits = c.Cipher, c.KeyBits
		}
	}
	switch {
	case t.Cipher == 0:
		return IPsec{}, unknownWord(s, "cipher of ESP", first, known)
	case t.Cipher.aead() && two:
		return IPsec{}, fmt.Errorf("transform %q: %s authenticates by itself: leave out %q", s, first, second)
	case t.Cipher.aead():
		return t, nil
	case !two:
		return IPsec{}, fmt.Errorf("transform %q: want CIPHER-AUTHENTICATION, such as %s-sha256", s, first)
	}
	var err error
	if t.Integrity, err = parseIntegrity(s, second, second == IntegrityNone.String()); err != nil {
		return IPsec{}, err
	}
	if err := t.Validate(); err != nil {
		return IPsec{}, fmt.Errorf("transform %q: %w", s, err)
	}
	return t, nil
}

// ParseAH reads an authentication algorithm of AH, such as "sha256", and "-esn"
// behind it.
func ParseAH(s string) (IPsec, error) {
	t := IPsec{Protocol: isakmp.ProtocolAH}
	var err error
	if t.Integrity, err = parseIntegrity(s, t.cutESN(s), false); err != nil {
		return IPsec{}, err
	}
	return t, nil
}

// cutESN notes the word for long sequence numbers and returns what is before it.
func (t *IPsec) cutESN(s string) string {
	var rest string
	rest, t.ESN = strings.CutSuffix(s, "-"+esnWord)
	return rest
}

func parseIntegrity(s, word string, none bool) (Integrity, error) {
	if none {
		return IntegrityNone, nil
	}
	known := make([]string, 0, len(integrities))
	for _, a := range integrities {
		if a.word == word {
			return a.integrity, nil
		}
		known = append(known, a.word)
	}
	return 0, unknownWord(s, "authentication algorithm", word, known)
}

package pbe

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	// Iterations is how often PBKDF2 iterates in what is written: some 50 ms
	// for each key that OpenSSL or Java opens, which do not remember a
	// derivation from one key of a file to the next.
	Iterations = 100_000
	// MACIterations is the same for the MAC. Its KDF hashes once an iteration
	// where PBKDF2 hashes twice, so that it iterates twice as often: the MAC
	// must not be the cheaper place to try passwords. Java's limit is 5,000,000.
	MACIterations = 2 * Iterations
	// saltLen is the length of a salt in bytes (RFC 8018, 4.1: 8 or more).
	saltLen = 16
	// sealKeyLen is the key length of AES-256 in bytes.
	sealKeyLen = 32
)

// A Sealer encrypts with one password, one salt and so one key; each Seal has
// its own initialization vector. It is safe for use by several goroutines.
type Sealer struct {
	password Password
	prf      asn1.ObjectIdentifier // of PBKDF2
	salt     []byte
	block    cipher.Block
}

// NewSealer derives a key from a password and a new salt with HMAC-SHA256.
func NewSealer(p Password) (*Sealer, error) { return newSealer(p, oidHMACWithSHA256) }

// NewSealerSHA384 is NewSealer with HMAC-SHA384, as in IBM's key databases.
func NewSealerSHA384(p Password) (*Sealer, error) { return newSealer(p, oidHMACWithSHA384) }

func newSealer(p Password, prf asn1.ObjectIdentifier) (*Sealer, error) {
	salt := random(saltLen)
	key, err := pbkdf2.Key(byHMAC(prf), string(p.utf8), salt, Iterations, sealKeyLen)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &Sealer{password: p, prf: prf, salt: salt, block: block}, nil
}

// Seal encrypts with PBES2, AES-256-CBC. It returns the AlgorithmIdentifier,
// DER, and the ciphertext.
func (s *Sealer) Seal(plaintext []byte) (alg, ciphertext []byte, err error) {
	iv := random(aes.BlockSize)
	// RFC 8018, 6.1.1, step 4: the padding is there also where nothing is
	// missing to a whole block.
	pad := aes.BlockSize - len(plaintext)%aes.BlockSize
	// In one piece: what grows leaves a copy of the plaintext behind.
	ciphertext = append(make([]byte, 0, len(plaintext)+pad), plaintext...)
	ciphertext = append(ciphertext, bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(s.block, iv).CryptBlocks(ciphertext, ciphertext)

	var b cryptobyte.Builder
	addAlgorithm(&b, oidPBES2, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addAlgorithm(b, oidPBKDF2, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1OctetString(s.salt)
					b.AddASN1Int64(Iterations)
					b.AddASN1Int64(sealKeyLen)
					addAlgorithm(b, s.prf, addNull)
				})
			})
			addAlgorithm(b, oidAES256CBC, func(b *cryptobyte.Builder) { b.AddASN1OctetString(iv) })
		})
	})
	alg, err = b.Bytes()
	return alg, ciphertext, err
}

// MAC computes an HMAC-SHA256 over a content, with a new salt and the KDF of
// RFC 7292, B.
func (s *Sealer) MAC(content []byte) (MAC, error) {
	salt := random(saltLen)
	key := pkcs12Key(sha256.New, s.password.bmp, salt, idMAC, MACIterations, sha256.Size)
	h := hmac.New(sha256.New, key)
	h.Write(content)
	var b cryptobyte.Builder
	addAlgorithm(&b, oidSHA256, addNull)
	alg, err := b.Bytes()
	return MAC{Algorithm: alg, Digest: h.Sum(nil), Salt: salt, Iterations: MACIterations}, err
}

// random returns n random bytes.
func random(n int) []byte {
	p := make([]byte, n)
	rand.Read(p) // never fails: it ends the process instead
	return p
}

func addAlgorithm(b *cryptobyte.Builder, id asn1.ObjectIdentifier, params func(b *cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		params(b)
	})
}

func addNull(b *cryptobyte.Builder) { b.AddASN1NULL() }

package jks

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	// jceIterations is how often MD5 iterates in what is written, for each
	// half of the salt: as much as Java 17 does, some 50 ms for a key.
	jceIterations = 200_000
	jceSaltLen    = 8  // bytes
	jceKeyLen     = 24 // bytes: three keys of DES
)

// jceParameters are those of PBEWithMD5AndTripleDES: PBEParameter as in
// RFC 8018, A.3.
type jceParameters struct {
	salt       [jceSaltLen]byte
	iterations int
}

func readJCEParameters(der []byte) (jceParameters, error) {
	var (
		p         jceParameters
		in        = cryptobyte.String(der)
		seq, salt cryptobyte.String
	)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1(&salt, cbasn1.OCTET_STRING) || copy(p.salt[:], salt) != len(salt) || len(salt) != jceSaltLen ||
		!seq.ReadASN1Integer(&p.iterations) || !seq.Empty() || p.iterations < 1 {
		return p, errProtection
	}
	return p, nil
}

// newJCEParameters makes parameters with a salt whose halves differ: programs
// do not agree on what becomes of equal ones.
func newJCEParameters(iterations int) jceParameters {
	p := jceParameters{iterations: iterations}
	for p.equalHalves() {
		rand.Read(p.salt[:]) // never fails: it ends the process instead
	}
	return p
}

func (p jceParameters) encode() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(p.salt[:])
		b.AddASN1Int64(int64(p.iterations))
	})
	return b.Bytes()
}

func (p jceParameters) equalHalves() bool {
	return bytes.Equal(p.salt[:jceSaltLen/2], p.salt[jceSaltLen/2:])
}

// salts returns what may have been hashed for the salt: itself, unless its
// halves are equal, which would make the key of two equal parts. Java then
// turns the first half around. Older versions make a mistake in it, so that
// such a salt stands for two.
func (p jceParameters) salts() [][jceSaltLen]byte {
	if !p.equalHalves() {
		return [][jceSaltLen]byte{p.salt}
	}
	s, turned, mistaken := p.salt, p.salt, p.salt
	copy(turned[:], []byte{s[3], s[2], s[1], s[0]})
	copy(mistaken[:], []byte{s[3], s[0], s[1], s[3]})
	return [][jceSaltLen]byte{turned, mistaken}
}

// openJCE decrypts a key in JCEKS. It reports false where the padding is none.
func openJCE(ciphertext, ascii []byte, p jceParameters) ([]byte, bool) {
	if len(ciphertext) == 0 || len(ciphertext)%des.BlockSize != 0 {
		return nil, false
	}
	for _, salt := range p.salts() {
		block, iv := jceCipher(salt, ascii, p.iterations)
		plain := make([]byte, len(ciphertext))
		cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, ciphertext)
		if plain, ok := unpad(plain); ok {
			return plain, true
		}
		clear(plain)
	}
	return nil, false
}

// sealJCE encrypts a key as openJCE decrypts it.
func sealJCE(plain, ascii []byte, p jceParameters) []byte {
	// RFC 8018, 6.1.1, step 4: the padding is there also where nothing is
	// missing to a whole block.
	n := des.BlockSize - len(plain)%des.BlockSize
	// In one piece: what grows leaves a copy of the key behind.
	sealed := append(make([]byte, 0, len(plain)+n), plain...)
	sealed = append(sealed, bytes.Repeat([]byte{byte(n)}, n)...)
	block, iv := jceCipher(p.salts()[0], ascii, p.iterations)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
	return sealed
}

// unpad takes the padding off, and looks at it without branches.
func unpad(plain []byte) ([]byte, bool) {
	n := int(plain[len(plain)-1])
	good := subtle.ConstantTimeLessOrEq(1, n) & subtle.ConstantTimeLessOrEq(n, des.BlockSize)
	for i := 1; i <= des.BlockSize; i++ {
		counts := subtle.ConstantTimeLessOrEq(i, n)
		equal := subtle.ConstantTimeByteEq(plain[len(plain)-i], byte(n))
		good &= subtle.ConstantTimeSelect(counts, equal, 1)
	}
	if good != 1 {
		return nil, false
	}
	return plain[:len(plain)-n], true
}

// jceCipher derives the key and the initialization vector. Each half of the
// salt is hashed with the password, the digest again with the password, and so
// on; the two digests at the end are the key, and its last bytes the vector.
func jceCipher(salt [jceSaltLen]byte, ascii []byte, iterations int) (cipher.Block, []byte) {
	derived := make([]byte, 0, 2*md5.Size)
	for half := range 2 {
		input := append(bytes.Clone(salt[half*jceSaltLen/2:][:jceSaltLen/2]), ascii...)
		digest := md5.Sum(input)
		input = append(digest[:], ascii...)
		for range iterations - 1 {
			digest = md5.Sum(input)
			copy(input, digest[:])
		}
		clear(input)
		derived = append(derived, digest[:]...)
	}
	block, err := des.NewTripleDESCipher(derived[:jceKeyLen])
	if err != nil {
		panic(err) // the length of the key is that of three
	}
	clear(derived[:jceKeyLen])
	return block, derived[jceKeyLen:]
}

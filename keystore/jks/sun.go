package jks

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
)

// sunSaltLen is the length of a salt in JKS, in bytes.
const sunSaltLen = sha1.Size

// openSun decrypts a key in JKS: a salt, the key XORed with a stream, and the
// SHA-1 of the password and the key. It reports false where that does not
// match.
func openSun(ciphertext, utf16 []byte) ([]byte, bool) {
	if len(ciphertext) < sunSaltLen+digestLen {
		return nil, false
	}
	salt, digest := ciphertext[:sunSaltLen], ciphertext[len(ciphertext)-digestLen:]
	plain := bytes.Clone(ciphertext[sunSaltLen : len(ciphertext)-digestLen])
	sunStream(plain, salt, utf16)
	if subtle.ConstantTimeCompare(sunDigest(utf16, plain), digest) != 1 {
		return nil, false
	}
	return plain, true
}

// sealSun encrypts a key as openSun decrypts it.
func sealSun(key, utf16 []byte) []byte {
	sealed := make([]byte, sunSaltLen, sunSaltLen+len(key)+digestLen)
	rand.Read(sealed) // never fails: it ends the process instead
	sealed = append(sealed, key...)
	sunStream(sealed[sunSaltLen:], sealed[:sunSaltLen], utf16)
	return append(sealed, sunDigest(utf16, key)...)
}

// sunStream XORs data with the stream: each twenty bytes of it are the SHA-1 of
// the password and of the twenty before, the salt at first.
func sunStream(data, salt, utf16 []byte) {
	block := salt
	for len(data) > 0 {
		block = sunDigest(utf16, block)
		n := subtle.XORBytes(data, data, block)
		data = data[n:]
	}
}

// sunDigest hashes the password and what follows it.
func sunDigest(utf16, data []byte) []byte {
	h := sha1.New()
	h.Write(utf16)
	h.Write(data)
	return h.Sum(nil)
}

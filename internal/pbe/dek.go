package pbe

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
)

// A dekCipher is a cipher by its name in a DEK-Info header.
type dekCipher struct {
	name   string
	keyLen int // bytes
	new    func(key []byte) (cipher.Block, error)
}

var dekCiphers = []dekCipher{
	{"AES-128-CBC", 16, aes.NewCipher},
	{"AES-192-CBC", 24, aes.NewCipher},
	{"AES-256-CBC", 32, aes.NewCipher},
	{"DES-EDE3-CBC", 24, des.NewTripleDESCipher},
	{"DES-CBC", 8, des.NewCipher},
}

// DecryptPEM decrypts the content of a PEM block that has the header DEK-Info
// with this value, such as "AES-128-CBC,0123456789ABCDEF0123456789ABCDEF": the
// form of RFC 1421, 4.6.1.3, with the key derivation of OpenSSL. It is weak,
// because one guess of the password costs one MD5, and only read.
func (o *Opener) DecryptPEM(info string, ciphertext []byte) ([]byte, error) {
	name, ivText, _ := strings.Cut(info, ",")
	name = strings.TrimSpace(name)
	for _, c := range dekCiphers {
		if !strings.EqualFold(c.name, name) {
			continue
		}
		iv, err := hex.DecodeString(strings.TrimSpace(ivText))
		if err != nil {
			return nil, fmt.Errorf("%w: DEK-Info", ErrMalformed)
		}
		if len(iv) < dekSaltLen {
			return nil, fmt.Errorf("%w: DEK-Info with an initialization vector of %d bytes", ErrMalformed, len(iv))
		}
		block, err := c.new(dekKey(o.password.utf8, iv[:dekSaltLen], c.keyLen))
		if err != nil {
			return nil, err
		}
		if len(iv) != block.BlockSize() {
			return nil, fmt.Errorf("%w: DEK-Info with an initialization vector of %d bytes", ErrMalformed, len(iv))
		}
		return openCBC(make([]byte, len(ciphertext)), block, iv, ciphertext)
	}
	return nil, fmt.Errorf("%w: cipher %q", ErrUnsupported, name)
}

// dekSaltLen is how many bytes of the initialization vector are the salt too.
const dekSaltLen = 8

// dekKey derives n bytes as OpenSSL's EVP_BytesToKey does with MD5 and one
// iteration: D_i = MD5(D_(i-1) || password || salt).
func dekKey(password, salt []byte, n int) []byte {
	var key, last []byte
	for len(key) < n {
		sum := md5.Sum(bytes.Join([][]byte{last, password, salt}, nil))
		last = sum[:]
		key = append(key, last...)
	}
	return key[:n]
}

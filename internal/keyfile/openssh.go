package keyfile

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/ssh"
)

// MaxBcryptRounds bounds the rounds of bcrypt_pbkdf in an OpenSSH key. So many
// take some seconds; ssh-keygen writes 16 where nobody asks for more.
const MaxBcryptRounds = 512

// opensshMagic begins the content of an OpenSSH key (OpenSSH, PROTOCOL.key, 1).
const opensshMagic = "openssh-key-v1\x00"

// An envelope is what an OpenSSH key says before its secret part.
type envelope struct {
	cipher, kdf string
	rounds      uint32 // of bcrypt
	keyType     string
	public      []byte // in the form of RFC 4253, 6.6
	rest        int    // bytes behind the secret part: the tag of some ciphers
}

// readEnvelope reads it (OpenSSH, PROTOCOL.key, 1 and 2).
func readEnvelope(data []byte) (envelope, error) {
	var (
		e                                    envelope
		rest                                 = cryptobyte.String(data)
		magic                                []byte
		cipher, kdf, options, public, secret cryptobyte.String
		keys                                 uint32
	)
	if !rest.ReadBytes(&magic, len(opensshMagic)) || string(magic) != opensshMagic ||
		!readString(&rest, &cipher) || !readString(&rest, &kdf) || !readString(&rest, &options) || !rest.ReadUint32(&keys) {
		return e, ErrDamaged
	}
	if keys != 1 {
		return e, fmt.Errorf("%w: an OpenSSH file of %d keys", ErrUnsupported, keys)
	}
	if !readString(&rest, &public) || !readString(&rest, &secret) {
		return e, ErrDamaged
	}
	e.cipher, e.kdf, e.public, e.rest = string(cipher), string(kdf), public, len(rest)
	var name cryptobyte.String
	if !readString(&public, &name) {
		return e, ErrDamaged
	}
	e.keyType = string(name)
	if e.kdf == "bcrypt" {
		var salt cryptobyte.String
		if !readString(&options, &salt) || salt.Empty() || !options.ReadUint32(&e.rounds) || !options.Empty() || e.rounds < 1 {
			return e, ErrDamaged
		}
	}
	return e, nil
}

// readString reads a string of RFC 4251, 5.
func readString(s, out *cryptobyte.String) bool {
	var n uint32
	return s.ReadUint32(&n) && uint64(n) <= uint64(len(*s)) && s.ReadBytes((*[]byte)(out), int(n))
}

// supported reports what package ssh cannot read, before it is asked.
func (e envelope) supported() error {
	switch e.keyType {
	case ssh.KeyAlgoRSA, ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521:
	default:
		return fmt.Errorf("%w: an OpenSSH key of type %.40q", ErrUnsupported, e.keyType)
	}
	switch {
	case e.kdf == "none" && e.cipher == "none":
	case e.kdf != "bcrypt" || e.cipher != "aes256-ctr" && e.cipher != "aes256-cbc":
		return fmt.Errorf("%w: an OpenSSH key under %.40q and %.40q: write it anew with ssh-keygen -p -Z aes256-ctr", ErrUnsupported, e.kdf, e.cipher)
	case e.rounds > MaxBcryptRounds:
		return fmt.Errorf("%w: %d rounds of bcrypt, and %d are allowed", ErrUnsupported, e.rounds, MaxBcryptRounds)
	}
	if e.rest != 0 {
		return ErrDamaged
	}
	return nil
}

// openSSH reads the content of a block of OpenSSH's own form.
func (r *Reader) openSSH(data []byte) ([]byte, error) {
	e, err := readEnvelope(data)
	if err != nil {
		return nil, err
	}
	if err := e.supported(); err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: typeOpenSSH, Bytes: data})
	defer clear(text)
	var key any
	if e.cipher == "none" {
		key, err = ssh.ParseRawPrivateKey(text)
	} else {
		if _, err := r.open("private key (OpenSSH)"); err != nil {
			return nil, err
		}
		if len(r.text) == 0 {
			return nil, ErrPassword // OpenSSH encrypts under no empty one
		}
		key, err = ssh.ParseRawPrivateKeyWithPassphrase(text, r.text)
	}
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, ErrPassword
	case err != nil:
		// The parser's text could hold a part of the key.
		return nil, ErrDamaged
	}
	return e.toPKCS8(key)
}

// toPKCS8 writes a key that package ssh read, if it is that of the public key in
// the envelope: nothing else protects the secret part against changes.
func (e envelope) toPKCS8(key any) ([]byte, error) {
	if seed, ok := key.(*ed25519.PrivateKey); ok {
		whole := ed25519.NewKeyFromSeed(seed.Seed())
		if !bytes.Equal(whole, *seed) {
			return nil, inconsistent("OpenSSH")
		}
		key = whole
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: an OpenSSH key of type %.40q", ErrUnsupported, e.keyType)
	}
	public, err := ssh.NewPublicKey(signer.Public())
	if err != nil || !bytes.Equal(public.Marshal(), e.public) {
		return nil, inconsistent("OpenSSH")
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("%w: not a key of its type", ErrDamaged)
	}
	return der, nil
}

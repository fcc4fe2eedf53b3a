package jks

import (
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/keystore/format"
)

const (
	// maxIterations bounds the iteration count of one key; Java has the same
	// limit.
	maxIterations = 5_000_000
	// maxWork bounds how many digests all keys of a file may cost together:
	// a thousand keys as Java writes them, some 20 s of one processor.
	maxWork = 1_000 * 2 * jceIterations
)

// Limits bound what a file may make Decode compute, and say what Encode
// computes. A zero field stands for the constant beside it.
type limits struct {
	iterations int // of one key: maxIterations
	work       int // digests of all keys: maxWork
	written    int // iterations that Encode asks for: jceIterations
}

func (l limits) orDefault() limits {
	if l.iterations == 0 {
		l.iterations = maxIterations
	}
	if l.work == 0 {
		l.work = maxWork
	}
	if l.written == 0 {
		l.written = jceIterations
	}
	return l
}

var (
	oidSun = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 17, 1, 1}
	oidJCE = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 42, 2, 19, 1}
)

// A protection is how a key is encrypted, and the encrypted key.
type protection struct {
	jce        *jceParameters // nil for a key of the scheme of JKS
	ciphertext []byte
}

// errProtection is a protection that is not known here.
var errProtection = errors.New("protected in a way that is not known")

// readProtection reads an EncryptedPrivateKeyInfo (RFC 5958, 3).
func readProtection(der []byte) (protection, error) {
	var (
		p                         protection
		in                        = cryptobyte.String(der)
		seq, alg, params, content cryptobyte.String
		id                        asn1.ObjectIdentifier
	)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&id) ||
		!seq.ReadASN1(&content, cbasn1.OCTET_STRING) || !seq.Empty() {
		return p, errProtection
	}
	params, p.ciphertext = alg, content
	switch {
	case id.Equal(oidSun): // the parameters, NULL or absent, say nothing
		return p, nil
	case id.Equal(oidJCE):
		jce, err := readJCEParameters(params)
		p.jce = &jce
		return p, err
	default:
		return p, errProtection
	}
}

// cost returns how many digests it takes to open a key, as far as a file can
// make them many.
func (p protection) cost() int {
	if p.jce == nil {
		return 0
	}
	return 2 * p.jce.iterations
}

// open decrypts a key. It reports false where the password is another.
func (p protection) open(pw password) ([]byte, bool) {
	if p.jce == nil {
		return openSun(p.ciphertext, pw.utf16)
	}
	if !pw.printable {
		return nil, false
	}
	return openJCE(p.ciphertext, pw.ascii, *p.jce)
}

// openPrivateKey decrypts a PrivateKeyInfo. Each key in it, of any type, is one
// SEQUENCE; a wrong password for JCEKS that happens to leave a right padding
// leaves no such thing.
func (p protection) openPrivateKey(pw password) ([]byte, bool) {
	plain, ok := p.open(pw)
	if !ok || !isSequence(plain) {
		return nil, false
	}
	return plain, true
}

// openObject decrypts a serialized object.
func (p protection) openObject(pw password) ([]byte, bool) {
	plain, ok := p.open(pw)
	if !ok || len(plain) < 4 || binary.BigEndian.Uint32(plain) != streamHeader {
		return nil, false
	}
	return plain, true
}

// isSequence reports whether data is one SEQUENCE by its header.
func isSequence(data []byte) bool {
	var content cryptobyte.String
	in := cryptobyte.String(data)
	return in.ReadASN1(&content, cbasn1.SEQUENCE) && in.Empty()
}

// checkWork adds up what a file's keys cost, before any of them is opened.
func (l limits) checkWork(keys []protection) error {
	total := 0
	for _, p := range keys {
		if p.jce != nil && p.jce.iterations > l.iterations {
			return fmt.Errorf("%w: a key asks for %d iterations, and %d are allowed", format.ErrUnsupported, p.jce.iterations, l.iterations)
		}
		if total += p.cost(); total > l.work {
			return fmt.Errorf("%w: its keys ask for more than %d iterations together", format.ErrUnsupported, l.work/2)
		}
	}
	return nil
}

// seal encrypts a PrivateKeyInfo as an EncryptedPrivateKeyInfo.
func (k kind) seal(key []byte, pw password, l limits) ([]byte, error) {
	if k == kindJKS {
		return writeProtection(oidSun, []byte{byte(cbasn1.NULL), 0}, sealSun(key, pw.utf16))
	}
	params := newJCEParameters(l.written)
	encoded, err := params.encode()
	if err != nil {
		return nil, err
	}
	return writeProtection(oidJCE, encoded, sealJCE(key, pw.ascii, params))
}

func writeProtection(id asn1.ObjectIdentifier, params, ciphertext []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(id)
			b.AddBytes(params)
		})
		b.AddASN1OctetString(ciphertext)
	})
	return b.Bytes()
}

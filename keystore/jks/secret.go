package jks

import (
	"crypto/x509"
	"errors"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// An algorithm of secret keys: Java's name for it, and the identifier under
// which Java 17 writes it into PKCS#12 files, in dots.
type algorithm struct{ name, id string }

var algorithms = []algorithm{
	{"AES", "2.16.840.1.101.3.4.1"},
	{"DES", "1.3.14.3.2.7"},
	{"DESede", "1.3.14.3.2.17"},
	{"ARCFOUR", "1.2.840.113549.3.4"},
	{"HmacSHA1", "1.2.840.113549.2.7"},
	{"HmacSHA224", "1.2.840.113549.2.8"},
	{"HmacSHA256", "1.2.840.113549.2.9"},
	{"HmacSHA384", "1.2.840.113549.2.10"},
	{"HmacSHA512", "1.2.840.113549.2.11"},
	{"HmacSHA512/224", "1.2.840.113549.2.12"},
	{"HmacSHA512/256", "1.2.840.113549.2.13"},
	{"HmacSHA3-224", "2.16.840.1.101.3.4.2.13"},
	{"HmacSHA3-256", "2.16.840.1.101.3.4.2.14"},
	{"HmacSHA3-384", "2.16.840.1.101.3.4.2.15"},
	{"HmacSHA3-512", "2.16.840.1.101.3.4.2.16"},
	{"PBEWithMD5AndDES", "1.2.840.113549.1.5.3"},
}

// oidNamed stands for an algorithm that has a name in Java alone: a UTF8String
// beside it.
const oidNamed = "2.25.73201415907794326439693395175170725708.3"

// errSecretKey is a secret key whose PrivateKeyInfo cannot be read.
var errSecretKey = errors.New("the secret key is not a PrivateKeyInfo")

// secretKeyInfo makes a PrivateKeyInfo of a secret key. A name that is an
// identifier in dots stands for itself, as it does in Java.
func secretKeyInfo(name string, key []byte) ([]byte, error) {
	a := algorithm{name: name, id: oidNamed}
	if id, err := x509.ParseOID(name); err == nil && id.String() == name {
		a.id = name
	}
	for _, known := range algorithms {
		if known.name == name {
			a = known
		}
	}
	id, err := x509.ParseOID(a.id)
	if err != nil {
		return nil, err
	}
	content, err := id.MarshalBinary()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(content) })
			if a.id == oidNamed {
				b.AddASN1(cbasn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(a.name)) })
			} else {
				b.AddASN1NULL()
			}
		})
		b.AddASN1OctetString(key)
	})
	return b.Bytes()
}

// parseSecretKey reads a PrivateKeyInfo of a secret key. Where Java has no name
// for the algorithm, that is its identifier in dots.
func parseSecretKey(der []byte) (name string, key []byte, err error) {
	var (
		in                          = cryptobyte.String(der)
		seq, alg, content, text, at cryptobyte.String
		version                     int
		id                          x509.OID
	)
	if !in.ReadASN1(&seq, cbasn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(&version) ||
		!seq.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1(&content, cbasn1.OBJECT_IDENTIFIER) ||
		!seq.ReadASN1(&at, cbasn1.OCTET_STRING) || id.UnmarshalBinary(content) != nil {
		return "", nil, errSecretKey
	}
	dotted := id.String()
	if dotted == oidNamed {
		if !alg.ReadASN1(&text, cbasn1.UTF8String) || !utf8.Valid(text) || len(text) == 0 {
			return "", nil, errSecretKey
		}
		return string(text), at, nil
	}
	for _, known := range algorithms {
		if known.id == dotted {
			return known.name, at, nil
		}
	}
	return dotted, at, nil
}

package csr

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of the attributes of a request (RFC 2985, 5.4).
var (
	oidChallengePassword = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 7}
	oidExtensionRequest  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 14}
)

// Create makes a request signed by the key, DER (RFC 2986, 4).
func Create(t Template, key crypto.Signer) ([]byte, error) {
	der, err := create(t, key)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return der, nil
}

// create encodes the request itself: crypto/x509 cannot write a challenge
// password.
func create(t Template, key crypto.Signer) ([]byte, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	if err := CheckKey(key.Public()); err != nil {
		return nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	attributes, err := t.attributes()
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // CertificationRequestInfo
		b.AddASN1Int64(0) // version 1
		b.AddBytes(t.Subject.DER())
		b.AddBytes(public)
		b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(attributes) })
	})
	info, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	algorithm, err := signatureOf(key.Public(), t.Hash)
	if err != nil {
		return nil, err
	}
	signature, err := algorithm.sign(key, info)
	if err != nil {
		return nil, err
	}
	b = cryptobyte.Builder{}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // CertificationRequest
		b.AddBytes(info)
		algorithm.add(b)
		b.AddASN1BitString(signature)
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	// A signer may be a token: what it made is looked at before it is given away.
	if _, err := parse(der); err != nil {
		return nil, fmt.Errorf("the signed request: %w", err)
	}
	return der, nil
}

// attributes encodes the content of the attributes.
func (t Template) attributes() ([]byte, error) {
	extensions, err := t.extensions()
	if err != nil {
		return nil, err
	}
	var list [][]byte
	if t.Challenge != nil {
		der, err := attribute(oidChallengePassword, t.Challenge.add)
		if err != nil {
			return nil, err
		}
		list = append(list, der)
	}
	if len(extensions) > 0 {
		der, err := attribute(oidExtensionRequest, func(b *cryptobyte.Builder) { addExtensions(b, extensions) })
		if err != nil {
			return nil, err
		}
		list = append(list, der)
	}
	slices.SortFunc(list, bytes.Compare) // a SET OF in DER (X.690, 11.6)
	return slices.Concat(list...), nil
}

// attribute encodes an Attribute with one value (RFC 2986, 4.1).
func attribute(id asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		b.AddASN1(cbasn1.SET, value)
	})
	return b.Bytes()
}

// addExtensions encodes Extensions (RFC 5280, 4.1).
func addExtensions(b *cryptobyte.Builder, extensions []pkix.Extension) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, ext := range extensions {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(ext.Id)
				if ext.Critical {
					b.AddASN1Boolean(true)
				}
				b.AddASN1OctetString(ext.Value)
			})
		}
	})
}

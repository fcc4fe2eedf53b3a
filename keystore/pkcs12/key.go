package pkcs12

import (
	"bytes"
	"crypto"
	"crypto/x509"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/pbe"
)

// openKey decrypts an EncryptedPrivateKeyInfo (RFC 5958, 3) and returns the
// PrivateKeyInfo in DER.
func openKey(encrypted []byte, opener *pbe.Opener) ([]byte, error) {
	alg, data, ok := splitEncrypted(encrypted)
	if !ok {
		return nil, errStructure
	}
	plain, err := opener.Decrypt(alg, data)
	if err != nil {
		return nil, err
	}
	key, rest, err := toDER(plain)
	if err != nil || len(rest) != 0 || len(key) == 0 || key[0] != tagSequence {
		// With RC4 there is no padding that would have told earlier.
		clear(plain)
		return nil, pbe.ErrDecrypt
	}
	if &key[0] != &plain[0] {
		clear(plain) // key is a copy in DER
	}
	return key, nil
}

// splitEncrypted returns the AlgorithmIdentifier of an EncryptedPrivateKeyInfo, DER,
// and what is encrypted.
func splitEncrypted(encrypted []byte) (alg, data cryptobyte.String, ok bool) {
	var seq cryptobyte.String
	input := cryptobyte.String(encrypted)
	ok = input.ReadASN1(&seq, cbasn1.SEQUENCE) && input.Empty() &&
		seq.ReadASN1Element(&alg, cbasn1.SEQUENCE) &&
		seq.ReadASN1(&data, cbasn1.OCTET_STRING) && seq.Empty()
	return alg, data, ok
}

// algorithms lists the AlgorithmIdentifiers under which keys are encrypted.
func (l *bags) algorithms() [][]byte {
	var list [][]byte
	for _, b := range l.list {
		sealed, ok := b.value, b.id == oidPKCS8ShroudedKeyBag
		if b.id == oidSecretBag {
			sealed, ok = sealedSecret(b.value)
		}
		if !ok {
			continue
		}
		if alg, _, ok := splitEncrypted(sealed); ok {
			list = append(list, alg)
		}
	}
	return list
}

// sealKey encrypts a PrivateKeyInfo as an EncryptedPrivateKeyInfo.
func sealKey(key []byte, sealer *pbe.Sealer) ([]byte, error) {
	alg, data, err := sealer.Seal(key)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(alg)
		b.AddASN1OctetString(data)
	})
	return b.Bytes()
}

// publicKey returns the SubjectPublicKeyInfo of a PKCS#8 key; nil for a key of
// a type that is not known.
func publicKey(key []byte) []byte {
	private, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return nil
	}
	holder, ok := private.(interface{ Public() crypto.PublicKey })
	if !ok {
		return nil
	}
	spki, err := x509.MarshalPKIXPublicKey(holder.Public())
	if err != nil {
		return nil
	}
	return spki
}

// certificateKey returns the SubjectPublicKeyInfo of a certificate, as it is
// written anew; as it stands where its type is not known; nil where there is none.
func certificateKey(certificate []byte) []byte {
	input := cryptobyte.String(certificate)
	var seq, tbs, spki cryptobyte.String
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(tagExplicit0) || // version
		!tbs.SkipASN1(cbasn1.INTEGER) || // serialNumber
		!tbs.SkipASN1(cbasn1.SEQUENCE) || // signature
		!tbs.SkipASN1(cbasn1.SEQUENCE) || // issuer
		!tbs.SkipASN1(cbasn1.SEQUENCE) || // validity
		!tbs.SkipASN1(cbasn1.SEQUENCE) || // subject
		!tbs.ReadASN1Element(&spki, cbasn1.SEQUENCE) {
		return nil
	}
	if public, err := x509.ParsePKIXPublicKey(spki); err == nil {
		if again, err := x509.MarshalPKIXPublicKey(public); err == nil {
			return again
		}
	}
	return bytes.Clone(spki)
}

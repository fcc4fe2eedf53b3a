package pkcs12

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
	"keyman/internal/pbe"
	"keyman/keystore/format"
)

const (
	// pfxVersion is the only version there is (RFC 7292, 4).
	pfxVersion = 3
	// maxSafes bounds the parts of an AuthenticatedSafe; programs write one for
	// the certificates and one for the keys, or one for each of them.
	maxSafes = 10_000
)

// A pfx is the outermost structure of a file (RFC 7292, 4).
type pfx struct {
	authSafe []byte   // AuthenticatedSafe, as the MAC saw it; a part of the file
	mac      *pbe.MAC // nil where there is none
}

// A safe is a ContentInfo of an AuthenticatedSafe: SafeContents, perhaps
// encrypted.
type safe struct {
	algorithm []byte // AlgorithmIdentifier, DER; nil where it is in the clear
	content   []byte
}

func readPFX(data []byte) (pfx, error) {
	var (
		p         pfx
		seq       cryptobyte.String
		version   int
		macData   cryptobyte.String
		digest    cryptobyte.String
		algorithm cryptobyte.String
	)
	der, rest, err := toDER(data)
	if err != nil {
		return p, err
	}
	input := cryptobyte.String(der)
	if len(rest) != 0 || !input.ReadASN1(&seq, cbasn1.SEQUENCE) ||
		!seq.ReadASN1Integer(&version) || version != pfxVersion {
		return p, errStructure
	}
	id, content, err := readContentInfo(&seq)
	if err != nil {
		return p, err
	}
	if id != oidData {
		return p, fmt.Errorf("%w: its integrity rests on a signature (content type %v)", format.ErrUnsupported, id)
	}
	var octets cryptobyte.String
	if !content.ReadASN1(&octets, cbasn1.OCTET_STRING) || !content.Empty() {
		return p, errStructure
	}
	p.authSafe = octets
	if seq.Empty() {
		return p, nil
	}
	mac := pbe.MAC{Iterations: 1} // the DEFAULT
	var salt cryptobyte.String
	if !seq.ReadASN1(&macData, cbasn1.SEQUENCE) || !seq.Empty() ||
		!macData.ReadASN1(&digest, cbasn1.SEQUENCE) ||
		!digest.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!digest.ReadASN1Bytes(&mac.Digest, cbasn1.OCTET_STRING) || !digest.Empty() ||
		!macData.ReadASN1(&salt, cbasn1.OCTET_STRING) ||
		(!macData.Empty() && !macData.ReadASN1Integer(&mac.Iterations)) || !macData.Empty() {
		return p, errStructure
	}
	mac.Algorithm, mac.Salt = algorithm, salt
	p.mac = &mac
	return p, nil
}

// readSafes reads an AuthenticatedSafe (RFC 7292, 4.1).
func readSafes(authSafe []byte) ([]safe, error) {
	var (
		safes []safe
		seq   cryptobyte.String
	)
	der, rest, err := toDER(authSafe)
	if err != nil {
		return nil, err
	}
	input := cryptobyte.String(der)
	if len(rest) != 0 || !input.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return nil, errStructure
	}
	for !seq.Empty() {
		if len(safes) == maxSafes {
			return nil, fmt.Errorf("%w: more than %d parts", format.ErrUnsupported, maxSafes)
		}
		id, content, err := readContentInfo(&seq)
		if err != nil {
			return nil, err
		}
		var s safe
		switch id {
		case oidData:
			if !content.ReadASN1Bytes(&s.content, cbasn1.OCTET_STRING) || !content.Empty() {
				return nil, errStructure
			}
		case oidEncryptedData:
			if s, err = readEncryptedData(content); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("%w: a part of it is encrypted for a public key (content type %v)", format.ErrUnsupported, id)
		}
		safes = append(safes, s)
	}
	return safes, nil
}

// readEncryptedData reads an EncryptedData (RFC 2315, 13).
func readEncryptedData(content cryptobyte.String) (safe, error) {
	var (
		s              safe
		seq, info, alg cryptobyte.String
		version        int
	)
	if !content.ReadASN1(&seq, cbasn1.SEQUENCE) || !content.Empty() ||
		!seq.ReadASN1Integer(&version) ||
		!seq.ReadASN1(&info, cbasn1.SEQUENCE) {
		return s, errStructure
	}
	if _, err := readOID(&info); err != nil {
		return s, err
	}
	if !info.ReadASN1Element(&alg, cbasn1.SEQUENCE) {
		return s, errStructure
	}
	s.algorithm = alg
	// [0] IMPLICIT OCTET STRING: one piece, or constructed of several in BER.
	var (
		pieces cryptobyte.String
		tag    cbasn1.Tag
	)
	if !info.ReadAnyASN1(&pieces, &tag) || !info.Empty() {
		return s, errStructure
	}
	switch tag {
	case cbasn1.Tag(0).ContextSpecific():
		s.content = pieces
	case tagExplicit0:
		for !pieces.Empty() {
			var piece cryptobyte.String
			if !pieces.ReadASN1(&piece, cbasn1.OCTET_STRING) {
				return s, errStructure
			}
			s.content = append(s.content, piece...)
		}
	default:
		return s, errStructure
	}
	return s, nil
}

// readContentInfo reads a ContentInfo (RFC 2315, 7): the type and the content,
// which all types here have.
func readContentInfo(s *cryptobyte.String) (id der.OID, content cryptobyte.String, err error) {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return id, nil, errStructure
	}
	if id, err = readOID(&seq); err != nil {
		return id, nil, err
	}
	if !seq.ReadASN1(&content, tagExplicit0) || !seq.Empty() {
		return id, nil, errStructure
	}
	return id, content, nil
}

// writePFX writes a file: certificates in an encrypted safe, keys in a safe of
// bags that are encrypted themselves. A safe without a bag is left out, because
// GnuTLS refuses it; but a file with nothing in it has the encrypted one, by
// which a wrong password is told from damage.
func writePFX(certificates, keys []bag, sealer *pbe.Sealer) ([]byte, error) {
	plain, err := safeContents(certificates)
	if err != nil {
		return nil, err
	}
	alg, encrypted, err := sealer.Seal(plain)
	if err != nil {
		return nil, err
	}
	shrouded, err := safeContents(keys)
	if err != nil {
		return nil, err
	}
	var safes cryptobyte.Builder
	safes.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if len(certificates) > 0 || len(keys) == 0 {
			addContentInfo(b, oidEncryptedData, func(b *cryptobyte.Builder) { addEncryptedData(b, alg, encrypted) })
		}
		if len(keys) > 0 {
			addContentInfo(b, oidData, func(b *cryptobyte.Builder) { b.AddASN1OctetString(shrouded) })
		}
	})
	authSafe, err := safes.Bytes()
	if err != nil {
		return nil, err
	}
	mac, err := sealer.MAC(authSafe)
	if err != nil {
		return nil, err
	}
	return wrap(authSafe, mac)
}

// addEncryptedData writes an EncryptedData (RFC 2315, 13).
func addEncryptedData(b *cryptobyte.Builder, alg, encrypted []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, oidData)
			b.AddBytes(alg)
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(encrypted) })
		})
	})
}

// wrap writes the PFX around an AuthenticatedSafe.
func wrap(authSafe []byte, mac pbe.MAC) ([]byte, error) {
	var file cryptobyte.Builder
	file.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(pfxVersion)
		addContentInfo(b, oidData, func(b *cryptobyte.Builder) { b.AddASN1OctetString(authSafe) })
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(mac.Algorithm)
				b.AddASN1OctetString(mac.Digest)
			})
			b.AddASN1OctetString(mac.Salt)
			b.AddASN1Int64(int64(mac.Iterations))
		})
	})
	return file.Bytes()
}

func addContentInfo(b *cryptobyte.Builder, id der.OID, content func(b *cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, id)
		b.AddASN1(tagExplicit0, content)
	})
}

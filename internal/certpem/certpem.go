// Package certpem reads files with one or more certificates, and writes PEM.
//
// Read and Parse take what people have: PEM with any text around the blocks, or
// DER, one certificate after the other. They return each certificate's DER as
// it stands, without a look inside: what is a good certificate is for others to
// say. PEM blocks of other kinds (a private key, a list) are passed over, so
// that a bundle can be read; a file with no certificate at all is an error.
package certpem

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/atomicfile"
	"keyman/internal/pkcs7"
)

// Limits of a file.
const (
	// MaxSize is the largest file, in bytes. The bundle of all public CAs is
	// some 250 kB.
	MaxSize = 4 << 20
	// MaxCertificates is the largest number of certificates in one file.
	MaxCertificates = 4096
)

// TypeCertificate is the PEM label of a certificate (RFC 7468, 5).
const TypeCertificate = "CERTIFICATE"

// Read reads the certificates of a file, in the order of the file.
func Read(path string) ([][]byte, error) {
	data, _, err := atomicfile.Read(path, MaxSize)
	if err != nil {
		return nil, err
	}
	certs, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return certs, nil
}

// Parse reads the certificates in data: PEM or DER, one after the other, or in the
// PKCS#7 form in which CAs hand out chains (RFC 5652, 5.1).
func Parse(data []byte) ([][]byte, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("certificates: longer than %d bytes", MaxSize)
	}
	if isPEM(data) {
		return parsePEM(data)
	}
	if isPKCS7(data) {
		return fromPKCS7(data)
	}
	certs, err := split(data)
	if err != nil {
		return nil, err
	}
	if len(certs) == 0 {
		return nil, errors.New("certificates: the file is empty")
	}
	return certs, nil
}

// isPKCS7 tells a ContentInfo, which begins with an object identifier, from a
// certificate. Only the former may be BER of indefinite length.
func isPKCS7(data []byte) bool {
	if bytes.HasPrefix(data, []byte{0x30, 0x80}) {
		return true
	}
	content, whole := cryptobyte.String(nil), cryptobyte.String(data)
	return whole.ReadASN1(&content, cbasn1.SEQUENCE) && content.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER)
}

// fromPKCS7 takes the certificates out of a SignedData.
func fromPKCS7(data []byte) ([][]byte, error) {
	c, err := pkcs7.Parse(data)
	switch {
	case err != nil:
		return nil, fmt.Errorf("certificates: %w", err)
	case len(c.Certificates) == 0:
		return nil, errors.New("certificates: the PKCS#7 file holds none")
	case len(c.Certificates) > MaxCertificates:
		return nil, fmt.Errorf("certificates: more than %d", MaxCertificates)
	}
	return c.Certificates, nil
}

// isPEM tells PEM from DER, which may hold the same letters in a name: the
// length octet after DER's first one is no text for all but tiny elements.
func isPEM(data []byte) bool {
	return bytes.Contains(data, []byte(begin)) && (len(data) < 2 || data[0] != 0x30 || data[1] < 0x80)
}

// begin opens a PEM block (RFC 7468, 2).
const begin = "-----BEGIN "

func parsePEM(data []byte) ([][]byte, error) {
	// pem.Decode passes over blocks that it cannot read, and one of them may be
	// the certificate that was meant: so every beginning must give a block.
	begun := 0
	for line := range bytes.Lines(data) {
		if bytes.HasPrefix(line, []byte(begin)) {
			begun++
		}
	}
	var certs [][]byte
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		begun--
		if pkcs7.IsPKCS7(block.Type) {
			found, err := fromPKCS7(block.Bytes)
			if err != nil {
				return nil, err
			}
			if certs = append(certs, found...); len(certs) > MaxCertificates {
				return nil, fmt.Errorf("certificates: more than %d", MaxCertificates)
			}
			continue
		}
		// "X509 CERTIFICATE" is an old label (RFC 7468, 5.1).
		if block.Type != TypeCertificate && block.Type != "X509 CERTIFICATE" {
			continue
		}
		found, err := split(block.Bytes)
		if err != nil {
			return nil, err
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("certificates: PEM block %d holds %d certificates", len(certs)+1, len(found))
		}
		if len(certs) == MaxCertificates {
			return nil, fmt.Errorf("certificates: more than %d", MaxCertificates)
		}
		certs = append(certs, found[0])
	}
	if begun != 0 {
		return nil, errors.New("certificates: a PEM block is damaged")
	}
	if len(certs) == 0 {
		return nil, errors.New("certificates: the PEM file holds none")
	}
	return certs, nil
}

// split takes DER elements apart that follow each other.
func split(data []byte) ([][]byte, error) {
	var certs [][]byte
	for rest := cryptobyte.String(data); !rest.Empty(); {
		var element cryptobyte.String
		if !rest.ReadASN1Element(&element, cbasn1.SEQUENCE) {
			return nil, fmt.Errorf("certificates: neither PEM nor DER at byte %d", len(data)-len(rest))
		}
		if len(certs) == MaxCertificates {
			return nil, fmt.Errorf("certificates: more than %d", MaxCertificates)
		}
		certs = append(certs, element)
	}
	return certs, nil
}

// Encode writes blocks of one label, such as TypeCertificate, one after the
// other.
func Encode(label string, ders ...[]byte) []byte {
	var out []byte
	for _, der := range ders {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})...)
	}
	return out
}

package pkcs7

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/pemtext"
)

// Limits of a file.
const (
	// MaxSize is the largest file in bytes.
	MaxSize = 16 << 20
	// MaxElements is the largest number of certificates and lists together.
	MaxElements = 10_000
	// maxBlocks is the largest number of PEM blocks.
	maxBlocks = 64
)

var (
	// ErrNone is a file that is no PKCS#7 SignedData.
	ErrNone = errors.New("not a PKCS#7 file with certificates")
	// ErrDamaged is a file whose structure is broken.
	ErrDamaged = errors.New("the PKCS#7 file is damaged")
	// ErrTooLarge is a file beyond a limit.
	ErrTooLarge = errors.New("the PKCS#7 file is too large")
)

// TypePKCS7 is the PEM label of what Encode writes (RFC 7468, 8).
const TypePKCS7 = "PKCS7"

// IsPKCS7 reports whether a PEM block of this type is one that Parse reads.
func IsPKCS7(blockType string) bool {
	// CMS is RFC 7468, 9; the last one is what OpenSSL reads too.
	return blockType == TypePKCS7 || blockType == "CMS" || blockType == "PKCS #7 SIGNED DATA"
}

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
)

// Content is what a file carries, DER.
type Content struct {
	Certificates [][]byte // X.509; attribute certificates are passed over
	CRLs         [][]byte
}

// Parse reads a file, PEM with one or more blocks or else binary.
func Parse(data []byte) (Content, error) {
	var c Content
	if len(data) > MaxSize {
		return c, fmt.Errorf("%w: longer than %d bytes", ErrTooLarge, MaxSize)
	}
	if !pemtext.Is(data) {
		err := c.add(data)
		return c, err
	}
	file, err := pemtext.Parse(data, maxBlocks)
	switch {
	case errors.Is(err, pemtext.ErrTooMany):
		return c, fmt.Errorf("%w: %w", ErrTooLarge, err)
	case err != nil:
		return c, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	found := false
	for _, b := range file.Blocks {
		if !IsPKCS7(b.Type) {
			continue
		}
		found = true
		if err := c.add(b.Bytes); err != nil {
			return Content{}, fmt.Errorf("line %d: %w", b.Line, err)
		}
	}
	if !found {
		return c, ErrNone
	}
	return c, nil
}

// add reads a ContentInfo (RFC 5652, 3).
func (c *Content) add(data []byte) error {
	info, rest, err := read(data)
	if err != nil || info.tag != tagSequence {
		if len(data) > 0 && data[0] == tagSequence {
			return ErrDamaged
		}
		return ErrNone
	}
	if len(rest) != 0 {
		return ErrDamaged
	}
	id, rest, err := read(info.content)
	if err != nil || id.tag != byte(cbasn1.OBJECT_IDENTIFIER) {
		return ErrNone
	}
	if !isOID(id, oidSignedData) {
		return ErrNone
	}
	explicit, rest, err := read(rest)
	if err != nil || explicit.tag != tagExplicit0 || len(rest) != 0 {
		return ErrDamaged
	}
	signed, rest, err := read(explicit.content)
	if err != nil || signed.tag != tagSequence || len(rest) != 0 {
		return ErrDamaged
	}
	return c.addSignedData(signed.content)
}

func isOID(e element, want asn1.ObjectIdentifier) bool {
	var id asn1.ObjectIdentifier
	s := cryptobyte.String(e.raw)
	return s.ReadASN1ObjectIdentifier(&id) && id.Equal(want)
}

// addSignedData reads a SignedData (RFC 5652, 5.1) as far as its signers.
func (c *Content) addSignedData(rest []byte) error {
	for _, want := range []byte{byte(cbasn1.INTEGER), tagSet, tagSequence} { // version, digestAlgorithms, encapContentInfo
		var (
			e   element
			err error
		)
		if e, rest, err = read(rest); err != nil || e.tag != want {
			return ErrDamaged
		}
	}
	signers := false
	for len(rest) > 0 {
		e, after, err := read(rest)
		if err != nil || signers {
			return ErrDamaged
		}
		rest = after
		switch e.tag {
		case tagExplicit0:
			err = c.addAll(&c.Certificates, e.content)
		case tagExplicit1:
			err = c.addAll(&c.CRLs, e.content)
		case tagSet:
			signers = true
		default:
			err = ErrDamaged
		}
		if err != nil {
			return err
		}
	}
	if !signers {
		return ErrDamaged
	}
	return nil
}

// addAll takes the elements of a CertificateSet or RevocationInfoChoices (RFC
// 5652, 10.2.1 and 10.2.3), of which those of X.509 are SEQUENCEs.
func (c *Content) addAll(list *[][]byte, rest []byte) error {
	for len(rest) > 0 {
		e, after, err := read(rest)
		if err != nil {
			return ErrDamaged
		}
		rest = after
		if e.tag != tagSequence {
			continue
		}
		if e.indefinite {
			// Its signature is over DER (RFC 5280, 4.1.1.3).
			return fmt.Errorf("%w: a certificate or list in it is not DER", ErrDamaged)
		}
		if len(c.Certificates)+len(c.CRLs) == MaxElements {
			return fmt.Errorf("%w: more than %d certificates and lists", ErrTooLarge, MaxElements)
		}
		*list = append(*list, append([]byte{}, e.raw...))
	}
	return nil
}

// Encode writes a degenerate SignedData (RFC 5652, 5.1: no signer, no content)
// in DER. Certificates and lists keep their order: programs take the first
// certificate for the one that was meant, and the order of a SET means nothing
// where nothing is signed.
func Encode(c Content) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidData) })
				addSet(b, tagExplicit0, c.Certificates)
				addSet(b, tagExplicit1, c.CRLs)
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
			})
		})
	})
	return b.Bytes()
}

func addSet(b *cryptobyte.Builder, tag cbasn1.Tag, elements [][]byte) {
	if len(elements) == 0 {
		return
	}
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, der := range elements {
			b.AddBytes(der)
		}
	})
}

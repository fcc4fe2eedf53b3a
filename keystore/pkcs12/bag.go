package pkcs12

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/keystore/format"
)

const (
	// maxBags bounds how many bags a file may have.
	maxBags = 100_000
	// maxAttributes bounds how many attributes all bags of a file may have.
	maxAttributes = 8 * maxBags
)

// errStructure is DER that is not what RFC 7292 says.
var errStructure = errors.New("not the structure of RFC 7292")

// tagExplicit0 is [0] EXPLICIT.
var tagExplicit0 = cbasn1.Tag(0).ContextSpecific().Constructed()

// A bag is a SafeBag (RFC 7292, 4.2).
type bag struct {
	id         x509.OID
	value      []byte // the element in bagValue, DER; of what is read, a part of its safe
	attributes []attribute
}

// An attribute is a PKCS12Attribute (RFC 7292, 4.2).
type attribute struct {
	id     x509.OID
	values []byte // the elements in the SET, DER
}

// Bags are the bags of a file as they are read.
type bags struct {
	list       []bag
	seen       int // with those that hold others
	attributes int // of all
}

// read appends the bags of a SafeContents.
func (l *bags) read(data []byte, depth int) error {
	der, rest, err := toDER(data)
	if err != nil {
		return err
	}
	input, contents := cryptobyte.String(der), cryptobyte.String(nil)
	if len(rest) != 0 || depth > maxDepth || !input.ReadASN1(&contents, cbasn1.SEQUENCE) {
		return errStructure
	}
	for !contents.Empty() {
		if l.seen++; l.seen > maxBags {
			return fmt.Errorf("%w: more than %d certificates and keys", format.ErrUnsupported, maxBags)
		}
		b, err := readBag(&contents)
		if err != nil {
			return err
		}
		if l.attributes += len(b.attributes); l.attributes > maxAttributes {
			return fmt.Errorf("%w: more than %d attributes", format.ErrUnsupported, maxAttributes)
		}
		if b.id.Equal(oidSafeContentsBag) {
			if err := l.read(b.value, depth+1); err != nil {
				return err
			}
			continue
		}
		l.list = append(l.list, b)
	}
	return nil
}

func readBag(contents *cryptobyte.String) (bag, error) {
	var (
		b          bag
		seq, value cryptobyte.String
		set        cryptobyte.String
		hasSet     bool
		err        error
	)
	if !contents.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return b, errStructure
	}
	if b.id, err = readOID(&seq); err != nil {
		return b, err
	}
	if !seq.ReadASN1(&value, tagExplicit0) || !seq.ReadOptionalASN1(&set, &hasSet, cbasn1.SET) || !seq.Empty() {
		return b, errStructure
	}
	b.value = value
	for !set.Empty() {
		if len(b.attributes) == maxAttributes {
			return b, fmt.Errorf("%w: more than %d attributes", format.ErrUnsupported, maxAttributes)
		}
		var one, values cryptobyte.String
		if !set.ReadASN1(&one, cbasn1.SEQUENCE) {
			return b, errStructure
		}
		id, err := readOID(&one)
		if err != nil || !one.ReadASN1(&values, cbasn1.SET) || !one.Empty() {
			return b, errStructure
		}
		b.attributes = append(b.attributes, attribute{id, bytes.Clone(values)})
	}
	return b, nil
}

// safeContents writes bags as a SafeContents.
func safeContents(bags []bag) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, one := range bags {
			addBag(b, one)
		}
	})
	return b.Bytes()
}

func addBag(b *cryptobyte.Builder, one bag) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, one.id)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddBytes(one.value) })
		if len(one.attributes) > 0 {
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addSorted(b, one.attributes) })
		}
	})
}

// addSorted writes attributes in the order of their encodings, as X.690, 11.6
// wants for a SET OF.
func addSorted(b *cryptobyte.Builder, attributes []attribute) {
	encoded := make([][]byte, len(attributes))
	for i, a := range attributes {
		var one cryptobyte.Builder
		one.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addOID(b, a.id)
			b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(a.values) })
		})
		der, err := one.Bytes()
		if err != nil {
			b.SetError(err)
			return
		}
		encoded[i] = der
	}
	slices.SortFunc(encoded, bytes.Compare)
	for _, der := range encoded {
		b.AddBytes(der)
	}
}

func readOID(s *cryptobyte.String) (x509.OID, error) {
	var (
		content cryptobyte.String
		id      x509.OID
	)
	if !s.ReadASN1(&content, cbasn1.OBJECT_IDENTIFIER) || id.UnmarshalBinary(content) != nil {
		return id, errStructure
	}
	return id, nil
}

func addOID(b *cryptobyte.Builder, id x509.OID) {
	b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) {
		content, err := id.MarshalBinary()
		if err != nil {
			b.SetError(err)
			return
		}
		b.AddBytes(content)
	})
}

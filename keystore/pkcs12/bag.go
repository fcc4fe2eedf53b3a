package pkcs12

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
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
	id         der.OID
	value      []byte // the element in bagValue, DER; of what is read, a part of its safe
	attributes []attribute
}

// An attribute is a PKCS12Attribute (RFC 7292, 4.2).
type attribute struct {
	id     der.OID
	values []byte // the elements in the SET, DER; of what is read, a part of its safe
}

// A sealedBag is a bag as it is read, whose attributes are still encoded: of most
// bags none of them is kept.
type sealedBag struct {
	id         der.OID
	value      []byte
	attributes cryptobyte.String // the content of the SET
}

// open reads the attributes.
func (b sealedBag) open() (bag, error) {
	opened := bag{id: b.id, value: b.value}
	err := eachAttribute(b.attributes, func(a attribute) error {
		opened.attributes = append(opened.attributes, a)
		return nil
	})
	return opened, err
}

// Bags are the bags of a file as they are read.
type bags struct {
	list       []sealedBag
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
	l.list = slices.Grow(l.list, min(elements(contents), maxBags-min(l.seen, maxBags)))
	for !contents.Empty() {
		if l.seen++; l.seen > maxBags {
			return fmt.Errorf("%w: more than %d certificates and keys", format.ErrUnsupported, maxBags)
		}
		b, err := readBag(&contents)
		if err != nil {
			return err
		}
		err = eachAttribute(b.attributes, func(attribute) error {
			if l.attributes++; l.attributes > maxAttributes {
				return fmt.Errorf("%w: more than %d attributes", format.ErrUnsupported, maxAttributes)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if b.id == oidSafeContentsBag {
			if err := l.read(b.value, depth+1); err != nil {
				return err
			}
			continue
		}
		l.list = append(l.list, b)
	}
	return nil
}

// elements counts the elements one after the other, as far as they can be read.
func elements(s cryptobyte.String) int {
	n := 0
	for ; !s.Empty(); n++ {
		var element cryptobyte.String
		var tag cbasn1.Tag
		if !s.ReadAnyASN1(&element, &tag) {
			break
		}
	}
	return n
}

func readBag(contents *cryptobyte.String) (sealedBag, error) {
	var (
		b          sealedBag
		seq, value cryptobyte.String
		hasSet     bool
		err        error
	)
	if !contents.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return b, errStructure
	}
	if b.id, err = readOID(&seq); err != nil {
		return b, err
	}
	if !seq.ReadASN1(&value, tagExplicit0) || !seq.ReadOptionalASN1(&b.attributes, &hasSet, cbasn1.SET) || !seq.Empty() {
		return b, errStructure
	}
	b.value = value
	return b, nil
}

// eachAttribute calls do for each of the attributes in a SET, until it returns an
// error.
func eachAttribute(set cryptobyte.String, do func(attribute) error) error {
	for !set.Empty() {
		var one, values cryptobyte.String
		if !set.ReadASN1(&one, cbasn1.SEQUENCE) {
			return errStructure
		}
		id, err := readOID(&one)
		if err != nil || !one.ReadASN1(&values, cbasn1.SET) || !one.Empty() {
			return errStructure
		}
		if err := do(attribute{id, values}); err != nil {
			return err
		}
	}
	return nil
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

func readOID(s *cryptobyte.String) (der.OID, error) {
	content, ok := der.ReadRawOID(s)
	if !ok {
		return "", errStructure
	}
	if id, ok := known(content); ok {
		return id, nil
	}
	return der.OID(content), nil
}

func addOID(b *cryptobyte.Builder, id der.OID) {
	b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte(id)) })
}

package kdb

import (
	"bytes"
	"crypto/sha1"
	"encoding/asn1"
	"encoding/binary"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// A choice says what a record holds, by its tag.
type choice uint8

const (
	choiceRequest  choice = iota // SEQUENCE of CertificationRequest and EncryptedPrivateKeyInfo
	choiceSigner                 // Certificate
	choicePersonal               // SEQUENCE of Certificate and EncryptedPrivateKeyInfo
	choiceSecret                 // EncryptedPrivateKeyInfo, with the bare bytes of the key inside
)

func (c choice) tag() cbasn1.Tag { return cbasn1.Tag(c).ContextSpecific().Constructed() }

// The bits of a record's flags.
const (
	flagTrusted = 0
	flagDefault = 1
)

// typeRecord is the record type of all records that are written. Old files may
// have 2 for a key with its certificate, and keep it.
const typeRecord = 1

// A record is what a slot holds.
type record struct {
	slotType  uint32
	number    uint32 // the place in the file, from 1
	id        uint32 // the number inside the DER; other tools than IBM's write 1 to all
	choice    choice
	document  []byte         // the certificate or the request, DER; nil of a secret key
	encrypted []byte         // EncryptedPrivateKeyInfo, DER; nil of a signer
	name      []byte         // the label inside the DER
	flags     asn1.BitString // likewise
	extra     []byte         // elements behind the flags, not understood
	label     []byte         // the label behind the DER, with its NUL where it has one
	tail      []byte         // what follows, without the zeros that fill the slot
}

// parseRecord reads a slot. Where it is not as expected in any part, the slot is
// not understood as a whole.
func parseRecord(slot []byte) (record, bool) {
	var r record
	input := cryptobyte.String(slot)
	var der, label []byte
	if !input.ReadUint32(&r.slotType) || !input.ReadUint32(&r.number) ||
		!readSized(&input, &der) || !readSized(&input, &label) {
		return r, false
	}
	r.label, r.tail = bytes.Clone(label), tailOf(input)
	return r, r.parseDER(der)
}

// readSized reads four bytes with a length, and as many bytes as it says.
func readSized(input *cryptobyte.String, out *[]byte) bool {
	var n uint32
	return input.ReadUint32(&n) && n <= maxSlot && input.ReadBytes(out, int(n))
}

func (r *record) parseDER(der []byte) bool {
	var (
		input     = cryptobyte.String(der)
		seq, body cryptobyte.String
		tag       cbasn1.Tag
		name      cryptobyte.String
	)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() ||
		!seq.ReadASN1Integer(&r.id) ||
		!seq.ReadAnyASN1(&body, &tag) ||
		!seq.ReadASN1(&name, tagVisibleString) ||
		!seq.ReadASN1BitString(&r.flags) {
		return false
	}
	r.name, r.extra = bytes.Clone(name), bytes.Clone(seq)
	switch tag {
	case choiceRequest.tag(), choicePersonal.tag():
		var pair cryptobyte.String
		if !body.ReadASN1(&pair, cbasn1.SEQUENCE) || !readElement(&pair, &r.document) || !readElement(&pair, &r.encrypted) || !pair.Empty() {
			return false
		}
		r.choice = choicePersonal
		if tag == choiceRequest.tag() {
			r.choice = choiceRequest
		}
	case choiceSigner.tag():
		r.choice = choiceSigner
		if !readElement(&body, &r.document) {
			return false
		}
	case choiceSecret.tag():
		r.choice = choiceSecret
		if !readElement(&body, &r.encrypted) {
			return false
		}
	default:
		return false
	}
	return body.Empty()
}

// tagVisibleString is VisibleString (X.680, table 8).
const tagVisibleString = cbasn1.Tag(26)

// readElement reads a SEQUENCE with its header: a part of the slot.
func readElement(input *cryptobyte.String, out *[]byte) bool {
	var element cryptobyte.String
	if !input.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return false
	}
	*out = slices.Clip([]byte(element))
	return true
}

// der writes the DER part of a record.
func (r record) der() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Uint64(uint64(r.id))
		b.AddASN1(r.choice.tag(), func(b *cryptobyte.Builder) {
			switch r.choice {
			case choiceRequest, choicePersonal:
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddBytes(r.document)
					b.AddBytes(r.encrypted)
				})
			default: // one of the two is there
				b.AddBytes(r.document)
				b.AddBytes(r.encrypted)
			}
		})
		b.AddASN1(tagVisibleString, func(b *cryptobyte.Builder) { b.AddBytes(r.name) })
		b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
			b.AddUint8(uint8(8*len(r.flags.Bytes) - r.flags.BitLength))
			b.AddBytes(r.flags.Bytes)
		})
		b.AddBytes(r.extra)
	})
	return b.Bytes()
}

// slot writes the record as a slot, without the zeros at its end.
func (r record) slot() ([]byte, error) {
	der, err := r.der()
	if err != nil {
		return nil, err
	}
	slot := binary.BigEndian.AppendUint32(nil, r.slotType)
	slot = binary.BigEndian.AppendUint32(slot, r.number)
	slot = append(binary.BigEndian.AppendUint32(slot, uint32(len(der))), der...)
	slot = append(binary.BigEndian.AppendUint32(slot, uint32(len(r.label))), r.label...)
	return append(slot, r.tail...), nil
}

// numbered returns the record for another place in a file.
func (r record) numbered(number uint32) record {
	if r.id == r.number {
		r.id = number
	}
	r.number = number
	return r
}

// renumber returns a slot that is not understood for another place in a file.
func renumber(slot []byte, number uint32) []byte {
	return slices.Concat(slot[:4], binary.BigEndian.AppendUint32(nil, number), slot[8:])
}

// withFlag returns flags with one bit changed, and the same flags where the bit
// is right. What is changed ends with its last bit that is set, as X.690, 11.2.2
// wants.
func withFlag(flags asn1.BitString, bit int, on bool) asn1.BitString {
	if (flags.At(bit) == 1) == on {
		return flags
	}
	changed := bytes.Clone(flags.Bytes)
	for len(changed) <= bit/8 {
		changed = append(changed, 0)
	}
	changed[bit/8] ^= 0x80 >> (bit % 8)
	length := 8 * len(changed)
	for length > 0 && changed[(length-1)/8]&(0x80>>((length-1)%8)) == 0 {
		length--
	}
	return asn1.BitString{Bytes: changed[:(length+7)/8], BitLength: length}
}

// tailOf returns the end of a slot: four bytes of flags and the SHA-1 values, of
// which the last may end with zeros, and whatever stands behind them.
func tailOf(rest []byte) []byte {
	n := min(len(noIndex), len(rest))
	for len(rest)-n >= len(indexLength)+sha1.Size && bytes.HasPrefix(rest[n:], indexLength) {
		n += len(indexLength) + sha1.Size
	}
	return bytes.Clone(rest[:n+len(bytes.TrimRight(rest[n:], "\x00"))])
}

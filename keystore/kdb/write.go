package kdb

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"
	"sync"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// A writer makes slots of items.
type writer struct {
	origin *origin // nil for a content that comes from elsewhere
	// same is set where the password is the one that the origin was read with.
	same bool
	// hasDefault is set where an item is the default.
	hasDefault bool
	sealer     func() (*pbe.Sealer, error)
}

func newWriter(c *format.Content, password []byte) *writer {
	w := &writer{}
	if o, ok := c.Kept.(*origin); ok {
		w.origin, w.same = o, o.kdb.opens(password)
	}
	for _, item := range c.Items {
		w.hasDefault = w.hasDefault || item.Default
	}
	// Only a key that is new costs a derivation.
	w.sealer = sync.OnceValues(func() (*pbe.Sealer, error) {
		p, err := pbe.NewPassword(password)
		if err != nil {
			return nil, err
		}
		defer p.Wipe()
		return pbe.NewSealerSHA384(p)
	})
	return w
}

// A place is what comes into one slot: an item, or a slot that is not understood.
type place struct {
	item    format.Item
	strange *strangeSlot
}

// file writes a file of slots with these items, and with the slots that are not
// understood in their old places as far as there are such places.
func (w *writer) file(base *container, items []format.Item, password []byte) ([]byte, error) {
	places := w.places(base, items)
	if n := len(places) - len(items); n > 0 && !w.same {
		return nil, fmt.Errorf("%w: %d records in the %s file are of no known kind; there may be keys in them, which cannot be encrypted with another password",
			format.ErrUnsupported, n, base.fileType.suffix)
	}
	// Records are numbered from 1. Where each is still in its place, the numbers
	// stay too, whatever they are.
	moved := len(places) != len(base.slots)
	for i, p := range places {
		moved = moved || w.foundAt(base, p) != i
	}
	slots := make([][]byte, len(places))
	for i, p := range places {
		number := uint32(i + 1)
		switch k, _ := p.item.Kept.(*kept); {
		case p.strange != nil && moved:
			slots[i] = renumber(p.strange.slot, number)
			continue
		case p.strange != nil:
			slots[i] = p.strange.slot
			continue
		case !moved:
			number = k.record.number
		}
		var err error
		if slots[i], err = w.slot(p.item, number); err != nil {
			return nil, fmt.Errorf("entry %q: %w", p.item.Label, err)
		}
	}
	return base.write(slots, password)
}

// places puts items and slots that are not understood in order.
func (w *writer) places(base *container, items []format.Item) []place {
	var strange []strangeSlot
	if w.origin != nil {
		strange = w.origin.strange[base.fileType.suffix]
	}
	places := make([]place, 0, len(items)+len(strange))
	for _, item := range items {
		for len(strange) > 0 && strange[0].at <= len(places) {
			places, strange = append(places, place{strange: &strange[0]}), strange[1:]
		}
		places = append(places, place{item: item})
	}
	for i := range strange {
		places = append(places, place{strange: &strange[i]})
	}
	return places
}

// foundAt returns the place from 0 in which something was found in the file that
// base was; -1 for what was not in it.
func (w *writer) foundAt(base *container, p place) int {
	if p.strange != nil {
		return p.strange.at
	}
	if k, ok := p.item.Kept.(*kept); ok && k.origin == w.origin && k.file == base.fileType.suffix {
		return k.at
	}
	return -1
}

// slot writes an item for a place in a file: as it was found where nothing in it
// was changed.
func (w *writer) slot(item format.Item, number uint32) ([]byte, error) {
	k, found := item.Kept.(*kept)
	if !found {
		k = &kept{}
	}
	r, err := base(item, k)
	if err != nil {
		return nil, err
	}
	r.flags = w.flags(r.flags, item, k)
	ours := found && k.origin == w.origin && (w.same || item.Key == nil)
	if ours && k.item == fingerprint(item) && r.flags.BitLength == k.record.flags.BitLength && bytes.Equal(r.flags.Bytes, k.record.flags.Bytes) {
		if r.number == number {
			return k.slot, nil
		}
		return r.numbered(number).slot()
	}
	if item.Label == "" || strings.ContainsRune(item.Label, 0) {
		return nil, errors.New("a label is not empty and has no NUL in it")
	}
	if !found || item.Label != k.label {
		r.name = []byte(item.Label)
		// Some tools end the label with a NUL, IBM's own with its length.
		ended := bytes.HasSuffix(r.label, []byte{0})
		r.label = []byte(item.Label)
		if ended {
			r.label = append(r.label, 0)
		}
	}
	if item.Key != nil && (!ours || k.key != sha256.Sum256(item.Key)) {
		if r.encrypted, err = w.seal(item); err != nil {
			return nil, err
		}
	}
	return r.numbered(number).slot()
}

// base returns the record of an item, with what was kept of it: all of it for an
// item of the same kind, the label and the key for one of another.
func base(item format.Item, k *kept) (record, error) {
	r := k.record
	document, want := item.Certificate, choiceSigner
	switch item.Kind {
	case format.Signer:
	case format.Personal:
		want = choicePersonal
	case format.Request:
		document, want = item.Request, choiceRequest
		if !isSequence(document) {
			return r, errors.New("a CMS key database holds a request's key together with the request, and this one has none")
		}
	case format.SecretKey:
		document, want = nil, choiceSecret
	default:
		return r, fmt.Errorf("a CMS key database holds no %v", item.Kind)
	}
	if hasKey := want != choiceSigner; hasKey != (item.Key != nil) {
		return r, fmt.Errorf("a %v and its key do not fit", item.Kind)
	}
	isNew := k.origin == nil || r.choice != want
	if isNew {
		r = record{
			slotType: typeRecord, choice: want, name: r.name, label: r.label, encrypted: r.encrypted,
			flags: asn1.BitString{Bytes: []byte{0x80 >> flagTrusted}, BitLength: flagTrusted + 1},
		}
	}
	if !isNew && bytes.Equal(r.document, document) {
		return r, nil
	}
	r.document, r.tail = document, noIndex
	if want == choiceSigner || want == choicePersonal {
		var err error
		if r.tail, err = certificateTail(document); err != nil {
			return r, err
		}
	}
	return r, nil
}

// flags sets the bits that an item says something about, and no other ones.
func (w *writer) flags(f asn1.BitString, item format.Item, k *kept) asn1.BitString {
	switch item.Kind {
	case format.Signer:
		return withFlag(f, flagTrusted, item.Trusted)
	case format.Personal:
		// Marks that say nothing stay, unless now one is to say something.
		idle := f.At(flagDefault) == 1 && k.origin == w.origin && !k.onlyDefault && !w.hasDefault
		return withFlag(f, flagDefault, item.Default || idle)
	default:
		return f
	}
}

// seal encrypts the key of an item.
func (w *writer) seal(item format.Item) ([]byte, error) {
	plain := item.Key
	if item.Kind == format.SecretKey {
		raw, err := unwrapSecret(item.Key)
		if err != nil {
			return nil, err
		}
		plain = raw
	}
	sealer, err := w.sealer()
	if err != nil {
		return nil, err
	}
	return sealKey(plain, sealer)
}

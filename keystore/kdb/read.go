package kdb

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// An origin is the set of files that a Content was read from; it is what
// Content.Kept holds. It is not changed after it was made.
type origin struct {
	kdb, rdb, crl *container // rdb and crl are nil where there was no such file
	// strange are the slots that are not understood, by the suffix of the file.
	strange map[string][]strangeSlot
	// alone is set where the .kdb file was read without those beside it.
	alone bool
}

// Extras implements format.Extra.
func (o *origin) Extras() []string {
	var words []string
	if o.crl != nil && len(o.crl.slots) > 0 {
		words = append(words, fmt.Sprintf("revocation lists (%d)", len(o.crl.slots)))
	}
	n := 0
	for _, slots := range o.strange {
		n += len(slots)
	}
	if n > 0 {
		words = append(words, fmt.Sprintf("records of no known kind (%d)", n))
	}
	return words
}

// A strangeSlot is a slot that is not understood, and its place from 0.
type strangeSlot struct {
	at   int
	slot []byte
}

// A kept is what an item gets written again with; it is what Item.Kept holds.
type kept struct {
	origin *origin
	file   string // its suffix
	at     int    // the place in the file, from 0
	slot   []byte
	record record
	// label is how the label in record is shown.
	label string
	// item and key are fingerprints of the item and of its key, as they were read.
	item, key [sha256.Size]byte
	// onlyDefault is set where no other item had the mark of the default.
	onlyDefault bool
}

// fingerprint sums up an item but for what is kept of it.
func fingerprint(item format.Item) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(item.Label), item.Certificate, item.Key, item.Request} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	fmt.Fprint(h, item.Kind, item.Trusted, item.Default)
	return [sha256.Size]byte(h.Sum(nil))
}

// readItems makes items of the slots of a file. A slot of another choice than
// the file holds is not understood.
func (o *origin) readItems(c *container, opener *pbe.Opener) ([]format.Item, error) {
	var (
		items []format.Item
		keeps []*kept
		marks int // of the default
	)
	for i, slot := range c.slots {
		r, ok := parseRecord(slot)
		if !ok || (r.choice == choiceRequest) != (c.fileType.group == typeRDB.group) {
			o.strange[c.fileType.suffix] = append(o.strange[c.fileType.suffix], strangeSlot{i, slot})
			continue
		}
		item, err := readItem(r, opener)
		if err != nil {
			return nil, fmt.Errorf("%s file: record %d, %q: %w", c.fileType.suffix, i+1, showLabel(r.label), err)
		}
		if r.choice == choicePersonal && r.flags.At(flagDefault) == 1 {
			marks++
		}
		items = append(items, item)
		keeps = append(keeps, &kept{origin: o, file: c.fileType.suffix, at: i, slot: slot, record: r})
	}
	for i, k := range keeps {
		items[i].Kept = k
		// Some tools mark every key: that says nothing.
		if marks == 1 && k.record.choice == choicePersonal && k.record.flags.At(flagDefault) == 1 {
			items[i].Default, k.onlyDefault = true, true
		}
	}
	return items, nil
}

// finish names the items and remembers how they are.
func finish(items []format.Item) {
	format.NameItems(items)
	for i := range items {
		k := items[i].Kept.(*kept)
		k.label, k.item, k.key = items[i].Label, fingerprint(items[i]), sha256.Sum256(items[i].Key)
	}
}

// readItem makes an item of a record.
func readItem(r record, opener *pbe.Opener) (format.Item, error) {
	item := format.Item{Label: showLabel(r.label)}
	if r.choice == choiceSigner {
		item.Kind, item.Certificate = format.Signer, r.document
		item.Trusted = r.flags.At(flagTrusted) == 1
		return item, nil
	}
	key, err := openKey(r.encrypted, opener)
	switch {
	case errors.Is(err, pbe.ErrDecrypt), err == nil && r.choice != choiceSecret && !isSequence(key):
		return item, fmt.Errorf("%w: its key has a password of its own", format.ErrUnsupported)
	case errors.Is(err, pbe.ErrUnsupported), errors.Is(err, pbe.ErrLimit):
		return item, fmt.Errorf("%w: %w", format.ErrUnsupported, err)
	case err != nil:
		return item, fmt.Errorf("%w: %w", format.ErrDamaged, err)
	}
	item.Key = key
	switch r.choice {
	case choiceRequest:
		item.Kind, item.Request = format.Request, r.document
	case choicePersonal:
		item.Kind, item.Certificate = format.Personal, r.document
	case choiceSecret:
		item.Kind = format.SecretKey
		item.Key, err = format.WrapSecret(key)
	}
	return item, err
}

// opensAny reports whether the password decrypts the first private key of a file.
func opensAny(c *container, opener *pbe.Opener) bool {
	for _, slot := range c.slots {
		r, ok := parseRecord(slot)
		if ok && (r.choice == choicePersonal || r.choice == choiceRequest) {
			key, err := openKey(r.encrypted, opener)
			return err == nil && isSequence(key)
		}
	}
	return false
}

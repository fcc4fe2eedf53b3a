package keystore

import (
	"bytes"
	"errors"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/keyfile"
	"keyman/keystore/format"
)

// ImportOptions say what Import takes. The zero value takes everything, but
// nobody's trust.
type ImportOptions struct {
	// Labels are the entries to take; nil is all of them.
	Labels []string
	// As is the label that the one entry gets here; "" keeps labels.
	As string
	// Trust lets a CA that the source trusts be trusted here, too. A source with an
	// empty password trusts nobody: anybody could have made its MAC.
	Trust bool
	// Paired demands a certificate for each key, among what is imported or
	// here: ErrKeyMismatch.
	Paired bool
}

// Imported is what Import did.
type Imported struct {
	Added   []Entry // new entries, and signers that are newly trusted
	Present []Entry // those that were there already, maybe under another label
	Lost    []Loss  // trust that was asked for and did not come over
}

// Import copies entries of another store into this one: certificates, keys and
// labels. With an entry that is named come the certificates above it, as Signers
// that are not trusted. What is there already is left as it is, and the default
// stays that of this store.
//
// A key makes a Personal entry of the Signer with its certificate, under the
// label that that has here; one that is trusted stays, and the key gets an entry
// beside it.
//
// Either all of it is done or nothing. It returns ErrNotFound for a label that
// the source has not, ErrDuplicateLabel for each label that is taken here,
// ErrKind where this store's format holds no such entry, and ErrNoKey for a key
// that the source's password did not open.
func (s *Store) Import(from *Store, o ImportOptions) (Imported, error) {
	selected, err := from.selectItems(o.Labels)
	if err != nil {
		return Imported{}, err
	}
	if o.As != "" && len(selected) != 1 {
		return Imported{}, &EntryError{Label: o.As, Err: ErrLabel, Detail: "it is for one entry, and there are more"}
	}
	var doubted []Loss
	if o.Trust {
		selected, doubted = from.believed(selected)
	}
	before := slices.Clone(s.content().Items)
	done, err := s.importItems(from, selected, o)
	if err != nil {
		s.restore(before)
		return Imported{}, err
	}
	done.Lost = doubted
	return done, nil
}

// selectItems finds items by their labels, each once; all of them for nil.
func (s *Store) selectItems(labels []string) ([]format.Item, error) {
	if labels == nil {
		return s.content().Items, nil
	}
	var (
		items []format.Item
		taken = map[int]bool{}
	)
	for _, label := range labels {
		i := s.index(label)
		if i < 0 {
			return nil, &EntryError{Label: label, Err: ErrNotFound, Detail: "in " + s.path}
		}
		if !taken[i] {
			taken[i] = true
			items = append(items, s.content().Items[i])
		}
	}
	return items, nil
}

func (s *Store) importItems(from *Store, items []format.Item, o ImportOptions) (Imported, error) {
	var (
		done     importedLabels
		refusals []error
	)
	for _, item := range items {
		item = format.Item{
			Kind: item.Kind, Label: item.Label, Certificate: bytes.Clone(item.Certificate),
			Key: bytes.Clone(item.Key), Request: bytes.Clone(item.Request), Trusted: item.Trusted && o.Trust,
		}
		if o.As != "" {
			item.Label = o.As
		}
		if err := s.importItem(item, o, &done); err != nil {
			refusals = append(refusals, err)
		}
	}
	if len(refusals) > 0 {
		return Imported{}, errors.Join(refusals...)
	}
	// The certificates above come last: an entry that is named has its label first.
	issuerOf := from.issuers()
	for _, item := range items {
		if o.Labels == nil || item.Certificate == nil {
			continue // those above are among all entries
		}
		above, err := s.bringFrom(from, chain(item.Certificate, issuerOf)[1:])
		if err != nil {
			return Imported{}, err
		}
		done.added = append(done.added, above...)
	}
	return Imported{Added: s.entriesOf(done.added), Present: s.entriesOf(done.present)}, nil
}

// importedLabels is Imported by labels: an Entry is made when all others are there.
type importedLabels struct{ added, present []string }

// entriesOf returns the entries with some labels, each with its chain as it is now.
func (s *Store) entriesOf(labels []string) []Entry {
	var entries []Entry
	issuerOf := s.issuers()
	for _, label := range labels {
		entries = append(entries, newEntry(s.content().Items[s.index(label)], issuerOf))
	}
	return entries
}

// importItem adds one item, which it may change.
func (s *Store) importItem(item format.Item, o ImportOptions, done *importedLabels) error {
	if item.Kind != Signer && item.Key == nil {
		return &EntryError{Label: item.Label, Err: ErrNoKey, Detail: "it has a password of its own in the other key database"}
	}
	s.findCertificate(&item)
	if o.Paired && item.Kind == Request && item.Request == nil {
		return &EntryError{Label: item.Label, Err: ErrKeyMismatch, Detail: "no certificate has the public key of this one"}
	}
	items := s.content().Items
	if i := s.same(item); i >= 0 {
		if item.Trusted && !items[i].Trusted {
			items[i].Trusted = true
			done.added = append(done.added, items[i].Label)
			return nil
		}
		done.present = append(done.present, items[i].Label)
		return nil
	}
	if i := s.withoutKey(item); i >= 0 {
		if o.As == "" {
			item.Label = items[i].Label
		} else if s.index(o.As) != i {
			if err := s.CheckLabel(o.As); err != nil {
				return err
			}
		}
		s.replace(i, item)
		done.added = append(done.added, item.Label)
		return nil
	}
	if err := s.insert(item); err != nil {
		return err
	}
	done.added = append(done.added, item.Label)
	return nil
}

// believed returns items of this store with as much trust as another one may take
// from it: with an empty password it trusts nobody, for anybody could have made its
// MAC. It tells whose trust is left out.
func (s *Store) believed(items []format.Item) ([]format.Item, []Loss) {
	if len(s.password()) > 0 {
		return items, nil
	}
	var losses []Loss
	items = slices.Clone(items)
	for i := range items {
		if items[i].Trusted {
			items[i].Trusted = false
			losses = append(losses, Loss{items[i].Label, "it is not trusted: with an empty password anybody could have made the MAC of " + s.path})
		}
	}
	return items, losses
}

// findCertificate gives a key that has neither certificate nor request the
// certificate that is here for it.
func (s *Store) findCertificate(item *format.Item) {
	if item.Kind != Request || item.Request != nil {
		return
	}
	public := keyfile.Public(item.Key)
	if public == nil {
		return
	}
	for _, there := range s.itemsWith(byBits, string(public)) {
		item.Kind, item.Certificate = Personal, there.Certificate
		if there.Kind == Personal {
			// It is there already, however its key is written.
			item.Key = there.Key
			return
		}
	}
}

// publicBits returns the bits of the public key of a certificate (RFC 5280,
// 4.1.2.7), usable or not; nil where it is none.
func publicBits(certificate []byte) []byte {
	outline, ok := cert.ReadOutline(certificate)
	if !ok {
		return nil
	}
	spki := cryptobyte.String(outline.SPKI)
	var inner cryptobyte.String
	var bits []byte
	if !spki.ReadASN1(&inner, cbasn1.SEQUENCE) || !inner.SkipASN1(cbasn1.SEQUENCE) || !inner.ReadASN1BitStringAsBytes(&bits) {
		return nil
	}
	return bits
}

// withoutKey finds the Signer that a key with its certificate takes the place of;
// -1 where there is none. One that is trusted would lose its trust.
func (s *Store) withoutKey(item format.Item) int {
	if item.Kind != Personal {
		return -1
	}
	for _, other := range s.itemsWith(byCertificate, hashed(item.Certificate)) {
		if other.Kind == Signer && !other.Trusted {
			return s.index(other.Label)
		}
	}
	return -1
}

// same finds the item that holds the same as another one; -1 where there is none.
func (s *Store) same(item format.Item) int {
	f := byCertificate
	if item.Certificate == nil {
		f = byKey
	}
	for _, other := range s.itemsWith(f, f.of(item)) {
		if other.Kind == item.Kind {
			return s.index(other.Label)
		}
	}
	return -1
}

// bringFrom adds certificates of another store that this one has not, as
// Signers that are not trusted, under the labels that they have there where
// those are free. It returns their labels here.
func (s *Store) bringFrom(from *Store, certificates [][]byte) ([]string, error) {
	var added []string
	for _, der := range certificates {
		if s.has(der) {
			continue
		}
		item := format.Item{Kind: Signer, Label: s.LabelFor(der), Certificate: bytes.Clone(der)}
		for _, there := range from.itemsWith(byCertificate, hashed(der)) {
			if s.CheckLabel(there.Label) == nil {
				item.Label = there.Label
			}
		}
		if err := s.insert(item); err != nil {
			return nil, err
		}
		added = append(added, item.Label)
	}
	return added, nil
}

package keystore

import (
	"bytes"

	"keyman/keystore/format"
)

// Export returns a file with one Personal entry, its key and its chain, under a
// password of its own. It has the store's format. The CAs of the chain are in
// it as they are in the store, but none is marked as trusted.
func (s *Store) Export(label string, pw Password) ([]byte, error) {
	if len(pw) == 0 {
		return nil, &EntryError{Label: label, Err: ErrEmptyPassword}
	}
	i := s.index(label)
	if i < 0 {
		return nil, &EntryError{Label: label, Err: ErrNotFound}
	}
	item := s.content().Items[i]
	if item.Kind != Personal {
		return nil, &EntryError{Label: item.Label, Err: ErrNoKey, Detail: "it is a " + item.Kind.String() + " entry"}
	}
	item.Default = false
	items := []format.Item{item}
	for _, der := range s.chain(item.Certificate)[1:] {
		for _, above := range s.content().Items {
			if bytes.Equal(above.Certificate, der) {
				items = append(items, format.Item{Kind: Signer, Label: above.Label, Certificate: der})
				break
			}
		}
	}
	return s.format.Encode(&format.Content{Items: items}, pw)
}

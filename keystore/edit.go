package keystore

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"keyman/internal/dn"
	"keyman/keystore/format"
)

// CheckLabel tells why no new entry can have this label: ErrLabel where it could
// not be shown or stored, ErrDuplicateLabel where it is taken; nil otherwise.
func (s *Store) CheckLabel(label string) error {
	if err := CheckLabel(label); err != nil {
		return err
	}
	if i := s.index(label); i >= 0 {
		return &EntryError{Label: label, Err: ErrDuplicateLabel, Detail: "a " + s.content().Items[i].Kind.String() + " entry has it"}
	}
	return nil
}

// insert adds an item where a file would have it: certificates first, then
// requests, then secret keys.
func (s *Store) insert(item format.Item) error {
	if err := s.CheckLabel(item.Label); err != nil {
		return err
	}
	if !s.format.Holds(item.Kind) {
		return &EntryError{Label: item.Label, Err: ErrKind, Detail: fmt.Sprintf("a file of format %s holds no %v", s.format.Name(), item.Kind)}
	}
	at := len(s.content().Items)
	for at > 0 && rank(s.content().Items[at-1].Kind) > rank(item.Kind) {
		at--
	}
	s.put(at, item)
	return nil
}

func rank(k Kind) int {
	switch k {
	case Request:
		return 1
	case SecretKey:
		return 2
	default:
		return 0
	}
}

// AddKey adds a Personal entry: a private key, and its certificate with those
// above it, DER, leaf first. The certificates above become Signers that are not
// trusted, where the store does not have them. The key is one of GenerateKey or
// of the standard library.
func (s *Store) AddKey(label string, key crypto.Signer, chain [][]byte) error {
	if len(chain) == 0 {
		return &EntryError{Label: label, Err: ErrCertificate, Detail: "a key without one is a request"}
	}
	leaf, err := parseCertificate(chain[0])
	if err != nil {
		return &EntryError{Label: label, Err: ErrCertificate, Detail: err.Error()}
	}
	if !samePublic(key.Public(), leaf.PublicKey) {
		return &EntryError{Label: label, Err: ErrKeyMismatch}
	}
	for _, item := range s.itemsWith(byCertificate, hashed(leaf.Raw)) {
		if item.Kind == Personal {
			return &EntryError{Label: item.Label, Err: ErrDuplicateCertificate}
		}
	}
	for _, above := range chain[1:] {
		if _, err := Summarize(above); err != nil {
			return err
		}
	}
	der, err := marshalKey(key)
	if err != nil {
		return err
	}
	if err := s.insert(format.Item{Kind: Personal, Label: label, Certificate: leaf.Raw, Key: der}); err != nil {
		return err
	}
	return s.bring(chain[1:])
}

// AddRequest adds a private key that waits for its certificate, and the PKCS#10
// request that was made for it, DER.
func (s *Store) AddRequest(label string, key crypto.Signer, request []byte) error {
	parsed, err := x509.ParseCertificateRequest(request)
	if err != nil {
		return fmt.Errorf("%q: not a certificate request: %w", label, err)
	}
	if !samePublic(key.Public(), parsed.PublicKey) {
		return &EntryError{Label: label, Err: ErrKeyMismatch, Detail: "the request is for another key"}
	}
	der, err := marshalKey(key)
	if err != nil {
		return err
	}
	return s.insert(format.Item{Kind: Request, Label: label, Key: der, Request: bytes.Clone(request)})
}

// keyOf finds the entry with the private key that a certificate is for.
func (s *Store) keyOf(certificate []byte) (format.Item, bool) {
	parsed, err := parseCertificate(certificate)
	if err != nil {
		return format.Item{}, false
	}
	for _, item := range s.itemsWith(byPublic, publicText(parsed.PublicKey)) {
		return *item, true
	}
	return format.Item{}, false
}

// AddSigner adds a certificate without a key. Where the store has it already as
// a Signer, trusted raises it to a trusted CA under the label it has; otherwise
// that is ErrDuplicateCertificate. One that cannot be used cannot be trusted
// either: ErrUnusable. One whose private key is in the store is no other's
// certificate: ErrOwnKey. It returns the entry.
func (s *Store) AddSigner(label string, certificate []byte, trusted bool) (Entry, error) {
	summary, err := Summarize(certificate)
	if err != nil {
		return Entry{}, err
	}
	if trusted && summary.Unusable != nil {
		return Entry{}, summary.Unusable
	}
	for _, item := range s.itemsWith(byCertificate, hashed(certificate)) {
		if item.Kind != Signer {
			continue
		}
		if !trusted || item.Trusted {
			return Entry{}, &EntryError{Label: item.Label, Err: ErrDuplicateCertificate}
		}
		item.Trusted = true
		return s.entry(*item), nil
	}
	if owner, ok := s.keyOf(certificate); ok {
		return Entry{}, &EntryError{Label: owner.Label, Err: ErrOwnKey, Detail: owner.Kind.String()}
	}
	item := format.Item{Kind: Signer, Label: label, Certificate: bytes.Clone(certificate), Trusted: trusted}
	if err := s.insert(item); err != nil {
		return Entry{}, err
	}
	return s.entry(item), nil
}

// SetTrusted changes whether a Signer is a CA that is believed.
func (s *Store) SetTrusted(label string, trusted bool) error {
	i := s.index(label)
	if i < 0 {
		return &EntryError{Label: label, Err: ErrNotFound}
	}
	if kind := s.content().Items[i].Kind; kind != Signer {
		return &EntryError{Label: label, Err: ErrKind, Detail: "only a signer can be trusted, and this is a " + kind.String() + " entry"}
	}
	if summary, err := Summarize(s.content().Items[i].Certificate); trusted && (err != nil || summary.Unusable != nil) {
		return errors.Join(err, summary.Unusable)
	}
	s.content().Items[i].Trusted = trusted
	return nil
}

// SetDefault marks a Personal entry as the one to use where none is named, and
// no other one. It returns ErrKind for an entry of another kind, and ErrNoDefault
// where the format has no such mark.
func (s *Store) SetDefault(label string) error {
	i := s.index(label)
	if i < 0 {
		return &EntryError{Label: label, Err: ErrNotFound}
	}
	if kind := s.content().Items[i].Kind; kind != Personal {
		return &EntryError{Label: label, Err: ErrKind, Detail: "only a personal entry can be the default, and this is a " + kind.String() + " entry"}
	}
	if _, ok := s.format.(format.Marker); !ok {
		return &EntryError{Label: label, Err: ErrNoDefault, Detail: "it is of format " + s.format.Name()}
	}
	for j := range s.content().Items {
		s.content().Items[j].Default = j == i
	}
	return nil
}

// Rename gives an entry another label. A label that differs in case only is
// another one, too. It returns ErrNotFound, ErrLabel and ErrDuplicateLabel.
func (s *Store) Rename(label, to string) error {
	i := s.index(label)
	if i < 0 {
		return &EntryError{Label: label, Err: ErrNotFound}
	}
	if s.index(to) != i {
		if err := s.CheckLabel(to); err != nil {
			return err
		}
	} else if err := CheckLabel(to); err != nil {
		return err
	}
	s.relabel(i, to)
	return nil
}

// Delete takes an entry out. A Signer in the chains of others is ErrInUse,
// unless force is set.
func (s *Store) Delete(label string, force bool) error {
	i := s.index(label)
	if i < 0 {
		return &EntryError{Label: label, Err: ErrNotFound}
	}
	item := s.content().Items[i]
	if item.Kind == Signer && !force {
		if users := s.users(i); len(users) > 0 {
			return &EntryError{Label: item.Label, Err: ErrInUse, Detail: strings.Join(users, ", ")}
		}
	}
	clear(s.take(i).Key)
	return nil
}

// users returns the labels of the entries whose chains go through an item.
func (s *Store) users(i int) []string {
	var labels []string
	items, issuerOf := s.content().Items, s.issuers()
	for _, j := range s.below(i) {
		if contains(chain(items[j].Certificate, issuerOf)[1:], items[i].Certificate) {
			labels = append(labels, fmt.Sprintf("%q", items[j].Label))
		}
	}
	return labels
}

// below returns the positions of the items whose chains lead to that at i by the
// names in them, in their order.
func (s *Store) below(i int) []int {
	var (
		x     = s.find()
		seen  = map[int]bool{i: true}
		names = []string{bySubject.of(x.of.Items[i])}
		list  []int
	)
	for ; len(names) > 0; names = names[1:] {
		for _, label := range x.with(byIssuer, names[0]) {
			j := x.labels[label]
			if seen[j] {
				continue
			}
			seen[j] = true
			list = append(list, j)
			names = append(names, bySubject.of(x.of.Items[j]))
		}
	}
	slices.Sort(list)
	return list
}

// bring adds certificates of a chain, DER, as Signers that are not trusted, under
// the names of their subjects, where the store does not have them.
func (s *Store) bring(certificates [][]byte) error {
	for _, der := range certificates {
		if s.has(der) {
			continue
		}
		if err := s.insert(format.Item{Kind: Signer, Label: s.LabelFor(der), Certificate: bytes.Clone(der)}); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether the store has a certificate, with a key or without.
func (s *Store) has(certificate []byte) bool {
	return len(s.find().with(byCertificate, hashed(certificate))) > 0
}

// LabelFor makes a label for a certificate, DER, from its subject, one that is
// free.
func (s *Store) LabelFor(certificate []byte) string {
	base := baseLabel(certificate)
	if s.index(base) < 0 {
		return base
	}
	// Many certificates may have one name: the numbers below are known to be taken.
	next, folded := s.find().next, fold(base)
	for n := max(2, next[folded]); ; n++ {
		if label := fmt.Sprintf("%s (%d)", base, n); s.index(label) < 0 {
			next[folded] = n
			return label
		}
	}
}

// baseLabel makes a label for a certificate from its subject: the common name, or
// else the unit or the organization, as old roots have it.
func baseLabel(certificate []byte) string {
	base := ""
	if summary, err := Summarize(certificate); err == nil {
		if name, err := dn.FromDER(summary.Subject); err == nil {
			base = name.Short()
		}
	}
	if CheckLabel(base) != nil || len(base) > maxLabel-16 {
		sum := sha256.Sum256(certificate)
		base = fmt.Sprintf("certificate %x", sum[:8])
	}
	return base
}

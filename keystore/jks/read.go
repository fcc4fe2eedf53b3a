package jks

import (
	"cmp"
	"crypto/sha256"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"keyman/keystore/format"
)

// A kept is what an item gets written again with at the next Encode.
type kept struct {
	from    kind
	label   string // of the item when it was read
	alias   []byte // as it was in the file; nil where the label cannot stand for it
	created int64
	// chain is that of a key with its certificate, as it was in the file.
	chain [][]byte
	// locked is the protected key, where the password does not open it.
	locked []byte
	// object is the Java object in place of a secret key, in the clear, where
	// it is not understood.
	object []byte
	// sealed is the protected key, where the password opens it; nil where it does not.
	sealed *keptSeal
}

// A link is the Kept of a certificate that the file has in chains only, where
// it has no alias.
type link struct{ label string } // that it was given

// toContent makes items of the entries of a file, of which they hold parts.
func (k kind) toContent(entries []entry, pw password, l limits) (*format.Content, error) {
	items := make([]format.Item, len(entries))
	protections, _ := protectionsOf(entries)
	opened, err := openAll(entries, pw, l.orDefault())
	if err != nil {
		return nil, err
	}
	known := make(map[[sha256.Size]byte]bool, len(entries)) // certificates, by their hash
	for i, e := range entries {
		label, _ := readText(e.alias)
		items[i] = format.Item{Label: label, Key: opened[i].key}
		own := kept{from: k, alias: e.alias, created: e.created, object: opened[i].object}
		if e.protected != nil && opened[i].key == nil && opened[i].object == nil {
			own.locked = e.protected
		} else if e.protected != nil {
			own.sealed = newKeptSeal(e.protected, protections[i], pw, contentOf(items[i], own))
		}
		switch {
		case e.tag == tagSecret:
			items[i].Kind = format.SecretKey
		case e.tag == tagCertificate:
			items[i].Kind, items[i].Trusted = format.Signer, true
		case len(e.chain) == 0:
			items[i].Kind = format.Request
		default:
			items[i].Kind = format.Personal
		}
		if len(e.chain) > 0 {
			items[i].Certificate = e.chain[0]
			known[sha256.Sum256(e.chain[0])] = true
		}
		if e.tag == tagKey {
			own.chain = e.chain
		}
		items[i].Kept = own
	}
	for _, e := range entries {
		for _, above := range e.chain {
			if hash := sha256.Sum256(above); !known[hash] {
				known[hash] = true
				items = append(items, format.Item{Kind: format.Signer, Certificate: above, Kept: link{}})
			}
		}
	}
	nameItems(items)
	// What the file has aliases for was named first; it comes in the order
	// that package keystore has: certificates, requests, secret keys.
	slices.SortStableFunc(items, func(a, b format.Item) int { return cmp.Compare(rank(a.Kind), rank(b.Kind)) })
	return &format.Content{Items: items}, nil
}

func rank(k format.Kind) int {
	switch k {
	case format.Request:
		return 1
	case format.SecretKey:
		return 2
	default:
		return 0
	}
}

// An opened is what the protected part of an entry turned out to be; both are
// nil where the password does not open it.
type opened struct {
	key    []byte // PrivateKeyInfo
	object []byte // a serialized Java object that is no secret key
}

// openAll decrypts the keys of a file, on all processors: one key of JCEKS takes
// one of them some 50 ms.
func openAll(entries []entry, pw password, l limits) ([]opened, error) {
	protections, ok := protectionsOf(entries)
	if err := l.checkWork(protections); err != nil {
		return nil, err
	}
	results := make([]opened, len(entries))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range entries {
		if !ok[i] {
			continue // nothing to open, or not known how
		}
		group.Go(func() (err error) {
			results[i], err = openOne(e.tag, protections[i], pw)
			return err
		})
	}
	return results, group.Wait()
}

// protectionsOf reads how the keys are encrypted; ok tells where that is known.
func protectionsOf(entries []entry) (protections []protection, ok []bool) {
	protections, ok = make([]protection, len(entries)), make([]bool, len(entries))
	for i, e := range entries {
		var err error
		switch e.tag {
		case tagKey:
			protections[i], err = readProtection(e.protected)
		case tagSecret:
			protections[i], err = readSealed(e.protected)
		default:
			continue
		}
		ok[i] = err == nil
	}
	return protections, ok
}

func openOne(t tag, p protection, pw password) (opened, error) {
	if t == tagKey {
		key, _ := p.openPrivateKey(pw)
		return opened{key: key}, nil
	}
	object, ok := p.openObject(pw)
	if !ok {
		return opened{}, nil
	}
	name, raw, ok := readSecretKey(object)
	if !ok {
		return opened{object: object}, nil
	}
	key, err := secretKeyInfo(name, raw)
	return opened{key: key}, err
}

// maxTries bounds how many keys are tried in a file whose digest does not match.
const maxTries = 4

// opensAny reports whether the password opens one of the first keys of a file.
func opensAny(entries []entry, pw password, l limits) bool {
	protections, ok := protectionsOf(entries)
	tried := 0
	for i, p := range protections {
		if !ok[i] || l.orDefault().checkWork(protections[i:i+1]) != nil {
			continue
		}
		if tried++; tried > maxTries {
			return false
		}
		if one, err := openOne(entries[i].tag, p, pw); err == nil && (one.key != nil || one.object != nil) {
			return true
		}
	}
	return false
}

// nameItems gives every item a label, and one that no other item has; upper and
// lower case do not count. An alias stays the name of its entry in the file as
// long as the label says the same.
func nameItems(items []format.Item) {
	var labels format.Labels
	for i := range items {
		item := &items[i]
		wanted := item.Label
		if wanted == "" {
			wanted = format.NameOf(*item)
		}
		unique := labels.Take(wanted)
		switch own := item.Kept.(type) {
		case link:
			item.Kept = link{unique}
		case kept:
			own.label = unique
			if item.Label != "" && item.Label != unique {
				own.alias = nil // another entry has it
			}
			item.Kept = own
		}
		item.Label = unique
	}
}

package jks

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"keyman/keystore/format"
)

// A refusal is an item that a file cannot hold.
type refusal struct {
	label, why string
	hint       string // what to do about it; may be ""
}

func (r *refusal) Error() string { return fmt.Sprintf("%q: %s", r.label, r.why) }

// Hint says what to do about it; "" where nothing is known.
func (r *refusal) Hint() string { return r.hint }

// errPasswordASCII is a password under which Java could open no key.
var errPasswordASCII = errors.New("a jceks file encrypts keys with a password of printable ASCII characters alone")

// A writer makes the entries of a file of items.
type writer struct {
	kind    kind
	pw      password
	limits  limits
	chains  *builder
	now     int64 // the date of new entries
	aliases map[string]bool
	entries []entry
	seals   []sealing
	kept    int // digests that those cost to open that are written as they were
}

// A sealing is a key that is to be encrypted, and the entry that it is for.
type sealing struct {
	entry int
	plain []byte
}

func (k kind) toEntries(c *format.Content, pw password, l limits) ([]entry, error) {
	w := &writer{kind: k, pw: pw, limits: l.orDefault(), chains: newBuilder(c.Items), now: time.Now().UnixMilli(), aliases: map[string]bool{}}
	for _, item := range c.Items {
		if err := w.add(item); err != nil {
			return nil, err
		}
	}
	if err := w.checkLinks(c.Items); err != nil {
		return nil, err
	}
	return w.entries, w.seal()
}

// add makes an entry of an item, its key yet to be encrypted. A certificate
// that is not trusted has none: it is in chains, or checkLinks finds it.
func (w *writer) add(item format.Item) error {
	if item.Kind == format.Signer && !item.Trusted {
		return nil
	}
	own, read := item.Kept.(kept)
	e := entry{created: w.now}
	if read {
		e.created = own.created
	}
	var err error
	if e.alias, err = w.alias(item, own); err != nil {
		return err
	}
	switch {
	case item.Kind == format.Signer:
		e.tag, e.chain = tagCertificate, [][]byte{item.Certificate}
	case item.Kind == format.Personal:
		e.tag, e.chain = tagKey, w.chains.chain(item, own.chain)
	case item.Kind == format.Request && read && item.Request == nil:
		e.tag = tagKey // a key without a certificate, as it was read
	case item.Kind == format.SecretKey && w.kind == kindJCEKS:
		e.tag = tagSecret
	default:
		return w.refuse(item, fmt.Sprintf("a %s file holds no %v", w.kind.name(), item.Kind), "")
	}
	if e.tag != tagCertificate {
		if e.protected, err = w.protect(item, own, e.tag); err != nil {
			return err
		}
	}
	w.entries = append(w.entries, e)
	return nil
}

func (*writer) refuse(item format.Item, why, hint string) error {
	return &refusal{label: item.Label, why: why, hint: hint}
}

// alias returns the alias of an item: as it was read, or its label in lower
// case, in which Java looks for it.
func (w *writer) alias(item format.Item, own kept) ([]byte, error) {
	alias := own.alias
	if alias == nil || own.label != item.Label {
		alias = modifiedUTF8(strings.ToLower(item.Label))
	}
	switch {
	case len(alias) > math.MaxUint16:
		return nil, w.refuse(item, fmt.Sprintf("an alias has at most %d bytes", math.MaxUint16), "choose a shorter label")
	case w.aliases[string(alias)]:
		return nil, w.refuse(item, "another entry has this alias", "choose another label; upper and lower case do not count")
	}
	w.aliases[string(alias)] = true
	return alias, nil
}

// protect notes that a key is to be encrypted for the entry that comes next, or
// returns it as it stood: one that was not open, and one that has not changed, under
// the password that has not changed.
func (w *writer) protect(item format.Item, own kept, t tag) ([]byte, error) {
	if content := contentOf(item, own); content != nil && own.from == w.kind && own.sealed.stillGood(w.pw, content, w.limits) {
		w.kept += own.sealed.p.cost()
		return own.sealed.protected, nil
	}
	plain := own.object
	switch {
	case item.Key != nil && t == tagSecret:
		name, key, err := parseSecretKey(item.Key)
		if err != nil {
			return nil, w.refuse(item, err.Error(), "")
		}
		if plain, err = writeSecretKey(name, key); err != nil {
			return nil, err
		}
	case item.Key != nil:
		plain = item.Key
	}
	if plain != nil {
		w.seals = append(w.seals, sealing{len(w.entries), plain})
		return nil, nil
	}
	if own.locked == nil {
		return nil, w.refuse(item, "its key is not there", "")
	}
	// Java opens keys of JKS in JCEKS, but not the other way.
	if p, err := readProtection(own.locked); own.from != w.kind && (err != nil || p.jce != nil) {
		return nil, w.refuse(item, fmt.Sprintf("its key has a password of its own, and a %s file cannot take it over as it is", w.kind.name()),
			"give the key the password of the key store first, with keytool -keypasswd")
	}
	return own.locked, nil
}

// checkLinks finds certificates without a key that are neither trusted nor in
// a chain. One that came out of a chain of this file is left out: the keys that
// had it are gone. A label that it was given since would be gone as well.
func (w *writer) checkLinks(items []format.Item) error {
	linked := map[string]bool{}
	for _, e := range w.entries {
		for _, certificate := range e.chain {
			linked[string(certificate)] = true
		}
	}
	for _, item := range items {
		if item.Kind != format.Signer || item.Trusted {
			continue
		}
		was, read := item.Kept.(link)
		if read && was.label != item.Label {
			return w.refuse(item, fmt.Sprintf("a %s file has no label for it: it is in chains only", w.kind.name()), "trust it, and it has one")
		}
		if read || linked[string(item.Certificate)] {
			continue
		}
		return w.refuse(item,
			fmt.Sprintf("a %s file holds a certificate without a key only as a trusted CA or in the chain of a key", w.kind.name()),
			"trust it or leave it out; a pkcs12 file holds it")
	}
	return nil
}

// seal encrypts the keys that are new, or under a new password, on all processors.
func (w *writer) seal() error {
	if w.kind == kindJCEKS && len(w.seals) > 0 {
		if limit := (w.limits.work - w.kept) / (2 * w.limits.written); len(w.seals) > limit {
			return fmt.Errorf("a jceks file cannot hold %d keys: together they would cost more than %d iterations to open", w.keys(), w.limits.work/2)
		}
		if !w.pw.printable {
			return errPasswordASCII
		}
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range w.seals {
		group.Go(func() (err error) {
			e := &w.entries[s.entry]
			if e.tag == tagSecret {
				e.protected, err = sealObject(s.plain, w.pw, w.limits)
			} else {
				e.protected, err = w.kind.seal(s.plain, w.pw, w.limits)
			}
			return err
		})
	}
	return group.Wait()
}

// keys counts the entries with a key.
func (w *writer) keys() int {
	n := 0
	for _, e := range w.entries {
		if e.tag != tagCertificate {
			n++
		}
	}
	return n
}

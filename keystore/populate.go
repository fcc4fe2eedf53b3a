package keystore

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"keyman/internal/cert"
	"keyman/keystore/format"
)

// PopulateOptions say what becomes of the roots that Populate adds. The zero
// value trusts none.
type PopulateOptions struct {
	// Trust makes each of them a CA that is believed.
	Trust bool
	// Now is the time by which they must not have ended; zero is the present.
	Now time.Time
}

// A Refusal is a certificate that Populate did not take.
type Refusal struct {
	Subject []byte // its name, DER; nil where it cannot be read
	Err     error
}

// Populated is what Populate did with each certificate.
type Populated struct {
	Added   []Entry // new entries, and signers that are newly trusted
	Present []Entry // those that were there already, with a key or without
	Refused []Refusal
}

// Populate adds the certificates of root CAs, DER, as Signers under the names of
// their subjects. Others are refused, each for itself: ErrNotRoot is one that is
// not the self-signed certificate of a CA, ErrExpired one that has ended,
// ErrUnusable one that crypto/x509 does not read or whose own signature does not
// verify, ErrCertificate what is none, and ErrOwnKey one that belongs to a key of
// this store.
//
// It returns ErrKind, and has changed nothing, where this store's format holds no
// certificates without a key.
func (s *Store) Populate(certificates [][]byte, o PopulateOptions) (Populated, error) {
	if !s.format.Holds(Signer) {
		return Populated{}, &EntryError{Err: ErrKind, Detail: fmt.Sprintf("a file of format %s holds no %v", s.format.Name(), Signer)}
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	p := populator{store: s, options: o, at: make(map[string]int), keys: make(map[string]string), seen: make(map[string]bool)}
	for i, item := range s.content().Items {
		p.labels.Take(item.Label)
		// With a key and without: the one without is what can be trusted.
		if _, both := p.at[string(item.Certificate)]; item.Certificate != nil && (!both || item.Kind == Signer) {
			p.at[string(item.Certificate)] = i
		}
		if public := publicOf(item); public != "" {
			p.keys[public] = item.Label
		}
	}
	for _, der := range certificates {
		if err := p.add(der); err != nil {
			outline, _ := cert.ReadOutline(der) // a name, where there is one
			p.done.Refused = append(p.done.Refused, Refusal{Subject: outline.Subject, Err: err})
		}
	}
	s.insertAll(p.added)
	for _, item := range p.added {
		p.done.Added = append(p.done.Added, s.entry(item))
	}
	return p.done, nil
}

// A populator is Populate at work. Its maps answer at once what would be asked of
// every entry for every certificate.
type populator struct {
	store   *Store
	options PopulateOptions
	labels  format.Labels
	at      map[string]int    // certificates of the store, and where they are
	keys    map[string]string // public keys of private ones, and their labels
	added   []format.Item
	seen    map[string]bool // certificates that are among added
	done    Populated
}

// add takes one certificate, or tells why it does not.
func (p *populator) add(der []byte) error {
	if p.seen[string(der)] {
		return nil // twice in one bundle
	}
	items := p.store.content().Items
	if i, ok := p.at[string(der)]; ok {
		if raise := p.options.Trust && items[i].Kind == Signer && !items[i].Trusted; !raise {
			p.done.Present = append(p.done.Present, p.store.entry(items[i]))
			return nil
		}
		if _, err := checkRoot(der, p.options.Now); err != nil {
			return err
		}
		items[i].Trusted = true
		p.done.Added = append(p.done.Added, p.store.entry(items[i]))
		return nil
	}
	root, err := checkRoot(der, p.options.Now)
	if err != nil {
		return err
	}
	if owner, ok := p.keys[publicText(root.PublicKey)]; ok {
		return &EntryError{Label: owner, Err: ErrOwnKey}
	}
	p.seen[string(der)] = true
	p.added = append(p.added, format.Item{
		Kind: Signer, Label: p.labels.Take(baseLabel(der)), Certificate: bytes.Clone(der), Trusted: p.options.Trust,
	})
	return nil
}

// checkRoot tells whether a certificate is one that chains end at: that of a CA
// (RFC 5280, 4.2.1.9 and 4.2.1.3; one of version 1 cannot say so), signed by
// itself, and not over.
func checkRoot(der []byte, now time.Time) (*x509.Certificate, error) {
	summary, err := Summarize(der)
	if err != nil {
		return nil, err
	}
	if summary.Unusable != nil {
		return nil, summary.Unusable
	}
	c, err := parseCertificate(der)
	if err != nil {
		return nil, &EntryError{Err: ErrUnusable, Detail: err.Error()}
	}
	switch {
	case !selfIssued(c):
		return nil, &EntryError{Err: ErrNotRoot, Detail: "it was issued by " + nameText(c.RawIssuer)}
	case c.Version >= 3 && !c.IsCA:
		return nil, &EntryError{Err: ErrNotRoot, Detail: "it is not that of a CA"}
	case c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0:
		return nil, &EntryError{Err: ErrNotRoot, Detail: "its key is not there to sign certificates"}
	case now.After(c.NotAfter):
		return nil, &EntryError{Err: ErrExpired, Detail: "on " + c.NotAfter.UTC().Format(time.DateOnly)}
	}
	// Old roots are signed with SHA-1 or MD5. Nothing hangs on the signature of
	// a root; it shows that these are the octets that were meant.
	var weak x509.InsecureAlgorithmError
	err = c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	if err != nil && !errors.As(err, &weak) {
		return nil, &EntryError{Err: ErrUnusable, Detail: "its signature is not its own: " + err.Error()}
	}
	return c, nil
}

// publicOf returns the public key of an item with a private one, as publicText.
func publicOf(item format.Item) string {
	switch item.Kind {
	case Personal:
		if c, err := parseCertificate(item.Certificate); err == nil {
			return publicText(c.PublicKey)
		}
	case Request:
		if key, err := parseKey(item.Key); err == nil {
			return publicText(key.Public())
		}
	}
	return ""
}

// publicText makes a public key one that a map finds; "" where its type is not known.
func publicText(key any) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	return string(der)
}

// insertAll adds items whose labels are free behind the last one with a
// certificate, where insert would put them one by one.
func (s *Store) insertAll(items []format.Item) {
	at := len(s.content().Items)
	for at > 0 && rank(s.content().Items[at-1].Kind) > rank(Signer) {
		at--
	}
	s.put(at, items...)
}

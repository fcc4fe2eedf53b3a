package pkcs11

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"

	"keyman/keystore"
)

const (
	// maxObjects bounds the keys and certificates of a token that are looked at.
	maxObjects = 10_000
	// maxChain bounds the certificates of an entry.
	maxChain = 10
	// idLen is the length of the CKA_ID of a new key, in bytes.
	idLen = 20
)

// A Token is a token with its user logged in. It is for one goroutine at a time; the
// signers that came out of it are for any number.
type Token struct {
	name   string
	info   Info
	driver driver
}

// An Entry is what a token holds under one label.
type Entry struct {
	Label string
	// ID is the CKA_ID; may be empty.
	ID []byte
	// Kind is Personal for a key with its certificate, Request for a key that
	// waits for one, Signer for a certificate without a key.
	Kind keystore.Kind
	// Public is the public key; nil where the token does not tell it.
	Public crypto.PublicKey
	// Chain is the certificate and those above it that the token has, DER; nil for
	// a Request.
	Chain [][]byte
	// Shared says that the label names another entry, too, or that there is none: only
	// ID tells which is meant.
	Shared bool

	key          *object
	certificates []*x509.Certificate // of the key, all of them
	handles      []uint
}

// Tokens lists the tokens of a module, which is the absolute path of a library. Its
// errors are ErrNotBuilt and ErrModule.
func Tokens(ctx context.Context, module string) ([]Info, error) {
	list, err := listTokens(ctx, module)
	if err != nil {
		return nil, &TokenError{Op: "list the tokens of", Token: module, Err: err}
	}
	return list, nil
}

// Find describes the one token that the URI names, without a PIN. Its errors are
// ErrNotBuilt, ErrModule, ErrNoToken and ErrAmbiguous, in a TokenError.
func Find(ctx context.Context, u URI) (Info, error) {
	list, err := listTokens(ctx, u.Module)
	if err == nil {
		var i int
		if i, err = choose(u, list); err == nil {
			return list[i], nil
		}
	}
	return Info{}, &TokenError{Op: "find token", Token: u.token(), Err: err}
}

// Open logs in to the token that the URI names. Its errors are ErrNotBuilt, ErrModule,
// ErrNoToken, ErrAmbiguous, ErrPIN and ErrLocked, in a TokenError.
//
// A module is initialized once in a process: of the tokens of one module that are open
// at a time, the one that was opened first is closed last. In a process that is logged
// in to a token already, a second login does not compare the PIN again.
func Open(ctx context.Context, u URI, pin keystore.Password) (*Token, error) {
	d, info, err := openDriver(ctx, u, pin)
	if err != nil {
		return nil, &TokenError{Op: "open token", Token: cmp.Or(info.Label, u.token()), Err: err}
	}
	return &Token{name: info.Label, info: info, driver: d}, nil
}

// Close logs out. Signers of the token work no longer.
func (t *Token) Close() error { return t.fail("close token", t.driver.close()) }

// Info describes the token, as it was when it was opened.
func (t *Token) Info() Info { return t.info }

func (t *Token) fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return &TokenError{Op: op, Token: t.name, Err: err}
}

// Entries lists keys first, each with its certificate where there is one, then the
// other certificates.
func (t *Token) Entries() ([]Entry, error) {
	objects, err := t.driver.objects()
	if err != nil {
		return nil, t.fail("list token", err)
	}
	if len(objects) > maxObjects {
		return nil, t.fail("list token", fmt.Errorf("%w: it has more than %d objects", ErrMechanism, maxObjects))
	}
	for i := range objects {
		if o := &objects[i]; o.class == certificateClass {
			if c, err := x509.ParseCertificate(o.der); err == nil {
				o.parsed = c
			}
		}
	}
	used := make(map[uint]bool)
	var entries []Entry
	for i := range objects {
		if o := &objects[i]; o.class == privateKey {
			entries = append(entries, keyEntry(o, objects, used))
		}
	}
	for i := range objects {
		o := &objects[i]
		if o.class != certificateClass || used[o.handle] {
			continue
		}
		e := Entry{Label: o.label, ID: o.id, Kind: keystore.Signer, handles: []uint{o.handle}, Chain: [][]byte{o.der}}
		if o.parsed != nil {
			e.Public, e.Chain = o.parsed.PublicKey, chainOf(o.parsed, objects)
		}
		entries = append(entries, e)
	}
	named := make(map[string]int)
	for _, e := range entries {
		named[strings.ToLower(e.Label)]++
	}
	for i, e := range entries {
		entries[i].Shared = e.Label == "" || named[strings.ToLower(e.Label)] > 1
	}
	return entries, nil
}

// keyEntry makes the entry of a private key. It marks the certificates that are its
// own as used. Of several, such as that before a renewal and that after it, the one
// that is valid longest counts.
func keyEntry(key *object, objects []object, used map[uint]bool) Entry {
	e := Entry{Label: key.label, ID: key.id, Kind: keystore.Request, Public: key.public, key: key, handles: []uint{key.handle}}
	sameID := func(o *object) bool { return len(key.id) > 0 && bytes.Equal(o.id, key.id) }
	for i := range objects {
		if o := &objects[i]; o.class == publicKey && sameID(o) {
			if e.Public == nil {
				e.Public = o.public
			}
			if samePublic(e.Public, o.public) {
				e.handles = append(e.handles, o.handle)
			}
		}
	}
	for i := range objects {
		o := &objects[i]
		c := o.parsed
		if c == nil {
			continue
		}
		// The CKA_ID is a hint. A key that does not tell its public half, and has
		// no public object, is believed to be that of the certificate beside it;
		// a signature that does not fit shows where that is wrong.
		if e.Public == nil && sameID(o) {
			e.Public = c.PublicKey
		}
		if !samePublic(e.Public, c.PublicKey) {
			continue
		}
		used[o.handle] = true
		e.handles = append(e.handles, o.handle)
		e.certificates = append(e.certificates, c)
		if e.Label == "" {
			e.Label = o.label
		}
	}
	if len(e.certificates) > 0 {
		newest := slices.MaxFunc(e.certificates, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
		e.Kind, e.Chain = keystore.Personal, chainOf(newest, objects)
	}
	return e
}

// chainOf returns a certificate and those of the token above it.
func chainOf(c *x509.Certificate, objects []object) [][]byte {
	chain := [][]byte{c.Raw}
	for len(chain) < maxChain && !bytes.Equal(c.RawIssuer, c.RawSubject) {
		above := issuerOf(c, objects)
		if above == nil {
			break
		}
		chain, c = append(chain, above.Raw), above
	}
	return chain
}

// issuerOf returns the first certificate of the token that issued another.
func issuerOf(c *x509.Certificate, objects []object) *x509.Certificate {
	for i := range objects {
		above := objects[i].parsed
		if above != nil && bytes.Equal(above.RawSubject, c.RawIssuer) && c.CheckSignatureFrom(above) == nil {
			return above
		}
	}
	return nil
}

func samePublic(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && b != nil && key.Equal(b)
}

// Lookup finds an entry by its label, or by the object and id of a URI; upper and
// lower case do not count. It returns keystore.ErrNotFound and ErrAmbiguous. Where a
// key and a certificate have the same label it is the key.
func (t *Token) Lookup(u URI) (Entry, error) {
	entries, err := t.Entries()
	if err != nil {
		return Entry{}, err
	}
	var found []Entry
	for _, e := range entries {
		if (u.Object == "" || strings.EqualFold(e.Label, u.Object)) && (len(u.ID) == 0 || bytes.Equal(e.ID, u.ID)) {
			found = append(found, e)
		}
	}
	keys := 0
	for keys < len(found) && found[keys].key != nil {
		keys++
	}
	what := URI{Object: u.Object, ID: u.ID}.String()
	switch {
	case len(found) == 0:
		return Entry{}, &TokenError{Op: "search token", Token: t.name, Err: keystore.ErrNotFound, Detail: what}
	case keys == 1, keys == 0 && len(found) == 1:
		return found[0], nil
	default:
		return Entry{}, &TokenError{Op: "search token", Token: t.name, Err: ErrAmbiguous, Detail: what}
	}
}

// checkLabel tells why no new key can have this label: keystore.ErrLabel or
// keystore.ErrDuplicateLabel.
func (t *Token) checkLabel(label string) error {
	if err := keystore.CheckLabel(label); err != nil {
		return err
	}
	entries, err := t.Entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.key != nil && strings.EqualFold(e.Label, label) {
			return &keystore.EntryError{Label: label, Err: keystore.ErrDuplicateLabel}
		}
	}
	return nil
}

// Generate makes a private key on the token, where it stays: it is sensitive and
// cannot be extracted. It returns ErrMechanism for a kind of key that is not for
// tokens, or that this token does not make.
func (t *Token) Generate(label string, spec keystore.KeySpec) (Entry, error) {
	if err := t.checkLabel(label); err != nil {
		return Entry{}, err
	}
	p := pair{label: label, id: newID()}
	switch {
	case spec.RSABits() > 0:
		p.rsaBits = spec.RSABits()
	case curveOID(spec.String()) != nil:
		p.curve = curveOID(spec.String())
	default:
		return Entry{}, &TokenError{Op: "generate on token", Token: t.name, Err: ErrMechanism, Detail: "no keys of type " + spec.String()}
	}
	if err := t.driver.generate(p); err != nil {
		return Entry{}, t.fail("generate on token", err)
	}
	return t.Lookup(URI{Object: label, ID: p.id})
}

// Import puts a copy of a private key on the token, and the certificate that belongs
// to it, DER, where there is one. The key is PKCS#8, DER; the caller wipes it. It
// returns keystore.ErrKeyMismatch where the certificate is another key's, and
// ErrDuplicateKey where the key is there already.
func (t *Token) Import(label string, key, certificate []byte) (Entry, error) {
	if err := t.checkLabel(label); err != nil {
		return Entry{}, err
	}
	private, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return Entry{}, &keystore.EntryError{Label: label, Err: ErrMechanism, Detail: "the private key is of a kind that is not for tokens"}
	}
	var public crypto.PublicKey
	switch private := private.(type) {
	case *rsa.PrivateKey:
		public = private.Public()
	case *ecdsa.PrivateKey:
		public = private.Public()
	default:
		return Entry{}, &keystore.EntryError{Label: label, Err: ErrMechanism, Detail: fmt.Sprintf("a key of type %T is not for tokens", private)}
	}
	if certificate != nil {
		c, err := x509.ParseCertificate(certificate)
		if err != nil {
			return Entry{}, &keystore.EntryError{Label: label, Err: keystore.ErrUnusable, Detail: err.Error()}
		}
		if !samePublic(public, c.PublicKey) {
			return Entry{}, &keystore.EntryError{Label: label, Err: keystore.ErrKeyMismatch}
		}
	}
	entries, err := t.Entries()
	if err != nil {
		return Entry{}, err
	}
	for _, e := range entries {
		if e.key != nil && samePublic(e.Public, public) {
			return Entry{}, &keystore.EntryError{Label: e.Label, Err: ErrDuplicateKey}
		}
	}
	id := newID()
	if err := t.driver.createKey(private, label, id); err != nil {
		return Entry{}, t.fail("import to token", err)
	}
	if certificate != nil {
		// A certificate that was there without its key has it now.
		if _, err := t.AddCertificate(label, certificate); err != nil && !errors.Is(err, keystore.ErrDuplicateCertificate) {
			return Entry{}, err
		}
	}
	return t.Lookup(URI{Object: label, ID: id})
}

// AddCertificate stores a certificate, DER. Where its key is on the token it gets the
// CKA_ID and the label of the key; otherwise label, or its common name for "". It
// returns keystore.ErrDuplicateCertificate and keystore.ErrUnusable.
func (t *Token) AddCertificate(label string, der []byte) (Entry, error) {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return Entry{}, &keystore.EntryError{Label: label, Err: keystore.ErrUnusable, Detail: err.Error()}
	}
	entries, err := t.Entries()
	if err != nil {
		return Entry{}, err
	}
	if label == "" {
		label = c.Subject.CommonName
	}
	add, beside := certificateObject(c, label, newID()), false
	for _, e := range entries {
		if len(e.Chain) > 0 && bytes.Equal(e.Chain[0], der) || slices.ContainsFunc(e.certificates, c.Equal) {
			return Entry{}, &keystore.EntryError{Label: e.Label, Err: keystore.ErrDuplicateCertificate}
		}
		if e.key != nil && samePublic(e.Public, c.PublicKey) {
			add.label, beside = e.Label, true // whatever the key is called
			if len(e.ID) > 0 {
				add.id = e.ID
			}
		}
	}
	if err := keystore.CheckLabel(add.label); err != nil && !beside {
		return Entry{}, err
	}
	if err := t.driver.createCertificate(add); err != nil {
		return Entry{}, t.fail("add to token", err)
	}
	return t.Lookup(URI{Object: add.label, ID: add.id})
}

func certificateObject(c *x509.Certificate, label string, id []byte) certificate {
	serial, err := asn1.Marshal(c.SerialNumber)
	if err != nil {
		serial = nil // it is for searching only
	}
	return certificate{label: label, id: id, der: c.Raw, subject: c.RawSubject, issuer: c.RawIssuer, serial: serial}
}

// Delete removes an entry: a key with its public half and its certificates, or a
// certificate. There is no undo.
func (t *Token) Delete(u URI) error {
	e, err := t.Lookup(u)
	if err != nil {
		return err
	}
	// The private key goes last: what is left after a failure can be deleted anew.
	for i := len(e.handles) - 1; i >= 0; i-- {
		err = errors.Join(err, t.driver.destroy(e.handles[i]))
	}
	return t.fail("delete from token", err)
}

// newID returns a new CKA_ID.
func newID() []byte {
	id := make([]byte, idLen)
	rand.Read(id) // never fails: it ends the process instead
	return id
}

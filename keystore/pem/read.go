package pem

import (
	"bytes"
	"fmt"
	"strings"

	"keyman/internal/keyfile"
	"keyman/internal/pemtext"
	"keyman/keystore/format"
)

// A kept is what an item gets written again with at the next Encode: lines of
// text before its blocks, and OpenSSL's settings of a TRUSTED CERTIFICATE.
type kept struct {
	key, certificate, request []string
	settings                  []byte
}

// A remainder is what a file holds beside items.
type remainder struct {
	blocks []pemtext.Block
	text   []string
}

// Extras implements format.Extra.
func (r remainder) Extras() []string {
	var words []string
	if n := len(r.blocks); n > 0 {
		words = append(words, fmt.Sprintf("blocks of other types (%d)", n))
	}
	if len(r.text) > 0 {
		words = append(words, "the text at its end")
	}
	return words
}

// A part is a block that was understood.
type part struct {
	description
	block    pemtext.Block
	der      []byte // the key as PKCS#8, or the certificate, or the request
	public   []byte // bits of the public key; nil for a key of a type that is not known
	name     string // the common name
	settings []byte
	fallback string // the label where the file has none
	isKey    bool
	partner  *part // the certificate of a key, the key of a certificate or request
	done     bool  // its item is made
}

// A bundle is what was read so far.
type bundle struct {
	order        []*part // keys and certificates, as they come
	keys         []*part
	certificates []*part
	requests     []*part
	rest         []pemtext.Block
	seen         map[string]bool // DER of what is there already
}

// add reads a block. The name is a label for what has none, "" for the common
// name.
func (b *bundle) add(block pemtext.Block, reader *keyfile.Reader, name string) error {
	p := &part{description: describe(block.Text), block: block, der: block.Bytes, fallback: name}
	var (
		who subject
		ok  bool
	)
	switch {
	case keyfile.IsKey(block.Type):
		key, err := reader.Block(block)
		if err != nil {
			return keyError(err)
		}
		p.der, p.public, p.isKey = key, keyfile.Public(key), true
		if b.isNew(key) {
			b.keys, b.order = append(b.keys, p), append(b.order, p)
		}
		return nil
	case isCertificate(block.Type):
		if block.Type == typeTrusted {
			var alias string
			if p.der, p.settings, alias, ok = splitTrusted(block.Bytes); !ok {
				return fmt.Errorf("%w: line %d: not a trusted certificate", format.ErrDamaged, block.Line)
			}
			if p.label == "" {
				p.label = strings.ToValidUTF8(alias, "?")
			}
		}
		if who, ok = certificateSubject(p.der); !ok {
			return fmt.Errorf("%w: line %d: not a certificate", format.ErrDamaged, block.Line)
		}
		// Tools write a CA once for each chain it is in: one item is enough.
		if b.isNew(p.der) {
			b.certificates, b.order = append(b.certificates, p), append(b.order, p)
		}
	case isRequest(block.Type):
		if who, ok = requestSubject(p.der); !ok {
			return fmt.Errorf("%w: line %d: not a certificate request", format.ErrDamaged, block.Line)
		}
		b.requests = append(b.requests, p)
	default:
		b.keep(block)
	}
	p.name, p.public = who.name, who.public
	return nil
}

func (b *bundle) isNew(der []byte) bool {
	if b.seen == nil {
		b.seen = map[string]bool{}
	}
	known := b.seen[string(der)]
	b.seen[string(der)] = true
	return !known
}

// keep leaves a block for the end of the next file.
func (b *bundle) keep(block pemtext.Block) {
	b.rest = append(b.rest, pemtext.Block{
		Type: block.Type, Headers: block.Headers, Bytes: block.Bytes, Text: withoutMarks(block.Text),
	})
}

// content makes items, in the order of their first blocks. The marks count where
// the file is protected.
func (b *bundle) content(text []string, protected bool) *format.Content {
	findCertificate := newFinder(b.certificates)
	for _, key := range b.keys {
		findCertificate.pair(key)
	}
	findRequest := newFinder(b.requests)
	for _, key := range b.keys {
		if key.partner == nil {
			findRequest.pair(key)
		}
	}
	var (
		items      []format.Item
		hasDefault bool
	)
	for _, p := range b.order {
		if p.done {
			continue
		}
		p.done = true
		var item format.Item
		switch {
		case !p.isKey && p.partner == nil:
			item = signer(p)
			item.Trusted = protected && p.trusted
		case p.isKey && (p.partner == nil || isRequest(p.partner.block.Type)):
			item = request(p, p.partner)
		default:
			key, certificate := p, p.partner
			if !p.isKey {
				key, certificate = p.partner, p
			}
			key.done, certificate.done = true, true
			item = pair(key, certificate)
			item.Default = protected && key.isDefault && !hasDefault
			hasDefault = hasDefault || item.Default
		}
		items = append(items, item)
	}
	format.NameItems(items)
	for _, p := range b.requests {
		if p.partner == nil {
			b.keep(p.block)
		}
	}
	c := &format.Content{Items: items}
	rest := remainder{blocks: b.rest, text: withoutMarks(text)}
	if len(rest.blocks)+len(rest.text) > 0 {
		c.Kept = rest
	}
	return c
}

// pair makes the item of a key with its certificate.
func pair(key, certificate *part) format.Item {
	return format.Item{
		Kind: format.Personal, Label: label(key, certificate), Certificate: certificate.der, Key: key.der,
		Kept: keepFor(kept{key: key.others, certificate: certificate.others, settings: certificate.settings}),
	}
}

// request makes the item of a key without a certificate.
func request(key, req *part) format.Item {
	item := format.Item{Kind: format.Request, Label: label(key, req), Key: key.der}
	k := kept{key: key.others}
	if req != nil {
		item.Request, k.request = req.der, req.others
	}
	item.Kept = keepFor(k)
	return item
}

// signer makes the item of a certificate without a key.
func signer(p *part) format.Item {
	return format.Item{
		Kind: format.Signer, Label: label(p, nil), Certificate: p.der,
		Kept: keepFor(kept{certificate: p.others, settings: p.settings}),
	}
}

// label chooses what the file says of a part or of the one that belongs to it,
// then the name of the file, then the common name.
func label(p, other *part) string {
	if other == nil {
		other = &part{}
	}
	for _, text := range []string{p.label, other.label, p.fallback, p.name, other.name} {
		if text != "" {
			return text
		}
	}
	return ""
}

// keepFor returns what Item.Kept holds; nil where there is nothing to keep.
func keepFor(k kept) any {
	if k.key == nil && k.certificate == nil && k.request == nil && k.settings == nil {
		return nil
	}
	return k
}

// A finder finds what belongs to a key.
type finder map[string][]*part

func newFinder(parts []*part) finder {
	f := finder{}
	for _, p := range parts {
		f["public "+string(p.public)] = append(f["public "+string(p.public)], p)
		if len(p.localKeyID) > 0 {
			f["id "+string(p.localKeyID)] = append(f["id "+string(p.localKeyID)], p)
		}
	}
	return f
}

// pair gives a key the part with its public key, among several the one with its
// localKeyID. Where the public key is not known the localKeyID alone decides.
func (f finder) pair(key *part) {
	candidates := f["public "+string(key.public)]
	if key.public == nil {
		candidates = nil
		if len(key.localKeyID) > 0 {
			candidates = f["id "+string(key.localKeyID)]
		}
	}
	var found *part
	for _, p := range candidates {
		if p.partner != nil {
			continue
		}
		if len(key.localKeyID) > 0 && bytes.Equal(p.localKeyID, key.localKeyID) {
			found = p
			break
		}
		if found == nil {
			found = p
		}
	}
	if found != nil {
		key.partner, found.partner = found, key
	}
}

package crl

import (
	"bufio"
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/der"
	"keyman/internal/dn"
)

// Limits bounds what is read. The zero value means the defaults.
type Limits struct {
	// MaxBytes is the size of a list, in bytes of its DER or PEM form; zero
	// is DefaultMaxBytes, and no more than MaxMaxBytes is allowed.
	MaxBytes int64
}

const (
	// DefaultMaxBytes is the largest list that is read where no other limit
	// is set. The largest public lists have some 35 MB.
	DefaultMaxBytes = 64 << 20
	// MaxMaxBytes is the largest limit that can be set.
	MaxMaxBytes = 1 << 30
)

// bytes returns the limit in force.
func (l Limits) bytes() int64 {
	if l.MaxBytes <= 0 {
		return DefaultMaxBytes
	}
	return min(l.MaxBytes, MaxMaxBytes)
}

// ErrTooLarge is in the error for a list that is larger than the limit.
var ErrTooLarge = errors.New("larger than the limit")

// errMalformed is the error for a part of a list or certificate that is not as
// RFC 5280 has it.
type errMalformed string

func (e errMalformed) Error() string { return "malformed " + string(e) }

// Parse reads one list, DER or PEM, to the end of r. It accepts versions 1 and
// 2. It checks the form and nothing else: not the signature, not the dates, not
// whether the list may be used; Checker does that.
//
// The list is hashed, parsed and indexed while it comes, and no more memory is
// allocated than a small multiple of what has come.
func Parse(r io.Reader, limits Limits) (*List, error) {
	limit := limits.bytes()
	in := bufio.NewReader(&bounded{r: r, limit: limit, left: limit})
	var text *pemReader
	der := io.Reader(in)
	if beginsPEM(in) {
		text = newPEMReader(in)
		der = text
	}
	l, err := parse(&intake{r: der}, limit)
	if err == nil && text != nil {
		err = text.end()
	}
	if err != nil {
		return nil, fmt.Errorf("revocation list: %w", err)
	}
	return l, nil
}

// parseData reads one list like Parse, from memory that it keeps.
func parseData(data []byte, limits Limits) (*List, error) {
	if len(data) > 0 && data[0] != byte(cbasn1.SEQUENCE) {
		return Parse(bytes.NewReader(data), limits)
	}
	l, err := parse(&intake{buf: data}, limits.bytes())
	if err != nil {
		return nil, fmt.Errorf("revocation list: %w", err)
	}
	return l, nil
}

// A bounded reader fails where more than limit octets come.
type bounded struct {
	r           io.Reader
	limit, left int64
}

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p[:min(int64(len(p)), b.left+1)])
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(b.limit)
	}
	return n, err
}

func tooLarge(limit int64) error { return fmt.Errorf("%w of %d bytes", ErrTooLarge, limit) }

// A parser is one run of parse: the list, and where its parts lie.
type parser struct {
	*intake
	list      *List
	tbs       element
	at        int // the next element in tbs
	revoked   element
	algorithm []byte // the one inside
	index     *indexMaker
	// stored: the list was hashed and indexed when it was stored.
	stored bool
}

// parse reads a CertificateList (RFC 5280, 5.1).
func parse(in *intake, limit int64) (*List, error) {
	p := &parser{intake: in, list: &List{Version: 1}, index: newIndexMaker()}
	if err := p.head(limit); err != nil {
		return nil, err
	}
	if err := p.entries(); err != nil {
		return nil, err
	}
	if err := p.tail(); err != nil {
		return nil, err
	}
	p.list.index = p.index.index()
	return p.list, nil
}

// head reads up to the first entry.
func (p *parser) head(limit int64) error {
	list, ok, err := p.header(0, math.MaxInt)
	switch {
	case err != nil:
		return err
	case !ok || list.tag != cbasn1.SEQUENCE:
		return errCut
	case int64(list.to) > limit:
		return tooLarge(limit)
	}
	p.total = list.to
	if p.tbs, ok, err = p.header(list.content, list.to); err != nil {
		return err
	}
	if !ok || p.tbs.tag != cbasn1.SEQUENCE {
		return errMalformed("TBSCertList")
	}
	p.at = p.tbs.content
	if err := p.version(); err != nil {
		return err
	}
	algorithm, err := p.next(cbasn1.SEQUENCE, "signature algorithm")
	if err != nil {
		return err
	}
	p.algorithm = bytes.Clone(p.whole(algorithm))
	if h := signatureHash(p.algorithm); h != 0 {
		p.list.signed.hash = h
		if !p.stored {
			p.hashPart(h.New(), p.tbs.start, p.tbs.to)
		}
	}
	issuer, err := p.next(cbasn1.SEQUENCE, "issuer")
	if err != nil {
		return err
	}
	name := bytes.Clone(p.whole(issuer))
	if p.list.Issuer, err = dn.FromDER(name); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	p.list.issuerKey = cert.NameKey(name)
	if err := p.times(); err != nil {
		return err
	}
	return p.beginEntries()
}

// next reads the next element in tbs.
func (p *parser) next(tag cbasn1.Tag, what string) (element, error) {
	e, err := p.element(p.at, p.tbs.to, tag, what)
	p.at = e.to
	return e, err
}

func (p *parser) version() error {
	const words = "version: there are version 1 and version 2"
	tag, err := p.peek(p.at, p.tbs.to)
	if err != nil || tag != cbasn1.INTEGER {
		return err
	}
	version, err := p.next(cbasn1.INTEGER, words)
	if err == nil && string(p.buf[version.content:version.to]) != "\x01" {
		err = errMalformed(words)
	}
	p.list.Version = 2
	return err
}

// times reads thisUpdate and nextUpdate.
func (p *parser) times() error {
	for _, t := range []struct {
		time     *time.Time
		what     string
		optional bool
	}{{&p.list.ThisUpdate, "thisUpdate", false}, {&p.list.NextUpdate, "nextUpdate", true}} {
		tag, err := p.peek(p.at, p.tbs.to)
		if err != nil {
			return err
		}
		if t.optional && tag != cbasn1.UTCTime && tag != cbasn1.GeneralizedTime {
			return nil
		}
		e, err := p.next(tag, t.what)
		if err != nil {
			return err
		}
		text := cryptobyte.String(p.whole(e))
		var ok bool
		if *t.time, ok = der.ReadTime(&text); !ok {
			return errMalformed(t.what)
		}
	}
	return nil
}

// beginEntries reads the header of revokedCertificates, where it is there.
func (p *parser) beginEntries() error {
	p.revoked = element{content: p.at, to: p.at}
	tag, err := p.peek(p.at, p.tbs.to)
	if err != nil || tag != cbasn1.SEQUENCE {
		return err
	}
	var ok bool
	if p.revoked, ok, err = p.header(p.at, p.tbs.to); err == nil && !ok {
		err = errMalformed("revokedCertificates")
	}
	p.at = p.revoked.to
	return err
}

// tail reads what follows the entries.
func (p *parser) tail() error {
	if err := p.fill(p.total); err != nil {
		return err
	}
	if err := p.end(); err != nil {
		return err
	}
	l := p.list
	l.raw = p.buf[:p.total:p.total]
	l.signed.tbs = l.raw[p.tbs.start:p.tbs.to]
	if p.hash != nil {
		l.signed.digest = p.hash.Sum(nil)
	}
	l.revoked = l.raw[p.revoked.content:p.revoked.to]
	var (
		algorithm cryptobyte.String
		signature asn1.BitString
	)
	outer := cryptobyte.String(l.raw[p.tbs.to:])
	if !outer.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) || !outer.ReadASN1BitString(&signature) || !outer.Empty() {
		return errMalformed("CertificateList")
	}
	// RFC 5280, 5.1.1.2.
	if !bytes.Equal(algorithm, p.algorithm) {
		return errMalformed("signature algorithm: the one inside and the one outside differ")
	}
	l.algorithm, l.signature = algorithm, signature.RightAlign()
	l.SignatureAlgorithm = algorithmName(algorithm)
	if p.at == p.tbs.to {
		return nil
	}
	var explicit, extensions cryptobyte.String
	tbs := cryptobyte.String(l.raw[p.at:p.tbs.to])
	if l.Version < 2 || !tbs.ReadASN1(&explicit, tag0Constructed) || !tbs.Empty() ||
		!explicit.ReadASN1(&extensions, cbasn1.SEQUENCE) || !explicit.Empty() || extensions.Empty() {
		return errMalformed("extensions")
	}
	return l.parseExtensions(extensions)
}

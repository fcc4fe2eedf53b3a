package crl

import (
	"fmt"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
)

// entries reads every entry once, as soon as it is there, and gives it to the
// index.
func (p *parser) entries() error {
	for at := p.revoked.content; at < p.revoked.to; {
		if at = p.simple(at); at == p.revoked.to {
			break
		}
		// One that is not simple, or not there as a whole.
		e, ok, err := p.header(at, p.revoked.to)
		if err == nil && (!ok || e.tag != cbasn1.SEQUENCE) {
			err = errMalformed("element")
		}
		if err == nil {
			if err = p.fill(e.to); err == nil {
				err = p.entry(e)
			}
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", p.index.count+1, err)
		}
		at = e.to
	}
	return nil
}

// entry reads one entry of any form.
func (p *parser) entry(e element) error {
	l := p.list
	entry, notes, err := parseEntry(p.buf[e.content:e.to], l.Version)
	if err != nil {
		return err
	}
	offset := uint32(e.start - p.revoked.content)
	if notes.issuer != nil {
		l.issuers = append(l.issuers, offset)
	}
	if notes.unknownCritical != nil {
		l.addUnknownCritical(der.OID(notes.unknownCritical).String())
	}
	p.index.add(entry.Serial, e.to-e.start)
	return nil
}

// simple gives the index entries that are ready and of the simple form, as long
// as that is what comes, and returns where it stops: parseEntry, which reads all
// forms, takes five times as long.
func (p *parser) simple(from int) (at int) {
	ready := p.buf[:min(p.ready, p.revoked.to)]
	for at = from; at < len(ready); {
		rest := ready[at:]
		size, serial := simpleShape(rest)
		if size == 0 || isExtended(size, serial) && p.list.Version < 2 || !validUTCTime(rest[serialAt+serial+2:]) {
			return at
		}
		p.index.add(rest[serialAt:serialAt+serial], size)
		at += size
	}
	return at
}

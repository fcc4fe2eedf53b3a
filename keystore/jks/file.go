package jks

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"keyman/keystore/format"
)

// maxParts bounds how many entries a file may have, and certificates in them,
// together: ten times what package pkcs12 reads. A part can be as small as five
// bytes, and takes some hundreds in memory.
const maxParts = 200_000

// Versions of the file format. The first leaves out the types of certificates;
// the second is the one that is written.
const (
	version1 = 1
	version2 = 2
)

// certificateType is the only type of certificate that is known here, and that
// Java has.
const certificateType = "X.509"

// A tag says what an entry is.
type tag uint32

const (
	tagKey         tag = 1 // a private key and its chain
	tagCertificate tag = 2 // a trusted certificate
	tagSecret      tag = 3 // a secret key; JCEKS alone
)

// An entry is an entry of a file, as it stands there.
type entry struct {
	tag     tag
	alias   []byte // modified UTF-8
	created int64  // milliseconds since the start of 1970, UTC
	// protected is an EncryptedPrivateKeyInfo, or a serialized SealedObject
	// with the header of its stream.
	protected []byte
	// chain has the certificate of the key first, DER; for a trusted
	// certificate, it alone.
	chain [][]byte
}

// errStructure is data that has not the structure of a Java key store.
var errStructure = errors.New("not the structure of a Java key store")

// errTooMany is a file with more than maxParts.
func errTooMany() error {
	return fmt.Errorf("%w: more than %d entries and certificates", format.ErrUnsupported, maxParts)
}

// read reads all of a file before its digest. The numbers of entries and of
// certificates are believed only as far as there are bytes for them: nothing is
// allocated by them.
func (k kind) read(body []byte) ([]entry, error) {
	var magic, version, count uint32
	in := cryptobyte.String(body)
	if !in.ReadUint32(&magic) || magic != uint32(k) || !in.ReadUint32(&version) || !in.ReadUint32(&count) {
		return nil, errStructure
	}
	if version != version1 && version != version2 {
		return nil, fmt.Errorf("%w: version %d of the format %s", format.ErrUnsupported, version, k.name())
	}
	var entries []entry
	left := maxParts
	for range count {
		e, err := k.readEntry(&in, version, &left)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if !in.Empty() {
		return nil, errStructure
	}
	return entries, nil
}

// readEntry reads an entry, and takes its parts off those that are left.
func (k kind) readEntry(in *cryptobyte.String, version uint32, left *int) (entry, error) {
	var (
		e     entry
		alias cryptobyte.String
		date  uint64
		count uint32 = 1
	)
	if *left--; *left < 0 {
		return e, errTooMany()
	}
	if !in.ReadUint32((*uint32)(&e.tag)) || !in.ReadUint16LengthPrefixed(&alias) || !in.ReadUint64(&date) {
		return e, errStructure
	}
	e.alias, e.created = alias, int64(date)
	label, ok := readText(alias)
	if !ok {
		return e, fmt.Errorf("%w: an alias is not text", errStructure)
	}
	switch {
	case e.tag == tagKey:
		if !readBlock(in, &e.protected) || !in.ReadUint32(&count) {
			return e, errStructure
		}
	case e.tag == tagCertificate:
	case e.tag == tagSecret && k == kindJCEKS:
		start := *in
		if err := skipObject(in); err != nil {
			return e, fmt.Errorf("secret key %q: %w", label, err)
		}
		e.protected = start[:len(start)-len(*in)]
		return e, nil
	default:
		return e, fmt.Errorf("%w: an entry with the number %d", errStructure, e.tag)
	}
	for range count {
		if *left--; *left < 0 {
			return e, errTooMany()
		}
		var (
			certificate []byte
			typ         = cryptobyte.String(certificateType)
		)
		if version == version2 && !in.ReadUint16LengthPrefixed(&typ) ||
			!readBlock(in, &certificate) || len(certificate) == 0 {
			return e, errStructure
		}
		if string(typ) != certificateType {
			return e, fmt.Errorf("%w: a certificate of %q is of type %q", format.ErrUnsupported, label, string(typ))
		}
		e.chain = append(e.chain, certificate)
	}
	return e, nil
}

// readBlock reads bytes behind their number.
func readBlock(in *cryptobyte.String, out *[]byte) bool {
	var n uint32
	return in.ReadUint32(&n) && uint64(n) <= uint64(len(*in)) && in.ReadBytes(out, int(n))
}

// write writes a file without its digest.
func (k kind) write(entries []entry) ([]byte, error) {
	parts := len(entries)
	for _, e := range entries {
		parts += len(e.chain)
	}
	if parts > maxParts {
		return nil, fmt.Errorf("a %s file holds %d entries and certificates, not %d", k.name(), maxParts, parts)
	}
	var b cryptobyte.Builder
	b.AddUint32(uint32(k))
	b.AddUint32(version2)
	b.AddUint32(uint32(len(entries)))
	for _, e := range entries {
		b.AddUint32(uint32(e.tag))
		addText(&b, e.alias)
		b.AddUint64(uint64(e.created))
		switch e.tag {
		case tagKey:
			addBlock(&b, e.protected)
			b.AddUint32(uint32(len(e.chain)))
		case tagSecret:
			b.AddBytes(e.protected)
		}
		for _, certificate := range e.chain {
			addText(&b, []byte(certificateType))
			addBlock(&b, certificate)
		}
	}
	return b.Bytes()
}

// addBlock writes bytes behind their number.
func addBlock(b *cryptobyte.Builder, data []byte) {
	b.AddUint32(uint32(len(data)))
	b.AddBytes(data)
}

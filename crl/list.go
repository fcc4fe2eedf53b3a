package crl

import (
	"iter"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/dn"
)

// A List is one certificate revocation list, parsed and indexed but not yet
// verified: see CheckSignatureFrom. It is not changed after Parse and may be
// used by several goroutines at once; its fields are for reading.
type List struct {
	// Source is where the list came from, a URL or a file; for people.
	Source string
	// Version is 1 or 2.
	Version int
	// Issuer is who says to have signed the list.
	Issuer dn.Name
	// ThisUpdate and NextUpdate frame the time the list is made for.
	// NextUpdate is zero where the list does not say.
	ThisUpdate, NextUpdate time.Time
	// Number is the CRL number (RFC 5280, 5.2.3), nil where there is none.
	Number *big.Int
	// AuthorityKeyID names the key that signed; nil where the list does not say.
	AuthorityKeyID []byte
	// Scope says which certificates the list is about (RFC 5280, 5.2.5); nil
	// is all certificates of the issuer.
	Scope *Scope
	// DeltaBase is the number of the list that this one completes (RFC 5280,
	// 5.2.4); nil for a complete list.
	DeltaBase *big.Int
	// Extensions are the list's extensions in their order.
	Extensions []Extension
	// UnknownCritical are the OIDs of critical extensions, of the list or of
	// an entry, that this package does not process. A list with one never
	// answers that a certificate is good (RFC 5280, 5.2 and 5.3).
	UnknownCritical []string
	// SignatureAlgorithm is a word such as SHA256-RSA, or an OID.
	SignatureAlgorithm string

	raw       []byte // the whole list, DER
	signed    signedPart
	algorithm []byte // signature AlgorithmIdentifier, DER
	signature []byte
	revoked   []byte // the entries, one behind the other
	index     index  // of where they begin in revoked

	point *cert.IssuingDistributionPoint // what Scope shows, nil likewise
	// issuers are where the entries with the certificateIssuer extension begin
	// in revoked, in their order.
	issuers []uint32
	// issuerKey is Issuer as cert.NameKey has it.
	issuerKey string
	authority bool // from authorityRevocationList: see setAuthority
	// validators name the list as the HTTP server of Source knows it.
	validators Validators
}

// An Extension is one extension of a list.
type Extension struct {
	OID      string
	Critical bool
	Value    []byte // DER
}

// setAuthority notes, before the list is used, that it lay in a directory's
// attribute authorityRevocationList (RFC 4523, 2.4). Such a list is about CA
// certificates (X.509, 11.2.5), also where it does not say so itself.
func (l *List) setAuthority() { l.authority = true }

// Raw returns the DER encoding of the whole list. It must not be changed.
func (l *List) Raw() []byte { return l.raw }

// Len returns the number of entries.
func (l *List) Len() int { return l.index.len() }

// Size returns roughly how many bytes of memory the list holds.
func (l *List) Size() int64 { return int64(len(l.raw)) + l.index.size() }

// Entries yields the entries in the order of the list.
func (l *List) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for at := 0; at < len(l.revoked); {
			if size, serial := simpleShape(l.revoked[at:]); size > 0 {
				var e Entry
				e.readSimple(l.revoked[at:], size, serial)
				if !yield(e) {
					return
				}
				at += size
				continue
			}
			content, next := elementAt(l.revoked, at)
			e, _, err := parseEntry(content, l.Version)
			if err != nil || !yield(e) {
				return // Parse has read every entry
			}
			at = next
		}
	}
}

// stackSerial is the size in octets up to which Lookup allocates nothing. RFC
// 5280, 4.1.2.2, allows 20.
const stackSerial = 64

// Lookup finds the entry for a serial number. It allocates nothing for serial
// numbers of up to 63 octets. An entry with the reason RemoveFromCRL does not
// revoke; see Entry.Revokes. A nil serial is in no list.
func (l *List) Lookup(serial *big.Int) (Entry, bool) {
	if serial == nil {
		return Entry{}, false
	}
	if serial.Sign() < 0 || serial.BitLen() >= 8*stackSerial {
		return l.lookup(integerOctets(serial))
	}
	var buffer [stackSerial]byte
	serial.FillBytes(buffer[:])
	// The content octets of a DER INTEGER: the shortest with a sign bit.
	return l.lookup(buffer[stackSerial-serial.BitLen()/8-1:])
}

// otherIssuers reports whether an entry has the certificateIssuer extension.
func (l *List) otherIssuers() bool { return len(l.issuers) > 0 }

// find finds the entry for a certificate: one with its serial number, as content
// octets, and of its issuer, given as cert.NameKey has it, where the list speaks
// for several. An entry is about
// certificates of the issuer that it names, or that the last one before it named,
// or of the list's own where none did (RFC 5280, 5.3.3). Of several entries one
// that revokes goes first. It allocates nothing where the list speaks for its
// issuer alone.
func (l *List) find(serial []byte, issuer string) (found Entry, ok bool) {
	own := l.issuerKey == issuer
	if !own && !l.otherIssuers() {
		return Entry{}, false
	}
	for p := l.index.probe(serial); !found.Revokes() || !ok; {
		at, more := l.next(&p, serial)
		if !more {
			break
		}
		if l.otherIssuers() && !l.isAbout(at, issuer, own) {
			continue
		}
		if !ok {
			found, ok = l.entryAt(at), true
		} else if e := l.entryAt(at); e.Revokes() {
			found = e
		}
	}
	return found, ok
}

// isAbout reports whether the entry at an offset is about certificates of an
// issuer; own says that this is the list's.
func (l *List) isAbout(at uint32, issuer string, own bool) bool {
	if own {
		return l.isOwn(at)
	}
	issuers := l.issuersOf(at)
	if issuers == nil {
		return false
	}
	names, err := cert.ParseGeneralNames(issuers)
	return err == nil && slices.ContainsFunc(names, func(g cert.GeneralName) bool {
		return g.Kind == cert.DirectoryName && cert.NameKey(g.Value) == issuer
	})
}

// isOwn reports whether the entry at an offset may be about a certificate of the
// list's own issuer.
func (l *List) isOwn(at uint32) bool {
	issuers := l.issuersOf(at)
	return issuers == nil || l.isIssuer(issuers)
}

// issuersOf returns the certificateIssuer extension that counts for the entry at
// an offset, nil where none does: its own, or that of the last one before it that
// has one (RFC 5280, 5.3.3).
func (l *List) issuersOf(at uint32) cryptobyte.String {
	n, exact := slices.BinarySearch(l.issuers, at)
	if !exact {
		n-- // the last one before it
	}
	if n < 0 {
		return nil
	}
	content, _ := elementAt(l.revoked, int(l.issuers[n]))
	_, notes, err := parseEntry(content, l.Version)
	if err != nil || notes.issuer == nil {
		return cryptobyte.String{} // Parse has read every entry
	}
	return notes.issuer
}

// isIssuer reports whether GeneralNames may name the list's issuer. What cannot
// be read may.
func (l *List) isIssuer(names cryptobyte.String) bool {
	var content, name cryptobyte.String
	if !names.ReadASN1(&content, cbasn1.SEQUENCE) || !names.Empty() {
		return true
	}
	for !content.Empty() {
		var tag cbasn1.Tag
		if !content.ReadAnyASN1(&name, &tag) {
			return true
		}
		if tag != tagDirectory {
			continue
		}
		if issuer, err := dn.FromDER(name); err != nil || issuer.Equal(l.Issuer) {
			return true
		}
	}
	return false
}

// lookup finds an entry by the content octets of its serial number. Where a
// list names a serial number more than once, an entry that revokes goes first.
func (l *List) lookup(serial []byte) (found Entry, ok bool) {
	for p := l.index.probe(serial); !ok || !found.Revokes(); {
		at, more := l.next(&p, serial)
		if !more {
			break
		}
		if !ok {
			l.readEntry(&found, at)
			ok = true
		} else if e := l.entryAt(at); e.Revokes() {
			found = e
		}
	}
	return found, ok
}

// next returns where the next entry for a serial number begins.
func (l *List) next(p *probe, serial []byte) (at uint32, ok bool) {
	for {
		if at, ok = l.index.next(p); !ok {
			return 0, false
		}
		if hasSerial(l.revoked[min(int(at), len(l.revoked)):], serial) {
			return at, true
		}
	}
}

// integerOctets returns the content octets of i as a DER INTEGER.
func integerOctets(i *big.Int) []byte {
	if i.Sign() >= 0 {
		return i.FillBytes(make([]byte, i.BitLen()/8+1))
	}
	// Two's complement: the octets of -i-1, inverted, have the right length.
	octets := integerOctets(new(big.Int).Not(i))
	for at := range octets {
		octets[at] = ^octets[at]
	}
	return octets
}

// newer reports whether l replaces other, a list of the same scope: its number
// decides, or where one has none, its date (RFC 5280, 5.2.3).
func (l *List) newer(other *List) bool {
	if l.Number != nil && other.Number != nil {
		if c := l.Number.Cmp(other.Number); c != 0 {
			return c > 0
		}
	}
	return l.ThisUpdate.After(other.ThisUpdate)
}

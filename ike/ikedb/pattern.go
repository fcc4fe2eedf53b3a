package ikedb

import (
	"errors"
	"fmt"
	"strings"

	"keyman/ike/isakmp"
	"keyman/internal/dn"
)

// MaxPatterns is the largest number of different patterns among the identities of
// peers: each is compared with every other identity, so that no two tunnels demand
// different things of one peer.
const MaxPatterns = 256

// patternMark begins a pattern of domain names or of users.
const patternMark = "*"

// escapedMark is an asterisk in a distinguished name that is no pattern.
const escapedMark = `\2A`

// newPattern makes a pattern of a type and a value as written; ok is false where
// the value is none. A pattern is written only by people: what a peer sends is an
// identity to the letter.
//
//	fqdn:*.example.org           every name below example.org
//	user_fqdn:*@example.org      every user of that domain
//	dn:C=CH, O=Example, CN=*     every name that has these attributes, in this
//	                             order, and any common name; \2A is an asterisk
func newPattern(typ isakmp.IDType, value string) (id Identity, ok bool, err error) {
	switch typ {
	case isakmp.IDFQDN:
		below, found := strings.CutPrefix(value, patternMark+".")
		if !found {
			return Identity{}, false, nil
		}
		if !domainName(below) {
			return Identity{}, true, fmt.Errorf("%q is no domain name", below)
		}
		return Identity{typ: typ, data: value, key: strings.ToLower(value), pattern: true}, true, nil
	case isakmp.IDUserFQDN:
		domain, found := strings.CutPrefix(value, patternMark+"@")
		if !found {
			return Identity{}, false, nil
		}
		if !domainName(domain) {
			return Identity{}, true, fmt.Errorf("%q is no domain name", domain)
		}
		return Identity{typ: typ, data: value, key: strings.ToLower(value), pattern: true}, true, nil
	case isakmp.IDDERASN1DN:
		name, err := dn.Parse(value)
		if err != nil || !name.HasWildcard() || !strings.Contains(value, patternMark) {
			return Identity{}, false, nil
		}
		der := name.DER()
		if len(der) > MaxIdentity {
			return Identity{}, true, fmt.Errorf("%d bytes, more than %d", len(der), MaxIdentity)
		}
		return Identity{typ: typ, data: string(der), key: name.Key(), pattern: true}, true, nil
	}
	return Identity{}, false, nil
}

// IsPattern reports whether the identity stands for many: it can be that of a peer,
// and is never sent.
func (id Identity) IsPattern() bool { return id.pattern }

// Admits reports whether a peer's identity is this one, or one of those that this
// pattern stands for.
func (id Identity) Admits(peer Identity) bool {
	if !id.pattern || peer.pattern {
		return id.Match(peer)
	}
	if id.typ != peer.typ {
		return false
	}
	if id.typ == isakmp.IDDERASN1DN {
		pattern, err := dn.FromDER([]byte(id.data))
		name, nameErr := dn.FromDER([]byte(peer.data))
		return errors.Join(err, nameErr) == nil && name.Fits(pattern)
	}
	// The key of a pattern is an asterisk, and what the others end in.
	rest := strings.TrimPrefix(id.key, patternMark)
	return len(peer.key) > len(rest) && strings.HasSuffix(peer.key, rest)
}

// admitsBut is Admits, except that a pattern does not stand for this end itself.
func (id Identity) admitsBut(peer, own Identity) bool {
	return id.Admits(peer) && (!id.pattern || !peer.Match(own))
}

// overlaps reports whether one peer's identity may be admitted by both.
func (id Identity) overlaps(other Identity) bool {
	switch {
	case id.typ != other.typ:
		return false
	case !id.pattern:
		return other.Admits(id)
	case !other.pattern:
		return id.Admits(other)
	case id.typ == isakmp.IDDERASN1DN:
		a, err := dn.FromDER([]byte(id.data))
		b, otherErr := dn.FromDER([]byte(other.data))
		return errors.Join(err, otherErr) == nil && a.Overlaps(b)
	}
	a, b := strings.TrimPrefix(id.key, patternMark), strings.TrimPrefix(other.key, patternMark)
	return strings.HasSuffix(a, b) || strings.HasSuffix(b, a)
}

// checkPatterns refuses patterns where they would stand for too much: with
// preshared keys, each of which proves one identity.
func (db *DB) checkPatterns(t *Tunnel, p Protection, fail failure) error {
	if t.Local.ID.IsPattern() {
		return fail("local.id", fmt.Sprintf("%v is a pattern, and this end has one identity", t.Local.ID), "say who this end is")
	}
	if p.Signatures() {
		return nil
	}
	for _, id := range db.peers(*t) {
		if id.IsPattern() {
			return fail("remote", fmt.Sprintf("%v is a pattern, and a preshared key is one peer's", id), "name the peers one by one, in a group, or use certificates")
		}
	}
	return nil
}

// checkPatternRivals refuses rivals that meet through a pattern. ids are all
// identities of peers, and tunnelsOf finds those that an identity belongs to.
func (db *DB) checkPatternRivals(ids []Identity, tunnelsOf func(Identity) []int) error {
	patterns := 0
	for i, p := range ids {
		if !p.pattern {
			continue
		}
		if patterns++; patterns > MaxPatterns {
			return &Error{Table: "tunnel", Index: tunnelsOf(p)[0], Name: db.tunnels[tunnelsOf(p)[0]].Name, Key: "remote",
				Text: fmt.Sprintf("more than %d different patterns among the peers' identities", MaxPatterns)}
		}
		for j, other := range ids {
			if i == j || other.pattern && j < i || !p.overlaps(other) {
				continue
			}
			both := append(append([]int(nil), tunnelsOf(p)...), tunnelsOf(other)...)
			if err := db.checkMeeting(other, both); err != nil {
				return err
			}
		}
	}
	return nil
}

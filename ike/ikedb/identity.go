package ikedb

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"keyman/ike/isakmp"
	"keyman/internal/dn"
)

// idWords are the identity types that one end of a tunnel may have, by the word
// that stands before the colon.
var idWords = map[string]isakmp.IDType{
	"ipv4":      isakmp.IDIPv4Addr,
	"ipv6":      isakmp.IDIPv6Addr,
	"fqdn":      isakmp.IDFQDN,
	"user_fqdn": isakmp.IDUserFQDN,
	"dn":        isakmp.IDDERASN1DN,
	"key_id":    isakmp.IDKeyID,
}

// idWord returns the word of a type that an Identity may have.
func idWord(typ isakmp.IDType) string {
	for word, t := range idWords {
		if t == typ {
			return word
		}
	}
	return typ.String()
}

// MaxIdentity is the longest identity in a payload, in bytes.
const MaxIdentity = 1024

// maxText is the longest written identity, in bytes: escaping makes the text of
// a distinguished name longer than its encoding, by less than this factor.
const maxText = 8 * MaxIdentity

// maxFQDN is the longest domain name (RFC 1035, 2.3.4).
const maxFQDN = 253

// An Identity names one end of a tunnel. It is immutable; the zero value is no
// identity and matches nothing.
type Identity struct {
	typ  isakmp.IDType
	data string // identification data, as in the payload
	key  string // what two matching identities of one type share

	pattern bool // it stands for many: see Admits
}

// ParseIdentity reads an identity as people write it: a type, a colon and the
// value, as String prints it, or the value alone where its form tells the type:
//
//	192.0.2.1                  ipv4:192.0.2.1
//	2001:db8::1                ipv6:2001:db8::1
//	gw1.example.org            fqdn:gw1.example.org
//	admin@example.org          user_fqdn:admin@example.org
//	C=CH, O=Example, CN=gw1    dn:..., also /C=CH/O=Example/CN=gw1
//	key_id:branch-7            always with its type; 0x and digits for octets
//
// Patterns, which stand for many peers, are *.example.org, *@example.org, and a
// distinguished name with an asterisk alone as a value.
func ParseIdentity(s string) (Identity, error) {
	if len(s) > maxText {
		return Identity{}, fmt.Errorf("an identity of %d bytes: at most %d are possible", len(s), maxText)
	}
	id, err := parseIdentity(s)
	if err != nil {
		return Identity{}, fmt.Errorf("identity %q: %w", s, err)
	}
	return id, nil
}

func parseIdentity(s string) (Identity, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return AddrIdentity(addr)
	}
	word, value, found := strings.Cut(s, ":")
	typ, known := idWords[word]
	switch {
	case found && known:
		return valueIdentity(typ, value)
	case strings.Contains(s, "="):
		return valueIdentity(isakmp.IDDERASN1DN, s)
	case found:
		return Identity{}, fmt.Errorf("type %q is not known: use ipv4, ipv6, fqdn, user_fqdn, dn or key_id", word)
	case strings.Contains(s, "@"):
		return valueIdentity(isakmp.IDUserFQDN, s)
	}
	if last := s[strings.LastIndexByte(s, '.')+1:]; last != "" && strings.Trim(last, "0123456789") == "" {
		// A mistyped address must not become a name that never matches.
		return Identity{}, errors.New("neither an address nor a domain name: write fqdn: before it if it is a name")
	}
	return valueIdentity(isakmp.IDFQDN, s)
}

// valueIdentity makes an identity of a type and a value as written.
func valueIdentity(typ isakmp.IDType, value string) (Identity, error) {
	if id, ok, err := newPattern(typ, value); ok {
		return id, err
	}
	switch typ {
	case isakmp.IDIPv4Addr, isakmp.IDIPv6Addr:
		addr, err := netip.ParseAddr(value)
		if err != nil || addr.Is4() != (typ == isakmp.IDIPv4Addr) {
			return Identity{}, fmt.Errorf("%q is no %s address", value, idWord(typ))
		}
		return AddrIdentity(addr)
	case isakmp.IDDERASN1DN:
		name, err := dn.Parse(value)
		if err != nil {
			return Identity{}, err
		}
		return newIdentity(typ, name.DER())
	case isakmp.IDKeyID:
		if digits, ok := strings.CutPrefix(value, "0x"); ok {
			octets, err := hex.DecodeString(digits)
			if err != nil {
				return Identity{}, fmt.Errorf("%q is not 0x and pairs of hexadecimal digits", value)
			}
			return newIdentity(typ, octets)
		}
		if !printable(value) {
			return Identity{}, errors.New("a key_id that is not printable ASCII is written as 0x and hexadecimal digits")
		}
		return newIdentity(typ, []byte(value))
	default:
		return newIdentity(typ, []byte(value))
	}
}

// AddrIdentity returns the identity that an address has.
func AddrIdentity(addr netip.Addr) (Identity, error) {
	if addr.Zone() != "" {
		return Identity{}, fmt.Errorf("address %v: a zone is known to this machine only and cannot be part of an identity", addr)
	}
	if addr.Is4() {
		return newIdentity(isakmp.IDIPv4Addr, addr.AsSlice())
	}
	return newIdentity(isakmp.IDIPv6Addr, addr.AsSlice())
}

// FromPayload reads an identification payload (RFC 2407, 4.6.2). Its protocol
// and port are the exchange's matter. The identity does not hold on to p.
func FromPayload(p *isakmp.Identification) (Identity, error) {
	id, err := newIdentity(p.IDType, p.Data)
	if err != nil {
		return Identity{}, fmt.Errorf("identity of type %v: %w", p.IDType, err)
	}
	return id, nil
}

// newIdentity checks identification data. Every identity comes through here.
func newIdentity(typ isakmp.IDType, data []byte) (Identity, error) {
	if len(data) > MaxIdentity {
		return Identity{}, fmt.Errorf("%d bytes, more than %d", len(data), MaxIdentity)
	}
	if len(data) == 0 {
		return Identity{}, errors.New("it is empty")
	}
	id := Identity{typ: typ, data: string(data), key: string(data)}
	switch typ {
	case isakmp.IDIPv4Addr:
		if len(data) != 4 {
			return Identity{}, fmt.Errorf("%d bytes are no IPv4 address", len(data))
		}
	case isakmp.IDIPv6Addr:
		if len(data) != 16 {
			return Identity{}, fmt.Errorf("%d bytes are no IPv6 address", len(data))
		}
	case isakmp.IDFQDN:
		if !domainName(id.data) {
			return Identity{}, fmt.Errorf("%q is no domain name", id.data)
		}
		id.key = strings.ToLower(id.data)
	case isakmp.IDUserFQDN:
		// The domain compares without case, the part before it as it is
		// (RFC 5280, 7.5).
		at := strings.LastIndexByte(id.data, '@')
		if at < 1 || !printable(id.data) || strings.ContainsAny(id.data[:at], " @") || !domainName(id.data[at+1:]) {
			return Identity{}, fmt.Errorf("%q is no user@domain", id.data)
		}
		id.key = id.data[:at] + strings.ToLower(id.data[at:])
	case isakmp.IDDERASN1DN:
		name, err := dn.FromDER(data)
		if err != nil {
			return Identity{}, err
		}
		if name.IsEmpty() {
			return Identity{}, errors.New("the name is empty")
		}
		id.key = name.Key()
	case isakmp.IDKeyID:
	default:
		return Identity{}, errors.New("it cannot name one end of a tunnel")
	}
	return id, nil
}

// domainName reports whether s can be a host's name. Underscores occur, and an
// identity is compared, not resolved.
func domainName(s string) bool {
	if s == "" || len(s) > maxFQDN {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		case c == '.' && i > 0 && s[i-1] != '.':
		default:
			return false
		}
	}
	return true
}

// printable reports whether s is printable ASCII.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Type returns the identity's type; zero for the zero Identity.
func (id Identity) Type() isakmp.IDType { return id.typ }

// IsZero reports whether there is no identity.
func (id Identity) IsZero() bool { return id.typ == 0 }

// Value returns the identity without its type, for people. It holds no control
// characters, whatever the peer sent.
func (id Identity) Value() string {
	switch id.typ {
	case isakmp.IDIPv4Addr, isakmp.IDIPv6Addr:
		return id.Addr().String()
	case isakmp.IDDERASN1DN:
		name, err := dn.FromDER([]byte(id.data))
		if err != nil {
			// newIdentity has read it before.
			return ""
		}
		if !id.pattern && name.HasWildcard() {
			return strings.ReplaceAll(name.String(), patternMark, escapedMark)
		}
		return name.String()
	case isakmp.IDKeyID:
		if !printable(id.data) || strings.HasPrefix(id.data, "0x") {
			return "0x" + hex.EncodeToString([]byte(id.data))
		}
		return id.data
	default:
		return id.data
	}
}

// String returns the type, a colon and the value, as ParseIdentity reads them;
// "" for the zero Identity.
func (id Identity) String() string {
	if id.IsZero() {
		return ""
	}
	return idWord(id.typ) + ":" + id.Value()
}

// Addr returns the address of an identity that is one, otherwise the zero Addr.
func (id Identity) Addr() netip.Addr {
	if id.typ != isakmp.IDIPv4Addr && id.typ != isakmp.IDIPv6Addr {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice([]byte(id.data))
	return addr
}

// Payload returns a new identification payload, with protocol and port zero
// (RFC 2407, 4.6.2). A distinguished name is encoded as it was read, so that a
// name taken from a certificate goes out byte for byte.
func (id Identity) Payload() *isakmp.Identification {
	return &isakmp.Identification{IDType: id.typ, Data: []byte(id.data)}
}

// Match reports whether two identities, or two patterns, are the same: of the same type, domain
// names without regard to case, distinguished names by RFC 5280, 7.1. The zero
// Identity matches nothing, not even itself.
func (id Identity) Match(other Identity) bool {
	return !id.IsZero() && id.typ == other.typ && id.pattern == other.pattern && id.key == other.key
}

// Key returns a string that matching identities share, and no others, as the key
// of a map. It is not for people.
func (id Identity) Key() string {
	if id.pattern {
		return patternMark + string(rune(id.typ)) + id.key // no type is an asterisk
	}
	return string(rune(id.typ)) + id.key
}

// MarshalText implements encoding.TextMarshaler by String.
func (id Identity) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler by ParseIdentity; no text at
// all is the zero Identity.
func (id *Identity) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = Identity{}
		return nil
	}
	parsed, err := ParseIdentity(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

package suite

import (
	"fmt"
	"math"
	"time"

	"keyman/ike/isakmp"
)

// Encapsulation says how packets are wrapped (RFC 2407, 4.5; RFC 3947, 5.1).
type Encapsulation uint16

// The encapsulations. Those of the drafts before RFC 3947 are spoken by peers
// that announce nothing newer.
const (
	EncapTunnel            Encapsulation = 1
	EncapTransport         Encapsulation = 2
	EncapUDPTunnel         Encapsulation = 3
	EncapUDPTransport      Encapsulation = 4
	EncapDraftUDPTunnel    Encapsulation = 61443
	EncapDraftUDPTransport Encapsulation = 61444
)

// Known reports whether e is one of the constants.
func (e Encapsulation) Known() bool { return e.Tunnel() || e.Transport() }

// Tunnel reports whether whole packets are wrapped.
func (e Encapsulation) Tunnel() bool {
	return e == EncapTunnel || e == EncapUDPTunnel || e == EncapDraftUDPTunnel
}

// Transport reports whether only what a packet carries is wrapped.
func (e Encapsulation) Transport() bool {
	return e == EncapTransport || e == EncapUDPTransport || e == EncapDraftUDPTransport
}

// UDP reports whether the packets travel in UDP, for a NAT.
func (e Encapsulation) UDP() bool {
	return e.Known() && e != EncapTunnel && e != EncapTransport
}

// String gives words such as "tunnel" or "transport in UDP".
func (e Encapsulation) String() string {
	word := fmt.Sprintf("encapsulation mode %d", uint16(e))
	switch {
	case e.Tunnel():
		word = "tunnel"
	case e.Transport():
		word = "transport"
	}
	if e.UDP() {
		word += " in UDP"
	}
	return word
}

// IPsecOffer is a transform of phase 2: algorithms and what is said beside them.
type IPsecOffer struct {
	IPsec
	Group         Group         // of perfect forward secrecy; 0 is none
	Encapsulation Encapsulation // 0 says nothing: the hosts decide
	Lifetime      time.Duration // whole seconds; 0 says nothing
	LifeKB        uint32        // kilobytes; 0 says nothing
}

// SameAs reports whether both say the same beside their lifetimes.
func (o IPsecOffer) SameAs(p IPsecOffer) bool {
	o.Lifetime, o.LifeKB = p.Lifetime, p.LifeKB
	return o == p
}

// String gives the algorithms, the group and the encapsulation.
func (o IPsecOffer) String() string {
	s := o.Protocol.String() + " " + o.IPsec.String()
	if o.Group != 0 {
		s += " with " + o.Group.String()
	}
	if o.Encapsulation != 0 {
		s += ", " + o.Encapsulation.String()
	}
	return s
}

// Validate refuses what cannot be used or negotiated.
func (o IPsecOffer) Validate() error {
	if err := o.IPsec.Validate(); err != nil {
		return err
	}
	switch {
	case o.Group != 0 && !o.Group.Known():
		return fmt.Errorf("suite: Diffie-Hellman %s is not supported", o.Group)
	case o.Encapsulation != 0 && !o.Encapsulation.Known():
		return fmt.Errorf("suite: %s is not supported", o.Encapsulation)
	case o.Protocol == isakmp.ProtocolAH && o.Encapsulation.UDP():
		return fmt.Errorf("suite: AH %s: there is no such thing (RFC 3948, 1)", o.Encapsulation)
	case o.Lifetime < 0, o.Lifetime%time.Second != 0, o.Lifetime/time.Second > math.MaxUint32:
		return fmt.Errorf("suite: lifetime of %s, want whole seconds up to %d", o.Lifetime, uint32(math.MaxUint32))
	}
	return nil
}

// transformID gives the number of the transform: of the cipher for ESP, of the
// authentication algorithm for AH.
func (o IPsecOffer) transformID() uint8 {
	if o.Protocol == isakmp.ProtocolESP {
		return uint8(o.Cipher)
	}
	a, _ := o.Integrity.algorithm()
	return a.ah
}

// LifeAttributes gives a lifetime as it is offered and notified.
func LifeAttributes(lifetime time.Duration, kilobytes uint32) []isakmp.Attribute {
	var as []isakmp.Attribute
	if lifetime != 0 {
		as = append(as,
			isakmp.AttrShort(isakmp.AttrIPsecLifeType, isakmp.LifeTypeSeconds),
			isakmp.AttrUint(isakmp.AttrIPsecLifeDuration, uint64(lifetime/time.Second)))
	}
	if kilobytes != 0 {
		as = append(as,
			isakmp.AttrShort(isakmp.AttrIPsecLifeType, isakmp.LifeTypeKilobytes),
			isakmp.AttrUint(isakmp.AttrIPsecLifeDuration, uint64(kilobytes)))
	}
	return as
}

// Transform gives the offer as it is sent.
func (o IPsecOffer) Transform(number uint8) isakmp.Transform {
	as := LifeAttributes(o.Lifetime, o.LifeKB)
	if o.Group != 0 {
		as = append(as, isakmp.AttrShort(isakmp.AttrIPsecGroup, uint16(o.Group)))
	}
	if o.Encapsulation != 0 {
		as = append(as, isakmp.AttrShort(isakmp.AttrIPsecEncapsulation, uint16(o.Encapsulation)))
	}
	if o.Integrity != IntegrityNone {
		as = append(as, isakmp.AttrShort(isakmp.AttrIPsecAuth, uint16(o.Integrity)))
	}
	if o.KeyBits != 0 {
		as = append(as, isakmp.AttrShort(isakmp.AttrIPsecKeyLength, uint16(o.KeyBits)))
	}
	if o.ESN {
		as = append(as, isakmp.AttrShort(isakmp.AttrIPsecESN, esn64))
	}
	return isakmp.Transform{Number: number, ID: o.transformID(), Attributes: as}
}

// esn64 is the one value of the attribute for sequence numbers (RFC 4304, 4).
const esn64 = 1

// IPsecOfferFrom reads a transform of a peer's proposal of AH or ESP. An
// attribute or value that is not known, missing or in conflict with another is an
// error that says why the transform is passed over.
func IPsecOfferFrom(protocol isakmp.Protocol, t isakmp.Transform) (IPsecOffer, error) {
	r := ipsecReader{offer: IPsecOffer{IPsec: IPsec{Protocol: protocol}}}
	if protocol == isakmp.ProtocolESP {
		r.offer.Cipher = Cipher(t.ID)
	}
	for _, a := range t.Attributes {
		if err := r.read(a); err != nil {
			return IPsecOffer{}, err
		}
	}
	if r.life.waiting != 0 {
		return IPsecOffer{}, fmt.Errorf("suite: life type %d without a duration", r.life.waiting)
	}
	r.offer.Lifetime, r.offer.LifeKB = r.life.lifetime, r.life.kilobytes
	if err := r.offer.Validate(); err != nil {
		return IPsecOffer{}, err
	}
	if want := r.offer.transformID(); t.ID != want {
		return IPsecOffer{}, fmt.Errorf("suite: AH transform %d with %v, which is of transform %d", t.ID, r.offer.Integrity, want)
	}
	return r.offer, nil
}

// LifetimeFrom reads the lifetimes of a list of attributes, and nothing else, as
// RESPONDER-LIFETIME carries them (RFC 2407, 4.6.3.1). What is not said is 0.
func LifetimeFrom(as []isakmp.Attribute) (lifetime time.Duration, kilobytes uint32, err error) {
	var l lifeReader
	for _, a := range as {
		if err := l.read(a); err != nil {
			return 0, 0, err
		}
	}
	if l.waiting != 0 {
		return 0, 0, fmt.Errorf("suite: life type %d without a duration", l.waiting)
	}
	return l.lifetime, l.kilobytes, nil
}

// ipsecReader collects the attributes of a transform of phase 2.
type ipsecReader struct {
	offer IPsecOffer
	seen  [isakmp.AttrIPsecESN + 1]bool // by class; not the two of lifetimes
	life  lifeReader
}

func (r *ipsecReader) read(a isakmp.Attribute) error {
	switch a.Type {
	case isakmp.AttrIPsecLifeType, isakmp.AttrIPsecLifeDuration:
		return r.life.read(a)
	case isakmp.AttrIPsecGroup, isakmp.AttrIPsecEncapsulation, isakmp.AttrIPsecAuth, isakmp.AttrIPsecKeyLength, isakmp.AttrIPsecESN:
	default:
		return fmt.Errorf("suite: unknown attribute %d", a.Type)
	}
	v, err := readBasic(a)
	if err != nil {
		return err
	}
	if r.seen[a.Type] {
		return fmt.Errorf("suite: attribute %d stands twice", a.Type)
	}
	r.seen[a.Type] = true
	if v == 0 {
		// RFC 2407, 4.5: zero is reserved in each of them.
		return fmt.Errorf("suite: attribute %d is 0", a.Type)
	}
	switch a.Type {
	case isakmp.AttrIPsecGroup:
		r.offer.Group = Group(v)
	case isakmp.AttrIPsecEncapsulation:
		r.offer.Encapsulation = Encapsulation(v)
	case isakmp.AttrIPsecAuth:
		r.offer.Integrity = Integrity(v)
	case isakmp.AttrIPsecKeyLength:
		r.offer.KeyBits = int(v)
	case isakmp.AttrIPsecESN:
		if v != esn64 {
			return fmt.Errorf("suite: sequence numbers of kind %d", v)
		}
		r.offer.ESN = true
	}
	return nil
}

// lifeReader collects lifetimes. One that stands twice must say the same both
// times (RFC 2407, 4.5.2).
type lifeReader struct {
	waiting   uint16 // the life type that waits for its duration; 0 for none
	lifetime  time.Duration
	kilobytes uint32
}

func (l *lifeReader) read(a isakmp.Attribute) error {
	if a.Type == isakmp.AttrIPsecLifeType {
		v, err := readBasic(a)
		switch {
		case err != nil:
			return err
		case l.waiting != 0:
			return fmt.Errorf("suite: life type %d without a duration", l.waiting)
		case v != isakmp.LifeTypeSeconds && v != isakmp.LifeTypeKilobytes:
			return fmt.Errorf("suite: life type %d is unknown", v)
		}
		l.waiting = v
		return nil
	}
	if a.Type != isakmp.AttrIPsecLifeDuration || l.waiting == 0 {
		return fmt.Errorf("suite: attribute %d where a life type belongs", a.Type)
	}
	v, err := a.Uint()
	if err != nil {
		return err
	}
	if v == 0 || v > math.MaxUint32 {
		return fmt.Errorf("suite: life duration %d, want 1 to %d", v, uint32(math.MaxUint32))
	}
	seconds := l.waiting == isakmp.LifeTypeSeconds
	before := uint64(l.kilobytes)
	if seconds {
		before = uint64(l.lifetime / time.Second)
	}
	if before != 0 && before != v {
		return fmt.Errorf("suite: life durations %d and %d of the same type", before, v)
	}
	if seconds {
		l.lifetime = time.Duration(v) * time.Second
	} else {
		l.kilobytes = uint32(v)
	}
	l.waiting = 0
	return nil
}

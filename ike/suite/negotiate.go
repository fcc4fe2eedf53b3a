package suite

import (
	"fmt"
	"math"
	"time"

	"keyman/ike/isakmp"
)

// Validate refuses a transform that cannot be used or negotiated.
func (t Transform) Validate() error {
	if err := t.checkEncryption(); err != nil {
		return err
	}
	switch {
	case !t.Hash.Known():
		return fmt.Errorf("suite: %s is not supported", t.Hash)
	case !t.Group.Known():
		return fmt.Errorf("suite: Diffie-Hellman %s is not supported", t.Group)
	case !t.Auth.Known():
		return fmt.Errorf("suite: authentication by %s is not supported", t.Auth)
	case t.Lifetime < 0, t.Lifetime%time.Second != 0, t.Lifetime/time.Second > math.MaxUint32:
		return fmt.Errorf("suite: lifetime of %s, want whole seconds up to %d", t.Lifetime, uint32(math.MaxUint32))
	}
	return nil
}

// Attributes gives the transform as it is offered (RFC 2409, appendix A).
// Whoever chooses a peer's transform sends the peer's own back unchanged (RFC
// 2408, 4.2), not this.
func (t Transform) Attributes() []isakmp.Attribute {
	as := []isakmp.Attribute{isakmp.AttrShort(isakmp.AttrEncryption, uint16(t.Encryption))}
	if t.KeyBits != 0 {
		as = append(as, isakmp.AttrShort(isakmp.AttrKeyLength, uint16(t.KeyBits)))
	}
	as = append(as,
		isakmp.AttrShort(isakmp.AttrHash, uint16(t.Hash)),
		isakmp.AttrShort(isakmp.AttrGroup, uint16(t.Group)),
		isakmp.AttrShort(isakmp.AttrAuth, uint16(t.Auth)))
	if t.Lifetime != 0 {
		as = append(as,
			isakmp.AttrShort(isakmp.AttrLifeType, isakmp.LifeTypeSeconds),
			isakmp.AttrUint(isakmp.AttrLifeDuration, uint64(t.Lifetime/time.Second)))
	}
	if t.LifeKB != 0 {
		as = append(as,
			isakmp.AttrShort(isakmp.AttrLifeType, isakmp.LifeTypeKilobytes),
			isakmp.AttrUint(isakmp.AttrLifeDuration, uint64(t.LifeKB)))
	}
	return as
}

// TransformFrom reads a peer's transform. It must name an encryption algorithm,
// a hash, a group and an authentication method that are known here, each once,
// and may limit the lifetime by seconds and by kilobytes. Anything else is an
// error that says why the transform is passed over.
func TransformFrom(p isakmp.Transform) (Transform, error) {
	if p.ID != isakmp.TransformKeyIKE {
		return Transform{}, fmt.Errorf("suite: transform ID %d, want %d", p.ID, isakmp.TransformKeyIKE)
	}
	var r attributeReader
	for _, a := range p.Attributes {
		if err := r.read(a); err != nil {
			return Transform{}, err
		}
	}
	if r.lifeType != 0 {
		return Transform{}, fmt.Errorf("suite: life type %d without a duration", r.lifeType)
	}
	for _, class := range []uint16{isakmp.AttrEncryption, isakmp.AttrHash, isakmp.AttrGroup, isakmp.AttrAuth} {
		if !r.seen[class] {
			return Transform{}, fmt.Errorf("suite: no attribute %d", class)
		}
	}
	if err := r.t.Validate(); err != nil {
		return Transform{}, err
	}
	return r.t, nil
}

// attributeReader collects the attributes of a transform.
type attributeReader struct {
	t        Transform
	seen     [isakmp.AttrKeyLength + 1]bool // by class; not the two of lifetimes
	lifeType uint16                         // waits for its duration; 0 for none
}

func (r *attributeReader) read(a isakmp.Attribute) error {
	switch a.Type {
	case isakmp.AttrEncryption, isakmp.AttrHash, isakmp.AttrAuth, isakmp.AttrGroup, isakmp.AttrKeyLength:
		return r.readClass(a)
	case isakmp.AttrLifeType:
		return r.readLifeType(a)
	case isakmp.AttrLifeDuration:
		return r.readLifeDuration(a)
	}
	return fmt.Errorf("suite: unknown attribute %d", a.Type)
}

// readBasic gives the value of an attribute that must be in the short form (RFC
// 2409, appendix A).
func readBasic(a isakmp.Attribute) (uint16, error) {
	if !a.Short {
		return 0, fmt.Errorf("suite: attribute %d is in the long form", a.Type)
	}
	v, err := a.Uint()
	return uint16(v), err
}

func (r *attributeReader) readClass(a isakmp.Attribute) error {
	v, err := readBasic(a)
	if err != nil {
		return err
	}
	if r.seen[a.Type] {
		return fmt.Errorf("suite: attribute %d stands twice", a.Type)
	}
	r.seen[a.Type] = true
	switch a.Type {
	case isakmp.AttrEncryption:
		r.t.Encryption = Encryption(v)
	case isakmp.AttrHash:
		r.t.Hash = Hash(v)
	case isakmp.AttrAuth:
		r.t.Auth = AuthMethod(v)
	case isakmp.AttrGroup:
		r.t.Group = Group(v)
	case isakmp.AttrKeyLength:
		if v == 0 {
			return fmt.Errorf("suite: key length 0")
		}
		r.t.KeyBits = int(v)
	}
	return nil
}

// readLifeType reads what the duration behind it counts.
func (r *attributeReader) readLifeType(a isakmp.Attribute) error {
	v, err := readBasic(a)
	switch {
	case err != nil:
		return err
	case r.lifeType != 0:
		return fmt.Errorf("suite: life type %d without a duration", r.lifeType)
	case v == isakmp.LifeTypeSeconds && r.t.Lifetime == 0, v == isakmp.LifeTypeKilobytes && r.t.LifeKB == 0:
		r.lifeType = v
		return nil
	}
	return fmt.Errorf("suite: life type %d is unknown or stands twice", v)
}

func (r *attributeReader) readLifeDuration(a isakmp.Attribute) error {
	v, err := a.Uint()
	switch {
	case err != nil:
		return err
	case r.lifeType == 0:
		return fmt.Errorf("suite: life duration without a type")
	case v == 0 || v > math.MaxUint32:
		return fmt.Errorf("suite: life duration %d, want 1 to %d", v, uint32(math.MaxUint32))
	case r.lifeType == isakmp.LifeTypeSeconds:
		r.t.Lifetime = time.Duration(v) * time.Second
	default:
		r.t.LifeKB = uint32(v)
	}
	r.lifeType = 0
	return nil
}

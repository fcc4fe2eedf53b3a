package jks

import (
	"golang.org/x/crypto/cryptobyte"

	"keyman/keystore/format"
)

// This file reads Java's Object Serialization Stream Protocol, as much of it as
// a key needs: objects of classes without code of their own for writing, byte
// arrays, strings and enums. Nothing that is read decides what is run: an
// object is a name and fields.

// Bounds of one stream. What keytool writes has 12 handles, 3 levels deep.
const (
	maxHandles = 64
	maxNesting = 8
	maxFields  = 64 // of one class
)

// streamHeader is the magic number of a stream and its version, 5.
const streamHeader = 0xACED_0005

// firstHandle is the number of the first object of a stream.
const firstHandle = 0x7E_0000

// What an element of a stream begins with.
const (
	serialNull      = 0x70
	serialReference = 0x71
	serialClass     = 0x72
	serialObject    = 0x73
	serialString    = 0x74
	serialArray     = 0x75
	serialEnd       = 0x78 // of what a class adds
	serialEnum      = 0x7E
)

// Flags of a class.
const (
	flagSerializable = 0x02
	flagEnum         = 0x10
)

// byteArrayClass is the class of an array of bytes.
const byteArrayClass = "[B"

// errSerial is a stream that is not what the protocol says, or goes beyond what
// is read of it.
var errSerial error = serialError{}

type serialError struct{}

func (serialError) Error() string {
	return format.ErrUnsupported.Error() + ": a Java object of a class that is not known"
}

// Unwrap says what kind of error it is.
func (serialError) Unwrap() error { return format.ErrUnsupported }

// A class describes a class of a stream.
type class struct {
	name   string
	enum   bool
	fields []field
	super  *class
}

// A field is a field of a class; typ is the first letter of its type.
type field struct {
	typ  byte
	name string
}

// An object is an instance of a class. The values of its fields, those of
// superclasses included, are of type string, []byte, *object or enum; nil is
// null. Fields with numbers are passed over.
type object struct {
	class  *class
	fields map[string]any
}

// is reports whether the object's class, or the one it extends, has a name.
func (o *object) is(name string) bool {
	for c := o.class; c != nil; c = c.super {
		if c.name == name {
			return true
		}
	}
	return false
}

// An enum is a constant of an enumeration.
type enum struct{ class, constant string }

// A stream is a stream that is being read.
type stream struct {
	in      *cryptobyte.String
	handles []any // what references may mean, in the order of the stream
}

// readObject reads a stream with one object in it; what follows stays in the
// input.
func readObject(in *cryptobyte.String) (*object, error) {
	var header uint32
	if !in.ReadUint32(&header) || header != streamHeader {
		return nil, errSerial
	}
	s := stream{in: in}
	value, err := s.value(0)
	if err != nil {
		return nil, err
	}
	o, ok := value.(*object)
	if !ok {
		return nil, errSerial
	}
	return o, nil
}

// handle gives a number to what is being read, and returns its index. Until the
// value is set, a reference to it is an error: nothing refers to itself.
func (s *stream) handle() (int, error) {
	if len(s.handles) == maxHandles {
		return 0, errSerial
	}
	s.handles = append(s.handles, nil)
	return len(s.handles) - 1, nil
}

func (s *stream) reference() (any, error) {
	var n uint32
	if !s.in.ReadUint32(&n) || n < firstHandle || n-firstHandle >= uint32(len(s.handles)) || s.handles[n-firstHandle] == nil {
		return nil, errSerial
	}
	return s.handles[n-firstHandle], nil
}

// value reads a value that is not a number.
func (s *stream) value(depth int) (any, error) {
	var tag uint8
	if depth > maxNesting || !s.in.ReadUint8(&tag) {
		return nil, errSerial
	}
	switch tag {
	case serialNull:
		return nil, nil
	case serialReference:
		return s.reference()
	case serialString:
		return s.text()
	case serialObject, serialArray, serialEnum:
	default:
		return nil, errSerial
	}
	c, err := s.class(depth + 1)
	if err != nil || c == nil {
		return nil, errSerial
	}
	at, err := s.handle()
	if err != nil {
		return nil, err
	}
	var value any
	switch {
	case tag == serialArray && c.name == byteArrayClass:
		var data []byte
		if !readBlock(s.in, &data) {
			return nil, errSerial
		}
		value = data
	case tag == serialEnum && c.enum:
		constant, err := s.value(depth + 1)
		name, ok := constant.(string)
		if err != nil || !ok {
			return nil, errSerial
		}
		value = enum{c.name, name}
	case tag == serialObject && !c.enum && c.name != byteArrayClass:
		o := &object{c, map[string]any{}}
		if err := s.fields(o, c, depth); err != nil {
			return nil, err
		}
		value = o
	default:
		return nil, errSerial
	}
	s.handles[at] = value
	return value, nil
}

// text reads a string, behind its tag.
func (s *stream) text() (string, error) {
	text, ok := s.name()
	at, err := s.handle()
	if !ok || err != nil {
		return "", errSerial
	}
	s.handles[at] = text
	return text, nil
}

// name reads a string that has no handle.
func (s *stream) name() (string, bool) {
	var raw cryptobyte.String
	if !s.in.ReadUint16LengthPrefixed(&raw) {
		return "", false
	}
	return readText(raw)
}

// class reads the description of a class; nil is that of none.
func (s *stream) class(depth int) (*class, error) {
	var tag uint8
	if depth > maxNesting || !s.in.ReadUint8(&tag) {
		return nil, errSerial
	}
	switch tag {
	case serialNull:
		return nil, nil
	case serialReference:
		value, err := s.reference()
		c, ok := value.(*class)
		if err != nil || !ok {
			return nil, errSerial
		}
		return c, nil
	case serialClass:
	default:
		return nil, errSerial
	}
	var (
		c      class
		serial uint64 // the version of the class: its fields say enough
		flags  uint8
		count  uint16
		end    uint8
		ok     bool
	)
	if c.name, ok = s.name(); !ok || !s.in.ReadUint64(&serial) {
		return nil, errSerial
	}
	at, err := s.handle()
	if err != nil {
		return nil, err
	}
	if !s.in.ReadUint8(&flags) || !s.in.ReadUint16(&count) || count > maxFields ||
		flags&^flagEnum != flagSerializable {
		return nil, errSerial
	}
	c.enum = flags&flagEnum != 0
	for range count {
		f, err := s.field(depth)
		if err != nil {
			return nil, err
		}
		c.fields = append(c.fields, f)
	}
	if !s.in.ReadUint8(&end) || end != serialEnd {
		return nil, errSerial
	}
	if c.super, err = s.class(depth + 1); err != nil {
		return nil, err
	}
	s.handles[at] = &c
	return &c, nil
}

// field reads the description of a field.
func (s *stream) field(depth int) (field, error) {
	var (
		f  field
		ok bool
	)
	if !s.in.ReadUint8(&f.typ) {
		return f, errSerial
	}
	if f.name, ok = s.name(); !ok {
		return f, errSerial
	}
	if f.typ == '[' || f.typ == 'L' {
		typ, err := s.value(depth + 1)
		if _, ok := typ.(string); err != nil || !ok {
			return f, errSerial
		}
	}
	return f, nil
}

// numberSizes are the lengths in bytes of the types of numbers; 0 is none.
var numberSizes = [256]uint8{'B': 1, 'C': 2, 'D': 8, 'F': 4, 'I': 4, 'J': 8, 'S': 2, 'Z': 1}

// fields reads the values of an object, those of superclasses first.
func (s *stream) fields(o *object, c *class, depth int) error {
	if c.super != nil {
		if err := s.fields(o, c.super, depth); err != nil {
			return err
		}
	}
	for _, f := range c.fields {
		if n := numberSizes[f.typ]; n > 0 {
			if !s.in.Skip(int(n)) {
				return errSerial
			}
			continue
		}
		if f.typ != '[' && f.typ != 'L' {
			return errSerial
		}
		value, err := s.value(depth + 1)
		if err != nil {
			return err
		}
		o.fields[f.name] = value
	}
	return nil
}

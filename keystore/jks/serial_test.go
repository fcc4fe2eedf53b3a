package jks

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"keyman/keystore/format"
)

// javaStream writes a stream, for the tests, of parts: tags and flags as byte,
// numbers of two and four bytes, and strings with their lengths.
func javaStream(parts ...any) []byte {
	data := binary.BigEndian.AppendUint32(nil, streamHeader)
	for _, part := range parts {
		switch part := part.(type) {
		case int: // a byte
			data = append(data, byte(part))
		case rune: // the same
			data = append(data, byte(part))
		case uint16:
			data = binary.BigEndian.AppendUint16(data, part)
		case uint32:
			data = binary.BigEndian.AppendUint32(data, part)
		case string:
			data = append(binary.BigEndian.AppendUint16(data, uint16(len(part))), part...)
		case []byte:
			data = append(data, part...)
		default:
			panic(fmt.Sprintf("no part of a stream: %T", part))
		}
	}
	return data
}

// version is that of a class, which nobody looks at.
var version = make([]byte, 8)

// TestObjects reads objects with fields of each type, and with superclasses.
func TestObjects(t *testing.T) {
	data := javaStream(
		serialObject,
		serialClass, "Sub", version, flagSerializable, uint16(3), // handle 0
		'J', "number", 'L', "text", serialString, typeString, 'Z', "truth", serialEnd, // handle 1
		serialClass, "Super", version, flagSerializable, uint16(3), // handle 2
		'[', "bytes", serialString, byteArrayClass, 'L', "nothing", serialReference, uint32(firstHandle+1), 'L', "kind", serialReference, uint32(firstHandle+1),
		serialEnd, serialNull, // handles 3 for "[B", 4 for the object
		serialArray, serialClass, byteArrayClass, version, flagSerializable, uint16(0), serialEnd, serialNull, uint32(2), []byte("hi"), // 5, 6
		serialNull,
		serialEnum, serialClass, "Kind", version, flagSerializable|flagEnum, uint16(0), serialEnd, serialNull, serialString, "A", // 7, 8, 9
		version, serialReference, uint32(firstHandle+9), 1,
		[]byte("rest"),
	)
	in := cryptobyte.String(data)
	o, err := readObject(&in)
	if err != nil || string(in) != "rest" {
		t.Fatalf("%v, and %q is left", err, in)
	}
	if !o.is("Sub") || !o.is("Super") || o.is("Kind") {
		t.Errorf("the object is of class %q", o.class.name)
	}
	hi, _ := o.fields["bytes"].([]byte)
	if string(hi) != "hi" || o.fields["nothing"] != nil || o.fields["text"] != "A" || o.fields["kind"] != (enum{"Kind", "A"}) {
		t.Errorf("fields %v", o.fields)
	}
	for n := range len(data) - len("rest") {
		in := cryptobyte.String(data[:n])
		if _, err := readObject(&in); !errors.Is(err, format.ErrUnsupported) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// TestBadStreams are streams that must end in an error, each within what it has
// of bytes.
func TestBadStreams(t *testing.T) {
	nested := bytes.Buffer{}
	for i := range 100 {
		nested.Write(javaStream(serialClass, fmt.Sprint(i), version, flagSerializable, uint16(0), serialEnd)[4:])
	}
	many := []any{serialObject, serialClass, "C", version, flagSerializable, uint16(maxFields)}
	for i := range maxFields {
		many = append(many, 'L', fmt.Sprint(i), serialString, typeString)
	}
	tests := map[string][]byte{
		"no stream":                   []byte("text"),
		"a string":                    javaStream(serialString, "text"),
		"null":                        javaStream(serialNull),
		"an unknown element":          javaStream(0x79),
		"a class of its own":          javaStream(serialObject, serialClass, "C", version, flagSerializable, uint16(0), serialEnd, serialReference, uint32(firstHandle)),
		"an object of itself":         javaStream(serialObject, serialClass, "C", version, flagSerializable, uint16(1), 'L', "me", serialString, "LC;", serialEnd, serialNull, serialReference, uint32(firstHandle+2)),
		"a reference too far":         javaStream(serialObject, serialReference, uint32(firstHandle)),
		"a reference below":           javaStream(serialObject, serialReference, uint32(0)),
		"code of its own for writing": javaStream(serialObject, serialClass, "C", version, flagSerializable|1, uint16(0), serialEnd, serialNull),
		"something about a class":     javaStream(serialObject, serialClass, "C", version, flagSerializable, uint16(0), serialNull, serialEnd, serialNull),
		"an object of no class":       javaStream(serialObject, serialNull),
		"an object of an enum":        javaStream(serialObject, serialClass, "C", version, flagSerializable|flagEnum, uint16(0), serialEnd, serialNull),
		"an array of longs":           javaStream(serialArray, serialClass, "[J", version, flagSerializable, uint16(0), serialEnd, serialNull, uint32(0)),
		"an array without end":        javaStream(serialArray, serialClass, byteArrayClass, version, flagSerializable, uint16(0), serialEnd, serialNull, uint32(1<<31)),
		"a field of no type":          javaStream(serialObject, serialClass, "C", version, flagSerializable, uint16(1), 'X', "f", serialEnd, serialNull),
		"too many fields":             javaStream(serialObject, serialClass, "C", version, flagSerializable, uint16(maxFields+1)),
		"too many handles":            javaStream(many...),
		"classes within each other":   append(javaStream(serialObject), nested.Bytes()...),
	}
	for name, data := range tests {
		in := cryptobyte.String(data)
		if o, err := readObject(&in); !errors.Is(err, format.ErrUnsupported) {
			t.Errorf("%s: %v, %v; want ErrUnsupported", name, o, err)
		}
	}
	other := javaStream(serialObject, serialClass, "java.util.Date", version, flagSerializable, uint16(0), serialEnd, serialNull)
	if _, err := readSealed(other); !errors.Is(err, errProtection) {
		t.Errorf("another object in place of a sealed one: %v", err)
	}
	body, err := kindJCEKS.write([]entry{{tag: tagSecret, alias: []byte("a date"), protected: other}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = JCEKS{}.Decode(sealed(t, body), []byte(samplePassword))
	if want := `secret key "a date"`; !errors.Is(err, format.ErrUnsupported) || !bytes.Contains([]byte(err.Error()), []byte(want)) {
		t.Errorf("the same in a file: %v; want ErrUnsupported that says %s", err, want)
	}
}

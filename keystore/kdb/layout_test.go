package kdb

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"keyman/internal/testpeer"
	"keyman/keystore/format"
)

// samplePassword opens the files of the corpus.
const samplePassword = "password"

// sample returns a file that IBM's own tool wrote.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(testpeer.Corpora(t), "kdb", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A layout is a file taken apart by the facts alone: nothing here uses the code
// that is tested.
type layout struct {
	version   byte
	name      string
	reserved  []byte
	slotSize  int
	salt      []byte
	slots     []slotLayout
	verifier  bool // is right
	integrity bool // is right
}

type slotLayout struct {
	kind, number uint32
	der          []byte
	label        string
	flags        uint32
	hashes       [][]byte
	rest         []byte // what stands behind them, without the zeros at its end
}

func u32(p []byte) uint32 { return binary.BigEndian.Uint32(p) }

// hmacOf returns the MAC of a version.
func hmacOf(version byte, password string, data []byte) []byte {
	h := hmac.New(sha512.New384, []byte(password))
	if version == 4 {
		h = hmac.New(sha1.New, []byte(password))
	}
	h.Write(data)
	return h.Sum(nil)
}

// takeApart reads a file by the facts.
func takeApart(t testing.TB, data []byte, password string) layout {
	t.Helper()
	if !bytes.HasPrefix(data, []byte{0x37, 0x48}) {
		t.Fatal("no magic")
	}
	l := layout{version: data[2], name: string(data[8:15]), reserved: data[4:8], slotSize: int(u32(data[16:])), salt: data[24:48]}
	if (data[3] == 2) != (l.name == "X509KEY") || data[15] != 0 {
		t.Errorf("type %d and %q in the header", data[3], data[8:16])
	}
	m := len(hmacOf(l.version, "", nil))
	body := data[0x30+2*m:]
	l.verifier = bytes.Equal(data[0x30:0x30+m], hmacOf(l.version, password, data[:0x30]))
	l.integrity = bytes.Equal(data[0x30+m:0x30+2*m], hmacOf(l.version, password, append(bytes.Clone(data[:0x30+m]), body...)))
	if n := int(u32(data[20:])); len(body) != n*l.slotSize {
		t.Fatalf("%d records of %d bytes in %d", n, l.slotSize, len(body))
	}
	for ; len(body) > 0; body = body[l.slotSize:] {
		s := body[:l.slotSize]
		one := slotLayout{kind: u32(s), number: u32(s[4:])}
		one.der = s[12 : 12+u32(s[8:])]
		s = s[12+len(one.der):]
		one.label = string(s[4 : 4+u32(s)])
		s = s[4+len(one.label):]
		one.flags = u32(s)
		for s = s[4:]; len(s) >= 24 && u32(s) == 20; s = s[24:] {
			one.hashes = append(one.hashes, s[4:24])
		}
		one.rest = bytes.TrimRight(s, "\x00")
		l.slots = append(l.slots, one)
	}
	return l
}

// saltIsRight reports whether a salt has a zero at its end alone.
func (l layout) saltIsRight() bool { return bytes.IndexByte(l.salt, 0) == len(l.salt)-1 }

// resign makes the MACs of a changed file right.
func resign(data []byte, password string) []byte {
	m := len(hmacOf(data[2], "", nil))
	out := bytes.Clone(data)
	copy(out[0x30:], hmacOf(out[2], password, out[:0x30]))
	copy(out[0x30+m:], hmacOf(out[2], password, append(bytes.Clone(out[:0x30+m]), out[0x30+2*m:]...)))
	return out
}

// assemble makes a file of slots, by the facts.
func assemble(version byte, name string, slotSize int, password string, slots ...[]byte) []byte {
	head := make([]byte, 0x30+2*len(hmacOf(version, "", nil)))
	copy(head, []byte{0x37, 0x48, version, 1})
	if name == "X509KEY" {
		head[3] = 2
	}
	copy(head[8:], name)
	binary.BigEndian.PutUint32(head[16:], uint32(slotSize))
	binary.BigEndian.PutUint32(head[20:], uint32(len(slots)))
	copy(head[24:], "a salt that is not rando")
	head[0x2f] = 0
	for _, s := range slots {
		head = append(head, s...)
		head = append(head, make([]byte, slotSize-len(s))...)
	}
	return resign(head, password)
}

// slotOf makes a slot of its parts.
func slotOf(kind, number uint32, der []byte, label string, tail ...byte) []byte {
	s := binary.BigEndian.AppendUint32(nil, kind)
	s = binary.BigEndian.AppendUint32(s, number)
	s = append(binary.BigEndian.AppendUint32(s, uint32(len(der))), der...)
	s = append(binary.BigEndian.AppendUint32(s, uint32(len(label))), label...)
	return append(s, tail...)
}

// derOf makes a record: id is its number, tag the number of the choice.
func derOf(t testing.TB, id byte, tag int, content []byte, label string, flags ...byte) []byte {
	t.Helper()
	raw := func(class, tag int, compound bool, content []byte) []byte {
		der, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: compound, Bytes: content})
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	inside := []byte{2, 1, id}
	inside = append(inside, raw(asn1.ClassContextSpecific, tag, true, content)...)
	inside = append(inside, raw(asn1.ClassUniversal, 26, false, []byte(label))...)
	inside = append(inside, raw(asn1.ClassUniversal, asn1.TagBitString, false, flags)...)
	return raw(asn1.ClassUniversal, asn1.TagSequence, true, inside)
}

// sequence puts elements into a SEQUENCE.
func sequence(t testing.TB, elements ...[]byte) []byte {
	t.Helper()
	der, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Join(elements, nil)})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// A material is a key with a certificate and a request, made for a test.
type material struct{ key, certificate, request []byte }

func newMaterial(t testing.TB, name string) material {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}
	var m material
	if m.certificate, err = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key); err != nil {
		t.Fatal(err)
	}
	if m.request, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: template.Subject}, key); err != nil {
		t.Fatal(err)
	}
	if m.key, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m material) personal(label string) format.Item {
	return format.Item{Kind: format.Personal, Label: label, Certificate: m.certificate, Key: m.key}
}

func (m material) signer(label string, trusted bool) format.Item {
	return format.Item{Kind: format.Signer, Label: label, Certificate: m.certificate, Trusted: trusted}
}

func (m material) waiting(label string) format.Item {
	return format.Item{Kind: format.Request, Label: label, Key: m.key, Request: m.request}
}

// secret returns a secret key of n bytes.
func secret(t testing.TB, label string, n int) format.Item {
	t.Helper()
	key, err := format.WrapSecret(bytes.Repeat([]byte{7}, n))
	if err != nil {
		t.Fatal(err)
	}
	return format.Item{Kind: format.SecretKey, Label: label, Key: key}
}

// bare returns items without what is kept of them.
func bare(items []format.Item) []format.Item {
	out := make([]format.Item, len(items))
	for i, item := range items {
		item.Kept = nil
		out[i] = item
	}
	return out
}

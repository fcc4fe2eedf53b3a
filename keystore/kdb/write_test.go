package kdb

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"keyman/internal/testpeer"
	"keyman/keystore/format"
)

var pw = []byte("a password")

// decode reads a set that must be right.
func decode(t testing.TB, s Set, password []byte) *format.Content {
	t.Helper()
	c, err := DecodeSet(s, password)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// encode writes a set that must be right, and holds its layout against the facts.
func encode(t testing.TB, c *format.Content, password []byte) Set {
	t.Helper()
	s, err := EncodeSet(c, password)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"X509KEY": s.KDB, "X509KYP": s.RDB, "X509CRL": s.CRL} {
		l := takeApart(t, data, string(password))
		if l.name != name || !l.verifier || !l.integrity || !l.saltIsRight() {
			t.Fatalf("the file %s is written with the header %+v", name, l)
		}
		for i, slot := range l.slots {
			if slot.number != uint32(i+1) {
				t.Fatalf("%s: slot %d has the number %d", name, i+1, slot.number)
			}
		}
	}
	return s
}

// TestWritten writes all kinds of items and reads them with the test's own parser.
func TestWritten(t *testing.T) {
	one, two, ca, other := newMaterial(t, "one"), newMaterial(t, "two"), newMaterial(t, "ca"), newMaterial(t, "other")
	items := []format.Item{
		one.personal("one"), two.personal("two"), ca.signer("the CA", true), other.signer("ünbelieved", false),
		secret(t, "aes", 32), secret(t, "odd", 5), newMaterial(t, "waiting").waiting("waiting"),
	}
	items[1].Default = true
	s := encode(t, &format.Content{Items: items}, pw)
	if diff := cmp.Diff(items, bare(decode(t, s, pw).Items)); diff != "" {
		t.Errorf("items (-written +read):\n%s", diff)
	}
	key, requests := takeApart(t, s.KDB, string(pw)), takeApart(t, s.RDB, string(pw))
	if key.version != 6 || requests.version != 6 || key.slotSize != 5000 || len(key.slots) != 6 || len(requests.slots) != 1 {
		t.Fatalf("versions %d and %d, slots of %d bytes, %d and %d slots", key.version, requests.version, key.slotSize, len(key.slots), len(requests.slots))
	}
	flags := []asn1.BitString{{Bytes: []byte{0x80}, BitLength: 1}, {Bytes: []byte{0xC0}, BitLength: 2}, {Bytes: []byte{0x80}, BitLength: 1}, {Bytes: []byte{}}, {Bytes: []byte{0x80}, BitLength: 1}, {Bytes: []byte{0x80}, BitLength: 1}}
	for i, slot := range key.slots {
		var r struct {
			Number int
			Choice asn1.RawValue
			Label  asn1.RawValue
			Flags  asn1.BitString
		}
		if _, err := asn1.Unmarshal(slot.der, &r); err != nil {
			t.Fatal(err)
		}
		if slot.kind != 1 || slot.label != items[i].Label || slot.flags != 0 || r.Number != i+1 || len(slot.rest) != 0 {
			t.Errorf("slot %d: %+v", i+1, slot)
		}
		if diff := cmp.Diff(flags[i], r.Flags); diff != "" {
			t.Errorf("flags of %q (-want +got):\n%s", slot.label, diff)
		}
		checkIndex(t, slot)
	}
	checkIndex(t, requests.slots[0])
}

// TestKeysByOpenSSL lets openssl decrypt a key that was written.
func TestKeysByOpenSSL(t *testing.T) {
	testpeer.Need(t, "openssl")
	one := newMaterial(t, "one")
	s := encode(t, &format.Content{Items: []format.Item{one.personal("one")}}, pw)
	var r struct {
		Number int
		Choice struct {
			Pair struct{ Certificate, Key asn1.RawValue }
		} `asn1:"tag:2"`
		Label asn1.RawValue
		Flags asn1.BitString
	}
	if _, err := asn1.Unmarshal(takeApart(t, s.KDB, string(pw)).slots[0].der, &r); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER", "-passin", "pass:"+string(pw))
	cmd.Stdin = bytes.NewReader(r.Choice.Pair.Key.FullBytes)
	got, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(one.certificate)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, certificate.RawSubjectPublicKeyInfo) {
		t.Error("openssl sees another key")
	}
}

// TestOldEncryption reads keys under the schemes of old files, writes them as
// they are, and anew under another password.
func TestOldEncryption(t *testing.T) {
	testpeer.Need(t, "openssl")
	m := newMaterial(t, "old")
	for _, scheme := range []string{"PBE-SHA1-3DES", "PBE-SHA1-2DES", "PBE-SHA1-RC2-40", "PBE-SHA1-RC2-128", "PBE-SHA1-RC4-128"} {
		t.Run(scheme, func(t *testing.T) {
			cmd := exec.Command("openssl", "pkcs8", "-topk8", "-outform", "DER", "-v1", scheme, "-provider", "legacy", "-provider", "default", "-passout", "pass:"+string(pw))
			cmd.Stdin = bytes.NewReader(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: m.key}))
			encrypted, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			der := derOf(t, 1, 2, sequence(t, m.certificate, encrypted), "old", 6, 0xC0)
			// Record type 2, and the label with a NUL.
			before := assemble(4, "X509KEY", 5000, string(pw), slotOf(2, 1, der, "old\x00", 0, 0, 0, 0))
			if len(before) != 0x58+5000 {
				t.Fatalf("%d bytes", len(before))
			}
			content := decode(t, Set{KDB: before}, pw)
			want := m.personal("old")
			want.Default = true
			if diff := cmp.Diff([]format.Item{want}, bare(content.Items)); diff != "" {
				t.Fatalf("items (-want +got):\n%s", diff)
			}
			after := encode(t, content, pw)
			if !bytes.Equal(after.KDB, before) || len(after.RDB) != 0x58 || len(after.CRL) != 0x58 {
				t.Error("what was not changed is not written as it was, or the files beside it are not of version 4")
			}
			after = encode(t, content, []byte("another"))
			l := takeApart(t, after.KDB, "another")
			if l.version != 4 || l.slots[0].kind != 2 || l.slots[0].label != "old\x00" || bytes.Contains(after.KDB, encrypted[len(encrypted)-32:]) {
				t.Errorf("written with another password: %+v", l)
			}
			if diff := cmp.Diff([]format.Item{want}, bare(decode(t, after, []byte("another")).Items)); diff != "" {
				t.Errorf("items with another password (-want +got):\n%s", diff)
			}
		})
	}
}

// TestKept changes one item and looks for all that is not understood in it and
// in the others.
func TestKept(t *testing.T) {
	m := newMaterial(t, "m")
	signer := func(id byte, label string, flags ...byte) []byte {
		return derOf(t, id, 1, m.certificate, label, flags...)
	}
	withMore := sequence(t, inner(t, signer(5, "more", 3, 0xA8)), []byte{4, 1, 9})
	strange := [][]byte{
		slotOf(1, 1, derOf(t, 1, 5, []byte{5, 0}, "no such choice", 7, 0x80), "no such choice", 1, 2, 3, 4),
		slotOf(7, 3, []byte("not DER at all"), "not DER"),
		slotOf(1, 4, derOf(t, 1, 0, sequence(t, m.request, m.request), "request", 7, 0x80), "a request in the .kdb file"),
		bytes.Repeat([]byte{0xFF}, 6000),
	}
	slots := [][]byte{
		strange[0],
		slotOf(9, 2, signer(2, "la\xe4\x01bel", 3, 0xA8), "la\xe4\x01bel\x00after", 1, 2, 3, 4, 0, 0, 0, 20, 'x'),
		strange[1], strange[2],
		slotOf(1, 5, withMore, "more", 0, 0, 0, 1),
		slotOf(1, 6, signer(1, "LA\xe4\x01BEL", 1, 0), "LA\xe4\x01BEL", 0, 0, 0, 0, 0, 0, 0, 20),
		strange[3],
	}
	before := assemble(6, "X509KEY", 6001, string(pw), slots...)
	copy(before[4:], "odd!")
	before = resign(before, string(pw))
	content := decode(t, Set{KDB: before}, pw)
	want := []shown{
		{Kind: format.Signer, Label: `la\xe4\x01bel`, Trusted: true, HasCert: true},
		{Kind: format.Signer, Label: "more", Trusted: true, HasCert: true},
		{Kind: format.Signer, Label: `LA\xe4\x01BEL (2)`, HasCert: true},
	}
	if diff := cmp.Diff(want, show(content.Items)); diff != "" {
		t.Fatalf("items (-want +got):\n%s", diff)
	}
	write := func() []byte {
		t.Helper()
		data, err := Format{}.Encode(content, pw)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(data, resign(data, string(pw))) {
			t.Fatal("the MACs are wrong")
		}
		return data
	}
	if !bytes.Equal(write(), before) {
		t.Error("what was not changed is not written as it was")
	}

	for i := range content.Items {
		content.Items[i].Trusted = !content.Items[i].Trusted
	}
	l := slotsOf(write())
	for i, flags := range map[int]string{1: "\x03\x02\x03\x28", 4: "\x03\x02\x03\x28", 5: "\x03\x02\x07\x80"} {
		if !bytes.Contains(l[i], []byte(flags)) {
			t.Errorf("slot %d has not the flags %x", i+1, flags)
		}
		// All but the flags is as it was.
		same := bytes.Replace(bytes.TrimRight(l[i], "\x00"), []byte(flags), nil, 1)
		old := slots[i]
		for _, f := range []string{"\x03\x02\x03\xa8", "\x03\x02\x01\x00"} {
			old = bytes.Replace(old, []byte(f), nil, 1)
		}
		if !bytes.Equal(same, bytes.TrimRight(old, "\x00")) {
			t.Errorf("slot %d lost something:\n%x\n%x", i+1, old, same)
		}
	}

	content = decode(t, Set{KDB: before}, pw)
	content.Items = content.Items[1:]
	content.Items = append(content.Items, newMaterial(t, "new").signer("new", true))
	l = slotsOf(write())
	if len(l) != 7 {
		t.Fatalf("%d slots", len(l))
	}
	for at, s := range map[int][]byte{0: strange[0], 2: strange[1], 3: strange[2], 6: strange[3]} {
		s = bytes.Clone(s)
		copy(s[4:8], []byte{0, 0, 0, byte(at + 1)})
		if !bytes.HasPrefix(l[at], s) {
			t.Errorf("slot %d is not the one that was not understood", at+1)
		}
	}

	if _, err := EncodeSet(content, []byte("another")); !errors.Is(err, format.ErrUnsupported) || !strings.Contains(err.Error(), "4 records") {
		t.Errorf("with another password: %v; want ErrUnsupported for 4 records", err)
	}
}

// inner returns what is inside a SEQUENCE.
func inner(t testing.TB, der []byte) []byte {
	t.Helper()
	var v asn1.RawValue
	if _, err := asn1.Unmarshal(der, &v); err != nil {
		t.Fatal(err)
	}
	return v.Bytes
}

// slotsOf returns the slots of a version 6 file.
func slotsOf(data []byte) [][]byte {
	var slots [][]byte
	size := int(u32(data[16:]))
	for body := data[0x90:]; len(body) > 0; body = body[size:] {
		slots = append(slots, body[:size])
	}
	return slots
}

// TestDefault moves the mark of the default.
func TestDefault(t *testing.T) {
	var items []format.Item
	for _, name := range []string{"a", "b", "c"} {
		items = append(items, newMaterial(t, name).personal(name))
	}
	items[0].Default = true
	marks := func(c *format.Content) string {
		var b strings.Builder
		for _, i := range c.Items {
			fmt.Fprint(&b, i.Label, "=", i.Default, " ")
		}
		return b.String()
	}
	content := decode(t, encode(t, &format.Content{Items: items}, pw), pw)
	if got := marks(content); got != "a=true b=false c=false " {
		t.Errorf("written: %s", got)
	}
	content.Items[0].Default, content.Items[2].Default = false, true
	content = decode(t, encode(t, content, pw), pw)
	if got := marks(content); got != "a=false b=false c=true " {
		t.Errorf("moved: %s", got)
	}
	content.Items[2].Default = false
	content = decode(t, encode(t, content, pw), pw)
	if got := marks(content); got != "a=false b=false c=false " {
		t.Errorf("taken away: %s", got)
	}

	// Where all have the mark, none is the default, and all keep it.
	for i := range content.Items {
		content.Items[i].Default = true
	}
	all := encode(t, content, pw)
	content = decode(t, all, pw)
	if got := marks(content); got != "a=false b=false c=false " {
		t.Errorf("all: %s", got)
	}
	if !bytes.Equal(encode(t, content, pw).KDB, all.KDB) {
		t.Error("marks that say nothing were not kept")
	}
	content.Items[1].Default = true
	if got := marks(decode(t, encode(t, content, pw), pw)); got != "a=false b=true c=false " {
		t.Errorf("one of all: %s", got)
	}
}

// TestLargeRecord makes slots larger, and smaller slots stay as they are.
func TestLargeRecord(t *testing.T) {
	one := newMaterial(t, "one")
	large := one.waiting("large")
	large.Request = sequence(t, append([]byte{4, 0x82, 0x40, 0}, make([]byte, 0x4000)...))
	items := []format.Item{one.signer("one", true), large}
	s := encode(t, &format.Content{Items: items}, pw)
	if size := takeApart(t, s.RDB, string(pw)).slotSize; size <= 0x4000 || len(s.KDB) != 0x90+5000 {
		t.Errorf("slots of %d bytes, and a .kdb file of %d", size, len(s.KDB))
	}
	if diff := cmp.Diff(items, bare(decode(t, s, pw).Items)); diff != "" {
		t.Errorf("items (-written +read):\n%s", diff)
	}
	large.Request = sequence(t, append([]byte{4, 0x83, 0x10, 0, 0}, make([]byte, maxSlot)...))
	if _, err := EncodeSet(&format.Content{Items: []format.Item{large}}, pw); err == nil {
		t.Error("a record larger than any slot is written")
	}
}

func TestRefused(t *testing.T) {
	m := newMaterial(t, "m")
	des := secret(t, "des", 24)
	des.Key = bytes.Replace(des.Key, []byte{0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1}, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 3, 7}, 1)
	noRequest, noKey, noCertificate, noKind := m.waiting("x"), m.personal("x"), m.signer("x", true), m.signer("x", true)
	noRequest.Request, noKey.Key, noCertificate.Certificate, noKind.Kind = nil, nil, []byte("nonsense"), 0
	for name, item := range map[string]format.Item{
		"a secret key of an algorithm that would be lost": des,
		"a request that is not known":                     noRequest,
		"a personal item without a key":                   noKey,
		"a certificate that is none":                      noCertificate,
		"no kind":                                         noKind,
		"no label":                                        m.signer("", true),
		"a NUL in a label":                                m.signer("a\x00b", true),
		"not a secret key":                                {Kind: format.SecretKey, Label: "x", Key: []byte("nonsense")},
	} {
		if _, err := EncodeSet(&format.Content{Items: []format.Item{item}}, pw); err == nil {
			t.Errorf("%s is written", name)
		}
	}
	for _, password := range []string{"", "a\x00"} {
		if _, err := EncodeSet(&format.Content{}, []byte(password)); err == nil {
			t.Errorf("a database with the password %q is written", password)
		}
	}
	if _, err := EncodeSet(&format.Content{Items: []format.Item{m.personal("x")}}, []byte{0xff}); err == nil {
		t.Error("a key is encrypted with a password that is not UTF-8")
	}
	if _, err := (Format{}).Encode(&format.Content{Items: []format.Item{m.waiting("x")}}, pw); err == nil || (Format{}).Holds(format.Request) {
		t.Error("a .kdb file holds a request")
	}
}

// TestForeignKept gives an item of one database to another one with another
// password: its key is encrypted anew, and what else is kept stays.
func TestForeignKept(t *testing.T) {
	m := newMaterial(t, "m")
	der := derOf(t, 1, 1, m.certificate, "flagged", 4, 0xF0)
	from := decode(t, encode(t, &format.Content{Items: []format.Item{m.personal("m")}}, pw), pw)
	flagged := decode(t, Set{KDB: assemble(6, "X509KEY", 5000, string(pw), slotOf(1, 1, der, "flagged", 0, 0, 0, 0))}, pw)
	to := decode(t, encode(t, &format.Content{}, []byte("another")), []byte("another"))
	to.Items = append(to.Items, from.Items[0], flagged.Items[0])
	s := encode(t, to, []byte("another"))
	if diff := cmp.Diff(bare(to.Items), bare(decode(t, s, []byte("another")).Items)); diff != "" {
		t.Errorf("items (-written +read):\n%s", diff)
	}
	if !bytes.Contains(s.KDB, []byte{3, 2, 4, 0xF0}) {
		t.Error("flags that are not understood were lost")
	}
}

// TestReceive makes a personal item of a request: it leaves the .rdb file.
func TestReceive(t *testing.T) {
	m := newMaterial(t, "m")
	content := decode(t, encode(t, &format.Content{Items: []format.Item{m.waiting("m")}}, pw), pw)
	item := content.Items[0]
	content.Items[0] = format.Item{Kind: format.Personal, Label: item.Label, Certificate: m.certificate, Key: item.Key, Kept: item.Kept}
	s := encode(t, content, pw)
	l := takeApart(t, s.KDB, string(pw))
	if len(l.slots) != 1 || len(takeApart(t, s.RDB, string(pw)).slots) != 0 {
		t.Fatal("the request did not move")
	}
	checkIndex(t, l.slots[0])
	if diff := cmp.Diff([]format.Item{m.personal("m")}, bare(decode(t, s, pw).Items)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

// TestRandomSets writes, reads, changes and writes random databases.
func TestRandomSets(t *testing.T) {
	testpeer.Long(t)
	var pool []material
	for i := range 6 {
		pool = append(pool, newMaterial(t, fmt.Sprint("m ", i)))
	}
	secrets := []format.Item{secret(t, "", 1), secret(t, "", 16), secret(t, "", 40)}
	draw := func(t *rapid.T, label string, withKeys bool) format.Item {
		m := rapid.SampledFrom(pool).Draw(t, "material")
		kind := 1
		if withKeys {
			kind = rapid.IntRange(0, 3).Draw(t, "kind")
		}
		var item format.Item
		switch kind {
		case 0:
			item = m.personal(label)
		case 1:
			item = m.signer(label, rapid.Bool().Draw(t, "trusted"))
		case 2:
			item = m.waiting(label)
		default:
			item = rapid.SampledFrom(secrets).Draw(t, "secret")
			item.Label = label
		}
		return item
	}
	// What can be printed comes back as it is; other labels are in TestKept.
	labels := rapid.SliceOfNDistinct(rapid.StringMatching(`[ -~äöüßλ漢]{1,60}`), 0, 6, strings.ToLower)
	rapid.Check(t, func(t *rapid.T) {
		content := &format.Content{}
		password := pw
		// Keys cost derivations, and most of the test's time.
		withKeys := rapid.IntRange(0, 4).Draw(t, "with keys") == 0
		for range rapid.IntRange(1, 3).Draw(t, "rounds") {
			keep := rapid.IntRange(0, len(content.Items)).Draw(t, "keep")
			content.Items = content.Items[:keep]
			used := map[string]bool{}
			for i := range content.Items {
				item := &content.Items[i]
				used[strings.ToLower(item.Label)] = true
				if item.Kind == format.Signer && rapid.Bool().Draw(t, "turn") {
					item.Trusted = !item.Trusted
				}
			}
			for _, label := range labels.Draw(t, "labels") {
				if !used[strings.ToLower(label)] {
					content.Items = append(content.Items, draw(t, label, withKeys))
				}
			}
			if rapid.Bool().Draw(t, "new password") {
				password = rapid.SliceOfN(rapid.ByteRange(0x20, 0x7e), 1, 200).Draw(t, "password")
			}
			s, err := EncodeSet(content, password)
			if err != nil {
				t.Fatal(err)
			}
			read, err := DecodeSet(s, password)
			if err != nil {
				t.Fatal(err)
			}
			var want []format.Item
			for _, requests := range []bool{false, true} {
				for _, item := range bare(content.Items) {
					if (item.Kind == format.Request) == requests {
						want = append(want, item)
					}
				}
			}
			if diff := cmp.Diff(append([]format.Item{}, want...), bare(read.Items)); diff != "" {
				t.Fatalf("items (-written +read):\n%s", diff)
			}
			again, err := EncodeSet(read, password)
			if err != nil || !bytes.Equal(again.KDB, s.KDB) || !bytes.Equal(again.RDB, s.RDB) || !bytes.Equal(again.CRL, s.CRL) {
				t.Fatalf("written again, the files are others, %v", err)
			}
			content = read
		}
	})
}

// TestSampleChanged deletes from IBM's database, adds to it, and gives it another
// password.
func TestSampleChanged(t *testing.T) {
	before := takeApart(t, sample(t, "mixed.kdb"), samplePassword)
	content := decode(t, Set{KDB: sample(t, "mixed.kdb")}, []byte(samplePassword))
	added := newMaterial(t, "added")
	content.Items = append(content.Items[1:], added.personal("added"))
	s := encode(t, content, []byte(samplePassword))
	after := takeApart(t, s.KDB, samplePassword)
	if len(after.slots) != 4 || after.slotSize != 5000 || !bytes.Equal(after.salt, before.salt) {
		t.Errorf("%d slots of %d bytes", len(after.slots), after.slotSize)
	}
	for i, slot := range after.slots {
		checkIndex(t, slot) // and the number in the DER
		if i == 3 {
			break
		}
		// Behind the number, which stands among the first ten octets, the DER is as it was.
		if was := before.slots[i+1]; !bytes.Equal(slot.der[10:], was.der[10:]) || slot.label != was.label {
			t.Errorf("%s was changed", was.label)
		}
	}

	other := encode(t, content, []byte("another"))
	if bytes.Equal(takeApart(t, other.KDB, "another").salt, before.salt) {
		t.Error("the salt stays with another password")
	}
	key := before.slots[1].der
	if bytes.Contains(other.KDB, key[len(key)-100:len(key)-50]) {
		t.Error("a key is still encrypted with the old password")
	}
	if _, err := DecodeSet(other, []byte(samplePassword)); !errors.Is(err, format.ErrPassword) {
		t.Errorf("the old password: %v", err)
	}
	if diff := cmp.Diff(bare(content.Items), bare(decode(t, other, []byte("another")).Items)); diff != "" {
		t.Errorf("items with another password (-want +got):\n%s", diff)
	}
}

package jks

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// samplePassword opens the files in testdata; see README.md there.
const samplePassword = "password"

// formats are the two of this package, by the ends of the samples' names.
var formats = map[string]format.Format{"jks": JKS{}, "jceks": JCEKS{}}

// quick has Encode iterate less often than it must outside of tests.
var quick = limits{written: 10}

// How a key is encrypted is no part of it.
var allKept = cmp.Options{cmp.AllowUnexported(kept{}, link{}), cmpopts.IgnoreFields(kept{}, "sealed")}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// kindOf returns the kind behind a format.
func kindOf(f format.Format) kind {
	if _, ok := f.(JKS); ok {
		return kindJKS
	}
	return kindJCEKS
}

// A shown item is what the tests compare of an item.
type shown struct {
	Kind            format.Kind
	Label           string
	Trusted         bool
	HasKey, HasCert bool
}

func show(c *format.Content) []shown {
	var list []shown
	for _, i := range c.Items {
		list = append(list, shown{i.Kind, i.Label, i.Trusted, i.Key != nil, i.Certificate != nil})
	}
	return list
}

// TestKeytoolsFiles reads what keytool wrote, writes it under another password,
// and reads it again.
func TestKeytoolsFiles(t *testing.T) {
	own := shown{Kind: format.Personal, Label: "own", HasCert: true}
	gateway := shown{Kind: format.Personal, Label: "gateway", HasKey: true, HasCert: true}
	root := shown{Kind: format.Signer, Label: "prüf ca 🔑", Trusted: true, HasCert: true}
	sub := shown{Kind: format.Signer, Label: "Sample Sub", HasCert: true}
	secret := func(label string) shown { return shown{Kind: format.SecretKey, Label: label, HasKey: true} }
	// keytool writes entries in the order of a hash table.
	tests := map[string][]shown{
		"jks": {own, root, gateway, sub},
		"jceks": {
			own, gateway, root, sub,
			secret("desede"), secret("password"), {Kind: format.SecretKey, Label: "own secret"}, secret("aes"), secret("blowfish"),
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			f, data := formats[name], sample(t, "keytool."+name)
			for other, o := range formats {
				if got := o.Detect(data); got != (other == name) {
					t.Errorf("detected as %s: %v", other, got)
				}
			}
			content, err := f.Decode(data, []byte(samplePassword))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, show(content)); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			for _, item := range content.Items {
				if own, ok := item.Kept.(kept); ok && (own.created < 1_795_000_000_000 || own.created > 1_796_000_000_000) {
					t.Errorf("%q was made at %d", item.Label, own.created)
				}
			}
			written, err := kindOf(f).encode(content, []byte("another"), quick)
			if err != nil {
				t.Fatal(err)
			}
			again, err := f.Decode(written, []byte("another"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(content, again, allKept); diff != "" {
				t.Errorf("after a round trip (-before +after):\n%s", diff)
			}
			for _, wrong := range [][]byte{[]byte("Password"), {}, nil, []byte("p\xff")} {
				if _, err := f.Decode(data, wrong); !errors.Is(err, format.ErrPassword) {
					t.Errorf("with password %q: %v; want ErrPassword", wrong, err)
				}
			}
		})
	}
}

// TestKeysOfTheirOwn opens the entries of another password with that one.
func TestKeysOfTheirOwn(t *testing.T) {
	pw, err := newPassword([]byte("otherword"))
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range formats {
		data := sample(t, "keytool."+name)
		entries, err := kindOf(f).read(data[:len(data)-digestLen])
		if err != nil {
			t.Fatal(err)
		}
		results, err := openAll(entries, pw, limits{}.orDefault())
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range entries {
			own := string(e.alias) == "own" || string(e.alias) == "own secret"
			if got := results[i].key != nil; got != own {
				t.Errorf("%s: %q opens with the other password: %v", name, e.alias, got)
			}
		}
	}
}

// TestWrittenAsJava compares what is written with keytool's bytes.
func TestWrittenAsJava(t *testing.T) {
	data := sample(t, "keytool.jceks")
	body := data[:len(data)-digestLen]
	entries, err := kindJCEKS.read(body)
	if err != nil {
		t.Fatal(err)
	}
	again, err := kindJCEKS.write(entries)
	if err != nil || !bytes.Equal(again, body) {
		t.Errorf("the file is not the same when it is written again: %v", err)
	}
	pw, err := newPassword([]byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.tag != tagSecret {
			continue
		}
		p, err := readSealed(e.protected)
		if err != nil {
			t.Fatalf("%q: %v", e.alias, err)
		}
		params, err := p.jce.encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := writeSealed(params, p.ciphertext); err != nil || !bytes.Equal(again, e.protected) {
			t.Errorf("%q: the sealed object is\n%x, and keytool's\n%x (%v)", e.alias, again, e.protected, err)
		}
		object, ok := p.openObject(pw)
		if string(e.alias) != "aes" {
			continue // a KeyRep is written as a SecretKeySpec, or it is locked
		}
		algorithm, key, read := readSecretKey(object)
		if again, err := writeSecretKey(algorithm, key); !ok || !read || err != nil || !bytes.Equal(again, object) {
			t.Errorf("%q: the key is\n%x, and keytool's\n%x (%v)", e.alias, again, object, err)
		}
	}
}

// TestSecretKeysOfJava compares keys with what keytool makes of them when it
// imports them into a PKCS#12 file, and with the password that was imported.
func TestSecretKeysOfJava(t *testing.T) {
	content, err := JCEKS{}.Decode(sample(t, "keytool.jceks"), []byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"aes":      "3023020100300c060860864801650304010500041023853cc2afa4303586dba39148ccba57",
		"desede":   "3028020100300906052b0e030211050004181a2c68df43913bb53e1acb7cc1e3f401704f198a5d45a8f2",
		"password": "301f020100300d06092a864886f70d0105030500040b" + hex.EncodeToString([]byte("open sesame")),
	}
	for _, item := range content.Items {
		if key, ok := want[item.Label]; ok && hex.EncodeToString(item.Key) != key {
			t.Errorf("%s: %x; want %s", item.Label, item.Key, key)
		}
		if item.Label == "blowfish" {
			name, key, err := parseSecretKey(item.Key)
			if name != "Blowfish" || len(key) != 16 || err != nil {
				t.Errorf("the key that has a name only: %q, %d bytes, %v", name, len(key), err)
			}
		}
	}
}

// TestJCEVectors decrypts what Java 17 encrypted with PBEWithMD5AndTripleDES,
// 100 iterations; in the second the halves of the salt are equal.
func TestJCEVectors(t *testing.T) {
	for salt, sealed := range map[string]string{
		"0102030405060708": "a49c044546837a1de168d6fd9da486cf9fd9552a3f691d22",
		"0102030401020304": "142d623490db3ab075781daeb27fb71c3c5db18d05584058",
	} {
		p := jceParameters{iterations: 100}
		if _, err := hex.Decode(p.salt[:], []byte(salt)); err != nil {
			t.Fatal(err)
		}
		ciphertext, err := hex.DecodeString(sealed)
		if err != nil {
			t.Fatal(err)
		}
		plain, ok := openJCE(ciphertext, []byte(samplePassword), p)
		if !ok || string(plain) != "sixteen bytes xx" {
			t.Errorf("salt %s: %q, %v", salt, plain, ok)
		}
		if got := sealJCE(plain, []byte(samplePassword), p); !bytes.Equal(got, ciphertext) {
			t.Errorf("salt %s: encrypted %x; want %s", salt, got, sealed)
		}
	}
}

// TestMistakenSalt decrypts what older versions of Java make of a salt with
// equal halves: the first four bytes in another order than turned around.
func TestMistakenSalt(t *testing.T) {
	plain := []byte("sixteen bytes xx")
	sealed := sealJCE(plain, []byte("x"), jceParameters{[jceSaltLen]byte{4, 1, 2, 4, 1, 2, 3, 4}, 10})
	got, ok := openJCE(sealed, []byte("x"), jceParameters{[jceSaltLen]byte{1, 2, 3, 4, 1, 2, 3, 4}, 10})
	if !ok || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, ok)
	}
}

// TestVersion1 reads the first version, which has no types of certificates.
func TestVersion1(t *testing.T) {
	data := sample(t, "keytool.jks")
	want, err := JKS{}.Decode(data, []byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.ReplaceAll(data[:len(data)-digestLen], []byte("\x00\x05X.509"), nil)
	body[7] = version1
	pw, err := newPassword([]byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	got, err := JKS{}.Decode(append(body, pw.digest(body)...), []byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, allKept); diff != "" {
		t.Errorf("version 1 (-version 2 +version 1):\n%s", diff)
	}
	body[7] = 3
	if _, err := (JKS{}).Decode(append(body, pw.digest(body)...), []byte(samplePassword)); !errors.Is(err, format.ErrUnsupported) {
		t.Errorf("version 3: %v; want ErrUnsupported", err)
	}
}

func TestPasswordIsText(t *testing.T) {
	for _, f := range formats {
		if _, err := f.Encode(&format.Content{}, []byte("p\xff")); !errors.Is(err, pbe.ErrEncoding) {
			t.Errorf("%s: a password that is not UTF-8: %v", f.Name(), err)
		}
	}
}

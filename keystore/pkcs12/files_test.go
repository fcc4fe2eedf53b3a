package pkcs12

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"keyman/internal/pbe"
	"keyman/keystore/format"

	"keyman/internal/testpeer"
)

// samplePassword opens the files in testdata; see README.md there.
const samplePassword = "password"

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A shown item is what the tests compare of an item.
type shown struct {
	Kind             format.Kind
	Label            string
	Trusted, Default bool
	HasKey, HasCert  bool
}

func show(c *format.Content) []shown {
	var list []shown
	for _, i := range c.Items {
		list = append(list, shown{i.Kind, i.Label, i.Trusted, i.Default, i.Key != nil, i.Certificate != nil})
	}
	return list
}

// TestOtherProgramsFiles reads what OpenSSL and keytool wrote, writes it, and
// reads it again.
func TestOtherProgramsFiles(t *testing.T) {
	testpeer.Long(t)
	openssl := []shown{
		{Kind: format.Personal, Label: "sample", HasKey: true, HasCert: true},
		{Kind: format.Signer, Label: "Sample CA", HasCert: true},
	}
	one := shown{Kind: format.Personal, Label: "one", HasKey: true, HasCert: true}
	tests := map[string][]shown{
		"openssl-default.p12":        openssl,
		"openssl-legacy-rc2-40.p12":  openssl,
		"openssl-legacy-3des.p12":    openssl,
		"openssl-legacy-2des.p12":    openssl,
		"openssl-legacy-rc2-128.p12": openssl,
		"openssl-legacy-rc4.p12":     openssl,
		"openssl-aes128-aes192.p12":  openssl,
		"openssl-des3-sha512.p12":    openssl,
		"openssl-one-iteration.p12":  openssl,
		"openssl-plain.p12":          openssl,
		"keytool-legacy.p12":         {one},
		"keytool.p12": {
			one,
			{Kind: format.Personal, Label: "two", HasKey: true, HasCert: true},
			{Kind: format.Signer, Label: "ca", Trusted: true, HasCert: true},
			{Kind: format.SecretKey, Label: "aes", HasKey: true},
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			data := sample(t, name)
			if !(Format{}).Detect(data) {
				t.Error("the format is not detected")
			}
			content, err := Format{}.Decode(data, []byte(samplePassword))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, show(content)); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			written, err := Format{}.Encode(content, []byte("another"))
			if err != nil {
				t.Fatal(err)
			}
			again, err := Format{}.Decode(written, []byte("another"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(content, again, cmp.AllowUnexported(kept{}, remainder{}, bag{}, attribute{})); diff != "" {
				t.Errorf("after a round trip (-before +after):\n%s", diff)
			}
			if _, err := (Format{}).Decode(data, []byte("Password")); !errors.Is(err, format.ErrPassword) {
				t.Errorf("with a wrong password: %v; want ErrPassword", err)
			}
			for _, none := range [][]byte{nil, {}} {
				if _, err := (Format{}).Decode(data, none); !errors.Is(err, format.ErrPassword) {
					t.Errorf("with password %v: %v; want ErrPassword", none, err)
				}
			}
		})
	}
}

// TestEmptyAndAbsentPassword reads files under each of the two, given either.
func TestEmptyAndAbsentPassword(t *testing.T) {
	content, err := Format{}.Decode(sample(t, "openssl-empty-password.p12"), nil)
	if err != nil {
		t.Fatalf("OpenSSL's empty password: %v", err)
	}
	for _, written := range [][]byte{nil, {}} {
		data, err := Format{}.Encode(content, written)
		if err != nil {
			t.Fatal(err)
		}
		for _, given := range [][]byte{nil, {}} {
			if _, err := (Format{}).Decode(data, given); err != nil {
				t.Errorf("written with %#v, read with %#v: %v", written, given, err)
			}
		}
		// Told apart they are: each alone opens its own files only.
		file, err := readPFX(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range [][]byte{nil, {}} {
			p, err := pbe.NewPassword(form)
			if err != nil {
				t.Fatal(err)
			}
			err = pbe.NewOpener(p, pbe.Limits{}).Verify(*file.mac, file.authSafe)
			if same := (form == nil) == (written == nil); same != (err == nil) {
				t.Errorf("written with %#v, checked with %#v: %v", written, form, err)
			}
		}
	}
}

func TestUnprotected(t *testing.T) {
	_, err := Format{}.Decode(sample(t, "openssl-nomac.p12"), []byte(samplePassword))
	if !errors.Is(err, format.ErrUnprotected) {
		t.Errorf("a file without a MAC: %v; want ErrUnprotected", err)
	}
}

package pem

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// sampleNames are the files in testdata.
var sampleNames = []string{
	"openssl-pkcs12.pem", "keytool-pkcs12.pem", "request.pem", "plain-windows.pem", "traditional.pem",
	"trusted.pem", "ca-bundle.pem", "ed448.pem", "brainpool.pem",
}

// equal compares contents with what is kept.
var equal = cmp.AllowUnexported(kept{}, remainder{})

// A shown item is what the tests compare of an item.
type shown struct {
	Kind                   format.Kind
	Label                  string
	Trusted, Default       bool
	Key, Certificate, Asks bool // are there
}

func show(c *format.Content) []shown {
	var list []shown
	for _, i := range c.Items {
		list = append(list, shown{i.Kind, i.Label, i.Trusted, i.Default, i.Key != nil, i.Certificate != nil, i.Request != nil})
	}
	return list
}

func personal(label string) shown {
	return shown{Kind: format.Personal, Label: label, Key: true, Certificate: true}
}

func authority(label string) shown {
	return shown{Kind: format.Signer, Label: label, Certificate: true}
}

// TestOtherProgramsFiles reads what OpenSSL wrote, writes it, and reads it again.
func TestOtherProgramsFiles(t *testing.T) {
	testpeer.Long(t)
	tests := map[string][]shown{
		"openssl-pkcs12.pem": {personal("sample"), authority("Sample CA")},
		"keytool-pkcs12.pem": {personal("one"), personal("two"), authority("ca")},
		"request.pem":        {{Kind: format.Request, Label: "waiting", Key: true, Asks: true}},
		"plain-windows.pem":  {personal("sample"), authority("Sample CA")},
		"traditional.pem":    {personal("sample")},
		"trusted.pem":        {authority("My CA")},
		"ca-bundle.pem":      {authority("Sample Root"), authority("Other Root")},
		"ed448.pem":          {personal("a key of Ed448")},
		"brainpool.pem":      {personal("brainpool")},
	}
	for _, name := range sampleNames {
		t.Run(name, func(t *testing.T) {
			data := sample(t, name)
			if !(Format{}).Detect(data) {
				t.Error("the format is not detected")
			}
			content, err := Format{}.Decode(data, []byte(samplePassword))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tests[name], show(content)); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			written, err := Format{}.Encode(content, []byte("another"))
			if err != nil {
				t.Fatal(err)
			}
			again, err := Format{}.Decode(written, []byte("another"))
			if err != nil {
				t.Fatalf("%v\n%s", err, written)
			}
			if diff := cmp.Diff(content, again, equal); diff != "" {
				t.Errorf("after a round trip (-before +after):\n%s", diff)
			}
			windows := bytes.ReplaceAll(written, []byte("\n"), []byte("\r\n"))
			if _, err := (Format{}).Decode(windows, []byte("another")); err != nil {
				t.Errorf("with Windows line ends: %v", err)
			}
			for _, wrong := range []string{"Another", ""} {
				if _, err := (Format{}).Decode(written, []byte(wrong)); !errors.Is(err, format.ErrPassword) {
					t.Errorf("with password %q: %v; want ErrPassword", wrong, err)
				}
			}
		})
	}
	for _, name := range []string{"openssl-pkcs12.pem", "traditional.pem"} {
		for _, wrong := range []string{"Password", ""} {
			if _, err := (Format{}).Decode(sample(t, name), []byte(wrong)); !errors.Is(err, format.ErrPassword) {
				t.Errorf("%s with password %q: %v; want ErrPassword", name, wrong, err)
			}
		}
	}
}

// TestKeptText has the text and the blocks that are not understood.
func TestKeptText(t *testing.T) {
	content, err := Format{}.Decode(sample(t, "ca-bundle.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	written, err := Format{}.Encode(content, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"## Bundle of CA Root Certificates", "# Issuer: CN=Other CA", "the end", "    friendlyName: Other Root"} {
		if !bytes.Contains(written, []byte(line+"\n")) {
			t.Errorf("the line %q is lost", line)
		}
	}
	content, err = Format{}.Decode(sample(t, "brainpool.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	written, err = Format{}.Encode(content, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(written, []byte("-----BEGIN EC PARAMETERS-----\n")) {
		t.Error("a block that is not understood is lost")
	}
}

// TestSettingsOfOpenSSL keeps a TRUSTED CERTIFICATE as it is, believes nothing of
// it, and puts the own mark in its place.
func TestSettingsOfOpenSSL(t *testing.T) {
	data := sample(t, "trusted.pem")
	content, err := Format{}.Decode(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	written, err := Format{}.Encode(content, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.TrimSpace(data)
	if !bytes.Contains(written, block) {
		t.Errorf("the block has changed:\n%s", written)
	}
	content.Items[0].Trusted = true
	if written, err = (Format{}).Encode(content, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(written, []byte("TRUSTED")) {
		t.Error("two kinds of trust stand beside each other")
	}
	again, err := Format{}.Decode(written, []byte("x"))
	if err != nil || !again.Items[0].Trusted {
		t.Errorf("the trust is lost: %v", err)
	}
}

func TestDetect(t *testing.T) {
	certificate := "-----BEGIN CERTIFICATE-----\n"
	tests := map[string]bool{
		"":                                      false,
		"text":                                  false,
		certificate:                             true, // cut off
		"-----BEGIN OPENSSH PRIVATE KEY-----\n": true,
		"-----BEGIN NEW CERTIFICATE REQUEST-----\n": true,
		macLine + "\n":                                       true,
		"-----BEGIN X509 CRL-----\n":                         false,
		"-----BEGIN PGP PRIVATE KEY BLOCK-----\n":            false,
		"-----BEGIN X509 CRL-----\n" + certificate:           true,
		string(make([]byte, maxDetect)) + "\n" + certificate: false,
	}
	for data, want := range tests {
		if got := (Format{}).Detect([]byte(data)); got != want {
			t.Errorf("Detect(%.60q) = %v; want %v", data, got, want)
		}
	}
}

func TestRefuses(t *testing.T) {
	one := sample(t, "ca-bundle.pem")
	tests := map[string]struct {
		data []byte
		want error
	}{
		"nothing":            {nil, format.ErrDamaged},
		"no entry":           {[]byte("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"), format.ErrDamaged},
		"an empty block":     {[]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), format.ErrDamaged},
		"no trusted one":     {[]byte("-----BEGIN TRUSTED CERTIFICATE-----\nMAA=\n-----END TRUSTED CERTIFICATE-----\n"), format.ErrDamaged},
		"no request":         {[]byte("-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"), format.ErrDamaged},
		"no key":             {[]byte("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n"), format.ErrDamaged},
		"cut off":            {one[:200], format.ErrDamaged},
		"too long":           {make([]byte, maxSize+1), format.ErrUnsupported},
		"too many blocks":    {bytes.Repeat([]byte("-----BEGIN X-----\n-----END X-----\n"), maxBlocks+1), format.ErrUnsupported},
		"MAC at the end":     {append(bytes.Clone(one), macLine+"MAA=\n"...), format.ErrDamaged},
		"MAC behind a BOM":   {append([]byte("\ufeff"+macLine+"MAA=\n"), one...), format.ErrDamaged},
		"two MACs":           {[]byte(macLine + "MAA=\n" + macLine + "MAA=\n"), format.ErrDamaged},
		"a MAC that is none": {append([]byte(macLine+"MAA=\n"), one...), format.ErrDamaged},
		"no base64":          {append([]byte(macLine+"!\n"), one...), format.ErrDamaged},
	}
	for name, test := range tests {
		if _, err := (Format{}).Decode(test.data, []byte("x")); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
	item := format.Item{Kind: format.Signer, Label: "x", Certificate: []byte{0x30, 0}}
	for name, change := range map[string]func(i *format.Item){
		"a secret key":          func(i *format.Item) { i.Kind = format.SecretKey },
		"no kind":               func(i *format.Item) { i.Kind = 0 },
		"a key, no password":    func(i *format.Item) { i.Key = []byte{0x30, 0} },
		"trusted, no password":  func(i *format.Item) { i.Trusted = true },
		"the default, likewise": func(i *format.Item) { i.Default = true },
	} {
		changed := item
		change(&changed)
		if _, err := (Format{}).Encode(&format.Content{Items: []format.Item{changed}}, nil); err == nil {
			t.Errorf("%s: written without an error", name)
		}
	}
	if _, err := (Format{}).Encode(&format.Content{}, []byte("\xff")); err == nil {
		t.Error("a password that is not UTF-8: written without an error")
	}
}

// TestEmpty writes a database without entries.
func TestEmpty(t *testing.T) {
	data, err := Format{}.Encode(&format.Content{}, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if !(Format{}).Detect(data) {
		t.Error("not detected")
	}
	content, err := Format{}.Decode(data, []byte("x"))
	if err != nil || len(content.Items) != 0 || content.Kept != nil {
		t.Errorf("%+v, %v; want nothing", content, err)
	}
	if _, err := (Format{}).Decode(data, []byte("y")); !errors.Is(err, format.ErrPassword) {
		t.Errorf("a wrong password: %v; want ErrPassword", err)
	}
}

// TestMarksNeedTheMAC puts marks into a file without a MAC in all places, has it
// read and written under a password: nothing may come out believed.
func TestMarksNeedTheMAC(t *testing.T) {
	const marks = "keyman: trusted\n  keyman:default\n    keyman: trusted \n"
	data := sample(t, "ca-bundle.pem")
	data = bytes.ReplaceAll(data, []byte("-----BEGIN"), []byte(marks+"-----BEGIN"))
	data = append(data, "-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"+marks...)
	data = append(data, bytes.ReplaceAll(sample(t, "plain-windows.pem"), []byte("-----BEGIN"), []byte(marks+"-----BEGIN"))...)
	data = append(data, marks...)
	for _, password := range []string{"", "x"} {
		content, err := Format{}.Decode(data, []byte(password))
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for _, item := range content.Items {
				if item.Trusted || item.Default {
					t.Fatalf("%q is marked", item.Label)
				}
			}
			written, err := Format{}.Encode(content, []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(written, []byte(mark)) {
				t.Fatalf("a mark was kept:\n%s", written)
			}
			if content, err = (Format{}).Decode(written, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestWithoutMAC takes the MAC out of a file: the entries are there, and nothing
// of them is believed.
func TestWithoutMAC(t *testing.T) {
	content, err := Format{}.Decode(sample(t, "plain-windows.pem"), nil)
	if err != nil {
		t.Fatal(err)
	}
	content.Items[0].Default, content.Items[1].Trusted = true, true
	data, err := Format{}.Encode(content, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	with, err := Format{}.Decode(data, []byte("x"))
	if err != nil || !with.Items[0].Default || !with.Items[1].Trusted {
		t.Fatalf("with the MAC: %v, %v", show(with), err)
	}
	_, cut, _ := bytes.Cut(data, []byte("\n"))
	without, err := Format{}.Decode(cut, []byte("x"))
	if err != nil || len(without.Items) != 2 || without.Items[0].Default || without.Items[1].Trusted {
		t.Errorf("without the MAC: %v, %v", show(without), err)
	}
}

// TestLatin1Label reads a label as OpenSSL 3.0 prints it.
func TestLatin1Label(t *testing.T) {
	data := append([]byte("Bag Attributes\n    friendlyName: Schl\xfcssel\n"), sample(t, "ca-bundle.pem")...)
	content, err := Format{}.Decode(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := content.Items[0].Label; got != "Schlüssel" {
		t.Errorf("the label is %q", got)
	}
}

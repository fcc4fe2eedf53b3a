package pem

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	encpem "encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"keyman/internal/pkcs7"
	"keyman/internal/testpeer"
	"keyman/keystore/format"
	"keyman/keystore/pkcs12"
)

func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	testpeer.Need(t, name)
	out, err := exec.Command(testpeer.Program(name), args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out
}

// everything is a content of all kinds.
func everything(t testing.TB) *format.Content {
	t.Helper()
	c := &format.Content{}
	for _, name := range []string{"plain-windows.pem", "request.pem", "brainpool.pem", "ed448.pem"} {
		one, err := Format{}.Decode(sample(t, name), nil)
		if err != nil {
			t.Fatal(err)
		}
		c.Items = append(c.Items, one.Items...)
	}
	c.Items[0].Default, c.Items[1].Trusted = true, true
	for i := range c.Items {
		c.Items[i].Kept = nil
	}
	return c
}

// TestOpenSSLReads gives OpenSSL a bundle of all kinds: it finds what is in it,
// and makes a PKCS#12 file of it.
func TestOpenSSLReads(t *testing.T) {
	content := everything(t)
	data, err := Format{}.Encode(content, []byte("pässword"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.pem")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	certificates := filepath.Join(dir, "certificates.p7b")
	run(t, "openssl", "crl2pkcs7", "-nocrl", "-certfile", path, "-outform", "DER", "-out", certificates)
	p7b, err := os.ReadFile(certificates)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := pkcs7.Parse(p7b); err != nil || len(found.Certificates) != 4 {
		t.Errorf("OpenSSL finds %d certificates, %v; want 4", len(found.Certificates), err)
	}
	p12 := filepath.Join(dir, "keys.p12")
	run(t, "openssl", "pkcs12", "-export", "-in", path, "-passin", "pass:pässword", "-name", "sample", "-out", p12, "-passout", "pass:x")
	file, err := os.ReadFile(p12)
	if err != nil {
		t.Fatal(err)
	}
	back, err := pkcs12.Format{}.Decode(file, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.Items[0].Key, content.Items[0].Key) || len(back.Items) != 4 {
		t.Errorf("by way of OpenSSL %d entries are left, or the first is another", len(back.Items))
	}
}

// awkward are labels that look like something else in the text.
var awkward = []string{macLine, "x\n" + macLine, "keyman: trusted", "x\n    keyman: trusted", "\"x\"", " x ", "=====", "-----BEGIN X-----", "\r", "\x00"}

// TestRoundTrip writes labels and marks of any kind, and reads them.
func TestRoundTrip(t *testing.T) {
	testpeer.Long(t)
	base := everything(t)
	rapid.Check(t, func(t *rapid.T) {
		if rapid.IntRange(0, 3).Draw(t, "one in four, because derivation takes its time") > 0 {
			return
		}
		want := &format.Content{}
		used := map[string]bool{}
		for _, item := range base.Items {
			label := rapid.OneOf(rapid.StringN(1, 10, 30), rapid.SampledFrom(awkward)).Draw(t, "label")
			if used[strings.ToLower(label)] {
				continue
			}
			used[strings.ToLower(label)] = true
			item.Label, item.Default = label, false
			item.Trusted = item.Kind == format.Signer && rapid.Bool().Draw(t, "trusted")
			want.Items = append(want.Items, item)
		}
		if i := rapid.IntRange(0, len(want.Items)).Draw(t, "default"); i < len(want.Items) && want.Items[i].Kind == format.Personal {
			want.Items[i].Default = true
		}
		data, err := Format{}.Encode(want, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Format{}.Decode(data, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, equal); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// TestDir writes a folder and reads it.
func TestDir(t *testing.T) {
	want := everything(t)
	want.Items[0].Label, want.Items[1].Label = "../../etc/passwd", "../../etc:passwd"
	for name, o := range map[string]DirOptions{"encrypted": {Password: []byte("pässword")}, "plain": {PlainKeys: true}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys")
			if err := WriteDir(path, want, o); err != nil {
				t.Fatal(err)
			}
			if err := WriteDir(path, want, o); !errors.Is(err, os.ErrExist) {
				t.Errorf("written twice: %v; want fs.ErrExist", err)
			}
			names := map[string]os.FileMode{}
			entries, err := os.ReadDir(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				info, err := e.Info()
				if err != nil {
					t.Fatal(err)
				}
				names[e.Name()] = info.Mode()
			}
			if diff := cmp.Diff(map[string]os.FileMode{
				"_.._etc_passwd.key": 0o600, "_.._etc_passwd.crt": 0o644, "_.._etc_passwd-2.crt": 0o644,
				"waiting.key": 0o600, "waiting.csr": 0o644, "brainpool.key": 0o600, "brainpool.crt": 0o644,
				"a_key_of_Ed448.key": 0o600, "a_key_of_Ed448.crt": 0o644,
			}, names); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			parent, err := os.ReadDir(filepath.Dir(path))
			if err != nil || len(parent) != 1 {
				t.Errorf("beside the folder: %v, %v", parent, err)
			}
			asked := 0
			got, skipped, err := ReadDir(path, func(what string) ([]byte, error) {
				asked++
				if filepath.Ext(what) != ".key" {
					t.Errorf("asked for the password of %q", what)
				}
				return o.Password, nil
			})
			if err != nil || len(skipped) != 0 {
				t.Fatalf("skipped %q, %v", skipped, err)
			}
			if (asked > 0) != (len(o.Password) > 0) {
				t.Errorf("asked %d times", asked)
			}
			byLabel := func(c *format.Content) map[string]format.Item {
				m := map[string]format.Item{}
				for _, item := range c.Items {
					item.Trusted, item.Default = false, false
					m[item.Label] = item
				}
				return m
			}
			if diff := cmp.Diff(byLabel(want), byLabel(got), equal); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
	if err := WriteDir(filepath.Join(t.TempDir(), "keys"), want, DirOptions{}); err == nil {
		t.Error("keys are written without a password")
	}
	if err := WriteDir(filepath.Join(t.TempDir(), "keys"), want, DirOptions{Password: []byte("x"), PlainKeys: true}); err == nil {
		t.Error("a password for plain keys is not refused")
	}
	secret := &format.Content{Items: []format.Item{{Kind: format.SecretKey, Label: "x"}}}
	if err := WriteDir(filepath.Join(t.TempDir(), "keys"), secret, DirOptions{PlainKeys: true}); err == nil {
		t.Error("a secret key is written")
	}
}

// TestReadDirOfPeople reads a folder as people have it: DER, PKCS#7, and files
// of other kinds.
func TestReadDirOfPeople(t *testing.T) {
	dir := t.TempDir()
	one := everything(t)
	ca := one.Items[1].Certificate
	p7b, err := os.ReadFile(filepath.Join("..", "..", "internal", "pkcs7", "testdata", "chain.p7b"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"gateway.key":  one.Items[0].Key,
		"server.der":   one.Items[0].Certificate,
		"root.cer":     ca,
		"root-2.cer":   ca,
		"request.der":  one.Items[2].Request,
		"request.key":  encpem.EncodeToMemory(&encpem.Block{Type: "PRIVATE KEY", Bytes: one.Items[2].Key}),
		"chain.p7b":    p7b,
		"README":       []byte("0 is not DER"),
		"list.crl":     []byte("-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n"),
		"empty":        nil,
		"database.p12": {0x30, 0x82, 0, 3, 2, 1, 3},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	content, skipped, err := ReadDir(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]shown{
		authority("sample"), authority("Sample CA"), personal("gateway"),
		{Kind: format.Request, Label: "request", Key: true, Asks: true}, authority("root-2"),
	}, show(content)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"README", "database.p12", "empty", "folder", "list.crl"}, skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(dir, "z.pem"), sample(t, "traditional.pem"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadDir(dir, nil); !errors.Is(err, format.ErrPassword) || !strings.Contains(err.Error(), "z.pem") {
		t.Errorf("an encrypted key and nobody to ask: %v; want ErrPassword with the file", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.pem"), sample(t, "traditional.pem")[:1500], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ReadDir(dir, nil); !errors.Is(err, format.ErrDamaged) || !strings.Contains(err.Error(), "a.pem") {
		t.Errorf("a damaged file: %v; want ErrDamaged with the file", err)
	}
	if _, _, err := ReadDir(filepath.Join(dir, "absent"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v; want fs.ErrNotExist", err)
	}
}

// BenchmarkStore writes and reads 10,000 entries.
func BenchmarkStore(b *testing.B) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	content := &format.Content{}
	for i := range 10_000 {
		template := &x509.Certificate{SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: "x"}, NotAfter: time.Now()}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			b.Fatal(err)
		}
		content.Items = append(content.Items, format.Item{Kind: format.Signer, Label: big.NewInt(int64(i)).String(), Certificate: der})
	}
	for b.Loop() {
		data, err := Format{}.Encode(content, []byte("x"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := (Format{}).Decode(data, []byte("x")); err != nil {
			b.Fatal(err)
		}
	}
}

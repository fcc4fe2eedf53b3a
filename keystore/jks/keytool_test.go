package jks

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/testpeer"
	"keyman/keystore/format"
	"keyman/keystore/pkcs12"
)

// peerPassword is what keytool takes: six characters or more.
const peerPassword = "pass word"

// tool runs a program of another project and returns what it printed.
func tool(t *testing.T, input, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testpeer.Program(name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// A javaStore is a file that keytool works on.
type javaStore struct {
	t    *testing.T
	f    format.Format
	path string
}

func newJavaStore(t *testing.T, f format.Format) javaStore {
	return javaStore{t, f, filepath.Join(t.TempDir(), "store")}
}

func (s javaStore) keytool(command string, args ...string) string {
	s.t.Helper()
	return s.keytoolReads("", command, args...)
}

func (s javaStore) keytoolReads(input, command string, args ...string) string {
	s.t.Helper()
	return tool(s.t, input, "keytool", append([]string{
		"-J-Duser.language=en", "-J-Dfile.encoding=UTF-8", command,
		"-storetype", s.f.Name(), "-keystore", s.path, "-storepass", peerPassword,
	}, args...)...)
}

func (s javaStore) read() *format.Content {
	s.t.Helper()
	data, err := os.ReadFile(s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	content, err := s.f.Decode(data, []byte(peerPassword))
	if err != nil {
		s.t.Fatal(err)
	}
	return content
}

func (s javaStore) write(c *format.Content) {
	s.t.Helper()
	data, err := s.f.Encode(c, []byte(peerPassword))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(s.path, data, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func find(t *testing.T, c *format.Content, label string) format.Item {
	t.Helper()
	for _, item := range c.Items {
		if item.Label == label {
			return item
		}
	}
	t.Fatalf("no item %q in %+v", label, show(c))
	return format.Item{}
}

// TestKeytoolReads gives keytool what is written here: it lists it with the
// same chains, uses its keys, and makes a PKCS#12 file of it in which OpenSSL
// finds the same.
func TestKeytoolReads(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "keytool", "openssl")
	for _, f := range formats {
		t.Run(f.Name(), func(t *testing.T) { testKeytoolReads(t, newJavaStore(t, f)) })
	}
}

func testKeytoolReads(t *testing.T, s javaStore) {
	root := newPair(t, "root", nil)
	sub := newPair(t, "sub", &root)
	leaf := newPair(t, "leaf", &sub)
	content := &format.Content{Items: []format.Item{
		leaf.item("Gateway One"), root.signer("Der Röót 🔑", true), sub.signer("sub", false),
	}}
	secrets := []string{"AES", "DESede", "HmacSHA256", "PBEWithMD5AndDES"}
	if s.f.Holds(format.SecretKey) {
		for _, name := range secrets {
			item := secretItem(t, name, name)
			if name == "DESede" {
				var err error
				if item.Key, err = secretKeyInfo(name, []byte("twenty-four bytes are it")); err != nil {
					t.Fatal(err)
				}
			}
			content.Items = append(content.Items, item)
		}
	}
	s.write(content)
	out := s.keytool("-list", "-v")
	want := []string{"Alias name: gateway one", "Certificate chain length: 3", "Alias name: der röót 🔑", "Entry type: trustedCertEntry"}
	if s.f.Holds(format.SecretKey) {
		want = append(want, "contains 6 entries", "Alias name: hmacsha256", "Entry type: SecretKeyEntry")
	} else {
		want = append(want, "contains 2 entries")
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			t.Errorf("keytool does not print %q:\n%s", text, out)
		}
	}
	exported, _ := pem.Decode([]byte(s.keytool("-exportcert", "-rfc", "-alias", "Gateway One")))
	if exported == nil || !bytes.Equal(exported.Bytes, leaf.cert) {
		t.Error("keytool exports another certificate")
	}
	s.keytool("-certreq", "-alias", "gateway one")

	// Into PKCS#12, where both OpenSSL and this project see what it became.
	target := filepath.Join(t.TempDir(), "keys.p12")
	tool(t, "", "keytool", "-importkeystore", "-noprompt", "-srckeystore", s.path, "-srcstoretype", s.f.Name(), "-srcstorepass", peerPassword,
		"-destkeystore", target, "-deststoretype", "PKCS12", "-deststorepass", peerPassword)
	key, _ := pem.Decode([]byte(tool(t, "", "openssl", "pkcs12", "-in", target, "-passin", "pass:"+peerPassword, "-nodes", "-nocerts")))
	if key == nil {
		t.Fatal("openssl shows no key")
	}
	if same, err := x509.ParsePKCS8PrivateKey(key.Bytes); err != nil || !leaf.key.Equal(same) {
		t.Errorf("openssl shows another key: %v", err)
	}
	data, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	p12, err := pkcs12.Format{}.Decode(data, []byte(peerPassword))
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range content.Items {
		if item.Kind != format.SecretKey {
			continue
		}
		if got := find(t, p12, strings.ToLower(item.Label)); !bytes.Equal(got.Key, item.Key) {
			t.Errorf("the secret key %s became\n%x, and was\n%x", item.Label, got.Key, item.Key)
		}
	}
	if got := find(t, p12, "gateway one"); !bytes.Equal(got.Certificate, leaf.cert) {
		t.Error("the certificate is another one")
	}

	// What keytool writes again has lost nothing.
	s.keytool("-changealias", "-alias", "gateway one", "-destalias", "renamed", "-keypass", peerPassword)
	again := s.read()
	if got := find(t, again, "renamed"); !bytes.Equal(got.Certificate, leaf.cert) || got.Key == nil {
		t.Error("the renamed entry has another certificate or no key")
	}
	if got := find(t, again, "sub"); got.Trusted || !bytes.Equal(got.Certificate, sub.cert) {
		t.Errorf("the intermediate is %+v", show(again))
	}
}

// TestReadsKeytool reads what keytool makes, all in one file, changes the
// password, and has keytool read it.
func TestReadsKeytool(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "keytool")
	for _, f := range formats {
		t.Run(f.Name(), func(t *testing.T) { testReadsKeytool(t, newJavaStore(t, f)) })
	}
}

func testReadsKeytool(t *testing.T, s javaStore) {
	peer := newPair(t, "peer", nil)
	file := filepath.Join(t.TempDir(), "peer.der")
	if err := os.WriteFile(file, peer.cert, 0o600); err != nil {
		t.Fatal(err)
	}
	own := "a password of its own"
	s.keytool("-genkeypair", "-alias", "RSA", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=rsa", "-keypass", peerPassword)
	s.keytool("-genkeypair", "-alias", "dsa", "-keyalg", "DSA", "-keysize", "1024", "-dname", "CN=dsa", "-keypass", peerPassword)
	s.keytool("-genkeypair", "-alias", "own", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=own", "-keypass", own)
	s.keytool("-importcert", "-noprompt", "-alias", "peer", "-file", file)
	want := map[string]shown{
		"rsa":  {Kind: format.Personal, HasKey: true, HasCert: true},
		"dsa":  {Kind: format.Personal, HasKey: true, HasCert: true},
		"own":  {Kind: format.Personal, HasCert: true},
		"peer": {Kind: format.Signer, Trusted: true, HasCert: true},
	}
	if s.f.Holds(format.SecretKey) {
		s.keytool("-genseckey", "-alias", "aes", "-keyalg", "AES", "-keysize", "256", "-keypass", peerPassword)
		s.keytoolReads("open sesame\nopen sesame\n", "-importpass", "-alias", "word", "-keypass", peerPassword)
		want["aes"] = shown{Kind: format.SecretKey, HasKey: true}
		want["word"] = shown{Kind: format.SecretKey, HasKey: true}
	}
	before := s.read()
	if len(before.Items) != len(want) {
		t.Errorf("%d items; want %d: %+v", len(before.Items), len(want), show(before))
	}
	for label, expected := range want {
		expected.Label = label
		if got := show(&format.Content{Items: []format.Item{find(t, before, label)}})[0]; got != expected {
			t.Errorf("read %+v; want %+v", got, expected)
		}
	}
	if key, err := x509.ParsePKCS8PrivateKey(find(t, before, "rsa").Key); err != nil {
		t.Errorf("the RSA key: %T, %v", key, err)
	}

	// Written again: keytool opens each key under its password.
	listed := s.keytool("-list")
	s.write(before)
	if again := s.keytool("-list"); again != listed {
		t.Errorf("keytool lists, before:\n%s\nand after:\n%s", listed, again)
	}
	for label, pw := range map[string]string{"rsa": peerPassword, "dsa": peerPassword, "own": own} {
		s.keytool("-certreq", "-alias", label, "-keypass", pw)
	}
	// With the password of the file, the key opens here too.
	s.keytool("-keypasswd", "-alias", "own", "-keypass", own, "-new", peerPassword)
	if find(t, s.read(), "own").Key == nil {
		t.Error("the key does not open with the password that it has been given")
	}
}

// TestNonASCIIPassword goes both ways with JKS, which hashes UTF-16.
func TestNonASCIIPassword(t *testing.T) {
	testpeer.Need(t, "keytool")
	const password = "pässwörd 🔑"
	one := newPair(t, "one", nil)
	data, err := JKS{}.Encode(&format.Content{Items: []format.Item{one.item("one")}}, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	tool(t, "", "keytool", "-J-Dfile.encoding=UTF-8", "-certreq", "-alias", "one", "-storetype", "jks", "-keystore", path, "-storepass", password)
	tool(t, "", "keytool", "-J-Dfile.encoding=UTF-8", "-genkeypair", "-alias", "two", "-dname", "CN=two", "-keyalg", "EC", "-groupname", "secp256r1",
		"-storetype", "jks", "-keystore", path, "-storepass", password, "-keypass", password)
	if data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	content, err := JKS{}.Decode(data, []byte(password))
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{"one", "two"} {
		if find(t, content, label).Key == nil {
			t.Errorf("the key %q does not open", label)
		}
	}
}

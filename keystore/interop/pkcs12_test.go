package interop

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"keyman/internal/testpeer"
	"keyman/keystore"
	"keyman/keystore/format"
)

// regexpLocalKeyID finds the line with the identifier of a key.
var regexpLocalKeyID = regexp.MustCompile(`localKeyID: [0-9A-F ]+`)

// tool runs a program that must succeed, and returns all that it printed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := runAll(name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// open opens a key database.
func open(t *testing.T, path, password string) *keystore.Store {
	t.Helper()
	s, err := keystore.Open(t.Context(), path, keystore.Password(password))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func save(t *testing.T, s *keystore.Store) {
	t.Helper()
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// fullStore makes a store with all that a store can have: several personal
// entries, one of them the default, a chain, a trusted root, a request.
func fullStore(t *testing.T) *keystore.Store {
	t.Helper()
	s, err := keystore.Create(t.Context(), filepath.Join(t.TempDir(), "keys.p12"), keystore.Password(password), keystore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	root := issue(t, "root", p256(t), true, nil)
	sub := issue(t, "sub", p256(t), true, root)
	waiting := p256(t)
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "three"}}, waiting)
	if err != nil {
		t.Fatal(err)
	}
	_, rootErr := s.AddSigner("the root", root.der, true)
	_, subErr := s.AddSigner("the sub", sub.der, false)
	err = errors.Join(rootErr, subErr, s.AddRequest("gateway three", waiting, request))
	for _, label := range []string{"gateway one", "gateway two 🔑"} {
		key := p256(t)
		err = errors.Join(err, s.AddKey(label, key, [][]byte{issue(t, label, key, false, sub).der}))
	}
	if err := errors.Join(err, s.SetDefault("gateway one")); err != nil {
		t.Fatal(err)
	}
	save(t, s)
	return s
}

// TestSeveralKeys has one file with several keys read by all.
func TestSeveralKeys(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "openssl", "keytool", "certtool", "pki")
	s := fullStore(t)
	out := tool(t, "openssl", "pkcs12", "-in", s.Path(), "-passin", "pass:"+password, "-nodes", "-info")
	for _, want := range []string{
		"MAC: sha256, Iteration 200000",
		"PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256",
		// OpenSSL 3.0 prints no characters outside of the BMP, but reads them.
		"friendlyName: gateway one", "friendlyName: gateway two ", "friendlyName: gateway three",
		"friendlyName: the root", "friendlyName: the sub",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("openssl does not print %q:\n%s", want, out)
		}
	}
	if keys, certs := strings.Count(out, "BEGIN PRIVATE KEY"), strings.Count(out, "BEGIN CERTIFICATE-"); keys != 3 || certs != 4 {
		t.Errorf("openssl sees %d keys and %d certificates; want 3 and 4", keys, certs)
	}
	p12 := fileFormat{name: "pkcs12"}
	for _, p := range []peer{certtool(), pki()} {
		found, err := p.look(p12, s.Path())
		if err != nil || len(found.keys) != 3 || len(found.certificates) != 4 {
			t.Errorf("%s sees %d keys and %d certificates, %v; want 3 and 4", p.name, len(found.keys), len(found.certificates), err)
		}
	}

	out = tool(t, "keytool", "-J-Duser.language=en", "-J-Dfile.encoding=UTF-8", "-list", "-v", "-keystore", s.Path(), "-storepass", password)
	for _, want := range []string{
		"Your keystore contains 4 entries",
		"Alias name: gateway one", "Alias name: gateway two 🔑", "Certificate chain length: 3",
		"Alias name: the root", "Entry type: trustedCertEntry",
		"Alias name: gateway three", "Certificate chain length: 0", // the request
	} {
		if !strings.Contains(out, want) {
			t.Errorf("keytool does not print %q:\n%s", want, out)
		}
	}
	// What it writes again has lost nothing that keyman needs.
	before, _ := s.Lookup("gateway three")
	tool(t, "keytool", "-J-Dfile.encoding=UTF-8", "-changealias", "-alias", "gateway two 🔑", "-destalias", "renamed", "-keystore", s.Path(), "-storepass", password)
	again := open(t, s.Path(), password)
	if _, ok := again.Lookup("renamed"); !ok || len(again.Anchors()) != 1 {
		t.Errorf("after keytool has saved the file: renamed entry %v, %d anchors", ok, len(again.Anchors()))
	}
	if e, ok := again.Default(); !ok || e.Label != "gateway one" || len(e.Chain) != 3 {
		t.Errorf("after keytool has saved the file the default is %q, %v", e.Label, ok)
	}
	if e, ok := again.Lookup("gateway three"); !ok || e.Kind != keystore.Request || !bytes.Equal(e.Request, before.Request) {
		t.Errorf("after keytool has saved the file the request is %v, %v, its PKCS#10 %d bytes", e.Kind, ok, len(e.Request))
	}
}

// TestKeytoolsOwn reads what keytool makes by itself, and has it read that again
// under another password.
func TestKeytoolsOwn(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "keytool")
	dir := t.TempDir()
	path := filepath.Join(dir, "java.p12")
	common := []string{"-keystore", path, "-storetype", "PKCS12", "-storepass", password}
	keys := map[string][]string{
		"Eins": {"-genkeypair", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=one"},
		"aes":  {"-genseckey", "-keyalg", "AES", "-keysize", "256"},
		"mac":  {"-genseckey", "-keyalg", "HmacSHA256", "-keysize", "256"},
	}
	for alias, args := range keys {
		tool(t, "keytool", append(append(args, "-alias", alias), common...)...)
	}
	check := func(s *keystore.Store) {
		t.Helper()
		for label, kind := range map[string]keystore.Kind{"eins": keystore.Personal, "aes": keystore.SecretKey, "mac": keystore.SecretKey} {
			if e, ok := s.Lookup(label); !ok || e.Kind != kind {
				t.Errorf("%s is %v, %v; want %v", label, e.Kind, ok, kind)
			}
		}
	}
	s := open(t, path, password)
	check(s)
	if err := s.SetPassword(keystore.Password("another one")); err != nil {
		t.Fatal(err)
	}
	save(t, s)
	check(open(t, path, "another one"))
	copied := filepath.Join(dir, "copy.p12")
	out := tool(t, "keytool", "-J-Duser.language=en", "-importkeystore", "-srckeystore", path, "-srcstorepass", "another one",
		"-destkeystore", copied, "-deststorepass", password, "-noprompt")
	if !strings.Contains(out, "3 entries successfully imported") {
		t.Errorf("keytool does not import all three entries:\n%s", out)
	}
	check(open(t, copied, password))
}

// TestSchemes reads PKCS#12 under all the schemes that OpenSSL writes.
func TestSchemes(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "openssl")
	s := rsaSubject(t)
	path := filepath.Join(t.TempDir(), "f.p12")
	for name, extra := range map[string][]string{
		"default":              {},
		"legacy, RC2-40":       {"-legacy"},
		"legacy, 3DES":         {"-legacy", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"},
		"legacy, two-key 3DES": {"-legacy", "-certpbe", "PBE-SHA1-2DES", "-keypbe", "PBE-SHA1-2DES"},
		"legacy, RC2-128":      {"-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-RC2-128"},
		"legacy, RC4-128":      {"-legacy", "-certpbe", "PBE-SHA1-RC4-128", "-keypbe", "PBE-SHA1-RC4-40"},
		"AES-128 and AES-192":  {"-certpbe", "AES-128-CBC", "-keypbe", "AES-192-CBC"},
		"3DES in PBES2":        {"-certpbe", "DES-EDE3-CBC", "-keypbe", "DES-EDE3-CBC"},
		"nothing encrypted":    {"-certpbe", "NONE", "-keypbe", "NONE"},
		"one iteration":        {"-noiter", "-nomaciter"},
		"600,000 iterations":   {"-iter", "600000"},
		"MAC with SHA-1":       {"-macalg", "sha1"},
		"MAC with SHA-224":     {"-macalg", "sha224"},
		"MAC with SHA-384":     {"-macalg", "sha384"},
		"MAC with SHA-512":     {"-macalg", "sha512"},
	} {
		if err := opensslPKCS12(s, path, s.label, extra...); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		items, err := fileFormats()[0].read(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := owns(items, s, fileFormats()[0], true, false); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := opensslPKCS12(s, path, s.label, "-nomac"); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(t.Context(), path, keystore.Password(password)); !errors.Is(err, keystore.ErrUnprotected) {
		t.Errorf("a file without a MAC: %v; want ErrUnprotected", err)
	}
}

// TestKeySchemes reads PKCS#8 and traditional keys under the schemes that
// OpenSSL writes.
func TestKeySchemes(t *testing.T) {
	testpeer.Need(t, "openssl")
	s := rsaSubject(t)
	path := filepath.Join(t.TempDir(), "key")
	pkcs8 := []string{"pkcs8", "-topk8", "-in", s.keyFile, "-out", path, "-passout", "pass:" + password}
	for name, args := range map[string][]string{
		"scrypt":                append(pkcs8[:len(pkcs8):len(pkcs8)], "-scrypt"),
		"PBES2, AES-128, SHA-1": append(pkcs8[:len(pkcs8):len(pkcs8)], "-v2", "aes-128-cbc", "-v2prf", "hmacWithSHA1"),
		"PBES2, 3DES, SHA-512":  append(pkcs8[:len(pkcs8):len(pkcs8)], "-v2", "des3", "-v2prf", "hmacWithSHA512"),
		"PBES1, MD5 and DES":    append(pkcs8[:len(pkcs8):len(pkcs8)], "-v1", "PBE-MD5-DES", "-provider", "legacy", "-provider", "default"),
		"PKCS#12's 3DES":        append(pkcs8[:len(pkcs8):len(pkcs8)], "-v1", "PBE-SHA1-3DES"),
		"traditional, AES-256":  {"rsa", "-traditional", "-aes256", "-in", s.keyFile, "-out", path, "-passout", "pass:" + password},
		"traditional, 3DES":     {"rsa", "-traditional", "-des3", "-in", s.keyFile, "-out", path, "-passout", "pass:" + password},
	} {
		if _, err := run("openssl", args...); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		items, err := readKey(path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := proveKey(items[0].Key, wantPublic(s)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// rsaSubject returns a key that every program knows.
func rsaSubject(t *testing.T) subject {
	t.Helper()
	for _, s := range subjects(t) {
		if s.name == "rsa" {
			return s
		}
	}
	t.Fatal("no RSA key among the subjects")
	return subject{}
}

// TestPasswords goes both ways with passwords of any characters, of none, and
// with no password.
func TestPasswords(t *testing.T) {
	testpeer.Long(t)
	testpeer.Need(t, "openssl", "certtool", "pki")
	s := rsaSubject(t)
	dir := t.TempDir()
	p12 := fileFormats()[0]
	for _, text := range []string{"pass word", "pässwörd", "密码", "🔑", ""} {
		for name, write := range map[string][]string{
			"openssl":  {"openssl", "pkcs12", "-export", "-inkey", s.keyFile, "-in", s.certFile, "-passout", "pass:" + text},
			"legacy":   {"openssl", "pkcs12", "-export", "-legacy", "-inkey", s.keyFile, "-in", s.certFile, "-passout", "pass:" + text},
			"certtool": {"certtool", "--to-p12", "--load-privkey", s.keyFile, "--load-certificate", s.certFile, "--p12-name", "x", "--outder", "--password", text},
		} {
			if name == "certtool" && text == "" {
				continue // it does not encrypt then, and says that it did; the options below are what it has
			}
			path := filepath.Join(dir, "theirs")
			flag := "-out"
			if name == "certtool" {
				flag = "--outfile"
			}
			if err := runs(append(write[:len(write):len(write)], flag, path)); err != nil {
				t.Errorf("%s writes under %q: %v", name, text, err)
				continue
			}
			content, err := decodeWith(path, []byte(text))
			if err != nil {
				t.Errorf("what %s wrote under %q: %v", name, text, err)
			} else if err := owns(content, s, p12, false, false); err != nil {
				t.Errorf("what %s wrote under %q: %v", name, text, err)
			}
			if _, err := decodeWith(path, []byte(text+"x")); !errors.Is(err, keystore.ErrPassword) {
				t.Errorf("what %s wrote under %q, with another password: %v; want ErrPassword", name, text, err)
			}
		}
		path := filepath.Join(dir, "ours")
		if err := encodeWith(path, s, []byte(text)); err != nil {
			t.Fatal(err)
		}
		reads := map[string][]string{
			"openssl":  {"openssl", "pkcs12", "-in", path, "-nodes", "-passin", "pass:" + text},
			"certtool": {"certtool", "--p12-info", "--inder", "--infile", path, "--password", text},
		}
		for name, read := range reads {
			if out, err := run(read[0], read[1:]...); err != nil || !strings.Contains(string(out), "PRIVATE KEY") {
				t.Errorf("%s does not read what is written under %q: %v", name, text, err)
			}
		}
		if _, err := strongSwan(text+"\n", "--pkcs12", "--list", "--in", path); err != nil && text != "" {
			t.Errorf("pki does not read what is written under %q: %v", text, err)
		}
	}
	// The absent password is another one than the empty one, and each opens here
	// for whoever gives none.
	for option, text := range map[string][]byte{"--null-password": nil, "--empty-password": {}} {
		path := filepath.Join(dir, "none")
		if err := runs([]string{"certtool", "--to-p12", "--load-privkey", s.keyFile, "--load-certificate", s.certFile, "--p12-name", "x", "--outder", option, "--outfile", path}); err != nil {
			t.Errorf("certtool %s: %v", option, err)
			continue
		}
		for _, given := range [][]byte{nil, {}} {
			if _, err := decodeWith(path, given); err != nil {
				t.Errorf("what certtool wrote with %s, read with %#v: %v", option, given, err)
			}
		}
		if err := encodeWith(path, s, text); err != nil {
			t.Fatal(err)
		}
		if _, err := run("certtool", "--p12-info", "--inder", "--infile", path, option); err != nil {
			t.Errorf("certtool %s does not read what is written so: %v", option, err)
		}
	}
}

// TestAttributesAreKept has OpenSSL write attributes that keyman does not know,
// and find them after keyman has changed the file.
func TestAttributesAreKept(t *testing.T) {
	testpeer.Need(t, "openssl")
	s := rsaSubject(t)
	path := filepath.Join(t.TempDir(), "windows.p12")
	if err := opensslPKCS12(s, path, "gateway", "-CSP", "Microsoft Enhanced Cryptographic Provider", "-LMK"); err != nil {
		t.Fatal(err)
	}
	id := regexpLocalKeyID.FindString(tool(t, "openssl", "pkcs12", "-in", path, "-passin", "pass:"+password, "-nodes"))
	store := open(t, path, password)
	if err := store.Rename("gateway", "renamed"); err != nil {
		t.Fatal(err)
	}
	save(t, store)
	out := tool(t, "openssl", "pkcs12", "-in", path, "-passin", "pass:"+password, "-nodes")
	for _, want := range []string{"Microsoft CSP Name: Microsoft Enhanced Cryptographic Provider", "Microsoft Local Key set", "friendlyName: renamed", id} {
		if want == "" || !strings.Contains(out, want) {
			t.Errorf("OpenSSL finds no %q any more:\n%s", want, out)
		}
	}
}

// decodeWith reads a PKCS#12 file; a nil password is none.
func decodeWith(path string, password []byte) ([]format.Item, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	content, err := keystore.Formats()[0].Decode(data, password)
	if err != nil {
		return nil, err
	}
	return content.Items, nil
}

// encodeWith writes a PKCS#12 file.
func encodeWith(path string, s subject, password []byte) error {
	data, err := keystore.Formats()[0].Encode(&format.Content{Items: s.items()}, password)
	return errors.Join(err, os.WriteFile(path, data, 0o600))
}

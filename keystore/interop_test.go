package keystore

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"keyman/internal/testpeer"
)

// peerPassword is ASCII: Java 17 derives no PBES2 key from anything else.
const peerPassword = "pass word"

// tool runs a program of another project and returns all that it printed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), testpeer.Program(name), args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// peerStore makes a store with all that a store can have: two personal entries,
// one of them the default, a chain, a trusted root, a request.
func peerStore(t *testing.T) *Store {
	t.Helper()
	s, err := Create(t.Context(), filepath.Join(t.TempDir(), "keys.p12"), Password(peerPassword), Options{})
	if err != nil {
		t.Fatal(err)
	}
	root := newAuthority(t, "Root CA", nil)
	sub := newAuthority(t, "Sub CA", root)
	if _, err := s.AddSigner("the root", root.der, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddSigner("the sub", sub.der, false); err != nil {
		t.Fatal(err)
	}
	add(t, s, "gateway one", sub)
	add(t, s, "gateway two 🔑", sub)
	if err := s.SetDefault("gateway one"); err != nil {
		t.Fatal(err)
	}
	waiting := newKey(t)
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "gateway three"}}, waiting)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddRequest("gateway three", waiting, request); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOpenSSLReads(t *testing.T) {
	testpeer.Need(t, "openssl")
	s := peerStore(t)
	out := tool(t, "openssl", "pkcs12", "-in", s.Path(), "-passin", "pass:"+peerPassword, "-nodes", "-info")
	for _, want := range []string{
		"MAC: sha256, Iteration 200000",
		"PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256",
		// openssl prints no characters outside of the BMP, but reads them.
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
}

func TestKeytoolReads(t *testing.T) {
	testpeer.Need(t, "keytool")
	s := peerStore(t)
	out := tool(t, "keytool", "-J-Duser.language=en", "-J-Dfile.encoding=UTF-8", "-list", "-v", "-keystore", s.Path(), "-storepass", peerPassword)
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
	// It can use the key, not only list it, and what it writes again has lost
	// nothing that keyman needs.
	tool(t, "keytool", "-certreq", "-alias", "gateway one", "-keystore", s.Path(), "-storepass", peerPassword)
	tool(t, "keytool", "-changealias", "-alias", "gateway two 🔑", "-destalias", "renamed", "-keystore", s.Path(), "-storepass", peerPassword)
	again, err := Open(t.Context(), s.Path(), Password(peerPassword))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := again.Lookup("renamed"); !ok || len(again.Anchors()) != 1 {
		t.Errorf("after keytool has saved the file: renamed entry %v, %d anchors", ok, len(again.Anchors()))
	}
	if e, ok := again.Default(); !ok || e.Label != "gateway one" || len(e.Chain) != 3 {
		t.Errorf("after keytool has saved the file the default is %q, %v", e.Label, ok)
	}
	before, _ := s.Lookup("gateway three")
	if e, ok := again.Lookup("gateway three"); !ok || e.Kind != Request || !bytes.Equal(e.Request, before.Request) {
		t.Errorf("after keytool has saved the file the request is %v, %v, its PKCS#10 %d bytes", e.Kind, ok, len(e.Request))
	}
}

func TestReadsKeytool(t *testing.T) {
	testpeer.Need(t, "keytool")
	dir := t.TempDir()
	path, caFile := filepath.Join(dir, "java.p12"), filepath.Join(dir, "ca.der")
	ca := newAuthority(t, "Some CA", nil)
	if err := os.WriteFile(caFile, ca.der, 0o600); err != nil {
		t.Fatal(err)
	}
	common := []string{"-keystore", path, "-storetype", "PKCS12", "-storepass", peerPassword}
	tool(t, "keytool", append([]string{"-genkeypair", "-alias", "Eins", "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=one"}, common...)...)
	tool(t, "keytool", append([]string{"-genkeypair", "-alias", "zwei", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=two"}, common...)...)
	tool(t, "keytool", append([]string{"-importcert", "-noprompt", "-alias", "ca", "-file", caFile}, common...)...)
	tool(t, "keytool", append([]string{"-genseckey", "-alias", "aes", "-keyalg", "AES", "-keysize", "256"}, common...)...)

	s, err := Open(t.Context(), path, Password(peerPassword))
	if err != nil {
		t.Fatal(err)
	}
	check := func(s *Store) {
		t.Helper()
		for label, kind := range map[string]Kind{"eins": Personal, "zwei": Personal, "ca": Signer, "aes": SecretKey} {
			e, ok := s.Lookup(label)
			if !ok || e.Kind != kind {
				t.Errorf("%s is %v, %v; want %v", label, e.Kind, ok, kind)
				continue
			}
			if kind == Personal {
				if _, err := e.Signer(); err != nil {
					t.Errorf("%s: %v", label, err)
				}
			}
		}
		if anchors := s.Anchors(); len(anchors) != 1 || !bytes.Equal(anchors[0], ca.der) {
			t.Errorf("%d anchors; want the CA that keytool trusts", len(anchors))
		}
	}
	check(s)
	// Java reads all of it again after keyman has saved it, the secret key too.
	if err := s.SetPassword(Password("another one")); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), path, Password("another one"))
	if err != nil {
		t.Fatal(err)
	}
	check(again)
	copied := filepath.Join(dir, "copy.p12")
	out := tool(t, "keytool", "-J-Duser.language=en", "-importkeystore", "-srckeystore", path, "-srcstorepass", "another one",
		"-destkeystore", copied, "-deststorepass", peerPassword, "-noprompt")
	if !strings.Contains(out, "4 entries successfully imported") {
		t.Errorf("keytool does not import all four entries:\n%s", out)
	}
}

func TestReadsOpenSSL(t *testing.T) {
	testpeer.Need(t, "openssl")
	dir := t.TempDir()
	key, cert, path := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "f.p12")
	tool(t, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=leaf", "-days", "30")
	ca := newAuthority(t, "Extra CA", nil)
	more := filepath.Join(dir, "more.pem")
	if err := os.WriteFile(more, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.der}), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string][]string{
		"default":               {},
		"legacy, RC2-40":        {"-legacy"},
		"legacy, 3DES":          {"-legacy", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"},
		"legacy, two-key 3DES":  {"-legacy", "-certpbe", "PBE-SHA1-2DES", "-keypbe", "PBE-SHA1-2DES"},
		"legacy, RC2-128":       {"-legacy", "-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-RC2-128"},
		"legacy, RC4-128":       {"-legacy", "-certpbe", "PBE-SHA1-RC4-128", "-keypbe", "PBE-SHA1-RC4-40"},
		"AES-128 and AES-192":   {"-certpbe", "AES-128-CBC", "-keypbe", "AES-192-CBC"},
		"3DES in PBES2":         {"-certpbe", "DES-EDE3-CBC", "-keypbe", "DES-EDE3-CBC"},
		"nothing encrypted":     {"-certpbe", "NONE", "-keypbe", "NONE"},
		"one iteration":         {"-noiter", "-nomaciter"},
		"MAC with SHA-1":        {"-macalg", "sha1"},
		"MAC with SHA-224":      {"-macalg", "sha224"},
		"MAC with SHA-384":      {"-macalg", "sha384"},
		"MAC with SHA-512":      {"-macalg", "sha512"},
		"a password in Unicode": {},
		"an empty password":     {},
		"more certificates":     {"-certfile", more, "-caname", "extra"},
		"a label in Unicode":    {},
	}
	for name, extra := range tests {
		t.Run(name, func(t *testing.T) {
			password, label := peerPassword, "the label"
			switch name {
			case "a password in Unicode":
				password = "pässwörd 🔑"
			case "an empty password":
				password = ""
			case "a label in Unicode":
				label = "Schlüssel €"
			}
			tool(t, "openssl", append([]string{"pkcs12", "-export", "-inkey", key, "-in", cert, "-name", label,
				"-out", path, "-passout", "pass:" + password}, extra...)...)
			s, err := Open(t.Context(), path, Password(password))
			if err != nil {
				t.Fatal(err)
			}
			e, ok := s.Lookup(label)
			if !ok || e.Kind != Personal {
				t.Fatalf("%q is %v, %v; want a personal entry", label, e.Kind, ok)
			}
			if _, err := e.Signer(); err != nil {
				t.Error(err)
			}
			if name == "more certificates" {
				if e, ok := s.Lookup("extra"); !ok || e.Kind != Signer || e.Trusted {
					t.Errorf("the other certificate is %v, trusted %v; want a signer that is not trusted", e.Kind, e.Trusted)
				}
			}
		})
	}
}

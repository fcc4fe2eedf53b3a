package keystore

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	encpem "encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"keyman/internal/certpem"
	"keyman/internal/pkcs7"

	"keyman/internal/testpeer"
)

// writeFiles writes files to a folder of the test.
func writeFiles(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// keyFiles writes a key in every form in which it comes as a file of its own,
// the encrypted ones under the test's password.
func keyFiles(t testing.TB, key crypto.Signer) map[string][]byte {
	t.Helper()
	s := newStore(t)
	if err := s.AddKey("k", key, [][]byte{issue(t, "k", key.Public(), false, nil, &authority{key: key})}); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for name, o := range map[string]KeyExport{
		"plain.pem":       {Plain: true},
		"plain.der":       {Plain: true, Form: KeyDER},
		"encrypted.pem":   {Password: Password(testPassword)},
		"encrypted.der":   {Password: Password(testPassword), Form: KeyDER},
		"traditional.pem": {Plain: true, Form: KeyTraditional},
	} {
		data, err := s.ExportKey("K", o)
		if err != nil {
			t.Fatal(name, err)
		}
		files[name] = data
	}
	plain, err := x509.ParsePKCS8PrivateKey(files["plain.der"])
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(plain, "", []byte(testPassword))
	if err != nil {
		t.Fatal(err)
	}
	files["openssh.pem"] = encpem.EncodeToMemory(block)
	return files
}

func askTest(string) (Password, error) { return Password(testPassword), nil }

// TestImportKeyFile imports a key from a file of its own, in every form, with its
// certificate and for one that is there.
func TestImportKeyFile(t *testing.T) {
	testpeer.Long(t)
	root := newAuthority(t, "Root", nil)
	key := newKey(t)
	leaf := root.leaf(t, "gw1", key.Public())
	bundle, err := pkcs7.Encode(pkcs7.Content{Certificates: [][]byte{leaf, root.der}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range keyFiles(t, key) {
		t.Run(name, func(t *testing.T) {
			dir := writeFiles(t, map[string][]byte{name: data, "chain.p7b": bundle})
			from, err := OpenFiles(t.Context(), []string{filepath.Join(dir, "chain.p7b"), filepath.Join(dir, name)}, askTest)
			if err != nil {
				t.Fatal(err)
			}
			s := newStore(t)
			if _, err := s.Import(from, ImportOptions{Paired: true}); err != nil {
				t.Fatal(err)
			}
			label := strings.TrimSuffix(name, filepath.Ext(name))
			e, ok := s.Lookup(label)
			if _, err := e.Signer(); !ok || err != nil || len(e.Chain) != 2 || len(s.Anchors()) != 0 {
				t.Errorf("%s: %v, chain of %d; the store holds %s", label, err, len(e.Chain), labels(s))
			}

			s = newStore(t)
			if _, err := s.AddSigner("the gateway", leaf, false); err != nil {
				t.Fatal(err)
			}
			alone, err := OpenFiles(t.Context(), []string{filepath.Join(dir, name)}, askTest)
			if err != nil {
				t.Fatal(err)
			}
			if done, err := s.Import(alone, ImportOptions{Paired: true}); err != nil || labelsOf(done.Added) != "the gateway" {
				t.Fatalf("%+v, %v", done, err)
			}
			s = reopen(t, s)
			e, _ = s.Lookup("the gateway")
			if _, err := e.Signer(); err != nil || e.Kind != Personal || labels(s) != "the gateway" {
				t.Errorf("%v, %v; the store holds %s", e.Kind, err, labels(s))
			}
			if done, err := s.Import(alone, ImportOptions{}); err != nil || labelsOf(done.Present) != "the gateway" {
				t.Errorf("a second time: %+v, %v", done, err)
			}
		})
	}
}

// TestImportKeyBesideTrust keeps the trust in a certificate whose key is imported.
func TestImportKeyBesideTrust(t *testing.T) {
	root := newAuthority(t, "Root", nil)
	dir := writeFiles(t, map[string][]byte{"ca.key": keyFiles(t, root.key)["plain.pem"]})
	from, err := OpenFiles(t.Context(), []string{filepath.Join(dir, "ca.key")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t)
	if _, err := s.AddSigner("root", root.der, true); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Import(from, ImportOptions{}); err != nil || labelsOf(done.Added) != "ca" {
		t.Fatalf("%+v, %v", done, err)
	}
	if labels(s) != "root,ca" || len(s.Anchors()) != 1 {
		t.Errorf("the store holds %s and trusts %d", labels(s), len(s.Anchors()))
	}
}

func TestImportKeyRefuses(t *testing.T) {
	testpeer.Long(t)
	root, key := newAuthority(t, "Root", nil), newKey(t)
	files := keyFiles(t, key)
	dir := writeFiles(t, map[string][]byte{
		"gw1.key": files["encrypted.pem"], "root.pem": certpem.Encode(certpem.TypeCertificate, root.der),
		"cut.key": files["plain.der"][:50], "cut.pem": files["plain.pem"][:80], "text": []byte("hello\n"),
	})
	at := func(names ...string) (paths []string) {
		for _, name := range names {
			paths = append(paths, filepath.Join(dir, name))
		}
		return paths
	}
	ctx := t.Context()
	s := newStore(t)
	from, err := OpenFiles(ctx, at("gw1.key", "root.pem"), askTest)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Import(from, ImportOptions{Paired: true}); !errors.Is(err, ErrKeyMismatch) || labels(s) != "" {
		t.Errorf("Import = %v; want ErrKeyMismatch. The store holds %q", err, labels(s))
	}
	// A key that nobody has a certificate for waits for one.
	if _, err := s.Import(from, ImportOptions{}); err != nil || labels(s) != "root,gw1" {
		t.Errorf("Import = %v; the store holds %q", err, labels(s))
	}
	if err := from.Save(ctx); !errors.Is(err, ErrLoose) {
		t.Errorf("Save = %v; want ErrLoose", err)
	}
	wrong := func(string) (Password, error) { return Password("wrong"), nil }
	for _, test := range []struct {
		name string
		ask  Ask
		want error
	}{
		{"gw1.key", wrong, ErrPassword},
		{"gw1.key", nil, ErrPassword},
		{"cut.key", nil, ErrUnknownFormat},
		{"cut.pem", nil, ErrDamaged},
		{"text", nil, ErrUnknownFormat},
		{"absent", nil, fs.ErrNotExist},
	} {
		_, err := OpenFiles(ctx, at("root.pem", test.name), test.ask)
		if file := (*Error)(nil); !errors.Is(err, test.want) || !errors.As(err, &file) || filepath.Base(file.Path) != test.name {
			t.Errorf("%s: %v; want %v", test.name, err, test.want)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := OpenFiles(ended, at("root.pem"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	if _, _, err := OpenFolder(ended, dir, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// TestFolder writes entries to a folder of PEM files and reads them again.
func TestFolder(t *testing.T) {
	root := newAuthority(t, "root", nil)
	sub := newAuthority(t, "sub", root)
	s := newStore(t)
	add(t, s, "gw1", sub)
	add(t, s, "gw2", root)
	request(t, s, "waiting")
	for _, ca := range []struct {
		label   string
		a       *authority
		trusted bool
	}{{"Root CA", root, true}, {"Sub CA", sub, false}} {
		if _, err := s.AddSigner(ca.label, ca.a.der, ca.trusted); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetDefault("gw1"); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "whole")
	if _, _, err := s.WriteFolder(whole, FolderOptions{}); !errors.Is(err, ErrEmptyPassword) {
		t.Errorf("without a password: %v", err)
	}
	written, losses, err := s.WriteFolder(whole+"/", FolderOptions{Password: Password(testPassword)})
	if err != nil || len(written) != 5 || len(losses) != 2 {
		t.Fatalf("%d written, lost %v, %v", len(written), losses, err)
	}
	if _, _, err := s.WriteFolder(whole, FolderOptions{PlainKeys: true}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second time: %v", err)
	}
	from, skipped, err := OpenFolder(t.Context(), whole, askTest)
	if err != nil || len(skipped) != 0 {
		t.Fatal(skipped, err)
	}
	again := newStore(t)
	if done, err := again.Import(from, ImportOptions{Trust: true}); err != nil || len(done.Added) != 5 || len(again.Anchors()) != 0 {
		t.Errorf("imported %s, %v", labelsOf(done.Added), err)
	}

	// One entry, with the certificates above it, and its key for everybody.
	one := filepath.Join(t.TempDir(), "one")
	if _, _, err := s.WriteFolder(one, FolderOptions{Labels: []string{"GW1"}, PlainKeys: true}); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(one + "/*")
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	if got, want := strings.Join(names, ","), "Root_CA.crt,Sub_CA.crt,gw1.crt,gw1.key"; got != want {
		t.Errorf("the folder has %s; want %s", got, want)
	}
	if _, _, err := s.WriteFolder(one+"-2", FolderOptions{Labels: []string{"nobody"}}); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
	if _, _, err := OpenFolder(t.Context(), t.TempDir(), nil); !errors.Is(err, ErrUnknownFormat) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, _, err := OpenFolder(t.Context(), one+"-2", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

func TestExportKeyRefuses(t *testing.T) {
	s, root := newStore(t), newAuthority(t, "root", nil)
	if _, err := s.AddSigner("root", root.der, true); err != nil {
		t.Fatal(err)
	}
	add(t, s, "gw1", root)
	spec := mustSpec(t, "ed25519")
	key, err := GenerateKey(spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddKey("edwards", key, [][]byte{root.leaf(t, "edwards", key.Public())}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		label string
		o     KeyExport
		want  error
	}{
		{"nobody", KeyExport{Plain: true}, ErrNotFound},
		{"root", KeyExport{Plain: true}, ErrNoKey},
		{"gw1", KeyExport{}, ErrEmptyPassword},
		{"gw1", KeyExport{Form: KeyTraditional, Password: Password(testPassword)}, ErrUnsupported},
		{"edwards", KeyExport{Form: KeyTraditional, Plain: true}, ErrUnsupported},
	} {
		if data, err := s.ExportKey(test.label, test.o); !errors.Is(err, test.want) || data != nil {
			t.Errorf("%s: %v; want %v", test.label, err, test.want)
		}
	}
	if _, err := s.ExportKey("gw1", KeyExport{Plain: true, Password: Password("x")}); err == nil {
		t.Error("plain and under a password")
	}
	data, err := s.ExportKey("gw1", KeyExport{Password: Password(testPassword)})
	if err != nil || !bytes.HasPrefix(data, []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")) {
		t.Errorf("%.40q, %v", data, err)
	}
}

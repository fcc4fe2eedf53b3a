//go:build pkcs11 && cgo

package pkcs11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"keyman/csr"
	"keyman/internal/dn"
	"keyman/internal/testpeer"
	"keyman/keystore"
)

// openHSM makes a token and logs in.
func openHSM(t *testing.T) (*Token, *testpeer.SoftHSM) {
	t.Helper()
	h := testpeer.NewSoftHSM(t, "vpn")
	token, err := Open(t.Context(), URI{Token: "vpn", Module: h.Module}, keystore.Password(h.PIN))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	})
	return token, h
}

func spec(t *testing.T, name string) keystore.KeySpec {
	t.Helper()
	s, err := keystore.ParseKeySpec(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// selfSigned makes a certificate by the key of an entry.
func selfSigned(t *testing.T, key crypto.Signer, name string) []byte {
	t.Helper()
	subject, err := dn.Parse("CN=" + name)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	der, err := csr.SelfSign(csr.Template{Subject: subject}, key, csr.Validity{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// verify checks that a key signs as its public key says, with a hash and, where it is
// RSA, without one.
func verify(t *testing.T, key crypto.Signer) {
	t.Helper()
	digest := sha256.Sum256([]byte("signed"))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature); err != nil {
			t.Error(err)
		}
		// IKEv1 signs the hash as it is (RFC 2409, 5.1).
		if signature, err = key.Sign(rand.Reader, digest[:20], crypto.Hash(0)); err != nil {
			t.Fatal(err)
		}
		if err := rsa.VerifyPKCS1v15(public, crypto.Hash(0), digest[:20], signature); err != nil {
			t.Error(err)
		}
	case *ecdsa.PublicKey:
		if !ecdsa.VerifyASN1(public, digest[:], signature) {
			t.Error("the signature is not that of the key")
		}
	default:
		t.Fatalf("a public key of type %T", public)
	}
}

func TestKeys(t *testing.T) {
	token, _ := openHSM(t)
	imported := map[string]func() (crypto.PrivateKey, error){
		"rsa-2048": func() (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) },
		"p256":     func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		"p384":     func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) },
		"p521":     func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) },
	}
	for kind, makeKey := range imported {
		for _, how := range []string{"generated", "imported"} {
			t.Run(kind+" "+how, func(t *testing.T) {
				label := kind + " " + how
				var (
					entry Entry
					err   error
				)
				if how == "generated" {
					entry, err = token.Generate(label, spec(t, kind))
				} else {
					key, keyErr := makeKey()
					if keyErr != nil {
						t.Fatal(keyErr)
					}
					der, keyErr := x509.MarshalPKCS8PrivateKey(key)
					if keyErr != nil {
						t.Fatal(keyErr)
					}
					entry, err = token.Import(label, der, nil)
				}
				if err != nil {
					t.Fatal(err)
				}
				if entry.Label != label || entry.Kind != keystore.Request || len(entry.ID) != idLen {
					t.Fatalf("got %+v", entry)
				}
				key, err := token.Signer(entry)
				if err != nil {
					t.Fatal(err)
				}
				if csr.KeyName(key.Public()) != kind {
					t.Errorf("the key is %s", csr.KeyName(key.Public()))
				}
				verify(t, key)
				if got := fmt.Sprintf("%v %+v %#v %s", key, key, key, key); strings.Count(got, redacted) != 4 {
					t.Errorf("printed as %s", got)
				}

				// Its certificate is stored beside it.
				der := selfSigned(t, key, "gw")
				entry, err = token.AddCertificate("", der)
				if err != nil {
					t.Fatal(err)
				}
				if entry.Kind != keystore.Personal || entry.Label != label || !bytes.Equal(entry.Chain[0], der) {
					t.Errorf("with its certificate it is %+v", entry)
				}
				if _, err := token.AddCertificate("", der); !errors.Is(err, keystore.ErrDuplicateCertificate) {
					t.Errorf("added again: %v, want ErrDuplicateCertificate", err)
				}
				if _, err := token.Generate(strings.ToUpper(label), spec(t, kind)); !errors.Is(err, keystore.ErrDuplicateLabel) {
					t.Errorf("generated again: %v, want ErrDuplicateLabel", err)
				}
				if err := token.Delete(URI{Object: label}); err != nil {
					t.Fatal(err)
				}
				if _, err := token.Lookup(URI{Object: label}); !errors.Is(err, keystore.ErrNotFound) {
					t.Errorf("after it was deleted: %v, want ErrNotFound", err)
				}
			})
		}
	}
	if left, err := token.Entries(); err != nil || len(left) != 0 {
		t.Errorf("left on the token: %v, %v", left, err)
	}
}

// A key with its certificate goes to the token in one step, and only its own.
func TestImportWithCertificate(t *testing.T) {
	token, _ := openHSM(t)
	keys := make([]*ecdsa.PrivateKey, 2)
	for i := range keys {
		var err error
		if keys[i], err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Import("gw", pkcs8, selfSigned(t, keys[1], "other")); !errors.Is(err, keystore.ErrKeyMismatch) {
		t.Errorf("with another's certificate: %v, want ErrKeyMismatch", err)
	}
	if left, _ := token.Entries(); len(left) != 0 {
		t.Errorf("after the refusal the token has %v", left)
	}
	entry, err := token.Import("gw", pkcs8, selfSigned(t, keys[0], "gw"))
	if err != nil {
		t.Fatal(err)
	}
	if entry.Kind != keystore.Personal {
		t.Errorf("got %+v", entry)
	}
	if _, err := token.AddCertificate("CA", selfSigned(t, keys[1], "CA")); err != nil {
		t.Fatal(err)
	}
	entries, err := token.Entries()
	if err != nil || len(entries) != 2 || entries[1].Kind != keystore.Signer || entries[1].Label != "CA" {
		t.Errorf("entries: %+v, %v", entries, err)
	}
	if _, err := token.Signer(entries[1]); !errors.Is(err, keystore.ErrNoKey) {
		t.Errorf("the signer of a certificate without a key: %v", err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if pkcs8, err = x509.MarshalPKCS8PrivateKey(ed); err != nil {
		t.Fatal(err)
	}
	if _, err := token.Import("ed", pkcs8, nil); !errors.Is(err, ErrMechanism) {
		t.Errorf("an Ed25519 key: %v, want ErrMechanism", err)
	}
}

// GnuTLS, by its own code, sees what is there: the key, and the certificate beside it
// under the same id.
func TestOtherReader(t *testing.T) {
	testpeer.Need(t, "p11tool")
	token, h := openHSM(t)
	entry, err := token.Generate("gw1", spec(t, "p256"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.Signer(entry)
	if err != nil {
		t.Fatal(err)
	}
	der := selfSigned(t, key, "gw1")
	if _, err := token.AddCertificate("", der); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "p11tool", append([]string{"--provider", h.Module, "--batch"}, args...)...)
		cmd.Env = append(os.Environ(), "GNUTLS_PIN="+h.PIN)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("p11tool %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	listed := run("--login", "--list-all", "pkcs11:token=vpn")
	if n := strings.Count(listed, "Label: gw1"); n != 3 {
		t.Errorf("p11tool lists %d objects, want private key, public key and certificate:\n%s", n, listed)
	}
	for _, want := range []string{"CKA_NEVER_EXTRACTABLE", "CKA_SENSITIVE"} {
		if !strings.Contains(listed, want) {
			t.Errorf("p11tool does not say %s:\n%s", want, listed)
		}
	}
	block, _ := pem.Decode([]byte(run("--export", URI{Token: "vpn", Object: "gw1"}.String()+";type=cert")))
	if block == nil || !bytes.Equal(block.Bytes, der) {
		t.Error("the certificate that p11tool exports is another one")
	}
}

// OpenSSL verifies the requests that keys sign, whether they were made on the token or
// brought there.
func TestOtherVerifier(t *testing.T) {
	testpeer.Need(t, "openssl")
	token, _ := openHSM(t)
	subject, err := dn.Parse("CN=gw1")
	if err != nil {
		t.Fatal(err)
	}
	verify := func(name string, key crypto.Signer) {
		der, err := csr.Create(csr.Template{Subject: subject}, key)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		path := filepath.Join(t.TempDir(), "request.der")
		if err := os.WriteFile(path, der, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "openssl", "req", "-inform", "DER", "-in", path, "-verify", "-noout").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "verify OK") {
			t.Errorf("%s: openssl req -verify: %v\n%s", name, err, out)
		}
	}
	for _, kind := range []string{"rsa-2048", "p256", "p384"} {
		entry, err := token.Generate("generated "+kind, spec(t, kind))
		if err != nil {
			t.Fatal(err)
		}
		key, err := token.Signer(entry)
		if err != nil {
			t.Fatal(err)
		}
		verify(entry.Label, key)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(ecKey(t))
	if err != nil {
		t.Fatal(err)
	}
	entry, err := token.Import("imported", pkcs8, nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.Signer(entry)
	if err != nil {
		t.Fatal(err)
	}
	verify(entry.Label, key)
}

// A key that somebody removes, and a token that goes away, are told apart.
func TestGone(t *testing.T) {
	testpeer.Need(t, "p11tool")
	token, h := openHSM(t)
	entry, err := token.Generate("gw1", spec(t, "p256"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.Signer(entry)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "p11tool", "--provider", h.Module, "--batch", "--login", "--set-pin", h.PIN,
		"--delete", URI{Token: "vpn", Object: "gw1"}.String()+";type=private").CombinedOutput()
	if err != nil {
		t.Fatalf("p11tool --delete: %v\n%s", err, out)
	}
	digest := sha256.Sum256(nil)
	if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); !errors.Is(err, keystore.ErrNotFound) {
		t.Errorf("a key that was removed: %v, want ErrNotFound", err)
	}
	if err := token.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); !errors.Is(err, ErrGone) {
		t.Errorf("a token that is closed: %v, want ErrGone", err)
	}
	if _, err := token.Entries(); !errors.Is(err, ErrGone) {
		t.Errorf("a token that is closed: %v, want ErrGone", err)
	}
}

// Many sign at once, more than there are sessions.
func TestConcurrentSigners(t *testing.T) {
	token, _ := openHSM(t)
	entry, err := token.Generate("gw1", spec(t, "p256"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := token.Signer(entry)
	if err != nil {
		t.Fatal(err)
	}
	public := key.Public().(*ecdsa.PublicKey)
	var wg sync.WaitGroup
	for i := range 4 * maxSessions {
		wg.Go(func() {
			digest := sha256.Sum256([]byte{byte(i)})
			signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
			if err != nil || !ecdsa.VerifyASN1(public, digest[:], signature) {
				t.Errorf("signature %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

func TestRefusals(t *testing.T) {
	h := testpeer.NewSoftHSM(t, "vpn")
	h.Init(t, "other")
	text := filepath.Join(t.TempDir(), "module.so")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		uri  URI
		pin  string
		want error
	}{
		{"no module", URI{Token: "vpn"}, h.PIN, ErrModule},
		{"module is not there", URI{Token: "vpn", Module: "/nowhere/module.so"}, h.PIN, ErrModule},
		{"module is none", URI{Token: "vpn", Module: text}, h.PIN, ErrModule},
		{"relative module", URI{Token: "vpn", Module: "libsofthsm2.so"}, h.PIN, ErrModule},
		{"no such token", URI{Token: "nobody", Module: h.Module}, h.PIN, ErrNoToken},
		{"two tokens", URI{Module: h.Module}, h.PIN, ErrAmbiguous},
		{"wrong PIN", URI{Token: "vpn", Module: h.Module}, "wrong-secret", ErrPIN},
		{"no PIN", URI{Token: "vpn", Module: h.Module}, "", ErrPIN},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			token, err := Open(t.Context(), tt.uri, keystore.Password(tt.pin))
			if err == nil {
				_ = token.Close()
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if tt.pin != "" && err != nil && strings.Contains(err.Error(), tt.pin) {
				t.Errorf("the error shows the PIN: %v", err)
			}
		})
	}
	// A refused login leaves nothing behind that would let the next one in.
	token, err := Open(t.Context(), URI{Token: "vpn", Module: h.Module}, keystore.Password(h.PIN))
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Close(); err != nil {
		t.Error(err)
	}
	if err := token.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	list, err := Tokens(t.Context(), h.Module)
	if err != nil {
		t.Fatal(err)
	}
	var labels []string
	for _, i := range list {
		if i.Initialized {
			labels = append(labels, i.Label)
		}
	}
	if len(labels) != 2 {
		t.Errorf("tokens: %v", labels)
	}
}

package keyfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"keyman/internal/pbe"
	"keyman/internal/testpeer"
)

func write(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

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

// TestOpenSSLReads gives OpenSSL keys that were encrypted and keys in their
// traditional form.
func TestOpenSSLReads(t *testing.T) {
	for _, name := range []string{"ec", "rsa", "ed25519", "ed448", "x25519", "brainpool", "pss", "dsa"} {
		key := sample(t, name+".der")
		der, err := Encrypt(key, []byte("pässword"))
		if err != nil {
			t.Fatal(err)
		}
		path := write(t, pem.EncodeToMemory(&pem.Block{Type: TypeEncrypted, Bytes: der}))
		if got := run(t, "openssl", "pkcs8", "-topk8", "-nocrypt", "-in", path, "-passin", "pass:pässword", "-outform", "DER"); !bytes.Equal(got, key) {
			t.Errorf("%s: OpenSSL reads another key", name)
		}
		blockType, traditional, err := Traditional(key)
		switch name {
		case "ec", "rsa", "brainpool":
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			path := write(t, pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: traditional}))
			if got := run(t, "openssl", "pkcs8", "-topk8", "-nocrypt", "-in", path, "-outform", "DER"); !bytes.Equal(got, key) {
				t.Errorf("%s: OpenSSL reads another key from the traditional form", name)
			}
		default:
			if !errors.Is(err, ErrUnsupported) {
				t.Errorf("%s has no traditional form that is written: %v; want ErrUnsupported", name, err)
			}
		}
	}
}

// TestTraditionalIsOpenSSLs compares byte for byte.
func TestTraditionalIsOpenSSLs(t *testing.T) {
	for name, want := range map[string]string{"ec.der": "EC PRIVATE KEY", "rsa.der": "RSA PRIVATE KEY"} {
		blockType, der, err := Traditional(sample(t, name))
		if err != nil {
			t.Fatal(err)
		}
		if blockType != want {
			t.Errorf("%s: block type %q; want %q", name, blockType, want)
		}
		if !bytes.Equal(der, sample(t, strings.TrimSuffix(name, ".der")+"-traditional-der.der")) {
			t.Errorf("%s: not what OpenSSL writes", name)
		}
	}
	if _, _, err := Traditional([]byte("nonsense")); !errors.Is(err, ErrDamaged) {
		t.Errorf("nonsense: %v; want ErrDamaged", err)
	}
}

func TestEncryptRefuses(t *testing.T) {
	if _, err := Encrypt(nil, nil); !errors.Is(err, ErrEmptyPassword) {
		t.Errorf("no password: %v; want ErrEmptyPassword", err)
	}
	if _, err := Encrypt(nil, []byte("\xff")); !errors.Is(err, pbe.ErrEncoding) {
		t.Errorf("a password that is not UTF-8: %v; want pbe.ErrEncoding", err)
	}
}

// TestRoundTrip writes keys of any curve and number in each form, and reads them.
func TestRoundTrip(t *testing.T) {
	text := []byte("pässword")
	password, err := pbe.NewPassword(text)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := pbe.NewSealer(password)
	if err != nil {
		t.Fatal(err)
	}
	reader := NewReader(given(string(text)), pbe.Limits{})
	defer reader.Wipe()
	curves := []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()}
	rapid.Check(t, func(t *rapid.T) {
		curve := rapid.SampledFrom(curves).Draw(t, "curve")
		scalar := make([]byte, (curve.Params().BitSize+7)/8)
		copy(scalar[1:], rapid.SliceOfN(rapid.Byte(), 1, len(scalar)-1).Draw(t, "scalar"))
		scalar[len(scalar)-1] |= 1
		private, err := ecdsa.ParseRawPrivateKey(curve, scalar)
		if err != nil {
			t.Fatal(err)
		}
		key, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := Seal(key, sealer)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := reader.DER(sealed); err != nil || !bytes.Equal(got, key) {
			t.Fatalf("encrypted and read back: %v", err)
		}
		_, traditional, err := Traditional(key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := reader.DER(traditional); err != nil || !bytes.Equal(got, key) {
			t.Fatalf("traditional and read back: %v", err)
		}
	})
}

package pkcs7

import (
	"bytes"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"keyman/internal/pemtext"
	"keyman/internal/testpeer"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func fromPEM(t testing.TB, name string) []byte {
	t.Helper()
	file, err := pemtext.Parse(sample(t, name), 1)
	if err != nil || len(file.Blocks) != 1 {
		t.Fatalf("%s is not one PEM block: %v", name, err)
	}
	return file.Blocks[0].Bytes
}

func TestOpenSSLsFiles(t *testing.T) {
	leaf, ca, list := fromPEM(t, "leaf.crt"), fromPEM(t, "ca.crt"), fromPEM(t, "list.crl")
	chain := [][]byte{leaf, ca}
	for name, want := range map[string]Content{
		"chain.p7b":      {Certificates: chain},
		"chain-crl.p7b":  {Certificates: chain, CRLs: [][]byte{list}},
		"signed-ber.p7m": {Certificates: chain},
		"detached.p7s":   {Certificates: [][]byte{ca, leaf}},
	} {
		got, err := Parse(sample(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	twice, err := Parse(append(sample(t, "chain.p7b"), sample(t, "chain.p7b")...))
	if err != nil || len(twice.Certificates) != 4 {
		t.Errorf("two blocks: %d certificates, %v; want 4", len(twice.Certificates), err)
	}
}

func TestRefuses(t *testing.T) {
	block := func(kind string, content []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	}
	tests := map[string]struct {
		data []byte
		want error
	}{
		"nothing":           {nil, ErrNone},
		"text":              {[]byte("hello"), ErrNone},
		"a certificate":     {fromPEM(t, "ca.crt"), ErrNone},
		"its PEM":           {sample(t, "ca.crt"), ErrNone},
		"no signed data":    {sample(t, "data.p7m"), ErrNone},
		"a damaged block":   {[]byte("-----BEGIN PKCS7-----\nx\n-----END PKCS7-----\n"), ErrDamaged},
		"a cut block":       {block(TypePKCS7, fromPEM(t, "chain.p7b")[:200]), ErrDamaged},
		"too many blocks":   {bytes.Repeat(block("X", nil), maxBlocks+1), ErrTooLarge},
		"a long file":       {make([]byte, MaxSize+1), ErrTooLarge},
		"deep nesting":      {bytes.Repeat([]byte{0x30, 0x80}, MaxSize/2), ErrDamaged},
		"an endless length": {[]byte{0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, ErrDamaged},
	}
	for name, test := range tests {
		if _, err := Parse(test.data); !errors.Is(err, test.want) {
			t.Errorf("%s: %v; want %v", name, err, test.want)
		}
	}
	many, err := Encode(Content{Certificates: slicesOf([]byte{0x30, 0}, MaxElements), CRLs: [][]byte{{0x30, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(many); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too many certificates: %v; want ErrTooLarge", err)
	}
	notDER, err := Encode(Content{Certificates: [][]byte{{0x30, 0x80, 0, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(notDER); !errors.Is(err, ErrDamaged) {
		t.Errorf("a certificate in BER: %v; want ErrDamaged", err)
	}
}

func slicesOf(der []byte, n int) [][]byte {
	list := make([][]byte, n)
	for i := range list {
		list[i] = der
	}
	return list
}

func TestTruncated(t *testing.T) {
	for _, data := range [][]byte{sample(t, "chain-crl.p7b"), sample(t, "signed-ber.p7m"), fromPEM(t, "chain.p7b")} {
		for n := range data {
			if c, err := Parse(data[:n]); err == nil {
				t.Errorf("cut to %d of %d bytes: %d certificates and no error", n, len(data), len(c.Certificates))
			}
		}
		if _, err := Parse(append(bytes.Clone(data), 0)); !errors.Is(err, ErrDamaged) {
			t.Errorf("a byte behind it: %v; want ErrDamaged", err)
		}
	}
}

// TestBitFlips changes each bit: what is read is never more than what is there.
func TestBitFlips(t *testing.T) {
	data := sample(t, "chain-crl.p7b")
	for i := range data {
		for bit := range 8 {
			changed := bytes.Clone(data)
			changed[i] ^= 1 << bit
			c, err := Parse(changed)
			if err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNone) {
				t.Errorf("byte %d: an error of no kind: %v", i, err)
			}
			if size := len(slices.Concat(slices.Concat(c.Certificates, c.CRLs)...)); size > len(data) {
				t.Errorf("byte %d: %d bytes were read out of %d", i, size, len(data))
			}
		}
	}
}

// TestOpenSSLReads gives OpenSSL what Encode writes; without lists it is what
// OpenSSL writes, byte for byte.
func TestOpenSSLReads(t *testing.T) {
	want := Content{
		Certificates: [][]byte{fromPEM(t, "leaf.crt"), fromPEM(t, "ca.crt")},
		CRLs:         [][]byte{fromPEM(t, "list.crl")},
	}
	der, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	testpeer.Need(t, "openssl")
	path := filepath.Join(t.TempDir(), "chain.p7b")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: TypePKCS7, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	printed, err := exec.Command("openssl", "pkcs7", "-in", path, "-print_certs").Output()
	if err != nil {
		t.Fatal(err)
	}
	var got Content
	for block, rest := pem.Decode(printed); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "X509 CRL" {
			got.CRLs = append(got.CRLs, block.Bytes)
		} else {
			got.Certificates = append(got.Certificates, block.Bytes)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("OpenSSL reads (-want +got):\n%s", diff)
	}
	if same, err := Encode(Content{Certificates: want.Certificates}); err != nil || !bytes.Equal(same, fromPEM(t, "chain.p7b")) {
		t.Errorf("not what OpenSSL writes: %v", err)
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		der := rapid.Custom(func(t *rapid.T) []byte {
			content := rapid.SliceOfN(rapid.Byte(), 0, 127).Draw(t, "content")
			return append([]byte{0x30, byte(len(content))}, content...)
		})
		want := Content{Certificates: rapid.SliceOfN(der, 1, 5).Draw(t, "certificates")}
		if lists := rapid.SliceOfN(der, 0, 3).Draw(t, "lists"); len(lists) > 0 {
			want.CRLs = lists
		}
		data, err := Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"chain.p7b", "chain-crl.p7b", "signed-ber.p7m", "detached.p7s", "data.p7m", "ca.crt"} {
		f.Add(sample(f, name))
	}
	f.Add(fromPEM(f, "chain.p7b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		again, err := Encode(c)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c, back); diff != "" {
			t.Errorf("(-first +second):\n%s", diff)
		}
	})
}

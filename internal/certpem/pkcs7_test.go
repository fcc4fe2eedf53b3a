package certpem

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"keyman/internal/pkcs7"
	"keyman/internal/testpeer"
)

// A chain in PKCS#7, as CAs hand it out, is read like any other file.
func TestParsePKCS7(t *testing.T) {
	corpora := testpeer.Corpora(t)
	var chain [][]byte
	for _, name := range []string{"TrustAnchorRootCertificate.crt", "GoodCACert.crt"} {
		der, err := os.ReadFile(filepath.Join(corpora, "pkits", "certs", name))
		if err != nil {
			t.Fatal(err)
		}
		chain = append(chain, der)
	}
	der, err := pkcs7.Encode(pkcs7.Content{Certificates: chain})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"DER": der,
		"PEM": pem.EncodeToMemory(&pem.Block{Type: pkcs7.TypePKCS7, Bytes: der}),
	} {
		got, err := Parse(data)
		if err != nil || len(got) != 2 || !bytes.Equal(got[0], chain[0]) || !bytes.Equal(got[1], chain[1]) {
			t.Errorf("%s: %d certificates, %v", name, len(got), err)
		}
		if _, err := Parse(data[:len(data)-len(data)/3]); err == nil {
			t.Errorf("%s: two thirds of a file are read", name)
		}
	}
	none, err := pkcs7.Encode(pkcs7.Content{})
	if err == nil {
		if _, err := Parse(none); err == nil {
			t.Error("a file without certificates is read")
		}
	}
}

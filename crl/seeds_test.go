package crl_test

import (
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"keyman/crl"
)

var update = flag.Bool("update", false, "make testdata anew")

// TestSeeds: the small lists of testdata parse. With -update they are made anew.
func TestSeeds(t *testing.T) {
	if *update {
		ca := newCA(t, "CA")
		small := ca.list(revoking(crl.KeyCompromise, ca.issue("a"), ca.issue("b")))
		for name, data := range map[string][]byte{
			"small.crl":    small,
			"small.pem":    pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: small}),
			"scoped.crl":   ca.list(withExtension("2.5.29.28", true, []byte("\x30\x12\xa0\x0d\xa0\x0b\x86\x09http://h/\x82\x01\xff"))),
			"delta.crl":    ca.list(withExtension("2.5.29.27", true, []byte{2, 1, 3}), revoking(crl.RemoveFromCRL, ca.issue("c"))),
			"version1.crl": versionOne(t, ca),
		} {
			if err := os.WriteFile(filepath.Join("testdata", name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) != 5 {
		t.Fatalf("%d files in testdata: %v", len(files), err)
	}
	for _, file := range files {
		mustParse(t, readFile(t, file))
	}
}

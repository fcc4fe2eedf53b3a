package pem

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"keyman/internal/keyfile"
	"keyman/keystore/format"

	"keyman/internal/testpeer"
)

// TestFolderLimits goes beyond the limits of a folder and is refused.
func TestFolderLimits(t *testing.T) {
	testpeer.Long(t)
	many := t.TempDir()
	for i := range maxFiles + 1 {
		if err := os.WriteFile(filepath.Join(many, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := ReadDir(many, nil); !errors.Is(err, format.ErrUnsupported) {
		t.Errorf("%d files: %v; want ErrUnsupported", maxFiles+1, err)
	}

	// Octets of which nothing is recognized, as large as a file may be.
	large := t.TempDir()
	var paths []string
	for i := range maxTotal/keyfile.MaxSize + 1 {
		path := filepath.Join(large, fmt.Sprint(i))
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, keyfile.MaxSize); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	if _, _, err := ReadDir(large, nil); !errors.Is(err, format.ErrUnsupported) {
		t.Errorf("%d bytes: %v; want ErrUnsupported", maxTotal+keyfile.MaxSize, err)
	}
	if err := os.Remove(paths[0]); err != nil {
		t.Fatal(err)
	}
	if _, skipped, err := ReadDir(large, nil); err != nil || len(skipped) != len(paths)-1 {
		t.Errorf("%d bytes: %d skipped, %v", maxTotal, len(skipped), err)
	}
	if err := os.Truncate(paths[1], keyfile.MaxSize+1); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFiles(paths[1:2], nil); err == nil {
		t.Errorf("a file of %d bytes was read", keyfile.MaxSize+1)
	}
}

// TestFolderSkipsLists passes over revocation lists, small and large.
func TestFolderSkipsLists(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := &x509.Certificate{KeyUsage: x509.KeyUsageCRLSign, SubjectKeyId: []byte{1}}
	dir := t.TempDir()
	for name, n := range map[string]int{"small.crl": 2, "large.crl": 10_000} {
		list := &x509.RevocationList{Number: big.NewInt(1)}
		for i := range n {
			list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(1<<62 + int64(i)), RevocationTime: time.Unix(0, 0)})
		}
		der, err := x509.CreateRevocationList(rand.Reader, list, issuer, key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), der, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, skipped, err := ReadDir(dir, nil); err != nil || len(skipped) != 2 {
		t.Errorf("%q skipped, %v", skipped, err)
	}
}

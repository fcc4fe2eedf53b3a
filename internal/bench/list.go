package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"time"
)

// revocationList writes a list with n entries with serial numbers of 16 octets,
// DER; reason is that of each, 0 for none. The certificate of its issuer goes into a
// file, DER, where that has a name.
func revocationList(w io.Writer, n, reason int, caFile string) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048) // dirmngr verifies no ECDSA
	if err != nil {
		return err
	}
	issuer := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, SubjectKeyId: []byte{1}, NotBefore: time.Now().AddDate(0, 0, -1),
		NotAfter: time.Now().AddDate(0, 0, 9), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCRLSign | x509.KeyUsageCertSign,
	}
	if caFile != "" {
		der, err := x509.CreateCertificate(rand.Reader, issuer, issuer, key.Public(), key)
		if err == nil {
			err = os.WriteFile(caFile, der, 0o600)
		}
		if err != nil {
			return err
		}
	}
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now(), NextUpdate: time.Now().AddDate(0, 0, 7)}
	random := mathrand.NewPCG(1, 1)
	for range n {
		serial := new(big.Int).SetUint64(random.Uint64()>>1 | 1<<62)
		serial.Add(serial.Lsh(serial, 64), new(big.Int).SetUint64(random.Uint64()))
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: serial, RevocationTime: template.ThisUpdate, ReasonCode: reason})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, issuer, key)
	if err != nil {
		return err
	}
	_, err = w.Write(der)
	return err
}

// dirmngrScript writes what dirmngr --server is told, so that it loads a list: the
// command, and the issuer's certificate, for which it asks back.
func dirmngrScript(w io.Writer, list, caFile string) error {
	der, err := os.ReadFile(caFile)
	if err != nil {
		return err
	}
	escaped := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(string(der))
	_, err = fmt.Fprintf(w, "LOADCRL %s\nD %s\nEND\nBYE\n", list, escaped)
	return err
}

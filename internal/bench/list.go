package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"time"
)

// revocationList writes a list with n entries with serial numbers of 16 octets,
// DER; reason is that of each, 0 for none.
func revocationList(w io.Writer, n, reason int) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	issuer := &x509.Certificate{Subject: pkix.Name{CommonName: "CA"}, SubjectKeyId: []byte{1}, KeyUsage: x509.KeyUsageCRLSign}
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

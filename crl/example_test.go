package crl_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"time"

	"keyman/crl"
)

func mayBeUsed(ctx context.Context, checker *crl.Checker, leafPEM, caPEM []byte) error {
	leaf, _ := pem.Decode(leafPEM)
	ca, _ := pem.Decode(caPEM)
	if leaf == nil || ca == nil {
		return errors.New("not PEM")
	}
	verdict := checker.Check(ctx, [][]byte{leaf.Bytes}, crl.Policy{Anchors: [][]byte{ca.Bytes}})
	for _, reason := range verdict.Reasons {
		fmt.Println(reason.Severity, reason.Code) // reason.Text is a sentence for people
	}
	return verdict.Err()
}

// A certificate is checked by the list that it names, before it is revoked and
// after that.
func Example() {
	lab := newLab()
	defer lab.Close()
	leafPEM, caPEM := lab.leaf, lab.ca

	// It remembers what it has fetched until that is due: one serves all checks.
	checker, err := crl.DefaultSettings().NewChecker()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(mayBeUsed(context.Background(), checker, leafPEM, caPEM))

	lab.revoke()
	checker.Flush()
	err = mayBeUsed(context.Background(), checker, leafPEM, caPEM)
	fmt.Println(err != nil)
	// Output:
	// note checked
	// <nil>
	// fatal revoked
	// true
}

// A lab is a CA with a certificate and a server that has its list.
type lab struct {
	*httptest.Server
	ca, leaf []byte // PEM
	revoke   func()
}

func newLab() *lab {
	must := func(der []byte, err error) []byte {
		if err != nil {
			panic(err)
		}
		return der
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}
	var ca *x509.Certificate
	l := &lab{Server: httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		der, err := x509.CreateRevocationList(rand.Reader, list, ca, key)
		if err != nil {
			panic(err)
		}
		_, _ = w.Write(der)
	}))}
	issue := func(template *x509.Certificate, name string) *x509.Certificate {
		template.Subject = pkix.Name{CommonName: name}
		template.NotBefore, template.NotAfter = now.Add(-time.Hour), now.Add(time.Hour)
		parent := ca
		if parent == nil {
			parent = template
		}
		cert, err := x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)))
		if err != nil {
			panic(err)
		}
		return cert
	}
	ca = issue(&x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, "CA")
	leaf := issue(&x509.Certificate{SerialNumber: big.NewInt(2), CRLDistributionPoints: []string{l.URL + "/ca.crl"}}, "gw1")
	l.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	l.leaf = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
	l.revoke = func() {
		list.Number = big.NewInt(2)
		list.RevokedCertificateEntries = []x509.RevocationListEntry{{SerialNumber: leaf.SerialNumber, RevocationTime: now, ReasonCode: 1}}
	}
	return l
}

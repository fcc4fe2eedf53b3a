//go:build pkcs11 && cgo

package ike_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"keyman/ike"
	"keyman/ike/iketest"
	"keyman/internal/testpeer"
	"keyman/keystore"
	"keyman/keystore/pkcs11"
)

// tokenPKI founds a CA that certifies the keys of both gateways, and returns its
// certificate and what they authenticate with.
func tokenPKI(t *testing.T, keys map[string]crypto.Signer) ([]byte, map[string]ike.Credential) {
	t.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Token CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	credentials := map[string]ike.Credential{}
	for name, key := range keys {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(int64(2 + len(credentials))), Subject: pkix.Name{CommonName: name},
			DNSNames: []string{name + ".test"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
			KeyUsage: x509.KeyUsageDigitalSignature,
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
		if err != nil {
			t.Fatal(err)
		}
		credentials[name] = ike.Credential{Signer: key, Chain: [][]byte{der, caDER}}
	}
	return caDER, credentials
}

// The signature of main mode is made on a token, for an initiator and for a
// responder; when the token's user is logged out, negotiations fail and say so.
func TestEngineSignsByToken(t *testing.T) {
	h := testpeer.NewSoftHSM(t, "vpn")
	token, err := pkcs11.Open(t.Context(), pkcs11.URI{Token: "vpn", Module: h.Module}, keystore.Password(h.PIN))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	})
	spec, err := keystore.ParseKeySpec("rsa-2048")
	if err != nil {
		t.Fatal(err)
	}
	entry, err := token.Generate("gw1", spec)
	if err != nil {
		t.Fatal(err)
	}
	onToken, err := token.Signer(entry)
	if err != nil {
		t.Fatal(err)
	}
	inMemory, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ca, credentials := tokenPKI(t, map[string]crypto.Signer{"gw1": onToken, "gw2": inMemory})
	byToken := func(c *ike.Config) { c.Credentials, c.Anchors = credentials, [][]byte{ca} }

	var n iketest.Network
	a, b := pair()
	a.config, b.config = byToken, byToken
	first, second := a.start(t, &n), b.start(t, &n)
	for _, side := range []struct {
		name, tunnel    string
		initiator, peer *ike.Engine
	}{{"initiator", "to-gw2", first, second}, {"responder", "to-gw1", second, first}} {
		t.Run(side.name, func(t *testing.T) {
			peer := side.peer.Events(100)
			st, err := side.initiator.ActivateWait(t.Context(), side.tunnel)
			if err != nil || st.State != ike.TunnelActive || st.Role != "initiator" {
				t.Fatalf("%+v, %v", st, err)
			}
			if _, err := side.initiator.Remove(t.Context(), side.tunnel); err != nil {
				t.Fatal(err)
			}
			await(t, peer, ike.EventClosed)
		})
	}
	t.Run("closed", func(t *testing.T) {
		if err := token.Close(); err != nil {
			t.Fatal(err)
		}
		st, err := first.ActivateWait(t.Context(), "to-gw2")
		if err != nil || st.State != ike.TunnelFailed || !strings.Contains(st.Error, pkcs11.ErrGone.Error()) {
			t.Fatalf("%+v, %v", st, err)
		}
	})
}

package ike_test

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/suite"
	"keyman/internal/dn"
)

// memory is a crl.Source with one list at hand, so that the first check parses
// and verifies it and the others find it in the checker's cache.
type memory []byte

func (m memory) Lists(context.Context, string) ([]*crl.List, error) {
	l, err := crl.Parse(bytes.NewReader(m), crl.Limits{})
	return []*crl.List{l}, err
}

func (m memory) ListsByIssuer(context.Context, dn.Name) ([]*crl.List, error) {
	return m.Lists(context.Background(), "")
}

// BenchmarkPhase1 negotiates over loopback UDP, both ends in one
// process, four tunnels at a time, as the benchmark of strongSwan beside it
// does. Each negotiation counts: messages, two Diffie-Hellman operations and one
// signature a side, the check of the peer's chain and of a list in the cache.
func BenchmarkPhase1(b *testing.B) {
	for _, c := range []struct {
		name, transform string
		mode            ikedb.Mode
		auth            ikedb.AuthMethod
	}{
		{"rsa2048-modp2048-crl", "aes128-sha256-modp2048", ikedb.ModeMain, ikedb.AuthRSASignatureCRL},
		{"rsa2048-modp2048", "aes128-sha256-modp2048", ikedb.ModeMain, ikedb.AuthRSASignature},
		{"rsa2048-ecp256-crl", "aes128-sha256-ecp256", ikedb.ModeMain, ikedb.AuthRSASignatureCRL},
		{"rsa2048-ecp256", "aes128-sha256-ecp256", ikedb.ModeMain, ikedb.AuthRSASignature},
		{"ecdsa256-ecp256-crl", "aes128-sha256-ecp256", ikedb.ModeMain, ikedb.AuthECDSA256SignatureCRL},
		{"psk-modp2048", "aes128-sha256-modp2048", ikedb.ModeMain, ikedb.AuthPresharedKey},
		{"aggressive-psk-modp2048", "aes128-sha256-modp2048", ikedb.ModeAggressive, ikedb.AuthPresharedKey},
		{"aggressive-rsa2048-ecp256", "aes128-sha256-ecp256", ikedb.ModeAggressive, ikedb.AuthRSASignature},
	} {
		b.Run(c.name, func(b *testing.B) { benchPhase1(b, c.transform, c.mode, c.auth) })
	}
}

const benchTunnels = 4

func benchPhase1(b *testing.B, transform string, mode ikedb.Mode, auth ikedb.AuthMethod) {
	tr, err := suite.ParseTransform(transform)
	if err != nil {
		b.Fatal(err)
	}
	id := func(s string) ikedb.Identity {
		id, err := ikedb.ParseIdentity(s)
		if err != nil {
			b.Fatal(err)
		}
		return id
	}
	ca := newLabCA(b, "http://lab.test/lab.crl")
	own := make([]labID, benchTunnels)
	credentials := map[string]ike.Credential{}
	for i := range own {
		own[i] = ca.issueFor(fmt.Sprintf("gw%d.test", i), auth.Suite())
		credentials[own[i].name] = ike.Credential{Signer: own[i].key, Chain: [][]byte{own[i].der}}
	}
	peer := ca.issueFor("peer.test", auth.Suite())
	credentials[peer.name] = ike.Credential{Signer: peer.key, Chain: [][]byte{peer.der}}
	list := memory(ca.crl())
	loopback := netip.AddrFrom4([4]byte{127, 0, 0, 1})

	start := func(transport *ike.UDP, d ikedb.Definitions) *ike.Engine {
		d.Protections = []ikedb.Protection{{Name: "p", Mode: mode, Auth: auth, Transforms: []suite.Transform{tr}, AllowWeak: mode == ikedb.ModeAggressive}}
		if auth != ikedb.AuthPresharedKey && !auth.CRL() {
			d.Protections[0].Revocation = crl.Off
		}
		if auth == ikedb.AuthPresharedKey {
			d.PresharedKeys = []ikedb.PresharedKey{{IDs: []ikedb.Identity{id("127.0.0.1")}, Secret: ikedb.NewSecret([]byte("of the benchmark"))}}
		}
		db, err := ikedb.New(d)
		if err != nil {
			b.Fatal(err)
		}
		checker, err := crl.NewChecker(crl.CheckerConfig{Source: list})
		if err != nil {
			b.Fatal(err)
		}
		e, err := ike.New(ike.Config{DB: db, Transport: transport, Verifier: checker, Credentials: credentials, Anchors: [][]byte{ca.cert.Raw}})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- e.Run(ctx) }()
		b.Cleanup(func() {
			stop()
			if err := <-done; err != nil {
				b.Error(err)
			}
		})
		return e
	}
	var transports [2]*ike.UDP
	for i := range transports {
		if transports[i], err = ike.ListenUDP(loopback, 0, 0); err != nil {
			b.Fatal(err)
		}
	}
	certificate := func(name string) string {
		if auth == ikedb.AuthPresharedKey {
			return ""
		}
		return name
	}
	var initiator, responder ikedb.Definitions
	at := transports[1].Local(netip.AddrPortFrom(loopback, 1), false)
	nattAt := transports[1].Local(netip.AddrPortFrom(loopback, 1), true)
	for i := range own {
		initiator.Tunnels = append(initiator.Tunnels, ikedb.Tunnel{
			Name: fmt.Sprint("t", i), Protection: "p",
			Local:  ikedb.LocalEnd{ID: id(own[i].name), Certificate: certificate(own[i].name)},
			Remote: ikedb.RemoteEnd{Address: loopback, ID: id(peer.name), Port: at.Port(), NATTPort: nattAt.Port()},
		})
		responder.Tunnels = append(responder.Tunnels, ikedb.Tunnel{
			Name: fmt.Sprint("t", i), Protection: "p",
			Local:  ikedb.LocalEnd{ID: id(peer.name), Certificate: certificate(peer.name)},
			Remote: ikedb.RemoteEnd{Address: loopback, ID: id(own[i].name)},
		})
	}
	start(transports[1], responder)
	engine := start(transports[0], initiator)

	work := make(chan struct{})
	var negotiators sync.WaitGroup
	for i := range own {
		name := fmt.Sprint("t", i)
		negotiators.Go(func() {
			for range work {
				st, err := engine.ActivateWait(b.Context(), name)
				if err != nil || st.State != ike.TunnelActive {
					b.Errorf("%v, %+v", err, st)
				}
				if _, err := engine.Remove(b.Context(), name); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ResetTimer()
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	negotiators.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "phase1/s")
}

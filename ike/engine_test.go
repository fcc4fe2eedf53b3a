package ike_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/iketest"
	"keyman/ike/ikev1"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	gw1 = netip.MustParseAddr("192.0.2.1")
	gw2 = netip.MustParseAddr("192.0.2.2")
)

// verifier is a Verifier whose answer the test decides.
type verifier func(ctx context.Context, chain [][]byte, p crl.Policy) crl.Verdict

func (v verifier) Check(ctx context.Context, chain [][]byte, p crl.Policy) crl.Verdict {
	return v(ctx, chain, p)
}

func good(context.Context, [][]byte, crl.Policy) crl.Verdict {
	return crl.Verdict{Status: crl.StatusGood}
}

// credentials are made once: a CA and two gateways.
type testPKI struct {
	ca       []byte
	caKey    crypto.Signer
	gateways map[string]ike.Credential
}

var pki = sync.OnceValue(func() testPKI {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // synctest's clock begins here
	newKey := func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		return key
	}
	caKey := newKey()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(50, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		panic(err)
	}
	p := testPKI{ca: caDER, caKey: caKey, gateways: map[string]ike.Credential{}}
	for i, name := range []string{"gw1", "gw2"} {
		key := newKey()
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(int64(10 + i)), Subject: pkix.Name{CommonName: name, Organization: []string{"Test"}},
			DNSNames: []string{name + ".test"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(50, 0, 0),
			KeyUsage: x509.KeyUsageDigitalSignature,
		}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
		if err != nil {
			panic(err)
		}
		p.gateways[name] = ike.Credential{Signer: key, Chain: [][]byte{der, caDER}}
	}
	return p
})

// gateway describes one side of a test.
type gateway struct {
	own, peer         string
	ownAddr, peerAddr netip.Addr
	verifier          ike.Verifier
	auth              ikedb.AuthMethod
	psk               string
	change            func(*ikedb.Definitions)
	config            func(*ike.Config)
}

// start runs an engine until the test's context ends.
func (g gateway) start(t *testing.T, n *iketest.Network) *ike.Engine {
	t.Helper()
	return g.startWith(t, t.Context(), n)
}

// startWith runs an engine until a context ends.
func (g gateway) startWith(t *testing.T, ctx context.Context, n *iketest.Network) *ike.Engine {
	t.Helper()
	transport, err := n.Listen(g.ownAddr)
	if err != nil {
		t.Fatal(err)
	}
	cfg := g.cfg(t)
	cfg.Transport = transport
	e, err := ike.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return e
}

// newError returns what New says of a changed configuration.
func (g gateway) newError(t *testing.T, change func(*ike.Config)) error {
	t.Helper()
	var n iketest.Network
	transport, err := n.Listen(g.ownAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer transport.Close()
	cfg := g.cfg(t)
	cfg.Transport = transport
	change(&cfg)
	_, err = ike.New(cfg)
	return err
}

// cfg is the gateway's configuration, without a transport.
func (g gateway) cfg(t *testing.T) ike.Config {
	t.Helper()
	parseID := func(s string) ikedb.Identity {
		id, err := ikedb.ParseIdentity(s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	transform, err := suite.ParseTransform("aes128-sha256-ecp256")
	if err != nil {
		t.Fatal(err)
	}
	if g.auth == "" {
		g.auth = ikedb.AuthRSASignatureCRL
	}
	d := ikedb.Definitions{
		Tunnels: []ikedb.Tunnel{{
			Name: "to-" + g.peer, Protection: "p",
			Local:  ikedb.LocalEnd{Address: g.ownAddr, ID: parseID(g.own + ".test"), Certificate: g.own},
			Remote: ikedb.RemoteEnd{Address: g.peerAddr, ID: parseID(g.peer + ".test")},
		}},
		Protections: []ikedb.Protection{{Name: "p", Auth: g.auth, Transforms: []suite.Transform{transform}}},
	}
	switch g.auth {
	case ikedb.AuthPresharedKey:
		d.Tunnels[0].Local.Certificate = ""
		d.PresharedKeys = []ikedb.PresharedKey{{IDs: []ikedb.Identity{parseID(g.peerAddr.String())}, Secret: ikedb.NewSecret([]byte(g.psk))}}
	case ikedb.AuthRSASignature:
		d.Protections[0].Revocation = crl.Off
	}
	if g.change != nil {
		g.change(&d)
	}
	db, err := ikedb.New(d)
	if err != nil {
		t.Fatal(err)
	}
	if g.verifier == nil {
		g.verifier = verifier(good)
	}
	cfg := ike.Config{DB: db, Verifier: g.verifier, Credentials: pki().gateways, Anchors: [][]byte{pki().ca}}
	if g.config != nil {
		g.config(&cfg)
	}
	return cfg
}

// pair is two gateways that fit each other.
func pair() (gateway, gateway) {
	return gateway{own: "gw1", peer: "gw2", ownAddr: gw1, peerAddr: gw2},
		gateway{own: "gw2", peer: "gw1", ownAddr: gw2, peerAddr: gw1}
}

// only returns the one status of a list.
func only(t *testing.T, e *ike.Engine) ike.Status {
	t.Helper()
	list, err := e.List(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("list: %v, %v", list, err)
	}
	return list[0]
}

// await returns the first event of a kind.
func await(t *testing.T, s *ike.Subscription, kind ike.EventKind) ike.Event {
	t.Helper()
	for ev := range s.C {
		if ev.Kind == kind {
			return ev
		}
	}
	t.Fatalf("the events ended without %q", kind)
	return ike.Event{}
}

func TestEngineEstablishes(t *testing.T) {
	pki()
	for _, auth := range []ikedb.AuthMethod{ikedb.AuthRSASignatureCRL, ikedb.AuthRSASignature, ikedb.AuthPresharedKey} {
		t.Run(string(auth), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n iketest.Network
				a, b := pair()
				a.auth, b.auth, a.psk, b.psk = auth, auth, "secret secret", "secret secret"
				first, second := a.start(t, &n), b.start(t, &n)
				if st := only(t, first); st.State != ike.TunnelDormant || st.Tunnel != "to-gw2" || st.Number != 1 {
					t.Errorf("before: %+v", st)
				}
				peer := second.Events(100)
				st, err := first.ActivateWait(t.Context(), "1")
				if err != nil || st.State != ike.TunnelActive || st.RemoteID != "fqdn:gw2.test" || st.Transform != "aes128-sha256-ecp256" || st.Role != "initiator" {
					t.Fatalf("%+v, %v", st, err)
				}
				if left := time.Until(st.Expires); left < 7*time.Hour || left > 8*time.Hour {
					t.Errorf("expires in %v", left)
				}
				await(t, peer, ike.EventEstablished)
				if st := only(t, second); st.State != ike.TunnelActive || st.Role != "responder" || st.RemoteID != "fqdn:gw1.test" {
					t.Errorf("responder: %+v", st)
				}
				again, err := first.ActivateWait(t.Context(), "to-gw2")
				if err != nil || again.ID != st.ID {
					t.Errorf("activated twice: %+v, %v", again, err)
				}
				if n, err := first.Remove(t.Context(), "to-gw2"); n != 1 || err != nil {
					t.Errorf("removed %d, %v", n, err)
				}
				if ev := await(t, peer, ike.EventClosed); ev.Text != "deleted by the peer" {
					t.Errorf("peer: %+v", ev)
				}
				if _, err := first.Remove(t.Context(), "to-gw2"); !errors.Is(err, ike.ErrNotActive) {
					t.Errorf("removed twice: %v", err)
				}
				if st := only(t, first); st.State != ike.TunnelClosed || st.Error != "removed here" {
					t.Errorf("after: %+v", st)
				}
				if _, err := first.Activate(t.Context(), "nowhere"); !errors.Is(err, ike.ErrNoTunnel) {
					t.Errorf("unknown tunnel: %v", err)
				}
			})
		})
	}
}

// A revoked peer is refused on either side, and the reasons arrive where people
// look.
func TestEngineRefusesRevokedPeer(t *testing.T) {
	pki()
	reasons := []crl.Reason{
		{Severity: crl.Note, Code: "list", Text: "the list is current"},
		{Severity: crl.Fatal, Code: "revoked", Text: "certificate 0a is revoked since 2026", Serial: "0a"},
	}
	revoked := verifier(func(context.Context, [][]byte, crl.Policy) crl.Verdict {
		return crl.Verdict{Status: crl.StatusRevoked, Reasons: reasons}
	})
	for _, refuser := range []string{"initiator", "responder"} {
		t.Run(refuser, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n iketest.Network
				a, b := pair()
				if refuser == "initiator" {
					a.verifier = revoked
				} else {
					b.verifier = revoked
				}
				first, second := a.start(t, &n), b.start(t, &n)
				events := map[string]*ike.Subscription{"initiator": first.Events(100), "responder": second.Events(100)}
				st, err := first.ActivateWait(t.Context(), "to-gw2")
				if err != nil || st.State != ike.TunnelFailed {
					t.Fatalf("%+v, %v", st, err)
				}
				ev := await(t, events[refuser], ike.EventFailed)
				if !strings.Contains(ev.Text, "0a is revoked since 2026") || len(ev.Reasons) != 2 {
					t.Errorf("event %+v", ev)
				}
				if refuser == "responder" && !strings.Contains(st.Error, "AUTHENTICATION-FAILED") {
					t.Errorf("initiator: %v", st.Error)
				}
				if refuser == "initiator" {
					await(t, events["responder"], ike.EventClosed)
				}
				synctest.Wait()
				for _, e := range []*ike.Engine{first, second} {
					if st := only(t, e); st.State == ike.TunnelActive {
						t.Errorf("active: %+v", st)
					}
				}
			})
		})
	}
}

// A check that hangs delays its own tunnel and no other, and ends with the
// engine.
func TestHangingVerdictHoldsNobodyElse(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		a, b := pair()
		hanging := make(chan struct{}, 1)
		// gw2 checks its peer for ever; a third gateway uses a preshared key.
		b.verifier = verifier(func(ctx context.Context, _ [][]byte, p crl.Policy) crl.Verdict {
			hanging <- struct{}{}
			<-ctx.Done()
			return crl.Verdict{Status: crl.StatusUndetermined}
		})
		gw3 := netip.MustParseAddr("192.0.2.3")
		b.change = func(d *ikedb.Definitions) {
			id3, _ := ikedb.ParseIdentity("gw3.test")
			addr3, _ := ikedb.ParseIdentity(gw3.String())
			own := d.Tunnels[0]
			own.Name, own.Protection, own.Local.Certificate = "to-gw3", "psk", ""
			own.Remote = ikedb.RemoteEnd{Address: gw3, ID: id3}
			d.Tunnels = append(d.Tunnels, own)
			psk := d.Protections[0]
			psk.Name, psk.Auth = "psk", ikedb.AuthPresharedKey
			d.Protections = append(d.Protections, psk)
			d.PresharedKeys = []ikedb.PresharedKey{{IDs: []ikedb.Identity{addr3}, Secret: ikedb.NewSecret([]byte("for the third"))}}
		}
		first, second := a.start(t, &n), b.start(t, &n)
		if _, err := first.Activate(t.Context(), "to-gw2"); err != nil {
			t.Fatal(err)
		}
		<-hanging
		third := gateway{own: "gw3", peer: "gw2", ownAddr: gw3, peerAddr: gw2, auth: ikedb.AuthPresharedKey, psk: "for the third"}.start(t, &n)
		st, err := third.ActivateWait(t.Context(), "to-gw2")
		if err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		list, err := second.List(t.Context())
		if err != nil || len(list) != 2 || list[0].State != ike.TunnelNegotiating || list[1].State != ike.TunnelActive {
			t.Fatalf("%+v, %v", list, err)
		}
	})
}

func TestWrongPresharedKey(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		a, b := pair()
		a.auth, b.auth, a.psk, b.psk = ikedb.AuthPresharedKey, ikedb.AuthPresharedKey, "one secret", "another secret"
		first, second := a.start(t, &n), b.start(t, &n)
		peer := second.Events(100)
		st, err := first.ActivateWait(t.Context(), "to-gw2")
		if err != nil || st.State != ike.TunnelFailed || !strings.Contains(st.Error, "PAYLOAD-MALFORMED") {
			t.Errorf("%+v, %v", st, err)
		}
		if ev := await(t, peer, ike.EventFailed); !strings.Contains(ev.Text, "preshared keys differ") {
			t.Errorf("%+v", ev)
		}
	})
}

// A peer that lost its SAs says so, and the old one goes.
func TestInitialContactDropsTheOldSA(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		n := iketest.Network{}
		a, b := pair()
		second := b.start(t, &n)
		events := second.Events(100)
		cut := false
		n.Drop = func(from, _ netip.AddrPort, _ []byte) bool { return cut && from.Addr() == gw1 }
		ctx, stop := context.WithCancel(t.Context())
		first := a.startWith(t, ctx, &n)
		if st, err := first.ActivateWait(t.Context(), "1"); err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		await(t, events, ike.EventEstablished)
		synctest.Wait()
		cut = true // its DELETE is lost
		stop()
		synctest.Wait()
		cut = false
		time.Sleep(time.Second) // of the bubble's clock: the SA is older than the next negotiation
		again := a.start(t, &n)
		if st, err := again.ActivateWait(t.Context(), "1"); err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		if ev := await(t, events, ike.EventClosed); !strings.Contains(ev.Text, "INITIAL-CONTACT") {
			t.Errorf("%+v", ev)
		}
		if st := only(t, second); st.State != ike.TunnelActive {
			t.Errorf("%+v", st)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		name   string
		config func(*ike.Config)
		want   string
	}{
		{"no certificate", func(c *ike.Config) { c.Credentials = nil }, `no personal certificate "gw1"`},
		{"no anchor", func(c *ike.Config) { c.Anchors = nil }, "at least one trusted CA"},
		{"no verifier", func(c *ike.Config) { c.Verifier = nil }, "needs a verifier"},
		{"no transport", func(c *ike.Config) { c.Transport = nil }, "Transport"},
		{"a key of another certificate", func(c *ike.Config) {
			c.Credentials = map[string]ike.Credential{"gw1": {Signer: pki().gateways["gw2"].Signer, Chain: pki().gateways["gw1"].Chain}}
		}, "not that of the certificate"},
		{"an identity that the certificate lacks", func(c *ike.Config) {
			c.Credentials = map[string]ike.Credential{"gw1": pki().gateways["gw2"]}
		}, "does not stand for fqdn:gw1.test"},
		{"no key", func(c *ike.Config) {
			c.Credentials = map[string]ike.Credential{"gw1": {Signer: crypto.Signer(nil), Chain: pki().gateways["gw1"].Chain}}
		}, "no key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a, _ := pair()
			err := a.newError(t, tc.config)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
}

// A flood of first messages takes a bounded share of the engine and leaves no
// trace once it is over; what we begin ourselves still works.
func TestFloodIsBounded(t *testing.T) {
	pki()
	synctest.Test(t, func(t *testing.T) {
		var n iketest.Network
		a, b := pair()
		b.config = func(c *ike.Config) { c.MaxHalfOpenPerPeer = 10 }
		first, second := a.start(t, &n), b.start(t, &n)
		events := second.Events(1000)
		attacker, err := n.Listen(netip.MustParseAddr("192.0.2.66"))
		if err != nil {
			t.Fatal(err)
		}
		defer attacker.Close()
		answers := make(chan int)
		go func() {
			count := 0
			for {
				if _, err := attacker.Receive(); err != nil {
					answers <- count
					return
				}
				count++
			}
		}()
		// The tunnels are for gw1 alone: let the flood bear its address.
		flood := func(from netip.Addr, transform suite.Transform) {
			for i := range 100 {
				m := isakmp.Message{
					Header: isakmp.Header{Initiator: isakmp.Cookie{1, byte(i), byte(transform.KeyBits)}, Exchange: isakmp.IdentityProtection},
					Payloads: []isakmp.Payload{&isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly, Proposals: []isakmp.Proposal{{
						Number: 1, Protocol: isakmp.ProtocolISAKMP,
						Transforms: []isakmp.Transform{{Number: 1, ID: isakmp.TransformKeyIKE, Attributes: transform.Attributes()}},
					}}}},
				}
				data, err := m.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				if err := attacker.Send(ike.Packet{Data: data, Path: ikev1.Path{
					Local: netip.AddrPortFrom(from, uint16(1000+i)), Remote: netip.AddrPortFrom(gw2, ikedb.DefaultPort)}}); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
		}
		good := suite.Transform{Encryption: suite.AES, KeyBits: 128, Hash: suite.SHA256, Group: suite.ECP256, Auth: suite.RSASignature, Lifetime: time.Hour}
		bad := good
		bad.KeyBits = 256
		flood(netip.MustParseAddr("192.0.2.66"), good) // nobody we know
		if list, err := second.List(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%d sessions for a stranger, %v", len(list)-1, err)
		}
		flood(gw1, bad) // nothing to agree on: declined and forgotten
		if list, err := second.List(t.Context()); err != nil || len(list) != 1 {
			t.Errorf("%d sessions for what was declined, %v", len(list)-1, err)
		}
		flood(gw1, good)
		if list, err := second.List(t.Context()); err != nil || len(list) != 11 {
			t.Errorf("%d half-open sessions, %v", len(list)-1, err)
		}
		// gw2 itself is not held up.
		if st, err := second.ActivateWait(t.Context(), "to-gw1"); err != nil || st.State != ike.TunnelActive {
			t.Errorf("%+v, %v", st, err)
		}
		time.Sleep(5 * time.Minute) // of the bubble: deadlines and lingering
		if list, err := second.List(t.Context()); err != nil || len(list) != 1 || list[0].State != ike.TunnelActive {
			t.Errorf("after the flood: %+v, %v", list, err)
		}
		if _, err := first.Remove(t.Context(), "to-gw2"); err != nil {
			t.Error(err)
		}
		await(t, events, ike.EventClosed)
		attacker.Close()
		if n := <-answers; n != 0 {
			t.Errorf("the stranger was answered %d times", n)
		}
	})
}

// With preshared keys, a member of a group cannot claim to be another: the key
// proves only who is at the address.
func TestGroupMemberIsWhoItsAddressIs(t *testing.T) {
	pki()
	gw3 := netip.MustParseAddr("192.0.2.3")
	id := func(s string) ikedb.Identity {
		id, err := ikedb.ParseIdentity(s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for _, claimed := range []netip.Addr{gw2, gw3} {
		t.Run(claimed.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n iketest.Network
				hub := gateway{own: "gw1", peer: "branches", ownAddr: gw1, auth: ikedb.AuthPresharedKey, change: func(d *ikedb.Definitions) {
					d.Tunnels[0].Local.ID = id(gw1.String())
					d.Tunnels[0].Remote = ikedb.RemoteEnd{Group: "branches"}
					d.Groups = []ikedb.Group{{Name: "branches", IDs: []ikedb.Identity{id(gw2.String()), id(gw3.String())}}}
					d.PresharedKeys = []ikedb.PresharedKey{
						{IDs: []ikedb.Identity{id(gw2.String())}, Secret: ikedb.NewSecret([]byte("of gw2"))},
						{IDs: []ikedb.Identity{id(gw3.String())}, Secret: ikedb.NewSecret([]byte("of gw3"))},
					}
				}, peerAddr: gw2}
				hub.start(t, &n)
				branch := gateway{own: "gw2", peer: "gw1", ownAddr: gw2, peerAddr: gw1, auth: ikedb.AuthPresharedKey, psk: "of gw2", change: func(d *ikedb.Definitions) {
					d.Tunnels[0].Local.ID, d.Tunnels[0].Remote.ID = id(claimed.String()), id(gw1.String())
				}}
				st, err := branch.start(t, &n).ActivateWait(t.Context(), "1")
				if err != nil {
					t.Fatal(err)
				}
				if claimed == gw2 && st.State != ike.TunnelActive {
					t.Errorf("the member itself: %+v", st)
				}
				if claimed == gw3 && (st.State != ike.TunnelFailed || !strings.Contains(st.Error, "INVALID-ID-INFORMATION")) {
					t.Errorf("gw2 as gw3: %+v", st)
				}
			})
		})
	}
}

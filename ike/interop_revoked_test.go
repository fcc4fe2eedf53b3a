package ike_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/internal/testpeer"
)

// TestStrongSwanRevoked: a tunnel with strongSwan that is up ends when the CA
// revokes strongSwan's certificate, or that of the CA above it, whoever began it.
func TestStrongSwanRevoked(t *testing.T) {
	for _, c := range []struct {
		name          string
		keyman, itsCA bool
	}{{"keyman-started", true, false}, {"strongswan-started", false, false}, {"its-CA", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			revokedWhileUp(t, c.keyman, c.itsCA)
		})
	}
}

func revokedWhileUp(t *testing.T, keymanStarts, itsCA bool) {
	network := testpeer.NewNetwork(t)
	l := &lab{network: network, ca: newLabCA(t, labHTTP)}
	issuer := l.ca
	if itsCA {
		issuer = l.ca.sub()
		issuer.urls = nil // the tunnel does without lists of the CA between
		l.above = [][]byte{issuer.cert.Raw}
	}
	l.own, l.peer = l.ca.issue("keyman.test"), issuer.issue("peer.test")
	var list atomic.Pointer[[]byte]
	publish := func(revoked ...labID) {
		der := l.ca.crl(revoked...)
		list.Store(&der)
	}
	publish()
	listener, err := network.A.ListenTCP(netip.AddrPortFrom(network.A.IPv4, 8088))
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: listener, Config: &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*list.Load()) }),
	}}
	server.Start()
	t.Cleanup(server.Close)

	swan := testpeer.StrongSwanConfig{
		Remote: network.A.IPv4, LocalID: l.peer.name, RemoteID: l.own.name, Proposals: "aes128-sha256-ecp256",
		Chain: certPEM(append([][]byte{l.peer.der}, l.above...)...), Key: l.peer.keyPEM(t), CAs: l.ca.pem(),
	}
	peer := testpeer.StartStrongSwan(t, network.B, swan)
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	c := labCase{transform: swan.Proposals, auth: ikedb.AuthRSASignatureCRL, revocation: crl.IfURI, engine: func(cfg *ike.Config) {
		w, err := crl.NewWatcher(crl.WatcherConfig{Checker: cfg.Verifier.(*crl.Checker), Every: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Verifier = w
		running.Go(func() { w.Run(t.Context()) })
	}}
	engine := c.startKeyman(t, l, swan.LocalID)
	events := engine.Events(1000)
	if keymanStarts {
		if st, err := engine.ActivateWait(t.Context(), "lab"); err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
	} else if out, err := peer.Initiate(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if ev := awaitOutcome(t, events); ev.Kind != ike.EventEstablished {
		t.Fatalf("%+v", ev)
	}
	if sas, err := peer.ListSAs(t.Context()); err != nil || !strings.Contains(sas, "ESTABLISHED") {
		t.Fatalf("strongSwan holds no SA: %v\n%s", err, sas)
	}

	revoked := l.peer
	if itsCA {
		revoked = labID{der: issuer.cert.Raw}
	}
	publish(revoked)
	for ev := range events.C {
		if ev.Kind != ike.EventClosed {
			continue
		}
		for _, want := range []string{"is not accepted any more (revoked)", labHTTP, revokedAt.Format(time.DateOnly), "reason keyCompromise"} {
			if !strings.Contains(ev.Text, want) {
				t.Errorf("%q lacks %q", ev.Text, want)
			}
		}
		break
	}
	peer.WaitLog(t, "received DELETE for IKE_SA")
	st := only(t, engine)
	if st.State != ike.TunnelClosed || !slices.ContainsFunc(st.Reasons, func(r crl.Reason) bool { return r.Code == crl.CodeRevoked }) {
		t.Errorf("%+v", st)
	}
	// It does not come back.
	if st, err := engine.ActivateWait(t.Context(), "lab"); err != nil || st.State != ike.TunnelFailed || !strings.Contains(st.Error, "revoked") {
		t.Errorf("again: %+v, %v", st, err)
	}
}

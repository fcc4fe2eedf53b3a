package ike_test

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
	"keyman/ike/suite"
	"keyman/internal/testpeer"
)

// labCase is a negotiation with strongSwan: keyman at host A, strongSwan at host
// B, the servers of the revocation list beside keyman.
type labCase struct {
	name       string
	mode       ikedb.Mode
	transform  string // default aes128-sha256-modp2048
	auth       ikedb.AuthMethod
	psk        string
	names      bool // with a preshared key: identities are names, and keyman knows no address of the peer
	allowWeak  bool
	revocation crl.Revocation
	source     func(t *testing.T, lab *lab) // how the list is had
	cdp        string                       // distribution point in the certificates
	revoked    bool                         // strongSwan's certificate is
	ownRevoked bool                         // keyman's is

	intermediate bool // both certificates are of a CA below the trusted one
	peer         func(*testpeer.StrongSwanConfig)
	engine       func(*ike.Config)
	define       func(*ikedb.Definitions)

	refused string // in keyman's error; empty where they shall agree
	warning string // in keyman's verdict
}

// lab is what a case runs in.
type lab struct {
	network   *testpeer.Network
	ca        *labCA
	own, peer labID
	above     [][]byte // certificates between theirs and the CA's
	list      []byte
	fetcher   crl.FetcherConfig
}

const (
	labHTTP = "http://10.9.0.1:8088/lab.crl"
	labLDAP = "ldap:///cn=Lab%20CA,o=Lab,c=CH?certificateRevocationList?base"
)

// proxied is a SOCKS4 proxy, with a user id.
func proxied(proxy string) *url.URL {
	return &url.URL{Scheme: "socks4", Host: proxy, User: url.User("keyman")}
}

func byHTTP(t *testing.T, l *lab) { serveHTTP(t, l.network.A, 8088, l.list) }

func byLDAP(t *testing.T, l *lab) {
	l.fetcher.LDAPServers = []crl.LDAPServer{{Address: strings.TrimPrefix(testpeer.Slapd(t, l.network.A, l.ca.directory(l.list)), "ldap://")}}
}

// labCases are the negotiations of the interop tests; each runs in both
// directions.
var labCases = []labCase{
	{name: "rsa"},
	{name: "rsa-ecp256", transform: "aes256-sha256-ecp256"},
	{name: "rsa-modp4096-sha512", transform: "aes256-sha512-modp4096"},
	{name: "rsa-ecp521", transform: "aes256-sha384-ecp521"},
	{name: "rsa-3des-md5-modp1024", transform: "3des-md5-modp1024", allowWeak: true},
	{name: "weak-refused", refused: "NO-PROPOSAL-CHOSEN|no policy here accepts",
		peer: func(c *testpeer.StrongSwanConfig) { c.Proposals = "3des-md5-modp1024" }},
	{name: "rsa-natt", peer: func(c *testpeer.StrongSwanConfig) { c.Encap = true }},
	{name: "rsa-natt-forced-here", engine: func(c *ike.Config) { c.ForceNATT = true }},
	{name: "rsa-small-fragments", engine: func(c *ike.Config) { c.FragmentSize = 300 },
		peer: func(c *testpeer.StrongSwanConfig) { c.Fragmentation = "force" }},
	{name: "rsa-no-fragments", peer: func(c *testpeer.StrongSwanConfig) { c.Fragmentation = "no" }},
	{name: "rsa-peer-id-dn", peer: func(c *testpeer.StrongSwanConfig) { c.LocalID = "C=CH, O=Lab, CN=peer.test" }},
	{name: "rsa-intermediate", intermediate: true},
	{name: "psk", auth: ikedb.AuthPresharedKey, psk: "interop secret"},
	{name: "psk-ecp256", auth: ikedb.AuthPresharedKey, psk: "interop secret", transform: "aes128-sha256-ecp256"},
	{name: "psk-differs", auth: ikedb.AuthPresharedKey, psk: "another secret", refused: "preshared keys differ"},

	{name: "crl-http-danted", auth: ikedb.AuthRSASignatureCRL, cdp: labHTTP, source: func(t *testing.T, l *lab) {
		byHTTP(t, l)
		l.fetcher.HTTPProxy = proxied(testpeer.Danted(t, l.network.A))
	}},
	{name: "crl-http-ssh", auth: ikedb.AuthRSASignatureCRL, cdp: labHTTP, source: func(t *testing.T, l *lab) {
		byHTTP(t, l)
		l.fetcher.HTTPProxy = proxied(testpeer.SSHDynamic(t, l.network.A))
	}},
	{name: "crl-ldap", auth: ikedb.AuthRSASignatureCRL, cdp: labLDAP, source: byLDAP},
	{name: "crl-ldap-danted", auth: ikedb.AuthRSASignatureCRL, cdp: labLDAP, source: func(t *testing.T, l *lab) {
		byLDAP(t, l)
		l.fetcher.LDAPProxy = proxied(testpeer.Danted(t, l.network.A))
	}},
	{name: "crl-ldap-by-issuer", auth: ikedb.AuthRSASignatureCRL, source: byLDAP},
	{name: "crl-revoked", auth: ikedb.AuthRSASignatureCRL, cdp: labHTTP, source: byHTTP, revoked: true, refused: "revoked"},
	{name: "crl-dead-strict", auth: ikedb.AuthRSASignatureCRL, cdp: labHTTP, refused: labHTTP},
	{name: "crl-dead-relaxed", auth: ikedb.AuthRSASignatureCRL, cdp: labHTTP, revocation: crl.Relaxed, warning: "without a revocation list"},
	{name: "crl-both-strict", auth: ikedb.AuthRSASignatureCRL, cdp: labHTTP, source: byHTTP,
		peer: func(c *testpeer.StrongSwanConfig) { c.Revocation = "strict" }},
	{name: "crl-own-revoked", auth: ikedb.AuthRSASignatureCRL, cdp: labHTTP, source: byHTTP, ownRevoked: true,
		peer: func(c *testpeer.StrongSwanConfig) { c.Revocation = "strict" }, refused: "AUTHENTICATION-FAILED|deleted by the peer"},
}

// aggressiveCases are those of aggressive mode, and those of ECDSA in both modes.
var aggressiveCases = []labCase{
	{name: "psk", auth: ikedb.AuthPresharedKey, psk: "interop secret", allowWeak: true},
	{name: "psk-names", auth: ikedb.AuthPresharedKey, psk: "interop secret", names: true, allowWeak: true, transform: "aes256-sha256-ecp256"},
	{name: "psk-3des-md5", auth: ikedb.AuthPresharedKey, psk: "interop secret", allowWeak: true, transform: "3des-md5-modp1024"},
	{name: "psk-differs", auth: ikedb.AuthPresharedKey, psk: "another secret", allowWeak: true, refused: "preshared keys differ"},
	{name: "psk-natt", auth: ikedb.AuthPresharedKey, psk: "interop secret", allowWeak: true,
		peer: func(c *testpeer.StrongSwanConfig) { c.Encap = true }},
	{name: "another-group", auth: ikedb.AuthPresharedKey, psk: "interop secret", allowWeak: true, refused: "NO-PROPOSAL-CHOSEN|no policy here accepts",
		peer: func(c *testpeer.StrongSwanConfig) { c.Proposals = "aes128-sha256-modp3072" }},
	{name: "rsa"},
	{name: "rsa-natt-forced-here", engine: func(c *ike.Config) { c.ForceNATT = true }},
	{name: "rsa-small-fragments", engine: func(c *ike.Config) { c.FragmentSize = 300 },
		peer: func(c *testpeer.StrongSwanConfig) { c.Fragmentation = "force" }},
	{name: "rsa-intermediate", intermediate: true},
	{name: "rsa-crl", auth: ikedb.AuthRSASignatureCRL, cdp: labHTTP, source: byHTTP,
		peer: func(c *testpeer.StrongSwanConfig) { c.Revocation = "strict" }},
	{name: "rsa-crl-revoked", auth: ikedb.AuthRSASignatureCRL, cdp: labHTTP, source: byHTTP, revoked: true, refused: "revoked"},
	{name: "ecdsa-256-crl", auth: ikedb.AuthECDSA256SignatureCRL, cdp: labHTTP, source: byHTTP, transform: "aes128-sha256-ecp256",
		peer: func(c *testpeer.StrongSwanConfig) { c.Revocation = "strict" }},
	{name: "ecdsa-384", auth: ikedb.AuthECDSA384Signature, transform: "aes256-sha384-ecp384"},
	{name: "ecdsa-521", auth: ikedb.AuthECDSA521Signature, transform: "aes256-sha512-ecp521"},
}

// TestStrongSwanAggressive negotiates in aggressive mode, and with ECDSA in main
// mode, in both directions.
func TestStrongSwanAggressive(t *testing.T) {
	for _, c := range aggressiveCases {
		c.mode = ikedb.ModeAggressive
		runBoth(t, c)
		if c.auth.Suite().Curve() != nil {
			c.mode, c.name = ikedb.ModeMain, c.name+"-main"
			runBoth(t, c)
		}
	}
}

// TestStrongSwan negotiates with strongSwan, in both directions.
func TestStrongSwan(t *testing.T) {
	for _, c := range labCases {
		runBoth(t, c)
	}
}

// runBoth runs a case with each side as the one that starts.
func runBoth(t *testing.T, c labCase) {
	t.Run(c.name, func(t *testing.T) {
		for _, starts := range []string{"keyman", "strongswan"} {
			t.Run(starts+"-starts", func(t *testing.T) {
				t.Parallel()
				c.run(t, starts == "keyman")
			})
		}
	})
}

func (c labCase) run(t *testing.T, keymanStarts bool) {
	network := testpeer.NewNetwork(t)
	var urls []string
	if c.cdp != "" {
		urls = []string{c.cdp}
	}
	l := &lab{network: network, ca: newLabCA(t, urls...)}
	issuer, above := l.ca, [][]byte(nil)
	if c.intermediate {
		issuer = l.ca.sub()
		above = [][]byte{issuer.cert.Raw}
	}
	if c.auth == "" {
		c.auth = ikedb.AuthRSASignature
	}
	l.own, l.peer, l.above = issuer.issueFor("keyman.test", c.auth.Suite()), issuer.issueFor("peer.test", c.auth.Suite()), above
	var revoked []labID
	if c.revoked {
		revoked = append(revoked, l.peer)
	}
	if c.ownRevoked {
		revoked = append(revoked, l.own)
	}
	l.list = l.ca.crl(revoked...)
	if c.source != nil {
		c.source(t, l)
	}
	if c.transform == "" {
		c.transform = "aes128-sha256-modp2048"
	}

	swan := testpeer.StrongSwanConfig{
		Remote: network.A.IPv4, LocalID: l.peer.name, RemoteID: l.own.name, Proposals: c.transform,
		Chain: certPEM(append([][]byte{l.peer.der}, l.above...)...), Key: l.peer.keyPEM(t), CAs: l.ca.pem(),
	}
	if c.psk != "" {
		swan = testpeer.StrongSwanConfig{Remote: network.A.IPv4, Proposals: c.transform, PSK: []byte("interop secret")}
		if c.names {
			swan.LocalID, swan.RemoteID = l.peer.name, l.own.name
		}
	}
	swan.Aggressive = c.mode.Aggressive()
	if c.peer != nil {
		c.peer(&swan)
	}
	peer := testpeer.StartStrongSwan(t, network.B, swan)
	engine := c.startKeyman(t, l, swan.LocalID)
	events := engine.Events(1000)

	if keymanStarts {
		st, err := engine.ActivateWait(t.Context(), "lab")
		if err != nil {
			t.Fatal(err)
		}
		c.check(t, st)
		if c.refused != "" {
			return
		}
	} else {
		out, err := peer.Initiate(t.Context())
		if c.refused != "" {
			// An initiator of aggressive mode is done before the responder
			// has judged it.
			if err == nil && (!c.mode.Aggressive() || !c.revoked) {
				t.Errorf("strongSwan believes it is established:\n%s", out)
			}
			ev := awaitOutcome(t, events)
			if c.ownRevoked {
				// A responder is refused after its last message: it holds
				// an SA until it hears of that.
				for ev.Kind != ike.EventClosed {
					ev = <-events.C
				}
				c.check(t, ike.Status{State: ike.TunnelFailed, Error: ev.Text})
				return
			}
			c.check(t, ike.Status{State: ike.TunnelFailed, Error: ev.Text, Reasons: ev.Reasons})
			if ev.Kind != ike.EventFailed {
				t.Errorf("keyman: %+v", ev)
			}
			return
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		awaitOutcome(t, events)
		list, err := engine.List(t.Context())
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		c.check(t, list[0])
	}
	sas, err := peer.ListSAs(t.Context())
	if err != nil || !strings.Contains(sas, "ESTABLISHED") {
		t.Errorf("strongSwan holds no SA: %v\n%s", err, sas)
	}
	// Each side tells the other when it ends.
	if keymanStarts {
		if _, err := engine.Remove(t.Context(), "lab"); err != nil {
			t.Error(err)
		}
		peer.WaitLog(t, "received DELETE for IKE_SA")
		return
	}
	if out, err := peer.Terminate(t.Context()); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for ev := range events.C {
		if ev.Kind == ike.EventClosed {
			if ev.Text != "deleted by the peer" {
				t.Errorf("closed: %s", ev.Text)
			}
			return
		}
	}
}

// awaitOutcome returns the event with which a negotiation ends.
func awaitOutcome(t *testing.T, events *ike.Subscription) ike.Event {
	t.Helper()
	for ev := range events.C {
		if ev.Kind == ike.EventEstablished || ev.Kind == ike.EventFailed {
			return ev
		}
	}
	t.Fatal("the engine ended without an outcome")
	return ike.Event{}
}

// check compares the outcome with what the case expects.
func (c labCase) check(t *testing.T, st ike.Status) {
	t.Helper()
	if c.refused != "" {
		found := false
		for _, want := range strings.Split(c.refused, "|") {
			found = found || strings.Contains(st.Error, want)
		}
		if st.State != ike.TunnelFailed || !found {
			t.Errorf("state %v, error %q, want %q in it", st.State, st.Error, c.refused)
		}
		if c.revoked {
			// The certificate, its serial number, the list and the date.
			for _, want := range []string{"CN=peer.test", "1002", labHTTP, revokedAt.Format(time.DateOnly)} {
				if !strings.Contains(st.Error, want) {
					t.Errorf("the refusal does not name %q: %s", want, st.Error)
				}
			}
		}
		return
	}
	wantMode := ike.ModeMain
	if c.mode.Aggressive() {
		wantMode = ike.ModeAggressive
	}
	if st.State != ike.TunnelActive || st.Transform != c.transform || st.Mode != wantMode {
		t.Fatalf("not active: %+v", st)
	}
	if c.allowWeak && len(st.Weak) == 0 {
		t.Error("weak algorithms are not marked")
	}
	var warnings []string
	for _, r := range st.Reasons {
		if r.Severity == crl.Warning {
			warnings = append(warnings, r.Text)
		}
	}
	if text := strings.Join(warnings, "; "); c.warning == "" && text != "" || !strings.Contains(text, c.warning) {
		t.Errorf("warnings %q, want %q", text, c.warning)
	}
}

// startKeyman runs keyman's engine at host A, until the test ends.
func (c labCase) startKeyman(t *testing.T, l *lab, peerID string) *ike.Engine {
	t.Helper()
	id := func(s string) ikedb.Identity {
		id, err := ikedb.ParseIdentity(s)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	transform, err := suite.ParseTransform(c.transform)
	if err != nil {
		t.Fatal(err)
	}
	network := l.network
	d := ikedb.Definitions{
		Tunnels: []ikedb.Tunnel{{
			Name: "lab", Protection: "p",
			Local:  ikedb.LocalEnd{Address: network.A.IPv4},
			Remote: ikedb.RemoteEnd{Address: network.B.IPv4},
		}},
		Protections: []ikedb.Protection{{
			Name: "p", Mode: c.mode, Auth: c.auth, Transforms: []suite.Transform{transform},
			AllowWeak: c.allowWeak, Revocation: c.revocation, CRLTimeout: 5 * time.Second,
		}},
	}
	switch {
	case c.names:
		d.Tunnels[0].Local.ID, d.Tunnels[0].Remote.ID = id(l.own.name), id(l.peer.name)
		d.PresharedKeys = []ikedb.PresharedKey{{IDs: []ikedb.Identity{id(l.peer.name)}, Secret: ikedb.NewSecret([]byte(c.psk))}}
	case c.auth == ikedb.AuthPresharedKey:
		d.PresharedKeys = []ikedb.PresharedKey{{IDs: []ikedb.Identity{id(network.B.IPv4.String())}, Secret: ikedb.NewSecret([]byte(c.psk))}}
	default:
		if !c.auth.CRL() {
			d.Protections[0].Revocation = crl.Off
		}
		d.Tunnels[0].Local.ID, d.Tunnels[0].Local.Certificate = id(l.own.name), "own"
		d.Tunnels[0].Remote.ID = id(peerID)
	}
	if c.define != nil {
		c.define(&d)
	}
	db, err := ikedb.New(d)
	if err != nil {
		t.Fatal(err)
	}

	l.fetcher.Dial, l.fetcher.Timeout = network.A, 3*time.Second
	fetcher, err := crl.NewFetcher(l.fetcher)
	if err != nil {
		t.Fatal(err)
	}
	checker, err := crl.NewChecker(crl.CheckerConfig{Source: fetcher})
	if err != nil {
		t.Fatal(err)
	}
	var sockets [2]*net.UDPConn
	for i, port := range []uint16{ikedb.DefaultPort, ikedb.DefaultNATTPort} {
		if sockets[i], err = network.A.ListenUDP(netip.AddrPortFrom(network.A.IPv4, port)); err != nil {
			t.Fatal(err)
		}
	}
	transport, err := ike.NewUDP(sockets)
	if err != nil {
		t.Fatal(err)
	}
	cfg := ike.Config{
		DB: db, Transport: transport, Verifier: checker, Anchors: [][]byte{l.ca.cert.Raw},
		Credentials: map[string]ike.Credential{"own": {Signer: l.own.key, Chain: slices.Concat([][]byte{l.own.der}, l.above, [][]byte{l.ca.cert.Raw})}},
		Timing:      ikev1.Timing{ErrorPatience: 3 * time.Second, Deadline: 20 * time.Second},
	}
	if c.engine != nil {
		c.engine(&cfg)
	}
	engine, err := ike.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return engine
}

package demo

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"keyman/ca"
	"keyman/crl"
	"keyman/crl/certpath"
	"keyman/csr"
	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/ikev1"
	"keyman/internal/atomicfile"
	"keyman/internal/dn"
	"keyman/internal/settings"
	"keyman/keystore"
)

const (
	// domain is that of the gateways' names.
	domain = ".example.org"
	// eventBuffer holds all events of a negotiation many times.
	eventBuffer = 1024
)

// timing waits less than real networks need: on loopback nothing is lost.
var timing = ikev1.Timing{Deadline: 10 * time.Second, ErrorPatience: 300 * time.Millisecond}

// gateway is one end: its key database, its tunnel definitions and its engine.
type gateway struct {
	name  string
	dir   string
	order [2]crl.Protocol // in which it looks for lists
	steps *timeline

	store   *keystore.Store
	request []byte // DER
	issued  *ca.Issued

	transport *ike.UDP
	checker   *crl.Checker
	engine    *ike.Engine
	events    *ike.Subscription
	ended     chan error // what engine.Run returned; nil while it never ran
}

// newGateway makes a gateway's key database with a key and a request for it.
func newGateway(ctx context.Context, s *scenario, name string, order [2]crl.Protocol) (*gateway, error) {
	g := &gateway{name: name, dir: filepath.Join(s.dir, name), order: order, steps: s.steps}
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	subject, err := dn.Parse("C=CH, O=Example, CN=" + g.fqdn())
	if err != nil {
		return nil, err
	}
	sans := []csr.SAN{{Type: csr.DNS, Value: g.fqdn()}}
	if g.request, err = csr.Create(csr.Template{Subject: subject, SANs: sans, IKE: true}, key); err != nil {
		return nil, err
	}
	if g.store, err = s.newStore(ctx, g.dir, "keys.p12"); err != nil {
		return nil, err
	}
	if err := g.store.AddRequest(name, key, g.request); err != nil {
		return nil, err
	}
	if err := g.store.Save(ctx); err != nil {
		return nil, err
	}
	s.steps.add(Step{Who: name, What: KindKey, Text: fmt.Sprintf("made a key (%s) and a request in its key database", keySpec)})
	return g, nil
}

func (g *gateway) fqdn() string { return g.name + domain }

// receive trusts the CA and takes the certificate that it issued.
func (g *gateway) receive(ctx context.Context, authority []byte, issued *ca.Issued) error {
	if _, err := g.store.AddSigner(caName, authority, true); err != nil {
		return err
	}
	if _, err := g.store.Receive([][]byte{issued.Certificate}, g.name, certpath.Between); err != nil {
		return err
	}
	if err := g.store.Save(ctx); err != nil {
		return err
	}
	g.issued = issued
	g.steps.add(Step{Who: g.name, What: KindReceived, Text: "trusts the CA, and received its certificate"})
	return nil
}

// listen opens the gateway's sockets, on ports that the system chooses.
func (g *gateway) listen() (err error) {
	g.transport, err = ike.ListenUDP(loopback(), 0, 0)
	return err
}

// loopback is where everything happens.
func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

// ports are the gateway's IKE port and that of NAT traversal.
func (g *gateway) ports() (ike, natt uint16) {
	return g.transport.Local(netip.AddrPortFrom(loopback(), 0), false).Port(), g.transport.Local(netip.AddrPortFrom(loopback(), 0), true).Port()
}

// tunnelsFormat is a gateway's tunnels.toml.
const tunnelsFormat = `[[tunnel]]
name = %[2]q
protection = "signed"
  [tunnel.local]
  address = "127.0.0.1"
  id = "fqdn:%[1]s%[3]s"
  certificate = %[1]q
  [tunnel.remote]
  address = "127.0.0.1"
  id = "fqdn:%[2]s%[3]s"
  port = %[4]d
  natt-port = %[5]d

[[protection]]
name = "signed"
auth = "rsa-signature-crl"
transforms = ["aes256-sha256-modp2048"]
revocation = "strict"
`

// start writes the definition of the tunnel to a peer and runs the engine until
// ctx ends.
func (g *gateway) start(ctx context.Context, s *scenario, peer *gateway) error {
	port, nattPort := peer.ports()
	path := filepath.Join(g.dir, "tunnels.toml")
	definitions := fmt.Sprintf(tunnelsFormat, g.name, peer.name, domain, port, nattPort)
	if err := atomicfile.Write(path, []byte(definitions), publicMode); err != nil {
		return err
	}
	db, err := ikedb.Load(path)
	if err != nil {
		return err
	}
	if g.checker, err = g.newChecker(s.places); err != nil {
		return err
	}
	entry, ok := g.store.Lookup(g.name)
	if !ok {
		return fmt.Errorf("%s has no entry %q", g.store.Path(), g.name)
	}
	signer, err := entry.Signer()
	if err != nil {
		return err
	}
	if g.engine, err = ike.New(ike.Config{
		DB:          db,
		Transport:   g.transport,
		Verifier:    g.checker,
		Credentials: map[string]ike.Credential{g.name: {Signer: signer, Chain: entry.Chain}},
		Anchors:     g.store.Anchors(),
		Timing:      timing,
	}); err != nil {
		return err
	}
	g.events = g.engine.Events(eventBuffer)
	g.ended = make(chan error, 1)
	go func() { g.ended <- g.engine.Run(ctx) }()
	own, _ := g.ports()
	g.steps.add(Step{Who: g.name, What: KindServing, Text: fmt.Sprintf("listens on 127.0.0.1:%d, gets lists by %s, then %s", own, protocolName(g.order[0]), protocolName(g.order[1]))})
	return nil
}

func protocolName(p crl.Protocol) string { return strings.ToUpper(string(p)) }

// settingsFormat is a gateway's keyman.toml.
const settingsFormat = `[crl]
fetch_order = [%q, %q]
http_proxy = %q
`

// newChecker writes the gateway's settings and makes what checks its peers'
// certificates by them.
func (g *gateway) newChecker(places *publishing) (*crl.Checker, error) {
	path := filepath.Join(g.dir, "keyman.toml")
	file := fmt.Sprintf(settingsFormat, g.order[0], g.order[1], places.proxyURL(g.name))
	if err := atomicfile.Write(path, []byte(file), publicMode); err != nil {
		return nil, err
	}
	all := struct {
		CRL crl.Settings `toml:"crl"`
	}{crl.DefaultSettings()}
	if err := settings.Load(path, &all); err != nil {
		return nil, err
	}
	config, err := all.CRL.FetcherConfig()
	if err != nil {
		return nil, err
	}
	fetcher, err := crl.NewFetcher(config)
	if err != nil {
		return nil, err
	}
	return crl.NewChecker(crl.CheckerConfig{Source: watched{fetcher, g}, Order: all.CRL.FetchOrder})
}

// active reports whether the tunnel is up on this side.
func (g *gateway) active(ctx context.Context) (bool, error) {
	list, err := g.engine.List(ctx)
	for _, st := range list {
		if st.State == ike.TunnelActive {
			return true, err
		}
	}
	return false, err
}

// close waits for the end of the engine, whose context has ended.
func (g *gateway) close() error {
	var err error
	if g.ended != nil {
		err = <-g.ended
	}
	if g.transport != nil {
		// Closing twice is allowed: it is for an engine that never ran.
		_ = g.transport.Close()
	}
	return err
}

package ikev1

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"flag"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
	"keyman/internal/testpeer"
)

var update = flag.Bool("update", false, "record the flows anew, with the installed strongSwan")

// TestRecord negotiates with strongSwan and, with -update, keeps the flows that
// TestReplay replays. Without, it checks that the negotiations still end so.
func TestRecord(t *testing.T) {
	const main, aggressive = 0, isakmp.Aggressive
	for _, c := range []struct {
		name      string
		role      Role
		mode      isakmp.ExchangeType
		transform string
		auth      suite.AuthMethod
		natt      bool
	}{
		{"psk-initiator", Initiator, main, "aes128-sha1-modp1024", suite.PresharedKey, false},
		{"psk-responder", Responder, main, "aes128-sha256-ecp256", suite.PresharedKey, false},
		{"rsa-initiator", Initiator, main, "aes128-sha256-modp2048", suite.RSASignature, false},
		{"rsa-responder", Responder, main, "aes256-sha384-ecp384", suite.RSASignature, false},
		{"rsa-natt-initiator", Initiator, main, "3des-md5-modp1024", suite.RSASignature, true},
		{"ecdsa-initiator", Initiator, main, "aes128-sha256-ecp256", suite.ECDSA256, false},
		{"ecdsa-responder", Responder, main, "aes256-sha256-ecp384", suite.ECDSA384, false},
		{"aggressive-psk-initiator", Initiator, aggressive, "3des-md5-modp1024", suite.PresharedKey, false},
		{"aggressive-psk-responder", Responder, aggressive, "aes128-sha256-ecp256", suite.PresharedKey, false},
		{"aggressive-psk-natt-initiator", Initiator, aggressive, "aes128-sha256-ecp256", suite.PresharedKey, true},
		{"aggressive-rsa-initiator", Initiator, aggressive, "aes128-sha256-modp2048", suite.RSASignature, false},
		{"aggressive-rsa-responder", Responder, aggressive, "aes128-sha256-ecp256", suite.RSASignature, false},
		{"aggressive-rsa-natt-responder", Responder, aggressive, "aes128-sha256-ecp256", suite.RSASignature, true},
		{"aggressive-ecdsa-initiator", Initiator, aggressive, "aes256-sha512-ecp521", suite.ECDSA521, false},
		{"aggressive-ecdsa-responder", Responder, aggressive, "aes128-sha256-ecp256", suite.ECDSA256, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			network := testpeer.NewNetwork(t)
			f := &flow{Role: c.role, Mode: c.mode, Transform: c.transform, Auth: c.auth, LocalID: "keyman.test", PeerID: "peer.test", ForceNATT: c.natt}
			if _, err := rand.Read(f.Seed[:]); err != nil {
				t.Fatal(err)
			}
			copy(f.Cookie[:], "keyman\x00\x01")
			f.Path = Path{Local: addrPort(network.A.IPv4, 500), Remote: addrPort(network.B.IPv4, 500)}
			f.NATTPath = Path{Local: addrPort(network.A.IPv4, 4500), Remote: addrPort(network.B.IPv4, 4500), NATT: true}
			swan := testpeer.StrongSwanConfig{Remote: network.A.IPv4, LocalID: f.PeerID, RemoteID: f.LocalID, Proposals: c.transform, Aggressive: c.mode == aggressive}
			var key crypto.Signer
			if c.auth == suite.PresharedKey {
				f.PSK = []byte("a secret of the tests")
				swan.PSK = f.PSK
			} else {
				key = f.certify(t, &swan)
			}
			peer := testpeer.StartStrongSwan(t, network.B, swan)
			version, err := peer.Version(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f.Peer = "strongSwan " + version
			live := &recorder{t: t, f: f, key: key, events: make(chan recorded, 64), sockets: map[bool]*net.UDPConn{}}
			live.listen(network)
			if c.role == Responder {
				// strongSwan reads what comes in with several threads: a
				// DELETE on the heels of message 6 may be read before it.
				live.settled = make(chan error, 1)
				go func() {
					_, err := peer.Initiate(t.Context())
					live.settled <- err
				}()
			}
			live.run()
			peer.WaitLog(t, "received DELETE for IKE_SA")
			f.replay(t)
			if !*update || t.Failed() {
				return
			}
			data, err := json.MarshalIndent(f, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join("testdata", "flows", c.name+".json"), append(data, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// certify makes a CA and certificates for both sides.
func (f *flow) certify(t *testing.T, swan *testpeer.StrongSwanConfig) crypto.Signer {
	t.Helper()
	keys := testKeys(t, f.Auth)
	caKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Flow CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	sign := func(template *x509.Certificate, key crypto.Signer) []byte {
		der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), caKey)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	inPEM := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	swan.CAs = inPEM("CERTIFICATE", sign(ca, caKey))
	for i, name := range []string{f.LocalID, f.PeerID} {
		der := sign(&x509.Certificate{
			SerialNumber: big.NewInt(int64(2 + i)), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
			NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		}, keys[i])
		if i == 0 {
			f.Chain = [][]byte{der}
			continue
		}
		pkcs8, err := x509.MarshalPKCS8PrivateKey(keys[i])
		if err != nil {
			t.Fatal(err)
		}
		swan.Chain, swan.Key = inPEM("CERTIFICATE", der), inPEM("PRIVATE KEY", pkcs8)
	}
	block, _ := pem.Decode(swan.CAs)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	f.Authority = cert.RawSubject
	return keys[0]
}

// recorder drives an SA over real sockets and writes down what happens. It ends
// when the SA has been established and closed.
type recorder struct {
	t       *testing.T
	f       *flow
	key     crypto.Signer
	sockets map[bool]*net.UDPConn // by NATT
	events  chan recorded
	settled chan error // the peer, as initiator, is done; nil where we are, and once it has said so
}

// recorded is an event with what a flow keeps of it.
type recorded struct {
	event Event
	step  flowStep
}

// listen opens both ports at host A and passes on what arrives.
func (r *recorder) listen(network *testpeer.Network) {
	for _, natt := range []bool{false, true} {
		port := uint16(500)
		if natt {
			port = 4500
		}
		conn, err := network.A.ListenUDP(addrPort(network.A.IPv4, port))
		if err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() { conn.Close() })
		r.sockets[natt] = conn
		go func() {
			buf := make([]byte, 65535)
			for {
				n, from, err := conn.ReadFromUDPAddrPort(buf)
				if err != nil {
					return
				}
				data := buf[:n]
				if natt {
					if n < 4 || string(data[:4]) != "\x00\x00\x00\x00" {
						continue
					}
					data = data[4:]
				}
				data = append([]byte(nil), data...)
				p := Path{Local: addrPort(network.A.IPv4, port), Remote: from, NATT: natt}
				r.events <- recorded{Datagram{Path: p, Data: data}, flowStep{Event: "datagram", Path: &p, Data: data}}
			}
		}()
	}
}

// run carries the negotiation through and closes the SA.
func (r *recorder) run() {
	sa, err := New(r.f.config(r.t))
	if err != nil {
		r.t.Fatal(err)
	}
	if r.f.Role == Initiator {
		r.events <- recorded{Start{}, flowStep{Event: "start"}}
	}
	const limit = 30 * time.Second
	start := time.Now()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		var next recorded
		select {
		case next = <-r.events:
		case err := <-r.settled:
			if err != nil {
				r.t.Error(err)
			}
			r.settled = nil
			if sa.State() != StateEstablished {
				continue // in aggressive mode an initiator is done first
			}
			next = recorded{Close{Reason: "removed"}, flowStep{Event: "close"}}
		case <-timer.C:
			next = recorded{Timer{}, flowStep{Event: "timer"}}
		}
		now := time.Since(start)
		if now > limit {
			r.t.Fatalf("still %v after %v", sa.State(), limit)
		}
		next.step.After = now
		for _, e := range sa.Handle(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(now), next.event) {
			r.perform(e, &next.step, timer, now)
		}
		r.f.Steps = append(r.f.Steps, next.step)
		switch sa.State() {
		case StateClosed:
			return
		case StateFailed, Gone:
			r.t.Fatalf("the negotiation failed: %v", next.step.Outcomes)
		}
	}
}

func (r *recorder) perform(e Effect, step *flowStep, timer *time.Timer, now time.Duration) {
	switch e := e.(type) {
	case Send:
		step.Sent = append(step.Sent, e.Data)
		data := e.Data
		if e.Path.NATT {
			data = append(make([]byte, 4), data...)
		}
		if _, err := r.sockets[e.Path.NATT].WriteToUDPAddrPort(data, e.Path.Remote); err != nil {
			r.t.Error(err)
		}
	case SetTimer:
		timer.Reset(e.At.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(now)))
	case GenerateKey:
		used := &tape{source: rand.Reader}
		key, err := e.Group.GenerateKey(used)
		r.events <- recorded{KeyPair{Key: key, Err: err, Exchange: e.Exchange}, flowStep{Event: "key", Data: used.used}}
	case ComputeSecret:
		secret, err := e.Key.Shared(e.Peer)
		r.events <- recorded{SharedSecret{Secret: secret, Err: err, Exchange: e.Exchange}, flowStep{Event: "secret"}}
	case Sign:
		signature, err := r.f.Auth.Sign(rand.Reader, r.key, e.Hash)
		r.events <- recorded{Signed{signature, err}, flowStep{Event: "signed", Data: signature}}
	case Verify:
		r.events <- recorded{Verdict{}, flowStep{Event: "verdict"}}
		r.note(e, step)
	case Established:
		r.note(e, step)
		switch {
		case r.f.Quick != nil && r.f.Role == Initiator:
			r.events <- recorded{Negotiate{Policy: r.f.Quick.policy(r.t), SPI: flowSPI}, flowStep{Event: "negotiate"}}
		case r.settled == nil:
			r.events <- recorded{Close{Reason: "removed"}, flowStep{Event: "close"}}
		}
	case ChildOffered:
		r.events <- recorded{Terms{Exchange: e.Exchange, Policies: []*ChildPolicy{r.f.Quick.policy(r.t)}, SPI: flowSPI}, flowStep{Event: "terms"}}
	case ChildUp:
		r.note(e, step)
		if r.settled == nil {
			r.events <- recorded{Close{Reason: "removed"}, flowStep{Event: "close"}}
		}
	case Failed, Closed, ChildFailed:
		r.note(e, step)
	}
}

func (r *recorder) note(e Effect, step *flowStep) {
	word, err := outcome(e)
	if err != nil {
		r.t.Error(err)
	}
	step.Outcomes = append(step.Outcomes, word)
}

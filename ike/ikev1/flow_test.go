package ikev1

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// A flow is a negotiation with another program as it really happened, from our
// side: every event that came in and every effect that had to follow. It is
// replayed without the program. Keys and secrets in it were made for it.
type flow struct {
	Peer      string // the program and its version
	Role      Role
	Mode      isakmp.ExchangeType `json:",omitempty"` // main mode where it says nothing
	Transform string
	Auth      suite.AuthMethod
	LocalID   string
	PeerID    string
	PSK       []byte   `json:",omitempty"`
	Chain     [][]byte `json:",omitempty"`
	Authority []byte   `json:",omitempty"`
	Path      Path
	NATTPath  Path
	ForceNATT bool
	Cookie    isakmp.Cookie
	Seed      [32]byte
	Quick     *flowChild `json:",omitempty"` // where a quick mode follows
	Steps     []flowStep

	// What a replay adds: the messages both ways, and the keys.
	capture []captured
	keys    []ExportedKey
}

// flowStep is an event and the datagrams and outcomes that it caused.
type flowStep struct {
	After    time.Duration // since the first event
	Event    string
	Path     *Path  `json:",omitempty"` // of a datagram
	Data     []byte `json:",omitempty"` // datagram, random bytes of the key, or signature
	Sent     [][]byte
	Outcomes []string `json:",omitempty"`
}

// config makes our side of the flow.
func (f *flow) config(t *testing.T) Config {
	t.Helper()
	tr := testTransform(t, f.Transform, f.Auth)
	p := &Policy{Name: "flow", Transforms: []suite.Transform{tr}, LocalID: fqdn(f.LocalID), MatchID: matchFQDN(f.PeerID), PSK: f.PSK, Chain: f.Chain}
	if f.Authority != nil {
		p.Authorities = [][]byte{f.Authority}
	}
	return Config{
		Role: f.Role, Mode: f.Mode, Policies: []*Policy{p}, Path: f.Path, NATTPath: f.NATTPath, ForceNATT: f.ForceNATT,
		Cookie: f.Cookie, Seed: f.Seed, InitialContact: true, ExportKeys: true,
	}
}

// tape gives recorded random bytes, or records fresh ones.
type tape struct {
	source interface{ Read([]byte) (int, error) }
	used   []byte
}

func (t *tape) Read(p []byte) (int, error) {
	n, err := t.source.Read(p)
	t.used = append(t.used, p[:n]...)
	return n, err
}

// outcome names the effects that a flow keeps; verifications are checked here,
// since the peer's certificate is in them.
func outcome(e Effect) (string, error) {
	switch e := e.(type) {
	case Established:
		return fmt.Sprintf("established %v with %v %q, NAT %v", e.Transform, e.PeerID.IDType, e.PeerID.Data, e.NAT), nil
	case Failed:
		return "failed: " + e.Err.Error(), nil
	case ChildUp:
		return childOutcome(e.SA), nil
	case ChildFailed:
		return "quick mode failed: " + e.Err.Error(), nil
	case Closed:
		return "closed: " + e.Reason, nil
	case Verify:
		leaf, err := x509.ParseCertificate(e.Certificates[0])
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("verify %v, %d certificates", leaf.Subject, len(e.Certificates)), e.Policy.Auth().Verify(leaf.PublicKey, e.Hash, e.Signature)
	}
	return "", nil
}

// TestReplay replays every recorded flow: the same events at the same times give
// the same messages, byte for byte, and the same outcomes.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/flows/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no flows: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var f flow
			if err := json.Unmarshal(data, &f); err != nil {
				t.Fatal(err)
			}
			f.replay(t)
		})
	}
}

func (f *flow) replay(t *testing.T) {
	sa, err := New(f.config(t))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var (
		key     *GenerateKey
		secret  *ComputeSecret
		offered ChildOffered
		end     bool
	)
	for i, step := range f.Steps {
		var ev Event
		switch step.Event {
		case "start":
			ev = Start{}
		case "datagram":
			ev = Datagram{Path: *step.Path, Data: step.Data}
			f.capture = append(f.capture, captured{at: start.Add(step.After), path: step.Path.reverse(), data: step.Data})
		case "timer":
			ev = Timer{}
		case "key":
			k, err := key.Group.GenerateKey(bytes.NewReader(step.Data))
			ev = KeyPair{Key: k, Err: err, Exchange: key.Exchange}
		case "secret":
			s, err := secret.Key.Shared(secret.Peer)
			ev = SharedSecret{Secret: s, Err: err, Exchange: secret.Exchange}
		case "signed":
			ev = Signed{Signature: step.Data}
		case "verdict":
			ev = Verdict{}
		case "negotiate":
			ev = Negotiate{Policy: f.Quick.policy(t), SPI: flowSPI}
		case "terms":
			ev = Terms{Exchange: offered.Exchange, Policies: []*ChildPolicy{f.Quick.policy(t)}, SPI: flowSPI}
		case "close":
			ev = Close{Reason: "removed"}
		default:
			t.Fatalf("step %d: event %q", i, step.Event)
		}
		var sent [][]byte
		var outcomes []string
		for _, e := range sa.Handle(start.Add(step.After), ev) {
			switch e := e.(type) {
			case Send:
				sent = append(sent, e.Data)
				f.capture = append(f.capture, captured{at: start.Add(step.After), path: e.Path, data: e.Data})
			case ExportedKey:
				f.keys = append(f.keys, e)
			case ChildOffered:
				offered = e
			case GenerateKey:
				key = &e
			case ComputeSecret:
				secret = &e
			default:
				word, err := outcome(e)
				if err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				if word != "" {
					outcomes = append(outcomes, word)
					_, closed := e.(Closed)
					end = end || closed
				}
			}
		}
		if fmt.Sprintf("%x", sent) != fmt.Sprintf("%x", step.Sent) {
			t.Errorf("step %d (%s):\nsent %x\nwant %x", i, step.Event, sent, step.Sent)
		}
		if fmt.Sprint(outcomes) != fmt.Sprint(step.Outcomes) {
			t.Errorf("step %d (%s): %q, want %q", i, step.Event, outcomes, step.Outcomes)
		}
	}
	if !end {
		t.Error("the flow does not reach its end")
	}
}

// Whatever byte of a message is changed on its way, nobody but the recorded peer,
// with its key and under its identity, is verified. (The rest of a certificate
// is the verifier's to check: IKE's signature does not cover it.)
func TestReplayDamaged(t *testing.T) {
	files, err := filepath.Glob("testdata/flows/*.json")
	files = slices.DeleteFunc(files, func(name string) bool { return strings.Contains(name, "psk") })
	if err != nil || len(files) == 0 {
		t.Fatalf("no flows: %v", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var f flow
		if err := json.Unmarshal(data, &f); err != nil {
			t.Fatal(err)
		}
		// The peer's key is the one that the undamaged flow verifies.
		var key publicKey
		f.verifications(t, func(v Verify) { key = leafKey(t, v) })
		if key == nil {
			t.Fatalf("%s verifies nobody", file)
		}
		for i, step := range f.Steps {
			if step.Event != "datagram" || len(step.Data) == 0 || i == len(f.Steps)-1 {
				continue
			}
			for at := 0; at < len(step.Data); at += 37 {
				f.damaged(t, i, at, key)
			}
		}
	}
}

// damaged replays with one byte of one datagram changed.
func (f *flow) damaged(t *testing.T, step, at int, key publicKey) {
	t.Helper()
	changed := *f
	changed.Steps = slices.Clone(f.Steps)
	changed.Steps[step].Data = bytes.Clone(f.Steps[step].Data)
	changed.Steps[step].Data[at] ^= 0x40
	changed.verifications(t, func(v Verify) {
		if string(v.ID.Data) != f.PeerID || !leafKey(t, v).Equal(key) {
			t.Errorf("byte %d of step %d changed: %q is verified", at, step, v.ID.Data)
		}
	})
}

// verifications replays a flow as far as it goes and hands over every peer whose
// signature is right.
func (f *flow) verifications(t *testing.T, verified func(Verify)) {
	t.Helper()
	sa, err := New(f.config(t))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var pending []Event
	for _, s := range f.Steps {
		var ev Event
		switch s.Event {
		case "start":
			ev = Start{}
		case "datagram":
			ev = Datagram{Path: *s.Path, Data: s.Data}
		case "timer":
			ev = Timer{}
		case "close":
			ev = Close{}
		default:
			if len(pending) == 0 {
				return // the SA asked for nothing: it has stopped
			}
			ev, pending = pending[0], pending[1:]
		}
		for _, e := range sa.Handle(start.Add(s.After), ev) {
			switch e := e.(type) {
			case GenerateKey:
				k, err := e.Group.GenerateKey(bytes.NewReader(f.first("key")))
				pending = append(pending, KeyPair{Key: k, Err: err})
			case ComputeSecret:
				s, err := e.Key.Shared(e.Peer)
				pending = append(pending, SharedSecret{Secret: s, Err: err})
			case Sign:
				pending = append(pending, Signed{Signature: f.first("signed")})
			case Verify:
				_, err := outcome(e)
				if err == nil {
					verified(e)
				}
				pending = append(pending, Verdict{Err: err})
			}
		}
	}
}

// publicKey is what all public keys of the standard library are.
type publicKey interface{ Equal(crypto.PublicKey) bool }

// leafKey returns the key of the peer's certificate.
func leafKey(t *testing.T, v Verify) publicKey {
	t.Helper()
	leaf, err := x509.ParseCertificate(v.Certificates[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf.PublicKey.(publicKey)
}

// first returns the data of the first step of a kind.
func (f *flow) first(event string) []byte {
	for _, s := range f.Steps {
		if s.Event == event {
			return s.Data
		}
	}
	return nil
}

// addrPort makes paths readable in the flows.
func addrPort(a netip.Addr, port uint16) netip.AddrPort { return netip.AddrPortFrom(a, port) }

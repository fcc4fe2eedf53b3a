package ikev1

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"keyman/ike/suite"
	"keyman/internal/testpeer"
)

// flowSPI is our SPI in recorded flows.
const flowSPI = 0xc0ffee01

// A flowChild is the phase 2 tunnel of a recorded flow: 10.9.1.0/24 at our end and
// 10.9.2.0/24 at the other.
type flowChild struct {
	ESP string
	PFS suite.Group `json:",omitempty"`
}

// policy makes our side of it.
func (f *flowChild) policy(t testing.TB) *ChildPolicy {
	t.Helper()
	p := &ChildPolicy{Name: "flow", Local: subnet("10.9.1.0/24"), Remote: subnet("10.9.2.0/24"), Proposals: []ChildProposal{{ESP: esp(t, f.ESP)}}}
	if f.PFS != 0 {
		p.Groups = []suite.Group{f.PFS}
	}
	return p
}

// childOutcome describes an SA for a flow, with a digest of its keys.
func childOutcome(sa *ChildSA) string {
	digest := sha256.New()
	for _, p := range sa.Pairs {
		for _, key := range []Secret{p.In.Encryption, p.In.Integrity, p.Out.Encryption, p.Out.Integrity} {
			digest.Write(key.Bytes())
		}
	}
	return fmt.Sprintf("quick mode: %s, %v to %v, SPIs %08x and %08x, keys %x", describeChild(sa), sa.Local, sa.Remote,
		sa.SPI(), sa.Pairs[0].Out.SPI, digest.Sum(nil)[:8])
}

// TestRecordQuick is TestRecord for negotiations with a quick mode.
func TestRecordQuick(t *testing.T) {
	for _, c := range []struct {
		name string
		role Role
		esp  string
		swan string
		pfs  suite.Group
	}{
		{"quick-psk-initiator", Initiator, "aes128-sha256", "aes128-sha256", 0},
		{"quick-pfs-psk-initiator", Initiator, "aes256gcm16", "aes256gcm16-ecp256", suite.ECP256},
		{"quick-psk-responder", Responder, "3des-md5", "3des-md5", 0},
		{"quick-pfs-psk-responder", Responder, "aes256-sha512", "aes256-sha512-modp2048", suite.MODP2048},
	} {
		t.Run(c.name, func(t *testing.T) {
			network := testpeer.NewNetwork(t)
			f := &flow{Role: c.role, Transform: "aes128-sha256-ecp256", Auth: suite.PresharedKey, LocalID: "keyman.test", PeerID: "peer.test",
				PSK: []byte("a secret of the tests"), Quick: &flowChild{ESP: c.esp, PFS: c.pfs}}
			if _, err := rand.Read(f.Seed[:]); err != nil {
				t.Fatal(err)
			}
			copy(f.Cookie[:], "keyman\x00\x01")
			f.Path = Path{Local: addrPort(network.A.IPv4, 500), Remote: addrPort(network.B.IPv4, 500)}
			f.NATTPath = Path{Local: addrPort(network.A.IPv4, 4500), Remote: addrPort(network.B.IPv4, 4500), NATT: true}
			if out, err := network.B.Command(t.Context(), "ip", "addr", "add", "10.9.2.1/24", "dev", "lo").CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			peer := testpeer.StartStrongSwan(t, network.B, testpeer.StrongSwanConfig{
				Remote: network.A.IPv4, LocalID: f.PeerID, RemoteID: f.LocalID, Proposals: f.Transform, PSK: f.PSK, Encap: true,
				Children: []testpeer.StrongSwanChild{{Name: "net", Local: "10.9.2.0/24", Remote: "10.9.1.0/24", ESP: c.swan}},
			})
			version, err := peer.Version(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f.Peer = "strongSwan " + version
			live := &recorder{t: t, f: f, events: make(chan recorded, 64), sockets: map[bool]*net.UDPConn{}}
			live.listen(network)
			if c.role == Responder {
				live.settled = make(chan error, 1)
				go func() {
					_, err := peer.InitiateChild(t.Context(), "net")
					live.settled <- err
				}()
			}
			live.run()
			peer.WaitLog(t, "received DELETE for IKE_SA")
			f.replay(t)
			up := 0
			for _, step := range f.Steps {
				for _, word := range step.Outcomes {
					if len(word) > 10 && word[:10] == "quick mode" {
						up++
					}
				}
			}
			if up != 1 {
				t.Errorf("%d quick modes came up", up)
			}
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

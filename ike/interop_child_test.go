package ike_test

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"keyman/ike"
	"keyman/ike/ikedb"
	"keyman/ike/iketest"
	"keyman/ike/suite"
	"keyman/internal/testpeer"
)

// childLab is keyman and strongSwan with phase 2 tunnels between 10.9.1.0/24 at
// keyman's end and 10.9.2.0/24, and further ones above them, at strongSwan's.
type childLab struct {
	engine *ike.Engine
	plane  *iketest.DataPlane
	peer   *testpeer.StrongSwan
	events *ike.Subscription
}

// childCase is one phase 2 tunnel.
type childCase struct {
	name string
	esp  string // keyman's words
	swan string // strongSwan's
	pfs  suite.Group
	weak bool
	// mode is phase 1's; default main.
	mode ikedb.Mode
	// rekey is strongSwan's rekey_time; default its hour.
	rekey time.Duration
	// life is that of keyman's definition; default an hour.
	life string
}

// start runs both with so many phase 2 tunnels of the case, net1 and so on.
func (c childCase) start(t *testing.T, tunnels int) *childLab {
	t.Helper()
	if c.life == "" {
		c.life = "1h"
	}
	network := testpeer.NewNetwork(t)
	swan := testpeer.StrongSwanConfig{Remote: network.A.IPv4, Encap: true, PSK: []byte("interop secret")}
	for n := range tunnels {
		inside := fmt.Sprintf("10.9.%d.1/24", 2+10*n)
		if out, err := network.B.Command(t.Context(), "ip", "addr", "add", inside, "dev", "lo").CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		swan.Children = append(swan.Children, testpeer.StrongSwanChild{
			Name: fmt.Sprintf("net%d", n+1), Local: fmt.Sprintf("10.9.%d.0/24", 2+10*n), Remote: fmt.Sprintf("10.9.%d.0/24", 1+10*n),
			ESP: c.swan, RekeyTime: c.rekey,
		})
	}
	swan.Aggressive = c.mode.Aggressive()
	l := &childLab{plane: iketest.NewDataPlane()}
	l.peer = testpeer.StartStrongSwan(t, network.B, swan)
	keyman := labCase{
		transform: "aes128-sha256-modp2048", auth: ikedb.AuthPresharedKey, psk: "interop secret",
		mode: c.mode, allowWeak: c.mode.Aggressive(),
		engine: func(cfg *ike.Config) { cfg.DataPlane = l.plane },
		define: func(d *ikedb.Definitions) {
			d.Proposals = []ikedb.Proposal{{Name: "esp", ESP: []ikedb.DataTransform{dataESP(t, c.esp+" "+c.life)}}}
			d.DataProtections = []ikedb.DataProtection{{Name: "lan", Proposals: []string{"esp"}, PFS: c.pfs, AllowWeak: c.weak}}
			for n := range tunnels {
				d.DataTunnels = append(d.DataTunnels, ikedb.DataTunnel{
					Name: fmt.Sprintf("net%d", n+1), Tunnel: "lab", Protection: "lan",
					Local:  ikedb.Selector{Endpoint: dataEndpoint(t, fmt.Sprintf("10.9.%d.0/24", 1+10*n))},
					Remote: ikedb.DataRemote{Selector: ikedb.Selector{Endpoint: dataEndpoint(t, fmt.Sprintf("10.9.%d.0/24", 2+10*n))}},
				})
			}
		},
	}
	l.engine = keyman.startKeyman(t, &lab{network: network, ca: newLabCA(t)}, "")
	l.events = l.engine.Events(10000)
	return l
}

// up brings a tunnel up from one end and waits for both.
func (l *childLab) up(t *testing.T, name string, keymanStarts bool) {
	t.Helper()
	if keymanStarts {
		st, err := l.engine.ActivateDataWait(t.Context(), name)
		if err != nil || st.State != ike.TunnelActive {
			t.Fatalf("%+v, %v", st, err)
		}
		return
	}
	if out, err := l.peer.InitiateChild(t.Context(), name); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l.await(t, ike.EventDataUp)
}

// await returns the next event of a kind.
func (l *childLab) await(t *testing.T, kind ike.EventKind) ike.Event {
	t.Helper()
	for ev := range l.events.C {
		if ev.Kind == kind {
			return ev
		}
	}
	t.Fatalf("the engine ended without %q", kind)
	return ike.Event{}
}

// loggedKey finds the keys that strongSwan logs.
var loggedKey = regexp.MustCompile(`(?s)(encryption|integrity) (initiator|responder) key => (\d+) bytes[^\n]*\n((?:[^\n]*\d+: (?:[0-9A-F]{2} )+[^\n]*\n)+)`)

// hexLine finds the bytes of one line of a dump.
var hexLine = regexp.MustCompile(`\d+: ((?:[0-9A-F]{2} )+)`)

// peerKeys returns the keys that strongSwan has logged, as hexadecimal.
func (l *childLab) peerKeys(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	for _, m := range loggedKey.FindAllStringSubmatch(l.peer.Log(), -1) {
		var text string
		for _, line := range hexLine.FindAllStringSubmatch(m[4], -1) {
			text += strings.ReplaceAll(line[1], " ", "")
		}
		keys[strings.ToLower(text)] = true
	}
	return keys
}

// sameKeys checks that strongSwan has each key that keyman's data plane has, and
// each SPI.
func (l *childLab) sameKeys(t *testing.T) {
	t.Helper()
	for _, sa := range used(l.plane) {
		p := sa.SA.Pairs[0]
		l.peer.WaitLog(t, fmt.Sprintf("SPIs %08x_i %08x_o", p.Out.SPI, p.In.SPI))
	}
	keys := l.peerKeys(t)
	sas, err := l.peer.ListSAs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, sa := range used(l.plane) {
		for _, p := range sa.SA.Pairs {
			for _, way := range []struct {
				spi  uint32
				keys [][]byte
			}{{p.In.SPI, [][]byte{p.In.Encryption.Bytes(), p.In.Integrity.Bytes()}}, {p.Out.SPI, [][]byte{p.Out.Encryption.Bytes(), p.Out.Integrity.Bytes()}}} {
				if !strings.Contains(sas, fmt.Sprintf("%08x", way.spi)) {
					t.Errorf("strongSwan has no SPI %08x:\n%s", way.spi, sas)
				}
				for _, key := range way.keys {
					if len(key) > 0 && !keys[hex.EncodeToString(key)] {
						t.Errorf("strongSwan does not have the key of %08x", way.spi)
					}
				}
			}
		}
	}
}

// TestStrongSwanQuickMode negotiates phase 2 with strongSwan, in both directions.
func TestStrongSwanQuickMode(t *testing.T) {
	for _, c := range []childCase{
		{name: "aes128-sha256", esp: "aes128-sha256", swan: "aes128-sha256"},
		{name: "aes256-sha512-pfs", esp: "aes256-sha512", swan: "aes256-sha512-modp2048", pfs: suite.MODP2048},
		{name: "aes192-sha384-ecp384", esp: "aes192-sha384", swan: "aes192-sha384-ecp384", pfs: suite.ECP384},
		{name: "aes128gcm16-ecp256", esp: "aes128gcm16", swan: "aes128gcm16-ecp256", pfs: suite.ECP256},
		{name: "aes256gcm16", esp: "aes256gcm16", swan: "aes256gcm16"},
		{name: "3des-md5", esp: "3des-md5", swan: "3des-md5-modp1024", pfs: suite.MODP1024, weak: true},
		{name: "null-sha1", esp: "null-sha1", swan: "null-sha1", weak: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, starts := range []string{"keyman", "strongswan"} {
				t.Run(starts+"-starts", func(t *testing.T) {
					t.Parallel()
					l := c.start(t, 1)
					l.up(t, "net1", starts == "keyman")
					l.sameKeys(t)
					if n := len(used(l.plane)); n != 1 {
						t.Errorf("%d SAs", n)
					}
					list, err := l.engine.ListData(t.Context(), "lab")
					if err != nil || list[0].State != ike.TunnelActive || list[0].SAs[0].Protocols[0].Encapsulation != "tunnel in UDP" || (len(list[0].SAs[0].Weak) > 0) != c.weak {
						t.Errorf("%+v, %v", list, err)
					}
				})
			}
		})
	}
}

// Several phase 2 tunnels under one phase 1, begun at both ends at once.
func TestStrongSwanSeveralChildren(t *testing.T) {
	l := childCase{esp: "aes128gcm16", swan: "aes128gcm16"}.start(t, 4)
	l.up(t, "net1", true)
	done := make(chan error, 2)
	for _, name := range []string{"net2", "net4"} {
		go func() {
			st, err := l.engine.ActivateDataWait(t.Context(), name)
			if err == nil && st.State != ike.TunnelActive {
				err = fmt.Errorf("%s: %s", name, st.Error)
			}
			done <- err
		}()
	}
	if out, err := l.peer.InitiateChild(t.Context(), "net3"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	l.sameKeys(t)
	if n := len(used(l.plane)); n != 4 {
		t.Errorf("%d SAs", n)
	}
	if sas, _ := l.peer.ListSAs(t.Context()); strings.Count(sas, "ESTABLISHED") != 1 {
		t.Errorf("not one phase 1:\n%s", sas)
	}
	// DELETE both ways; the others stay.
	if n, err := l.engine.RemoveData(t.Context(), "net1"); n != 1 || err != nil {
		t.Error(n, err)
	}
	l.peer.WaitLog(t, "received DELETE for ESP CHILD_SA")
	if out, err := l.peer.TerminateChild(t.Context(), "net2"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for ev := l.await(t, ike.EventDataDown); ev.Data != "net2"; ev = l.await(t, ike.EventDataDown) {
		continue
	}
	if n := len(used(l.plane)); n != 2 {
		t.Errorf("%d SAs are left", n)
	}
	l.sameKeys(t)
}

// Rekeying, begun at either end: by command, and by the clock.
func TestStrongSwanRekey(t *testing.T) {
	t.Run("strongswan", func(t *testing.T) {
		t.Parallel()
		l := childCase{esp: "aes128-sha256", swan: "aes128-sha256-modp2048", pfs: suite.MODP2048}.start(t, 1)
		l.up(t, "net1", true)
		for range 3 {
			before := used(l.plane)[0].SA.SPI()
			if out, err := l.peer.RekeyChild(t.Context(), "net1"); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			l.await(t, ike.EventDataRekeyed)
			if now := used(l.plane); len(now) != 1 || now[0].SA.SPI() == before {
				t.Error("the SA was not replaced")
			}
			l.sameKeys(t)
		}
	})
	t.Run("keyman", func(t *testing.T) {
		t.Parallel()
		// The shortest life there is: a new SA every eight to nine seconds.
		l := childCase{esp: "aes256gcm16", swan: "aes256gcm16", life: "10s"}.start(t, 1)
		l.up(t, "net1", true)
		for range 3 {
			l.await(t, ike.EventDataRekeyed)
			if n := len(used(l.plane)); n != 1 {
				t.Errorf("%d SAs are sent on", n)
			}
			l.sameKeys(t)
		}
	})
}

// Phase 2 under a phase 1 that aggressive mode made, from both ends.
func TestStrongSwanChildAggressive(t *testing.T) {
	for _, starts := range []string{"keyman", "strongswan"} {
		t.Run(starts+"-starts", func(t *testing.T) {
			t.Parallel()
			l := childCase{esp: "aes256-sha256", swan: "aes256-sha256", mode: ikedb.ModeAggressive}.start(t, 1)
			l.up(t, "net1", starts == "keyman")
			l.sameKeys(t)
		})
	}
}

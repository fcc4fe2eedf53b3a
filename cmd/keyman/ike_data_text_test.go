package main

import (
	"strings"
	"testing"
	"time"

	"keyman/ike"
)

// dataStatus is a phase 1 tunnel with phase 2 tunnels in several states.
func dataStatus(now time.Time) ike.Status {
	sa := ike.ChildSAStatus{
		State: "used", Role: "initiator", Established: now.Add(-38 * time.Second), Expires: now.Add(562 * time.Second), LifetimeSeconds: 600,
		Protocols: []ike.ChildProtocolStatus{{Protocol: "ESP", Algorithms: "3des-md5", Encapsulation: "tunnel", SPIIn: "c0000001", SPIOut: "c0000002"}},
		Weak:      []string{"3DES", "MD5"},
	}
	return ike.Status{
		Tunnel: "bee", Number: 1, State: ike.TunnelActive, Role: "initiator", RemoteID: "fqdn:ipsec.example.org",
		Data: []ike.ChildStatus{
			{
				Tunnel: "nets", Number: 1, Phase1: "bee", State: ike.TunnelActive, Role: "initiator", Local: "10.1.0.0/16", Remote: "10.2.0.0/16 tcp 23",
				Protection: "lan", SAs: []ike.ChildSAStatus{sa}, Expires: sa.Expires, KeyOverlap: 15, NegotiatedOnly: true,
			},
			{Tunnel: "evil\x1b[2J", Number: 2, Phase1: "bee", State: ike.TunnelFailed, Local: "10.3.0.0/16", Remote: "10.4.0.0/16", Ended: now, Error: "the peer refused: NO-PROPOSAL-CHOSEN"},
			{Tunnel: "later", Number: 3, Phase1: "bee", State: ike.TunnelDormant, Local: "10.5.0.1", Remote: "group:branches"},
		},
	}
}

func TestDataTable(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var w strings.Builder
	writeDataTable(&w, []ike.Status{dataStatus(now)}, now)
	const want = `
P2  NAME         STATUS   LOCAL        REMOTE              ALGORITHMS           SECONDS LEFT
1   nets         active   10.1.0.0/16  10.2.0.0/16 tcp 23  ESP 3des-md5 (weak)  562
2   evil\x1b[2J  failed   10.3.0.0/16  10.4.0.0/16         -                    -
    the peer refused: NO-PROPOSAL-CHOSEN
3   later        dormant  10.5.0.1     group:branches      -                    -
The daemon has no data plane: these SAs are negotiated only, and no packet is protected.
`
	if got := w.String(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	w.Reset()
	writeDataTable(&w, []ike.Status{{Tunnel: "bee"}}, now)
	if w.Len() > 0 {
		t.Errorf("a table of nothing:\n%s", w.String())
	}
}

func TestDataTunnelsVerbose(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var w strings.Builder
	writeDataTunnels(&w, dataStatus(now), now)
	for _, line := range []string{
		"Phase 2 Tunnel ID       1", "Mode:                   Oakley_quick", "Role:                   Initiator",
		"ESP Transform:          3des-md5", "Encap Mode:             ESP_tunnel", "SPIs:                   c0000001 in, c0000002 out",
		"PFS:                    No", "Weak Algorithms:        3DES, MD5", "SA Lifetime:            600 Seconds", "SA Lifesize:            0 Kbytes",
		"SA Rem Lifetime:        562 Seconds", "Key Refresh Overlap:    15%", "Assoc P1 Tunnel:        1", "Status:                 Active",
		"Packets:                not protected: the daemon has no data plane", "Why:                    the peer refused: NO-PROPOSAL-CHOSEN", "Status:                 Dormant",
	} {
		if !strings.Contains(w.String(), line+"\n") {
			t.Errorf("no line %q in\n%s", line, w.String())
		}
	}
	if strings.Contains(w.String(), "\x1b") {
		t.Error("a name reaches the terminal as it is")
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/control"
)

// TestIKERevokedWhileUp: a tunnel that is up ends when the CA's next list revokes
// the peer, on the side of either, and says why.
func TestIKERevokedWhileUp(t *testing.T) {
	for _, c := range []struct {
		name         string
		west, east   string // addresses
		revoke, keep int
	}{
		{"initiator ends it", "127.0.8.7", "127.0.8.8", 1, 0},
		{"responder ends it", "127.0.8.9", "127.0.8.10", 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca := newPKI(t)
			west, east := newGateway(t, c.west), newGateway(t, c.east)
			certificates := []string{ca.enroll(t, west, "west"), ca.enroll(t, east, "east")}
			const protection = "[[protection]]\nname = \"crl\"\nauth = \"rsa-signature-crl\"\ntransforms = [\"aes256-sha256-ecp256\"]\n"
			west.write(t, "tunnels.toml", tunnel("east", "crl", west, east, "certificate = \"west\"\nid = \"west.example.org\"", "id = \"east.example.org\"")+protection)
			east.write(t, "tunnels.toml", tunnel("west", "crl", east, west, "certificate = \"east\"\nid = \"east.example.org\"", "id = \"west.example.org\"")+protection)
			gateways, peers := []gateway{west, east}, []string{"east", "west"}
			here, peer := gateways[c.keep], peers[c.keep]
			here.write(t, "keyman.toml", "[crl]\nwatch_every = \"1s\"\n")
			var logs []*logBuffer
			for _, g := range gateways {
				log, _ := g.daemon(t, "--password-env", "PW")
				logs = append(logs, log)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			client, err := control.Dial(ctx, filepath.Join(here.state, control.SocketName))
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			events, err := client.Events(ctx)
			if err != nil {
				t.Fatal(err)
			}
			must(t, west.args("ike", "activate", "--wait", "east")...)

			must(t, "--state", ca.ca, "ca", "revoke", "lab", "--cert", certificates[c.revoke], "--reason", "keyCompromise")
			ca.publish(t)
			for ev, err := range events {
				if err != nil {
					t.Fatal(err)
				}
				if ev.Kind == ike.EventClosed {
					if len(ev.Reasons) == 0 || !strings.Contains(ev.Text, "reason keyCompromise") {
						t.Errorf("%+v", ev)
					}
					break
				}
			}
			why := "the peer's certificate is not accepted any more (revoked): C=CH, O=Example, CN=" + peer
			if out := must(t, here.args("ike", "list")...); !strings.Contains(out, " closed ") || !strings.Contains(out, "is not accepted any more") {
				t.Errorf("list\n%s", out)
			}
			if out := must(t, here.args("ike", "list", "--verbose")...); !strings.Contains(out, why) || !strings.Contains(out, "ca.crl") {
				t.Errorf("list --verbose\n%s", out)
			}
			if out, errs, code := keyman(t, here.args("ike", "explain", peer)...); !strings.Contains(out, "is not accepted any more (revoked)") {
				t.Errorf("explain: %d\n%s%s", code, out, errs)
			}
			var list []ike.Status
			if err := json.Unmarshal([]byte(must(t, here.args("--json", "ike", "list")...)), &list); err != nil || len(list) != 1 ||
				list[0].State != ike.TunnelClosed || !strings.HasPrefix(list[0].Error, why) || list[0].Reasons[len(list[0].Reasons)-1].Code != "revoked" {
				t.Errorf("list in JSON: %+v, %v", list, err)
			}
			if log := logs[c.keep].String(); !strings.Contains(log, "level=WARN msg=\"the peer's certificate is not accepted any more") {
				t.Errorf("the log does not warn\n%s", log)
			}
		})
	}
}

// TestIKETrustWithdrawn: on SIGHUP a running daemon reads anew whom it trusts, and
// ends the tunnel of a peer whose CA is not among them any more.
func TestIKETrustWithdrawn(t *testing.T) {
	ca := newPKI(t)
	west, east := newGateway(t, "127.0.8.11"), newGateway(t, "127.0.8.12")
	ca.enroll(t, west, "west")
	ca.enroll(t, east, "east")
	const protection = "[[protection]]\nname = \"rsa\"\nauth = \"rsa-signature\"\ntransforms = [\"aes256-sha256-ecp256\"]\n"
	west.write(t, "tunnels.toml", tunnel("east", "rsa", west, east, "certificate = \"west\"\nid = \"west.example.org\"", "id = \"east.example.org\"")+protection)
	east.write(t, "tunnels.toml", tunnel("west", "rsa", east, west, "certificate = \"east\"\nid = \"east.example.org\"", "id = \"west.example.org\"")+protection)
	log, _ := west.daemon(t, "--password-env", "PW")
	east.daemon(t, "--password-env", "PW")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client, err := control.Dial(ctx, filepath.Join(west.state, control.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	events, err := client.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	must(t, west.args("ike", "activate", "--wait", "east")...)

	must(t, west.args("cert", "trust", "Example CA", "off", "--password-env", "PW")...)
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil { // both daemons get it
		t.Fatal(err)
	}
	for ev, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind == ike.EventClosed {
			if len(ev.Reasons) == 0 || ev.Reasons[len(ev.Reasons)-1].Code != crl.CodeNoAnchor {
				t.Errorf("%+v", ev)
			}
			break
		}
	}
	if out, errs, code := keyman(t, west.args("ike", "activate", "--wait", "east")...); code != exitNo || !strings.Contains(out, "no certificate is trusted") {
		t.Errorf("activate: %d\n%s%s", code, out, errs)
	}
	if text := log.String(); !strings.Contains(text, "no CA is trusted any more") {
		t.Errorf("the log does not tell\n%s", text)
	}

	// A password that was typed is asked for once.
	a := &app{stateDir: west.state}
	if _, err := a.reopenKeydb(t.Context(), &keydbFlags{password: &passwordFlags{}}); !errors.Is(err, errTypedPassword) {
		t.Errorf("without a password: %v", err)
	}
}

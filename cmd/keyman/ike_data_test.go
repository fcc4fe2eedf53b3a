package main

import (
	"encoding/json"
	"strings"
	"testing"

	"keyman/ike"
)

// TestIKEData runs phase 2 between two daemons, from the command line.
func TestIKEData(t *testing.T) {
	west, east := newGateway(t, "127.0.8.5"), newGateway(t, "127.0.8.6")
	const policies = `
[[protection]]
name = "psk"
auth = "preshared-key"
transforms = ["aes128-sha256-ecp256"]

[[data-protection]]
name = "lan"
proposals = ["esp"]
pfs = "ecp256"

[[proposal]]
name = "esp"
esp = ["aes256gcm16 10m"]
`
	data := func(tunnel, local, remote string) string {
		return "\n[[data-tunnel]]\nname = \"nets\"\ntunnel = \"" + tunnel + "\"\nprotection = \"lan\"\nlocal.endpoint = \"" + local + "\"\nremote.endpoint = \"" + remote + "\"\n"
	}
	const other = "\n[[data-tunnel]]\nname = \"other\"\ntunnel = \"east\"\nprotection = \"lan\"\nlocal.endpoint = \"10.8.0.1\"\nremote.endpoint = \"10.9.0.1\"\n"
	west.write(t, "tunnels.toml", tunnel("east", "psk", west, east, "", "")+data("east", "10.1.0.0/16", "10.2.0.0/16")+other+policies+
		"[[preshared-key]]\nids = [\"127.0.8.6\"]\nsecret = \"a secret\"\n")
	east.write(t, "tunnels.toml", tunnel("west", "psk", east, west, "", "")+data("west", "10.2.0.0/16", "10.1.0.0/16")+policies+
		"[[preshared-key]]\nids = [\"127.0.8.5\"]\nsecret = \"a secret\"\n")
	westLog, _ := west.daemon(t)
	east.daemon(t)
	if !strings.Contains(westLog.String(), "there is no data plane") {
		t.Errorf("the daemon does not say that it protects no packet\n%s", westLog)
	}

	out := must(t, west.args("ike", "activate", "--wait", "nets")...)
	if want := "nets: active, 10.1.0.0/16 to 10.2.0.0/16, ESP aes256gcm16; negotiated only: the daemon has no data plane, so no packet is protected\n"; strings.Join(strings.Fields(out), " ")+"\n" != want {
		t.Errorf("activate\n%s", out)
	}
	// With its phase 1 goes what it carries, and what fails says why.
	out, errs, code := keyman(t, west.args("ike", "activate", "--wait", "east")...)
	if code != exitNo || !strings.Contains(out, "nets: active, ") || !strings.Contains(out, "other: failed, ") || !strings.Contains(out, "INVALID-ID-INFORMATION") || !strings.Contains(errs, "not active: other") {
		t.Errorf("activate both: %d\n%s%s", code, out, errs)
	}
	out = must(t, east.args("ike", "list", "--verbose", "--phase", "2", "1")...)
	for _, line := range []string{
		"Phase 2 Tunnel ID       1\nTunnel Name:            nets\n", "Role:                   Responder\n", "PFS:                    ecp256\n",
		"SA Lifetime:            600 Seconds\n", "Status:                 Active\n",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("the list lacks\n%s\nin\n%s", line, out)
		}
	}
	spis := func(g gateway) (in, out string) {
		var list []ike.Status
		if err := json.Unmarshal([]byte(must(t, g.args("ike", "list", "--json")...)), &list); err != nil {
			t.Fatal(err)
		}
		d := list[0].Data[0]
		if d.State != ike.TunnelActive || len(d.SAs) != 1 || !d.NegotiatedOnly {
			t.Fatalf("%+v", d)
		}
		return d.SAs[0].Protocols[0].SPIIn, d.SAs[0].Protocols[0].SPIOut
	}
	westIn, westOut := spis(west)
	if eastIn, eastOut := spis(east); westIn != eastOut || westOut != eastIn {
		t.Errorf("the ends disagree: %s %s and %s %s", westIn, westOut, eastIn, eastOut)
	}
	// Phase 1 alone may go; phase 2 lives on, until it is removed.
	must(t, west.args("ike", "remove", "--phase", "1", "east")...)
	if out := must(t, west.args("ike", "list")...); !strings.Contains(out, "1   east  closed ") || !strings.Contains(out, "1   nets   active ") {
		t.Errorf("list\n%s", out)
	}
	if out := must(t, west.args("ike", "remove", "--phase", "2", "--all")...); out != "nets: removed\n" {
		t.Errorf("remove\n%s", out)
	}
	if _, errs, code := keyman(t, west.args("ike", "remove", "nets")...); code != exitFailed || !strings.Contains(errs, "is not active") {
		t.Errorf("removed twice: %d\n%s", code, errs)
	}
	if _, errs, code := keyman(t, west.args("ike", "list", "--phase", "3")...); code != exitUsage || !strings.Contains(errs, "neither 1 nor 2") {
		t.Errorf("phase 3: %d\n%s", code, errs)
	}
}

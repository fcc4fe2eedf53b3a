package ikedb

import (
	"errors"
	"testing"
)

// swapFile is a peer's file, whose tunnels this end turns round.
const swapFile = `
[[tunnel]]
name = "office"
protection = "p"
local = {address = "192.0.2.1", id = "fqdn:gw1.example.org"}
remote = {address = "192.0.2.2", id = "fqdn:gw2.example.org", port = 1500}

[[protection]]
name = "p"
auth = "preshared-key"
transforms = ["aes256-sha256-modp2048"]

[[preshared-key]]
ids = ["fqdn:gw2.example.org", "192.0.2.2"]
secret = "a secret"

[[preshared-key]]
ids = ["203.0.113.9"]
secret = "of another"

[[data-tunnel]]
name = "lan"
tunnel = "office"
protection = "d"
protocol = "tcp"
local = {endpoint = "10.1.0.0/16", port = 23}
remote = {endpoint = "10.2.0.0/16"}

[[data-protection]]
name = "d"
proposals = ["q"]

[[proposal]]
name = "q"
esp = ["aes256gcm16"]
`

func TestSwap(t *testing.T) {
	d, err := ParseTOML([]byte(swapFile))
	if err != nil {
		t.Fatal(err)
	}
	swapped, err := Swap(d)
	if err != nil {
		t.Fatal(err)
	}
	db, err := New(swapped)
	if err != nil {
		t.Fatal(err)
	}
	got := tunnel(t, db, "office")
	if got.Local.ID.String() != "fqdn:gw2.example.org" || got.Local.Address != addr2 || got.Remote.ID.String() != "fqdn:gw1.example.org" ||
		got.Remote.Address != addr1 || got.Remote.Port != DefaultPort {
		t.Errorf("%+v", got)
	}
	data := db.DataTunnels()[0]
	if data.Local.String() != "10.2.0.0/16 tcp" || data.Remote.String() != "10.1.0.0/16 tcp 23" {
		t.Errorf("%+v", data)
	}
	if s, ok := db.PresharedKey(got, addr1); !ok || string(s.Bytes()) != "a secret" {
		t.Error("the key is not that of the new peer")
	}
	if d.Tunnels[0].Remote.Address != addr2 || d.PresharedKeys[0].IDs[0].String() != "fqdn:gw2.example.org" {
		t.Error("what was swapped has changed itself")
	}
	// Turned round twice it is as it was, but for what only one end knows.
	back, err := Swap(swapped)
	if err != nil || back.Tunnels[0].Local != d.Tunnels[0].Local || back.Tunnels[0].Remote.ID != d.Tunnels[0].Remote.ID ||
		back.PresharedKeys[0].IDs[0] != d.PresharedKeys[0].IDs[0] {
		t.Errorf("%+v, %v", back.Tunnels[0], err)
	}
}

func TestSwapRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Definitions)
		want   string
	}{
		"group":          {func(d *Definitions) { d.Tunnels[0].Remote = RemoteEnd{Group: "g"} }, `tunnel "office": remote.group: the group "g" cannot become the local end`},
		"group of data":  {func(d *Definitions) { d.DataTunnels[0].Remote.Group = "g" }, `data-tunnel "lan": remote.group: the group "g" cannot become the local end`},
		"key of several": {func(d *Definitions) { d.Tunnels = append(d.Tunnels, d.Tunnels[0]); d.Tunnels[1].Local.Address = addr3 }, `preshared-key #1: ids: ipv4:192.0.2.2 is the peer of several tunnels, whose local ends differ`},
	} {
		d, err := ParseTOML([]byte(swapFile))
		if err != nil {
			t.Fatal(err)
		}
		c.change(&d)
		_, err = Swap(d)
		var wrong *Error
		if !errors.As(err, &wrong) || wrong.Error() != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

package control

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"keyman/ike"
)

func TestSelection(t *testing.T) {
	at := func(a string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(a), 500) }
	list := []ike.Status{
		{Tunnel: "one", Number: 1, RemoteID: "fqdn:gw1.example.org", Remote: at("192.0.2.1"), AutoStart: true},
		{Tunnel: "two", Number: 2, RemoteID: "group:branches"},
		{Tunnel: "two", Number: 2, RemoteID: "user_fqdn:b@example.org", Local: at("192.0.2.100"), Remote: at("192.0.2.7")},
		{Tunnel: "1,5", Number: 4, RemoteID: "dn:C=CH, CN=gw4", Remote: at("::ffff:192.0.2.4")},
		{Tunnel: "7", Number: 5, RemoteID: "ipv4:192.0.2.7", Local: at("192.0.2.101"), Remote: at("192.0.2.7"), AutoStart: true},
		{RemoteID: "fqdn:stranger"}, // a negotiation whose peer is not known yet
	}
	addr := netip.MustParseAddr
	for _, c := range []struct {
		selection Selection
		want      string // numbers of the list's lines, or an error
	}{
		{Selection{}, "012345"},
		{Selection{Words: []string{"one"}}, "0"},
		{Selection{Words: []string{"2", "1"}}, "012"},
		{Selection{Words: []string{"1,3-5"}}, "034"},
		{Selection{Words: []string{"1, 4 - 5"}}, "034"},
		{Selection{Words: []string{"1,5"}}, "3"}, // a name
		{Selection{Words: []string{"7"}}, "4"},   // a name, and no number
		{Selection{Words: []string{"1,7-9"}}, `no such tunnel: "7-9"`},
		{Selection{Words: []string{"3"}}, `no such tunnel: "3"`},
		{Selection{Words: []string{"5-4"}}, `no such tunnel: "5-4"`},
		{Selection{Words: []string{"0"}}, `no such tunnel: "0"`},
		{Selection{Words: []string{"-1"}}, `no such tunnel: "-1"`},
		{Selection{Words: []string{""}}, `no such tunnel: ""`},
		{Selection{Words: []string{"99999999999"}}, `no such tunnel: "99999999999"`},
		{Selection{RemoteID: "gw1.example.org"}, "0"},
		{Selection{RemoteID: "FQDN:gw1.Example.org"}, "0"},
		{Selection{RemoteID: "branches"}, "1"},
		{Selection{RemoteID: "c=ch, cn=gw4"}, "3"},
		{Selection{RemoteID: "gw1"}, `no such tunnel: with the peer "gw1"`},
		{Selection{Remote: addr("192.0.2.7")}, "24"},
		{Selection{Remote: addr("192.0.2.4")}, "3"},
		{Selection{Local: addr("192.0.2.100"), Remote: addr("192.0.2.7")}, "2"},
		{Selection{Local: addr("192.0.2.9"), Remote: addr("192.0.2.1")}, "0"}, // bound to no address
		{Selection{Local: addr("192.0.2.9"), Remote: addr("192.0.2.7")}, "no such tunnel: from 192.0.2.9 to 192.0.2.7"},
		{Selection{AutoStart: true}, "04"},
		{Selection{AutoStart: true, Words: []string{"2"}}, "no such tunnel: 2 that starts by itself"},
	} {
		chosen, err := c.selection.Of(list)
		got := ""
		for _, one := range chosen {
			for i, line := range list {
				if one.Number == line.Number && one.RemoteID == line.RemoteID {
					got += string(rune('0' + i))
				}
			}
		}
		if none := (*NoTunnelError)(nil); errors.As(err, &none) {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %s, want %s", c.selection, got, c.want)
		}
	}
	names, err := Selection{}.Names(list)
	if err != nil || strings.Join(names, " ") != "one two 1,5 7" {
		t.Errorf("names %q, %v", names, err)
	}
	if none, err := (Selection{}).Of(nil); err != nil || len(none) != 0 {
		t.Errorf("of nothing: %v, %v", none, err)
	}
}

package ikedb

import (
	"fmt"
	"strings"
	"testing"

	"keyman/ike/suite"
)

// named lists definitions by kind and name.
func named(d Definitions) string {
	var all []string
	for _, kind := range Kinds() {
		for _, name := range d.Names(kind) {
			all = append(all, fmt.Sprintf("%s:%s", kind, name))
		}
	}
	return strings.Join(all, " ")
}

func TestSelect(t *testing.T) {
	db, err := New(dataDefinitions(t))
	if err != nil {
		t.Fatal(err)
	}
	d := db.Definitions()
	for _, c := range []struct {
		what             Selection
		meant, recursive string
	}{
		{Selection{Kind: KindTunnel, Name: "start"}, "tunnel:start", "protection:initiator tunnel:start"},
		{Selection{Kind: KindTunnel, Name: "none"}, "", ""},
		{Selection{Kind: KindTunnel, Name: "secret"}, "tunnel:secret",
			"protection:psk preshared-key:key_id:branch preshared-key:ipv4:192.0.2.2 tunnel:secret"},
		{Selection{Kind: KindTunnel, Name: "any"}, "tunnel:any",
			"proposal:good data-protection:answers protection:crl group:people tunnel:any"},
		{Selection{Kind: KindDataTunnel, Name: "members"}, "data-tunnel:members",
			"proposal:good data-protection:answers protection:psk group:hosts preshared-key:ipv4:192.0.2.2 tunnel:secrets data-tunnel:members"},
		{Selection{Kind: KindProposal}, "proposal:good proposal:old proposal:hosts", "proposal:good proposal:old proposal:hosts"},
		{Selection{Kind: KindPresharedKey, ID: parsed(t, "203.0.113.4")}, "preshared-key:ipv4:203.0.113.4", "preshared-key:ipv4:203.0.113.4"},
		{Selection{Kind: KindPresharedKey, ID: parsed(t, "198.51.100.3")}, "preshared-key:ipv4:192.0.2.2", "preshared-key:ipv4:192.0.2.2"},
		{Selection{}, named(d), named(d)},
	} {
		if got := named(d.Select(c.what)); got != c.meant {
			t.Errorf("%v: %s, want %s", c.what, got, c.meant)
		}
		if got := named(d.Closure(c.what)); got != c.recursive {
			t.Errorf("%v with what it refers to: %s, want %s", c.what, got, c.recursive)
		}
		if got, want := d.Without(c.what).Len(), d.Len()-d.Select(c.what).Len(); got != want {
			t.Errorf("without %v: %d, want %d", c.what, got, want)
		}
	}
}

func TestIgnoredSizes(t *testing.T) {
	d := dataDefinitions(t)
	d.Protections[0].Transforms = []suite.Transform{d.Protections[0].Transforms[0]}
	d.Protections[0].Transforms[0].LifeKB = 5
	d.Proposals[0].ESP[0].LifeKB = 7
	for _, ignored := range []bool{false, true} {
		d.Protections[0].IgnoreSizes, d.DataProtections[0].IgnoreSizes = ignored, ignored
		db, err := New(d)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := db.Protection("crl")
		data, _ := db.DataProtection("lan")
		sizes := [2]uint32{p.Transforms[0].LifeKB, db.Proposals(data)[0].ESP[0].LifeKB}
		if want := map[bool][2]uint32{false: {5, 7}, true: {}}[ignored]; sizes != want {
			t.Errorf("ignored %v: %v, want %v", ignored, sizes, want)
		}
		// They stay in the definitions.
		if kept := db.Definitions(); kept.Protections[0].Transforms[0].LifeKB != 5 || kept.Proposals[0].ESP[0].LifeKB != 7 {
			t.Errorf("ignored %v: sizes are lost", ignored)
		}
	}
}

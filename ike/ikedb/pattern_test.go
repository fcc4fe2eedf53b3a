package ikedb

import (
	"fmt"
	"strings"
	"testing"

	"keyman/crl"
	"keyman/ike/isakmp"
	"keyman/internal/dn"
)

func TestAdmitsPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, peer string
		want          bool
	}{
		{"*.example.org", "gw1.example.org", true},
		{"*.example.org", "GW1.EXAMPLE.org", true},
		{"*.example.org", "a.b.example.org", true},
		{"*.example.org", "example.org", false},
		{"*.example.org", "gw1.badexample.org", false},
		{"*.example.org", "gw1.example.org.evil.test", false},
		{"*.example.org", "ann@gw1.example.org", false},
		{"*@example.org", "ann@example.org", true},
		{"*@example.org", "ann@EXAMPLE.ORG", true},
		{"*@example.org", "ann@gw.example.org", false},
		{"C=CH, O=Example, CN=*", "C=CH, O=Example, CN=gw1", true},
		{"C=CH, O=Example, CN=*", "C=CH, O=Example, OU=x, CN=gw1", false},
		{"C=CH, O=Example, CN=*", `C=CH, O=Example, CN=\2A`, true},
		{`C=CH, O=Example, CN=\2A`, "C=CH, O=Example, CN=gw1", false},
		{"gw1.example.org", "gw1.example.org", true},
		{"gw1.example.org", "gw2.example.org", false},
	} {
		pattern, peer := parsed(t, c.pattern), parsed(t, c.peer)
		if got := pattern.Admits(peer); got != c.want {
			t.Errorf("%v admits %v: %v", pattern, peer, got)
		}
		if pattern.IsPattern() && peer.Admits(pattern) {
			t.Errorf("%v admits a pattern", peer)
		}
		if back := parsed(t, pattern.String()); !back.Match(pattern) || back.IsPattern() != pattern.IsPattern() {
			t.Errorf("%v was read back as %v", pattern, back)
		}
	}
	if (Identity{}).Admits(Identity{}) {
		t.Error("no identity admits")
	}
}

// What a peer sends is no pattern, whatever it says.
func TestPayloadIsNoPattern(t *testing.T) {
	name, err := dn.Parse("C=CH, O=Example, CN=*")
	if err != nil {
		t.Fatal(err)
	}
	sent, err := FromPayload(&isakmp.Identification{IDType: isakmp.IDDERASN1DN, Data: name.DER()})
	if err != nil {
		t.Fatal(err)
	}
	if sent.IsPattern() || parsed(t, "C=CH, O=Example, CN=gw1").Admits(sent) || sent.Admits(parsed(t, "C=CH, O=Example, CN=gw1")) {
		t.Errorf("%v is a pattern", sent)
	}
	for typ, data := range map[isakmp.IDType]string{isakmp.IDFQDN: "*.example.org", isakmp.IDUserFQDN: "*@example.org"} {
		if id, err := FromPayload(&isakmp.Identification{IDType: typ, Data: []byte(data)}); err == nil && (id.IsPattern() || id.Admits(parsed(t, "gw1.example.org"))) {
			t.Errorf("%v is a pattern", id)
		}
	}
}

// withPattern are the definitions of the tests with a pattern at the tunnel for a
// named peer.
func withPattern(t *testing.T, pattern string) Definitions {
	t.Helper()
	d := definitions(t)
	d.Tunnels[1].Remote.ID = parsed(t, pattern)
	return d
}

func TestPatternDefinitions(t *testing.T) {
	db, err := New(withPattern(t, "*.example.org"))
	if err != nil {
		t.Fatal(err)
	}
	fixed := tunnel(t, db, "fixed")
	if !db.AdmitsAt(fixed, ModeMain, parsed(t, "any.example.org"), addr2) || db.AdmitsAt(fixed, ModeMain, parsed(t, "any.example.com"), addr2) {
		t.Error("the pattern is not what the tunnel is for")
	}
	for _, c := range []struct {
		name   string
		change func(*Definitions)
		want   string
	}{
		{"a pattern of our own", func(d *Definitions) { d.Tunnels[1].Local.ID = parsed(t, "*.example.net") }, "this end has one identity"},
		{"a preshared key", func(d *Definitions) { d.Tunnels[4].Remote.ID = parsed(t, "*.example.org") }, "a preshared key is one peer's"},
		{"a preshared key in a group", func(d *Definitions) { d.Groups[1].IDs = append(d.Groups[1].IDs, parsed(t, "*.example.org")) }, "a preshared key is one peer's"},
		{"a laxer rival for one name", func(d *Definitions) {
			d.Protections = append(d.Protections, Protection{Name: "lax", Auth: AuthRSASignature, Revocation: crl.Off, Transforms: d.Protections[0].Transforms})
			d.Tunnels = append(d.Tunnels, Tunnel{Name: "lax", Protection: "lax", Local: LocalEnd{Address: addr1, Certificate: "gw1"}, Remote: RemoteEnd{ID: parsed(t, "gw9.example.org")}})
		}, "could choose between"},
		{"a laxer rival pattern", func(d *Definitions) {
			d.Protections = append(d.Protections, Protection{Name: "lax", Auth: AuthRSASignature, Revocation: crl.Off, Transforms: d.Protections[0].Transforms})
			d.Tunnels = append(d.Tunnels, Tunnel{Name: "lax", Protection: "lax", Local: LocalEnd{Address: addr1, Certificate: "gw1"}, Remote: RemoteEnd{ID: parsed(t, "*.sub.example.org")}})
		}, "could choose between"},
		{"a laxer tunnel for others", func(d *Definitions) {
			d.Protections = append(d.Protections, Protection{Name: "lax", Auth: AuthRSASignature, Revocation: crl.Off, Transforms: d.Protections[0].Transforms})
			d.Tunnels = append(d.Tunnels, Tunnel{Name: "lax", Protection: "lax", Local: LocalEnd{Address: addr1, Certificate: "gw1"}, Remote: RemoteEnd{ID: parsed(t, "*.example.com")}})
		}, ""},
		{"this end among the pattern's", func(d *Definitions) { d.Tunnels[1].Local.ID = parsed(t, "gw1.example.org") }, ""},
		{"too many patterns", func(d *Definitions) {
			for i := range MaxPatterns {
				d.Tunnels = append(d.Tunnels, Tunnel{Name: fmt.Sprint("p", i), Protection: "crl", Local: LocalEnd{Address: addr1, Certificate: "gw1"},
					Remote: RemoteEnd{ID: parsed(t, fmt.Sprintf("*.d%d.test", i))}})
			}
		}, "more than 256 different patterns"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := withPattern(t, "*.example.org")
			c.change(&d)
			db, err := New(d)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if own := parsed(t, "gw1.example.org"); err == nil && d.Tunnels[1].Local.ID.Match(own) && db.AdmitsAt(tunnel(t, db, "fixed"), ModeMain, own, addr2) {
				t.Error("this end is admitted as its own peer")
			}
		})
	}
}

// A preshared key cannot belong to a pattern.
func TestPatternHasNoKey(t *testing.T) {
	d := definitions(t)
	d.PresharedKeys[0].IDs = append(d.PresharedKeys[0].IDs, parsed(t, "*.example.org"))
	if _, err := New(d); err == nil || !strings.Contains(err.Error(), "is a pattern") {
		t.Error(err)
	}
}

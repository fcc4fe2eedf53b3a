package ikedb

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"keyman/crl"
	"keyman/ike/suite"
)

// rivalPolicies are what the tunnels of TestRivals refer to.
const rivalPolicies = `
[[protection]]
name = "strict"
auth = "rsa-signature-crl"
transforms = ["aes256-sha256-modp2048"]
[[protection]]
name = "fast"
auth = "rsa-signature-crl"
transforms = ["aes128-sha256-ecp256"]
lifetime = "1h"
crl-timeout = "5s"
[[protection]]
name = "relaxed"
auth = "rsa-signature-crl"
revocation = "relaxed"
transforms = ["aes256-sha256-modp2048"]
[[protection]]
name = "patient"
auth = "rsa-signature-crl"
crl-grace = "1h"
transforms = ["aes256-sha256-modp2048"]
[[protection]]
name = "weak"
auth = "rsa-signature-crl"
transforms = ["3des-sha1-modp1024"]
weak = "allow"
[[protection]]
name = "unchecked"
auth = "rsa-signature"
transforms = ["3des-sha1-modp1024"]
weak = "allow"
[[protection]]
name = "psk"
auth = "preshared-key"
transforms = ["aes256-sha256-modp2048"]
[[protection]]
name = "starts"
auth = "rsa-signature-crl"
revocation = "relaxed"
role = "initiator"
transforms = ["aes256-sha256-modp2048"]
[[group]]
name = "people"
ids = ["ann@example.org", "192.0.2.2"]
[[group]]
name = "hosts"
ids = ["198.51.100.3", "192.0.2.2"]
[[preshared-key]]
ids = ["192.0.2.2", "198.51.100.3"]
secret-env = "PSK"
`

// rival writes a tunnel; of the keys those that are not empty.
type rival struct{ protection, local, remote, id, group string }

func (r rival) toml(name string) string {
	var b strings.Builder
	line := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s = %q\n", key, value)
		}
	}
	b.WriteString("[[tunnel]]\n")
	line("name", name)
	line("protection", r.protection)
	b.WriteString("[tunnel.local]\n")
	line("address", r.local)
	line("id", "this.example.org")
	if r.protection != "psk" {
		line("certificate", "gw1")
	}
	b.WriteString("[tunnel.remote]\n")
	line("address", r.remote)
	line("id", r.id)
	line("group", r.group)
	return b.String()
}

// twoTunnels are rivals that demand the same.
var twoTunnels = rivalPolicies + rival{protection: "strict", id: "gw2.example.org"}.toml("one") +
	rival{protection: "fast", remote: "192.0.2.2", id: "gw2.example.org"}.toml("two")

func TestRivals(t *testing.T) {
	const (
		here, there = "192.0.2.1", "192.0.2.2"
		gw2, gw3    = "gw2.example.org", "gw3.example.org"
		revocation  = "revocation (relaxed here, strict there)"
	)
	strict := rival{"strict", here, there, gw2, ""}
	for name, c := range map[string]struct {
		one, two rival
		peer     string // as the error has it; "" if there is no error
		differ   string
	}{
		"revocation":              {strict, rival{"relaxed", here, there, "GW2.example.org", ""}, "fqdn:gw2.example.org", revocation},
		"laxer first":             {rival{"relaxed", here, there, gw2, ""}, strict, "fqdn:gw2.example.org", "revocation (strict here, relaxed there)"},
		"grace":                   {strict, rival{"patient", here, there, gw2, ""}, "fqdn:gw2.example.org", "crl-grace (1h0m0s here, 0s there)"},
		"weak":                    {strict, rival{"weak", here, there, gw2, ""}, "fqdn:gw2.example.org", "weak (allowed here, not there)"},
		"auth and weak":           {rival{"unchecked", here, there, gw2, ""}, strict, "fqdn:gw2.example.org", "auth (rsa-signature-crl here, rsa-signature there) and weak (not allowed here, but there)"},
		"certificate, preshared":  {rival{"strict", here, there, "", "people"}, rival{"psk", here, "", "", "hosts"}, "ipv4:192.0.2.2", "auth (preshared-key here, rsa-signature-crl there)"},
		"strong transforms":       {strict, rival{"fast", here, there, gw2, ""}, "", ""},
		"one only starts":         {strict, rival{"starts", here, there, gw2, ""}, "", ""},
		"other peers":             {strict, rival{"relaxed", here, there, gw3, ""}, "", ""},
		"other remote addresses":  {strict, rival{"relaxed", here, "192.0.2.3", gw2, ""}, "", ""},
		"first from anywhere":     {rival{"strict", here, "", gw2, ""}, rival{"relaxed", here, there, gw2, ""}, "fqdn:gw2.example.org", revocation},
		"second from anywhere":    {strict, rival{"relaxed", here, "", gw2, ""}, "fqdn:gw2.example.org", revocation},
		"other local addresses":   {strict, rival{"relaxed", "192.0.2.9", there, gw2, ""}, "", ""},
		"first at any address":    {rival{"strict", "", there, gw2, ""}, rival{"relaxed", here, there, gw2, ""}, "fqdn:gw2.example.org", revocation},
		"second at any address":   {strict, rival{"relaxed", "", there, gw2, ""}, "fqdn:gw2.example.org", revocation},
		"a member of the group":   {rival{"strict", here, there, "", "people"}, rival{"relaxed", here, there, "ann@example.org", ""}, "user_fqdn:ann@example.org", revocation},
		"no member of the group":  {rival{"strict", here, there, "", "people"}, rival{"relaxed", here, there, "ben@example.org", ""}, "", ""},
		"a member of both groups": {rival{"strict", here, there, "", "people"}, rival{"relaxed", here, there, "", "hosts"}, "ipv4:192.0.2.2", revocation},
		"one group":               {rival{"strict", here, there, "", "people"}, rival{"relaxed", here, there, "", "people"}, "user_fqdn:ann@example.org", revocation},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load([]byte(rivalPolicies+c.one.toml("one")+c.two.toml("two")), 0o600, noSecrets)
			want := ""
			if c.peer != "" {
				want = fmt.Sprintf(`tunnel "two": protection: the peer %s could choose between this tunnel and tunnel "one", which demand different things of it: %s`, c.peer, c.differ)
			}
			if got := text(err); got != want {
				t.Fatalf("error\n%s\nwant\n%s", got, want)
			}
			var hinted *Error
			if want != "" && (!errors.As(err, &hinted) || hinted.Hint() != "give both protections the same auth, revocation and weak, or the tunnels different peers") {
				t.Errorf("hint of %v", err)
			}
		})
	}
	if _, err := load([]byte(twoTunnels), 0o600, noSecrets); err != nil {
		t.Errorf("the same demands: %v", err)
	}
}

// laxer looks at every two tunnels for one that demands less of the same peer.
func laxer(db *DB) (a, b string, found bool) {
	overlap := func(a, b netip.Addr) bool { return !a.IsValid() || !b.IsValid() || a == b }
	for i, t := range db.tunnels {
		p := db.protections[t.Protection]
		for _, u := range db.tunnels[:i] {
			q := db.protections[u.Protection]
			if !p.MayRespond() || !q.MayRespond() ||
				!overlap(t.Local.Address, u.Local.Address) || !overlap(t.Remote.Address, u.Remote.Address) ||
				p.Auth == q.Auth && p.Revocation == q.Revocation && p.AllowWeak == q.AllowWeak {
				continue
			}
			for _, id := range append([]Identity{t.Remote.ID}, db.groups[t.Remote.Group].IDs...) {
				if db.admits(u, id) {
					return u.Name, t.Name, true
				}
			}
		}
	}
	return "", "", false
}

// TestRivalsAll holds the check against one that looks at every two tunnels.
func TestRivalsAll(t *testing.T) {
	strong, err := suite.ParseTransform("aes256-sha256-modp2048")
	if err != nil {
		t.Fatal(err)
	}
	var (
		d        Definitions
		names    = []string{"p0", "p1", "p2", "p3"}
		groups   = []string{"", "", "g0", "g1", "g2"}
		locals   = []netip.Addr{{}, addr1, addr2}
		remotes  = []netip.Addr{{}, addr3, addr4}
		ids      []Identity
		outcomes [2]int
	)
	for i := range 5 {
		ids = append(ids, parsed(t, fmt.Sprintf("host%d.example", i)))
	}
	for i, p := range []Protection{
		{Auth: AuthRSASignatureCRL}, {Auth: AuthRSASignatureCRL, Lifetime: time.Hour},
		{Auth: AuthRSASignatureCRL, AllowWeak: true}, {Auth: AuthRSASignature, Revocation: crl.Off, Role: RoleResponder},
	} {
		p.Name, p.Transforms = names[i], []suite.Transform{strong}
		d.Protections = append(d.Protections, p)
	}
	d.Groups = []Group{{"g0", ids[:2]}, {"g1", ids[1:3]}, {"g2", ids[3:]}}
	rapid.Check(t, func(t *rapid.T) {
		d := d
		for i := range rapid.IntRange(2, 7).Draw(t, "tunnels") {
			tunnel := Tunnel{
				Name: fmt.Sprintf("t%d", i), Protection: rapid.SampledFrom(names).Draw(t, "protection"),
				Local:  LocalEnd{Address: rapid.SampledFrom(locals).Draw(t, "local"), Certificate: "c"},
				Remote: RemoteEnd{Address: rapid.SampledFrom(remotes).Draw(t, "remote"), Group: rapid.SampledFrom(groups).Draw(t, "group")},
			}
			tunnel.Local.ID, _ = ParseIdentity("this.example")
			if tunnel.Remote.Group == "" {
				tunnel.Remote.ID = rapid.SampledFrom(ids).Draw(t, "id")
			}
			d.Tunnels = append(d.Tunnels, tunnel)
		}
		db, err := assemble(d)
		if err != nil {
			t.Fatal(err)
		}
		a, b, found := laxer(db)
		if err := db.checkRivals(); (err != nil) != found {
			t.Fatalf("error %v, but every two have %q %q (%v)", err, a, b, found)
		}
		if found {
			outcomes[0]++
		} else {
			outcomes[1]++
		}
	})
	if outcomes[0] == 0 || outcomes[1] == 0 {
		t.Errorf("%d refused, %d accepted: the samples show nothing", outcomes[0], outcomes[1])
	}
}

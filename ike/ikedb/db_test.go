package ikedb

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/crl"
	"keyman/ike/suite"
)

var (
	addr1 = netip.MustParseAddr("192.0.2.1")
	addr2 = netip.MustParseAddr("192.0.2.2")
	addr3 = netip.MustParseAddr("198.51.100.3")
	addr4 = netip.MustParseAddr("203.0.113.4")
)

// definitions has a tunnel of each kind that lookups tell apart.
func definitions(t *testing.T) Definitions {
	t.Helper()
	strong, err := suite.ParseTransform("aes256-sha256-modp2048")
	if err != nil {
		t.Fatal(err)
	}
	transforms := []suite.Transform{strong}
	local := LocalEnd{Address: addr1, Certificate: "gw1"}
	return Definitions{
		Tunnels: []Tunnel{
			{Name: "any", Protection: "crl", Local: local, Remote: RemoteEnd{Group: "people"}},
			{Name: "fixed", Protection: "crl", Local: local, Remote: RemoteEnd{Address: addr2, ID: parsed(t, "gw2.example.org")}},
			{Name: "start", Protection: "initiator", Local: local, Remote: RemoteEnd{Address: addr2}},
			{Name: "elsewhere", Protection: "crl", Local: LocalEnd{Address: addr3, Certificate: "gw1"}, Remote: RemoteEnd{Address: addr2}},
			{Name: "secret", Protection: "psk", Local: LocalEnd{ID: parsed(t, "key_id:me")}, Remote: RemoteEnd{Address: addr2, ID: parsed(t, "key_id:branch")}},
			{Name: "secrets", Protection: "psk", Local: LocalEnd{Address: addr1}, Remote: RemoteEnd{Group: "hosts"}},
		},
		Protections: []Protection{
			{Name: "crl", Auth: AuthRSASignatureCRL, Transforms: transforms},
			{Name: "initiator", Auth: AuthRSASignature, Role: RoleInitiator, Revocation: crl.Off, Transforms: transforms},
			{Name: "psk", Auth: AuthPresharedKey, Transforms: transforms, Lifetime: time.Hour},
		},
		Groups: []Group{
			{Name: "people", IDs: []Identity{parsed(t, "ann@example.org"), parsed(t, "CN=Ben")}},
			{Name: "hosts", IDs: []Identity{parsed(t, "192.0.2.2"), parsed(t, "198.51.100.3")}},
		},
		PresharedKeys: []PresharedKey{
			{IDs: []Identity{parsed(t, "key_id:branch")}, Secret: NewSecret([]byte("of the branch"))},
			{IDs: []Identity{parsed(t, "192.0.2.2"), parsed(t, "198.51.100.3")}, Secret: NewSecret([]byte("of the hosts"))},
			{IDs: []Identity{parsed(t, "203.0.113.4")}, Secret: NewSecret([]byte("of a stranger"))},
		},
	}
}

func newDB(t *testing.T) *DB {
	t.Helper()
	db, err := New(definitions(t))
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func tunnel(t *testing.T, db *DB, name string) Tunnel {
	t.Helper()
	found, ok := db.Tunnel(name)
	if !ok {
		t.Fatalf("no tunnel %q", name)
	}
	return found
}

func TestDefaults(t *testing.T) {
	db := newDB(t)
	got := tunnel(t, db, "start")
	if got.Number != 3 || got.Local.ID.String() != "ipv4:192.0.2.1" || got.Remote.ID.String() != "ipv4:192.0.2.2" ||
		got.Remote.Port != 500 || got.Remote.NATTPort != 4500 {
		t.Errorf("tunnel %+v", got)
	}
	p, ok := db.Protection("crl")
	if !ok || p.Role != RoleBoth || p.Revocation != crl.Strict || p.CRLTimeout != crl.DefaultTimeout || p.Lifetime != 8*time.Hour {
		t.Errorf("protection %+v", p)
	}
	if tr := p.Transforms[0]; tr.Auth != suite.RSASignature || tr.Lifetime != 8*time.Hour {
		t.Errorf("transform %+v", tr)
	}
	p, _ = db.Protection("psk")
	if tr := p.Transforms[0]; tr.Auth != suite.PresharedKey || tr.Lifetime != time.Hour {
		t.Errorf("transform %+v", tr)
	}
}

func TestFind(t *testing.T) {
	db := newDB(t)
	for _, c := range []struct{ word, want string }{
		{"fixed", "fixed"}, {"1", "any"}, {"6", "secrets"},
		{"0", ""}, {"7", ""}, {"-1", ""}, {"", ""}, {"Fixed", ""}, {"99999999999999999999", ""},
	} {
		got, ok := db.Find(c.word)
		if ok != (c.want != "") || got.Name != c.want {
			t.Errorf("Find(%q) = %q, %v, want %q", c.word, got.Name, ok, c.want)
		}
	}
}

func TestResponders(t *testing.T) {
	db := newDB(t)
	for _, c := range []struct {
		name          string
		local, remote netip.Addr
		want          []string
	}{
		{"known peer", addr1, addr2, []string{"fixed", "secret", "any", "secrets"}},
		{"unknown peer", addr1, addr3, []string{"any", "secrets"}},
		{"at another address", addr3, addr2, []string{"elsewhere", "secret"}},
		{"IPv4 in IPv6", netip.AddrFrom16(addr3.As16()), netip.AddrFrom16(addr2.As16()), []string{"elsewhere", "secret"}},
		{"no address", netip.Addr{}, netip.Addr{}, nil},
	} {
		var got []string
		for _, found := range db.Responders(c.local, c.remote) {
			got = append(got, found.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAdmits(t *testing.T) {
	db := newDB(t)
	for _, c := range []struct {
		tunnel, peer string
		want         bool
	}{
		{"fixed", "GW2.example.org", true},
		{"fixed", "gw3.example.org", false},
		{"any", "CN=BEN", true},
		{"any", "ann@example.org", true},
		{"any", "eve@example.org", false},
		{"any", "key_id:people", false},
	} {
		if got := db.admits(tunnel(t, db, c.tunnel), parsed(t, c.peer)); got != c.want {
			t.Errorf("%s admits %s: %v, want %v", c.tunnel, c.peer, got, c.want)
		}
	}
	if db.admits(tunnel(t, db, "any"), Identity{}) || db.admits(Tunnel{}, Identity{}) || db.admits(Tunnel{}, parsed(t, "a")) {
		t.Error("nobody is admitted")
	}
}

func TestPresharedKey(t *testing.T) {
	db := newDB(t)
	for _, c := range []struct {
		tunnel string
		peer   netip.Addr
		want   string
	}{
		{"secret", addr2, "of the branch"},
		{"secrets", addr3, "of the hosts"},
		{"secrets", netip.AddrFrom16(addr3.As16()), "of the hosts"},
		{"secrets", addr1, ""},
		{"secrets", addr4, ""}, // has a key, and is not in the group
		{"secrets", netip.Addr{}, ""},
		{"secret", addr3, ""}, // is not the peer's address
	} {
		got, ok := db.PresharedKey(tunnel(t, db, c.tunnel), c.peer)
		if ok != (c.want != "") || string(got.Bytes()) != c.want {
			t.Errorf("%s from %v: %q, %v, want %q", c.tunnel, c.peer, got.Bytes(), ok, c.want)
		}
	}
	if _, ok := db.PresharedKey(Tunnel{}, addr3); ok {
		t.Error("no tunnel has a key")
	}
}

// TestAdmitsAt shows that a member of a group cannot use its own preshared key
// to be another member.
func TestAdmitsAt(t *testing.T) {
	db := newDB(t)
	for _, c := range []struct {
		tunnel, peer string
		addr         netip.Addr
		want         bool
	}{
		{"secrets", "192.0.2.2", addr2, true},
		{"secrets", "198.51.100.3", addr3, true},
		{"secrets", "198.51.100.3", netip.AddrFrom16(addr3.As16()), true},
		{"secrets", "192.0.2.2", addr3, false},
		{"secrets", "203.0.113.4", addr4, false},
		{"secrets", "192.0.2.2", netip.Addr{}, false},
		{"secret", "key_id:branch", addr2, true},
		{"secret", "192.0.2.2", addr2, false},
		{"any", "CN=Ben", addr4, true},
		{"any", "192.0.2.2", addr2, false},
		{"fixed", "gw2.example.org", addr2, true},
	} {
		if got := db.AdmitsAt(tunnel(t, db, c.tunnel), ModeMain, parsed(t, c.peer), c.addr); got != c.want {
			t.Errorf("%s admits %s at %v: %v, want %v", c.tunnel, c.peer, c.addr, got, c.want)
		}
	}
	if db.AdmitsAt(tunnel(t, db, "secrets"), ModeMain, Identity{}, addr2) || db.AdmitsAt(Tunnel{}, ModeMain, parsed(t, "192.0.2.2"), addr2) {
		t.Error("nobody is admitted")
	}
	unprotected := tunnel(t, db, "any")
	unprotected.Protection = "none"
	if db.AdmitsAt(unprotected, ModeMain, parsed(t, "CN=Ben"), addr2) {
		t.Error("a protection that is not known admits")
	}
}

func TestCanInitiate(t *testing.T) {
	db := newDB(t)
	for name, want := range map[string]string{
		"fixed": "", "start": "", "secret": "",
		"any": `tunnel "any" only answers: it has no remote.address`,
	} {
		err := db.CanInitiate(tunnel(t, db, name))
		if got := text(err); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestNewKeepsNothing shows that a DB does not change with what it was made of.
func TestNewKeepsNothing(t *testing.T) {
	d := definitions(t)
	db, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	want := dump(t, db)
	clear(d.Tunnels)
	clear(d.Protections[0].Transforms)
	clear(d.Groups[0].IDs)
	clear(d.PresharedKeys[0].Secret.Bytes())
	clear(db.Tunnels())
	if got := dump(t, db); got != want {
		t.Errorf("the DB became\n%s\nfrom\n%s", got, want)
	}
	if s, _ := db.PresharedKey(tunnel(t, db, "secret"), addr2); string(s.Bytes()) != "of the branch" {
		t.Error("the secret changed")
	}
}

// TestNewRefusals has what a file cannot say.
func TestNewRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Definitions)
		want   string
	}{
		"too many tunnels":     {func(d *Definitions) { d.Tunnels = make([]Tunnel, MaxTunnels+1) }, "tunnel #65537: name: 65537 of these, more than 65536"},
		"too many protections": {func(d *Definitions) { d.Protections = make([]Protection, MaxTunnels+1) }, "protection #65537: name: 65537 of these, more than 65536"},
		"too many groups":      {func(d *Definitions) { d.Groups = make([]Group, MaxTunnels+1) }, "group #65537: name: 65537 of these, more than 65536"},
		"too many keys":        {func(d *Definitions) { d.PresharedKeys = make([]PresharedKey, MaxTunnels+1) }, "preshared-key #65537: name: 65537 of these, more than 65536"},
		"too many ids": {func(d *Definitions) { d.PresharedKeys[0].IDs = make([]Identity, MaxTunnels+1) },
			"preshared-key #1: ids: 65537 of them, more than 65536"},
		"zero transform":        {func(d *Definitions) { d.Protections[0].Transforms = make([]suite.Transform, 1) }, `protection "crl": transforms: ` + text(suite.Transform{}.Validate())},
		"unknown revocation":    {func(d *Definitions) { d.Protections[0].Revocation = 7 }, `protection "crl": revocation: Revocation(7) is not known`},
		"negative revocation":   {func(d *Definitions) { d.Protections[0].Revocation = -1 }, `protection "crl": revocation: Revocation(-1) is not known`},
		"negative crl-timeout":  {func(d *Definitions) { d.Protections[0].CRLTimeout = -1 }, `protection "crl": crl-timeout: -1ns is not between 0 and 50s`},
		"strict without a list": {func(d *Definitions) { d.Protections[1].Revocation = crl.Strict }, `protection "initiator": revocation: auth = rsa-signature checks no revocation list, but strict is asked for`},
		"zero group member":     {func(d *Definitions) { d.Groups[0].IDs = make([]Identity, 1) }, `group "people": ids: identity 1 is empty`},
		"zero key id":           {func(d *Definitions) { d.PresharedKeys[0].IDs = make([]Identity, 1) }, `preshared-key #1: ids: identity 1 is empty`},
		"certificate name":      {func(d *Definitions) { d.Tunnels[0].Local.Certificate = "a\n" }, `tunnel "any": local.certificate: "a\n" has characters that cannot be printed`},
		"long certificate name": {func(d *Definitions) { d.Tunnels[0].Local.Certificate = strings.Repeat("a", MaxCertificate+1) }, `tunnel "any": local.certificate: 4097 bytes, more than 4096`},
		"broadcast":             {func(d *Definitions) { d.Tunnels[1].Remote.Address = netip.MustParseAddr("255.255.255.255") }, `tunnel "fixed": remote.address: 255.255.255.255 is no host's address`},
	} {
		t.Run(name, func(t *testing.T) {
			d := definitions(t)
			c.change(&d)
			if _, err := New(d); text(err) != c.want {
				t.Errorf("error\n%v\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestErrorHint(t *testing.T) {
	d := definitions(t)
	d.Tunnels[0].Local.Certificate = ""
	_, err := New(d)
	var hinted interface{ Hint() string }
	if !errors.As(err, &hinted) || hinted.Hint() != "give the label of a personal certificate in the key database, or the URI of a token's key" {
		t.Errorf("hint of %v", err)
	}
}

func BenchmarkResponders(b *testing.B) {
	transform, err := suite.ParseTransform("aes256-sha256-modp2048")
	if err != nil {
		b.Fatal(err)
	}
	d := Definitions{Protections: []Protection{{Name: "p", Auth: AuthRSASignatureCRL, Transforms: []suite.Transform{transform}}}}
	for i := range 10000 {
		addr := netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)})
		d.Tunnels = append(d.Tunnels, Tunnel{Name: "t" + addr.String(), Protection: "p",
			Local: LocalEnd{Address: addr1, Certificate: "c"}, Remote: RemoteEnd{Address: addr}})
	}
	db, err := New(d)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if len(db.Responders(addr1, netip.AddrFrom4([4]byte{10, 1, 20, 20}))) != 1 {
			b.Fatal("not found")
		}
	}
}

// An address of each end is that of the end, or its identity, or a member's.
func TestHasAddresses(t *testing.T) {
	db := newDB(t)
	for _, c := range []struct {
		tunnel string
		peer   netip.Addr
		want   bool
	}{
		{"fixed", addr2, true},
		{"any", addr2, false},
		{"secret", addr2, false}, // its local end has a key ID alone
		{"secrets", addr3, true},
		{"secrets", addr4, false},
	} {
		if got := db.HasAddresses(tunnel(t, db, c.tunnel), c.peer); got != c.want {
			t.Errorf("%s at %v: %v, want %v", c.tunnel, c.peer, got, c.want)
		}
	}
}

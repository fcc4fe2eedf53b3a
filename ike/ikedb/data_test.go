package ikedb

import (
	"net/netip"
	"strings"
	"testing"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// endpoint reads an endpoint.
func endpoint(t *testing.T, s string) Endpoint {
	t.Helper()
	e, err := ParseEndpoint(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// dataDefinitions adds a phase 2 to definitions.
func dataDefinitions(t *testing.T) Definitions {
	t.Helper()
	d := definitions(t)
	esp := func(s string) []DataTransform {
		tr, err := ParseESP(s)
		if err != nil {
			t.Fatal(err)
		}
		return []DataTransform{tr}
	}
	d.Proposals = []Proposal{
		{Name: "good", ESP: esp("aes256-sha256")},
		{Name: "old", ESP: esp("3des-md5 1h 4096KB")},
		{Name: "hosts", ESP: esp("aes128gcm16 transport")},
	}
	d.DataProtections = []DataProtection{
		{Name: "lan", Proposals: []string{"good"}, PFS: suite.MODP2048, AcceptPFS: []suite.Group{0, suite.MODP2048}},
		{Name: "answers", Role: RoleResponder, Proposals: []string{"good"}},
		{Name: "between", Proposals: []string{"hosts"}},
	}
	d.DataTunnels = []DataTunnel{
		{Name: "nets", Tunnel: "fixed", Protection: "lan", AutoStart: true,
			Local: Selector{Endpoint: endpoint(t, "10.1.0.0/16")}, Remote: DataRemote{Selector: Selector{Endpoint: endpoint(t, "10.2.0.1-10.2.0.9")}}},
		{Name: "telnet", Tunnel: "fixed", Protection: "between", Local: Selector{Protocol: 6}, Remote: DataRemote{Selector: Selector{Protocol: 6, Port: 23}}},
		{Name: "members", Number: 7, Tunnel: "secrets", Protection: "answers", Remote: DataRemote{Group: "hosts"}},
	}
	d.Protections[0].Generic = Generic{Protection: "answers", Local: []isakmp.IDType{isakmp.IDIPv4Addr}, Remote: []isakmp.IDType{isakmp.IDIPv4Subnet}}
	return d
}

func TestMatchData(t *testing.T) {
	db, err := New(dataDefinitions(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tunnel        string
		local, remote string // endpoint, protocol, port
		want          string
		number        int
	}{
		{"fixed", "10.1.0.0/16", "10.2.0.1-10.2.0.9", "nets", 1},
		{"fixed", "10.1.0.0-10.1.255.255", "10.2.0.1-10.2.0.9", "nets", 1},
		{"fixed", "10.1.0.0/17", "10.2.0.1-10.2.0.9", "", 0},
		{"fixed", "192.0.2.1 tcp", "192.0.2.2 tcp 23", "telnet", 2},
		{"fixed", "192.0.2.1/32 tcp", "192.0.2.2/32 tcp 23", "telnet", 2},
		{"fixed", "192.0.2.1 tcp 23", "192.0.2.2 tcp 23", "", 0},
		{"fixed", "192.0.2.1 udp", "192.0.2.2 udp 23", "", 0},
		{"secrets", "192.0.2.1", "198.51.100.3", "members", 7},
		{"secrets", "192.0.2.1", "198.51.100.4", "", 0},
		{"any", "192.168.100.104", "10.10.10.2/26", "answers", 0},
		{"any", "192.168.100.104", "10.10.10.2", "", 0},
		{"any", "192.168.100.0/24", "10.10.10.2/26", "", 0},
		{"start", "192.168.100.104", "10.10.10.2/26", "", 0},
	} {
		got, ok := db.MatchData(tunnel(t, db, c.tunnel), selector(t, c.local), selector(t, c.remote))
		if ok != (c.want != "") || got.Name != c.want || got.Number != c.number {
			t.Errorf("%s: %s to %s is %q %d, want %q %d", c.tunnel, c.local, c.remote, got.Name, got.Number, c.want, c.number)
		}
	}
	if got := db.DataTunnelsOf("fixed"); len(got) != 2 || got[0].Name != "nets" || got[1].Name != "telnet" {
		t.Errorf("data tunnels of fixed: %+v", got)
	}
	for _, name := range []string{"members", "7"} {
		if got, ok := db.FindData(name); !ok || got.Name != "members" {
			t.Errorf("find %s: %+v", name, got)
		}
	}
	if _, ok := db.FindData("3"); ok {
		t.Error("number 3 is found, and there is none")
	}
}

// selector reads an endpoint, a protocol and a port.
func selector(t *testing.T, s string) Selector {
	t.Helper()
	words := append(strings.Fields(s), "all", "0")
	p, err := ParseProtocol(words[1])
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(0)
	if words[2] == "23" {
		port = 23
	}
	return Selector{Endpoint: endpoint(t, words[0]), Protocol: p, Port: port}
}

func TestDataRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Definitions)
		want   string
	}{
		"no tunnel":          {func(d *Definitions) { d.DataTunnels[0].Tunnel = "none" }, `data-tunnel "nets": tunnel: there is no tunnel "none"`},
		"no protection":      {func(d *Definitions) { d.DataTunnels[0].Protection = "none" }, `data-tunnel "nets": protection: there is no data protection "none"`},
		"no proposal":        {func(d *Definitions) { d.DataProtections[0].Proposals = []string{"none"} }, `data-protection "lan": proposals: there is no proposal "none"`},
		"weak proposal":      {func(d *Definitions) { d.DataProtections[0].Proposals = []string{"old"} }, `data-protection "lan": proposals: 3des-md5 of "old" is weak by 3DES, MD5`},
		"weak group":         {func(d *Definitions) { d.DataProtections[0].PFS = suite.MODP1024 }, `data-protection "lan": pfs: DH group 2 (modp1024) is weak`},
		"empty proposal":     {func(d *Definitions) { d.Proposals[0].ESP = nil }, `proposal "good": esp: there is neither a transform of ESP nor one of AH`},
		"protocols differ":   {func(d *Definitions) { d.DataTunnels[1].Remote.Protocol = 17 }, `data-tunnel "telnet": remote.protocol: udp here, tcp at the local end`},
		"port, no protocol":  {func(d *Definitions) { d.DataTunnels[0].Local.Port = 5 }, `data-tunnel "nets": local.protocol: there is a port, but no protocol that it is of`},
		"families":           {func(d *Definitions) { d.DataTunnels[0].Remote.Endpoint = endpoint(t, "2001:db8::/64") }, `data-tunnel "nets": remote.endpoint: 2001:db8::/64 and the local endpoint 10.1.0.0/16 are of different families`},
		"transport, subnets": {func(d *Definitions) { d.DataTunnels[0].Protection = "between" }, `data-tunnel "nets": protection: proposal "hosts" is in transport mode, which is between two hosts`},
		"autostart, answers": {func(d *Definitions) { d.DataTunnels[0].Protection = "answers" }, `data-tunnel "nets": autostart: data tunnel "nets" only answers: the role of data protection "answers" is responder`},
		"group of names":     {func(d *Definitions) { d.DataTunnels[2].Remote.Group = "people" }, `data-tunnel "members": remote.group: no member of "people" is an address of the local endpoint's family`},
		"group and endpoint": {func(d *Definitions) { d.DataTunnels[2].Remote.Endpoint = endpoint(t, "10.0.0.1") }, `data-tunnel "members": remote.group: there is an endpoint already`},
		"number twice":       {func(d *Definitions) { d.DataTunnels[1].Number = 1 }, `data-tunnel "telnet": number: 1 stands behind 1`},
		"number too large":   {func(d *Definitions) { d.DataTunnels[2].Number = MaxNumber + 1 }, `data-tunnel "members": number: 1000001 is more than 1000000`},
		"same data": {func(d *Definitions) { d.DataTunnels[0] = d.DataTunnels[1]; d.DataTunnels[0].Name = "again" },
			`data-tunnel "telnet": remote: data tunnel "again" carries the same data in the same tunnel`},
		"generic, no types":     {func(d *Definitions) { d.Protections[0].Generic.Local = nil }, `protection "crl": generic.local: no type of endpoint may be asked for`},
		"generic, unresolved":   {func(d *Definitions) { d.Protections[0].Generic.Protection = "none" }, `protection "crl": generic.protection: there is no data protection "none"`},
		"overlap":               {func(d *Definitions) { d.DataProtections[0].KeyOverlap = MaxKeyOverlap + 1 }, `data-protection "lan": key-overlap: 91 is not between 1 and 90 percent`},
		"responder bounds":      {func(d *Definitions) { d.Protections[0].Responder = LifeBounds{MinKB: 2, MaxKB: 1} }, `protection "crl": responder.max-size: the largest, 1, is below the smallest, 2`},
		"too many transforms":   {func(d *Definitions) { d.Proposals[0].ESP = make([]DataTransform, MaxTransforms+1) }, `proposal "good": esp: 33 of them, more than 32`},
		"too many proposals":    {func(d *Definitions) { d.DataProtections[0].Proposals = make([]string, MaxProposals+1) }, `data-protection "lan": proposals: 33 of them, more than 32`},
		"too short a lifetime":  {func(d *Definitions) { d.Proposals[0].ESP[0].Lifetime = MinDataLifetime - 1 }, `proposal "good": esp: the lifetime of aes256-sha256: 9.999999999s is not whole seconds between 10s and 720h0m0s`},
		"too many data tunnels": {func(d *Definitions) { d.DataTunnels = make([]DataTunnel, MaxTunnels+1) }, `data-tunnel #65537: name: 65537 of these, more than 65536`},
	} {
		d := dataDefinitions(t)
		c.change(&d)
		if _, err := New(d); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v\nwant %s", name, err, c.want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "10.1.2.3/16": "10.1.0.0/16", "10.0.0.1-10.0.0.9": "10.0.0.1-10.0.0.9",
		"2001:db8::1": "2001:db8::1", "2001:db8::1/48": "2001:db8::/48", "2001:db8::1-2001:db8::f": "2001:db8::1-2001:db8::f",
		"0.0.0.0/0": "0.0.0.0/0", "::/0": "::/0", "10.0.0.1/32": "10.0.0.1/32",
	} {
		e := endpoint(t, in)
		if e.String() != want {
			t.Errorf("%s is %s, want %s", in, e, want)
		}
		s := Selector{Endpoint: e, Protocol: 6, Port: 23}
		back, err := SelectorFromPayload(s.Payload())
		if err != nil || back != s {
			t.Errorf("%s comes back as %v, %v", in, back, err)
		}
		if !e.Contains(e.First()) || !e.Contains(e.Last()) || e.Contains(netip.Addr{}) {
			t.Errorf("%s does not contain its ends, or nothing", in)
		}
	}
	for _, bad := range []string{"", "a", "10.0.0.9-10.0.0.1", "10.0.0.1-::1", "10.0.0.0/33", "fe80::1%eth0", "::ffff:10.0.0.1", "::ffff:10.0.0.0/112"} {
		if e, err := ParseEndpoint(bad); err == nil {
			t.Errorf("%q is %v", bad, e)
		}
	}
	for _, bad := range []isakmp.Identification{
		{IDType: isakmp.IDIPv4Addr, Data: make([]byte, 5)},
		{IDType: isakmp.IDIPv6Subnet, Data: make([]byte, 16)},
		{IDType: isakmp.IDIPv4Subnet, Data: []byte{10, 0, 0, 0, 255, 0, 255, 0}},
		{IDType: isakmp.IDIPv4Range, Data: []byte{10, 0, 0, 2, 10, 0, 0, 1}},
		{IDType: isakmp.IDFQDN, Data: []byte("a.example")},
	} {
		if s, err := SelectorFromPayload(&bad); err == nil {
			t.Errorf("%v of % x is %v", bad.IDType, bad.Data, s)
		}
	}
}

func TestDataTransforms(t *testing.T) {
	for _, s := range []string{"aes256-sha256", "aes128gcm16 transport 1h30m 4096KB", "3des-md5 5s", "null-sha1-esn 10m"} {
		tr, err := ParseESP(s)
		if err != nil || tr.String() != s {
			t.Errorf("%q is %v, %v", s, tr, err)
		}
	}
	for s, want := range map[string]string{
		"aes256":                         `transform "aes256": want CIPHER-AUTHENTICATION, such as aes256-sha256`,
		"aes256-sha256 tunnel transport": `transform "aes256-sha256 tunnel transport": both tunnel and transport`,
		"aes256-sha256 1h 2h":            `transform "aes256-sha256 1h 2h": "2h": want one lifetime, such as 8h`,
		"aes256-sha256 0KB":              `transform "aes256-sha256 0KB": "0KB": want one size, such as 100000KB`,
		"aes256-sha256 4294967296KB":     `transform "aes256-sha256 4294967296KB": "4294967296KB": want one size, such as 100000KB`,
		"aes256-sha256 -1h":              `transform "aes256-sha256 -1h": "-1h": want one lifetime, such as 8h`,
		"aes256-sha256 around":           `transform "aes256-sha256 around": "around": want one lifetime, such as 8h`,
	} {
		if _, err := ParseESP(s); err == nil || err.Error() != want {
			t.Errorf("%q: %v", s, err)
		}
	}
}

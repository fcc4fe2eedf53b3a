// Package ikedbtest makes random definitions for tests of what keeps and writes
// them: Definitions gives valid ones, of every kind and with every attribute.
package ikedbtest

import (
	"fmt"
	"net/netip"
	"time"

	"pgregory.net/rapid"

	"keyman/crl"
	"keyman/ike/ikedb"
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// Definitions generates definitions that ikedb.New takes. Numbers ascend, and
// each preshared key has one identity.
func Definitions() *rapid.Generator[ikedb.Definitions] { return rapid.Custom(drawDefinitions) }

// names has characters that files must escape.
var names = []string{"a", "branch office", `quo"te'`, "<less> & more", "ümlaut", "name", "x.y", "a]]>b", "tab-less", "日本"}

func drawDefinitions(t *rapid.T) ikedb.Definitions {
	var d ikedb.Definitions
	for i := range rapid.IntRange(1, 3).Draw(t, "proposals") {
		d.Proposals = append(d.Proposals, drawProposal(t, fmt.Sprintf("proposal-%d", i)))
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "data protections") {
		d.DataProtections = append(d.DataProtections, drawDataProtection(t, name(t, i), d.Proposals))
	}
	for i := range rapid.IntRange(1, 3).Draw(t, "protections") {
		d.Protections = append(d.Protections, drawProtection(t, name(t, i), d.DataProtections))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "groups") {
		g := ikedb.Group{Name: name(t, i)}
		for j := range rapid.IntRange(1, 4).Draw(t, "members") {
			g.IDs = append(g.IDs, identity(t, fmt.Sprintf("g%d-%d", i, j), 100+i*10+j))
		}
		d.Groups = append(d.Groups, g)
	}
	number, dataNumber := 0, 0
	for i := range rapid.IntRange(0, 4).Draw(t, "tunnels") {
		number += rapid.IntRange(1, 3).Draw(t, "number")
		tunnel, key := drawTunnel(t, i, d)
		tunnel.Number = number
		d.Tunnels = append(d.Tunnels, tunnel)
		d.PresharedKeys = append(d.PresharedKeys, key...)
		for j := range rapid.IntRange(0, 2).Draw(t, "data tunnels") {
			dataNumber += rapid.IntRange(1, 3).Draw(t, "data number")
			data := drawDataTunnel(t, tunnel, j, d)
			data.Name, data.Number = fmt.Sprintf("%s %d.%d", name(t, i), i, j), dataNumber
			d.DataTunnels = append(d.DataTunnels, data)
		}
	}
	return d
}

// name is one of its own for each i.
func name(t *rapid.T, i int) string {
	return fmt.Sprintf("%s %d", rapid.SampledFrom(names).Draw(t, "name"), i)
}

// addr is one of its own for each n below 250.
func addr(t *rapid.T, n int) netip.Addr {
	if rapid.Bool().Draw(t, "IPv6") {
		return netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(n + 1)})
	}
	return netip.AddrFrom4([4]byte{192, 0, 2, byte(n + 1)})
}

// identity is one of its own for each word and n.
func identity(t *rapid.T, word string, n int) ikedb.Identity {
	text := rapid.SampledFrom([]string{
		"fqdn:" + word + ".example.org", "user_fqdn:<" + word + ">@Example.org", "dn:C=CH, O=Exa \\\"mple\\\" & Co, CN=" + word,
		"key_id:" + word + ` "'<&>`, "key_id:0x00ff" + fmt.Sprintf("%02x", n), addr(t, n).String(),
	}).Draw(t, "identity")
	id, err := ikedb.ParseIdentity(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func seconds(t *rapid.T, least, most time.Duration) time.Duration {
	if rapid.Bool().Draw(t, "whole minutes") {
		return time.Duration(rapid.IntRange(int(max(least, time.Minute)/time.Minute), int(most/time.Minute)).Draw(t, "minutes")) * time.Minute
	}
	return time.Duration(rapid.IntRange(int(least/time.Second), int(most/time.Second)).Draw(t, "seconds")) * time.Second
}

func kilobytes(t *rapid.T) uint32 {
	return rapid.SampledFrom([]uint32{0, 0, 1, 4096, 1<<32 - 1}).Draw(t, "kilobytes")
}

func life(t *rapid.T) ikedb.Life {
	l := ikedb.Life{KeyOverlap: rapid.IntRange(1, ikedb.MaxKeyOverlap).Draw(t, "overlap"), TunnelKB: kilobytes(t), IgnoreSizes: rapid.Bool().Draw(t, "ignore sizes")}
	if rapid.Bool().Draw(t, "tunnel lifetime") {
		l.TunnelLifetime = seconds(t, time.Second, ikedb.MaxTunnelLifetime)
	}
	if rapid.Bool().Draw(t, "responder") {
		l.Responder.MinLifetime = seconds(t, time.Second, time.Hour)
		l.Responder.MaxLifetime = seconds(t, time.Hour, 2*time.Hour)
		l.Responder.MinKB, l.Responder.MaxKB = min(kilobytes(t), 4096), 5000
	}
	return l
}

func role(t *rapid.T) ikedb.Role {
	return rapid.SampledFrom([]ikedb.Role{ikedb.RoleBoth, ikedb.RoleResponder}).Draw(t, "role")
}

func drawProposal(t *rapid.T, name string) ikedb.Proposal {
	p := ikedb.Proposal{Name: name}
	mode := rapid.SampledFrom([]suite.Encapsulation{suite.EncapTunnel, suite.EncapTunnel, suite.EncapTransport}).Draw(t, "mode")
	which := rapid.IntRange(1, 3).Draw(t, "ESP, AH or both")
	draw := func(parse func(string) (ikedb.DataTransform, error), words []string) []ikedb.DataTransform {
		var all []ikedb.DataTransform
		for _, word := range rapid.SliceOfNDistinct(rapid.SampledFrom(words), 1, 3, rapid.ID).Draw(t, "transforms") {
			transform, err := parse(word)
			if err != nil {
				t.Fatal(err)
			}
			transform.Encapsulation, transform.LifeKB = mode, kilobytes(t)
			transform.Lifetime = seconds(t, ikedb.MinDataLifetime, ikedb.MaxDataLifetime)
			all = append(all, transform)
		}
		return all
	}
	if which&1 != 0 {
		p.ESP = draw(ikedb.ParseESP, []string{"aes256-sha256", "aes128gcm16", "aes192gcm8", "3des-md5", "null-sha1", "aes128-none", "des-md5-esn", "aes256gmac", "aes192-aesxcbc"})
	}
	if which&2 != 0 {
		p.AH = draw(ikedb.ParseAH, []string{"sha256", "md5", "sha512-esn", "aesxcbc"})
	}
	return p
}

func drawDataProtection(t *rapid.T, name string, proposals []ikedb.Proposal) ikedb.DataProtection {
	groups := rapid.SampledFrom([]suite.Group{0, suite.MODP1024, suite.MODP2048, suite.ECP256})
	p := ikedb.DataProtection{
		Name: name, Role: role(t), PFS: groups.Draw(t, "pfs"), AllowWeak: true, CommitBit: rapid.Bool().Draw(t, "commit"), Life: life(t),
		AcceptPFS: rapid.SliceOfNDistinct(groups, 0, 3, rapid.ID).Draw(t, "accepted"),
	}
	for _, i := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(proposals)-1), 1, len(proposals), rapid.ID).Draw(t, "proposals") {
		p.Proposals = append(p.Proposals, proposals[i].Name)
	}
	return p
}

func drawProtection(t *rapid.T, name string, data []ikedb.DataProtection) ikedb.Protection {
	p := ikedb.Protection{
		Name: name, Role: role(t), Auth: rapid.SampledFrom([]ikedb.AuthMethod{
			ikedb.AuthPresharedKey, ikedb.AuthRSASignature, ikedb.AuthRSASignatureCRL,
		}).Draw(t, "auth"), AllowWeak: true, Life: life(t),
		CRLTimeout: rapid.SampledFrom([]time.Duration{0, 1500 * time.Millisecond, ikedb.MaxCRLTimeout}).Draw(t, "CRL timeout"),
		Mode:       rapid.SampledFrom([]ikedb.Mode{"", ikedb.ModeMain, ikedb.ModeBoth}).Draw(t, "mode"),
	}
	switch p.Auth {
	case ikedb.AuthRSASignature:
		p.Revocation = crl.Off
	case ikedb.AuthRSASignatureCRL:
		p.Revocation = rapid.SampledFrom([]crl.Revocation{crl.Strict, crl.IfURI, crl.Relaxed}).Draw(t, "revocation")
		p.CRLGrace = rapid.SampledFrom([]time.Duration{0, 90 * time.Second, ikedb.MaxCRLGrace}).Draw(t, "CRL grace")
	}
	for _, word := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{
		"aes256-sha256-modp2048", "aes192-sha512-ecp384", "3des-md5-modp768", "aes128-sha1-modp1536",
	}), 1, 4, rapid.ID).Draw(t, "transforms") {
		transform, err := suite.ParseTransform(word)
		if err != nil {
			t.Fatal(err)
		}
		transform.LifeKB = kilobytes(t)
		if rapid.Bool().Draw(t, "own lifetime") {
			transform.Lifetime = seconds(t, ikedb.MinLifetime, ikedb.MaxLifetime)
		}
		p.Transforms = append(p.Transforms, transform)
	}
	if i := rapid.IntRange(0, len(data)-1).Draw(t, "generic"); rapid.Bool().Draw(t, "has generic") {
		types := rapid.SliceOfNDistinct(rapid.SampledFrom([]isakmp.IDType{
			isakmp.IDIPv4Addr, isakmp.IDIPv6Addr, isakmp.IDIPv4Subnet, isakmp.IDIPv6Subnet, isakmp.IDIPv4Range, isakmp.IDIPv6Range,
		}), 1, 6, rapid.ID)
		p.Generic = ikedb.Generic{Protection: data[i].Name, Local: types.Draw(t, "local types"), Remote: types.Draw(t, "remote types")}
	}
	return p
}

// drawTunnel draws the tunnel with an index, whose addresses and identities no
// other has, and its preshared key.
func drawTunnel(t *rapid.T, i int, d ikedb.Definitions) (ikedb.Tunnel, []ikedb.PresharedKey) {
	p := d.Protections[rapid.IntRange(0, len(d.Protections)-1).Draw(t, "protection")]
	tunnel := ikedb.Tunnel{
		Name: name(t, i), Protection: p.Name, OptionalIPRule: rapid.Bool().Draw(t, "optional IP"),
		Local:  ikedb.LocalEnd{ID: identity(t, fmt.Sprintf("l%d", i), i)},
		Remote: ikedb.RemoteEnd{ID: identity(t, fmt.Sprintf("r%d", i), 10+i)},
	}
	remote := addr(t, 20+i)
	if rapid.Bool().Draw(t, "local address") {
		tunnel.Local.Address = netip.AddrFrom4([4]byte{198, 51, 100, byte(i + 1)})
		if remote.Is6() {
			tunnel.Local.Address = netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 1, 15: byte(i + 1)})
		}
	}
	if rapid.Bool().Draw(t, "ports") {
		tunnel.Remote.Port, tunnel.Remote.NATTPort = 1500, 14500
	}
	if p.Signatures() {
		tunnel.Local.Certificate = name(t, 0)
	}
	var keys []ikedb.PresharedKey
	switch {
	case !p.Signatures():
		tunnel.Remote.Address = remote
		secret := rapid.SliceOfN(rapid.Byte(), 1, 20)
		if rapid.Bool().Draw(t, "readable") {
			secret = rapid.Custom(func(t *rapid.T) []byte { return []byte(rapid.StringN(1, 20, 60).Draw(t, "text")) })
		}
		keys = append(keys, ikedb.PresharedKey{IDs: []ikedb.Identity{tunnel.Remote.ID}, Secret: ikedb.NewSecret(secret.Draw(t, "secret"))})
	case rapid.Bool().Draw(t, "remote address"):
		tunnel.Remote.Address = remote
		tunnel.AutoStart = p.MayInitiate()
	}
	return tunnel, keys
}

func drawDataTunnel(t *rapid.T, carrier ikedb.Tunnel, j int, d ikedb.Definitions) ikedb.DataTunnel {
	p := d.DataProtections[rapid.IntRange(0, len(d.DataProtections)-1).Draw(t, "data protection")]
	host, err := ikedb.HostEndpoint(netip.AddrFrom4([4]byte{10, 0, 0, byte(j)}))
	if err != nil {
		t.Fatal(err)
	}
	remote := rapid.SampledFrom([]string{"10.2.0.1", "10.2.0.0/16", "10.2.0.1-10.2.0.9"})
	for _, name := range p.Proposals {
		for _, proposal := range d.Proposals {
			if proposal.Name == name && proposal.Encapsulation() == suite.EncapTransport {
				remote = rapid.Just("10.2.0.1")
			}
		}
	}
	endpoint, err := ikedb.ParseEndpoint(remote.Draw(t, "remote endpoint"))
	if err != nil {
		t.Fatal(err)
	}
	data := ikedb.DataTunnel{
		Tunnel: carrier.Name, Protection: p.Name, Local: ikedb.Selector{Endpoint: host}, Remote: ikedb.DataRemote{Selector: ikedb.Selector{Endpoint: endpoint}},
	}
	if protocol := rapid.SampledFrom([]uint8{0, 6, 17, 200}).Draw(t, "protocol"); protocol != 0 {
		data.Local.Protocol, data.Remote.Protocol = protocol, protocol
		data.Local.Port, data.Remote.Port = rapid.Uint16().Draw(t, "local port"), rapid.Uint16().Draw(t, "remote port")
	}
	data.AutoStart = carrier.AutoStart && p.MayInitiate()
	data.OnDemand = data.AutoStart && rapid.Bool().Draw(t, "on demand")
	return data
}

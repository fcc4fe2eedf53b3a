package ikedb

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// theSecret is a preshared key that must not appear anywhere.
const theSecret = "correct horse battery staple"

// dump shows everything in a DB.
func dump(t *testing.T, db *DB) string {
	t.Helper()
	// Without their methods, which leave defaults out.
	type (
		tunnel         Tunnel
		protection     Protection
		group          Group
		dataTunnel     DataTunnel
		dataProtection DataProtection
		proposal       Proposal
	)
	d := db.Definitions()
	out, err := json.MarshalIndent(map[string]any{
		"tunnels":     tables(d.Tunnels, func(t Tunnel) tunnel { return tunnel(t) }),
		"protections": tables(d.Protections, func(p Protection) protection { return protection(p) }),
		"groups":      tables(d.Groups, func(g Group) group { return group(g) }), "secrets": len(db.secrets),
		"data-tunnels":     tables(d.DataTunnels, func(t DataTunnel) dataTunnel { return dataTunnel(t) }),
		"data-protections": tables(d.DataProtections, func(p DataProtection) dataProtection { return dataProtection(p) }),
		"proposals":        tables(d.Proposals, func(p Proposal) proposal { return proposal(p) }),
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + "\n"
}

func TestLoad(t *testing.T) {
	t.Setenv("OLD_PEER_SECRET", theSecret)
	db, err := Load(filepath.Join("testdata", "tunnels.toml"))
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, "tunnels.golden.json", dump(t, db))
	for name, secrets := range map[string]bool{"tunnels.written.toml": true, "tunnels.hidden.toml": false} {
		written, err := MarshalTOML(db.Definitions(), secrets)
		if err != nil {
			t.Fatal(err)
		}
		checkGolden(t, name, string(written))
		if strings.Contains(string(written), theSecret) != secrets {
			t.Errorf("%s: with its secret: %v", name, !secrets)
		}
	}
	again, err := load([]byte(golden(t, "tunnels.written.toml")), 0o600, noSecrets)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dump(t, db), dump(t, again)); diff != "" {
		t.Errorf("what is written is read as something else: -want +got\n%s", diff)
	}
	if _, err := load([]byte(golden(t, "tunnels.hidden.toml")), 0o600, noSecrets); err == nil || err.Error() != "preshared-key #1: secret: it is empty" {
		t.Errorf("without its secret: %v", err)
	}
}

// load makes a DB of a file's content and mode.
func load(data []byte, mode fs.FileMode, source secretSource) (*DB, error) {
	d, err := parseTOML(data, mode, source)
	if err != nil {
		return nil, err
	}
	return New(d)
}

// golden returns a file of testdata.
func golden(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// checkGolden compares with a file of testdata, or writes it.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(filepath.Join("testdata", name), []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(golden(t, name), got); diff != "" {
		t.Errorf("%s: -want +got\n%s", name, diff)
	}
}

func TestLoadFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode fs.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("good.psk", theSecret+"\r\nnot this line\n", 0o600)
	write("open.psk", theSecret+"\n", 0o640)
	write("long.psk", strings.Repeat("x", MaxSecret+3), 0o600)
	write("empty.psk", "\n", 0o600)
	key := func(line string) string {
		return "[[preshared-key]]\nids = [\"192.0.2.2\"]\n" + line + "\n"
	}
	for name, c := range map[string]struct {
		text string
		mode fs.FileMode
		want string // secret, or the error after the path
	}{
		"secret file":            {key(`secret-file = "good.psk"`), 0o644, theSecret},
		"inline":                 {key(`secret = "` + theSecret + `"`), 0o600, theSecret},
		"inline hex":             {key(`secret-hex = "00ff"`), 0o400, "\x00\xff"},
		"inline, readable":       {key(`secret = "` + theSecret + `"`), 0o640, `preshared-key #1: secret: this file holds a secret, but its mode 0640 lets others than its owner at it`},
		"hex, readable":          {key(`secret-hex = "00ff"`), 0o604, `preshared-key #1: secret: this file holds a secret, but its mode 0604 lets others than its owner at it`},
		"secret file, readable":  {key(`secret-file = "open.psk"`), 0o600, `preshared-key #1: secret-file: open.psk holds a secret, but its mode 0640 lets others than its owner at it`},
		"secret file, too large": {key(`secret-file = "long.psk"`), 0o600, `preshared-key #1: secret-file: ` + dir + `/long.psk is larger than 1026 bytes`},
		"secret file, empty":     {key(`secret-file = "empty.psk"`), 0o600, `preshared-key #1: secret: it is empty`},
		"secret file, absent":    {key(`secret-file = "none.psk"`), 0o600, `preshared-key #1: secret-file: open ` + dir + `/none.psk: no such file or directory`},
		"secret file, folder":    {key(`secret-file = "."`), 0o600, `preshared-key #1: secret-file: ` + dir + ` is no regular file`},
		"too large":              {strings.Repeat("#", MaxFile+1), 0o600, "larger than 16777216 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write("tunnels.toml", c.text, c.mode)
			defer os.Remove(path)
			db, err := Load(path)
			if err != nil {
				if !strings.HasSuffix(err.Error(), c.want) {
					t.Errorf("error %q, want ... %q", err, c.want)
				}
				if strings.Contains(err.Error(), theSecret) {
					t.Errorf("the error shows the secret: %v", err)
				}
				return
			}
			id, _ := ParseIdentity("192.0.2.2")
			if got := string(db.secrets[id.Key()].Bytes()); got != c.want {
				t.Errorf("secret %q, want %q", got, c.want)
			}
		})
	}
	if _, err := Load(filepath.Join(dir, "absent.toml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: %v, want fs.ErrNotExist", err)
	}
}

// noSecrets is a secretSource with one variable and one file.
var noSecrets = secretSource{
	file: func(name string) ([]byte, fs.FileMode, error) {
		if name == "psk" {
			return []byte(theSecret), 0o600, nil
		}
		return nil, 0, fs.ErrNotExist
	},
	env: func(name string) (string, bool) { return theSecret, name == "PSK" },
}

// Parts of files for the table of refusals.
const (
	crlProtection = `[[protection]]
name = "p"
auth = "rsa-signature-crl"
transforms = ["aes256-sha256-modp2048"]
`
	pskProtection = `[[protection]]
name = "p"
auth = "preshared-key"
transforms = ["aes256-sha256-modp2048"]
`
	aTunnel = `[[tunnel]]
name = "t"
protection = "p"
[tunnel.local]
address = "192.0.2.1"
certificate = "gw1"
[tunnel.remote]
address = "192.0.2.2"
`
	pskTunnel = `[[tunnel]]
name = "t"
protection = "p"
[tunnel.local]
address = "192.0.2.1"
`
	aKey = `[[preshared-key]]
ids = ["192.0.2.2"]
secret-env = "PSK"
`
)

func TestRefusals(t *testing.T) {
	edit := func(text string, oldnew ...string) string {
		t.Helper()
		for i := 0; i < len(oldnew); i += 2 {
			if !strings.Contains(text, oldnew[i]) {
				t.Fatalf("no %q in %q", oldnew[i], text)
			}
		}
		return strings.NewReplacer(oldnew...).Replace(text)
	}
	var bigGroup strings.Builder
	for i := range 60 {
		fmt.Fprintf(&bigGroup, `"host%03d.example.org",`, i)
	}
	for name, c := range map[string]struct{ text, want string }{
		"syntax":                  {"[[tunnel]\n", "line 1, column 9: no valid TOML"},
		"syntax beside a secret":  {"[[preshared-key]]\nsecret = \"" + theSecret + "\" x\n", "line 2, column 41: no valid TOML"},
		"secret without quotes":   {"[[preshared-key]]\nsecret = hunter2\n", "line 2, column 10: no valid TOML"},
		"secret is a number":      {"[[preshared-key]]\nsecret = 1234567890\n", "line 2: preshared-key.secret: the value is of the wrong type or out of range"},
		"unknown table":           {"[[tunel]]\n", "line 1: the key tunel is not known: use tunnel, protection, group, preshared-key, data-tunnel, data-protection, proposal"},
		"unknown key":             {aTunnel + "port2 = 5\n", "line 9: the key tunnel.remote.port2 is not known: use address, id, group, port, natt-port"},
		"key twice by case":       {crlProtection + "revocation = \"strict\"\nRevocation = \"relaxed\"\n", "line 6: the key protection.Revocation is not known: write revocation"},
		"key in another case":     {edit(aTunnel, "certificate", "Certificate"), "line 6: the key tunnel.local.Certificate is not known: write certificate"},
		"table in another case":   {"[[Protection]]\n", "line 1: the key Protection is not known: write protection"},
		"inline in another case":  {"protection = [{name = \"p\", Weak = \"allow\"}]\n", "line 1: the key protection.Weak is not known: write weak"},
		"table for a word":        {"[tunnel.name.x]\ny = 1\n", "line 1: tunnel.name.x: the value is of the wrong type or out of range"},
		"wrong type":              {"[[tunnel]]\nname = 5\n", "line 2: tunnel.name: the value is of the wrong type or out of range"},
		"port out of range":       {aTunnel + "port = 65536\n", "line 9: tunnel.remote.port: the value is of the wrong type or out of range"},
		"tunnel without name":     {edit(aTunnel, `name = "t"`, ""), `tunnel #1: name: it is missing`},
		"tunnel name is a number": {edit(aTunnel, `"t"`, `"1-3"`) + crlProtection, `tunnel "1-3": name: a name must have a letter`},
		"tunnel name twice":       {aTunnel + aTunnel + crlProtection, `tunnel "t": name: another tunnel has this name`},
		"name not printable":      {edit(aTunnel, `"t"`, `"a\tb"`), `tunnel #1: name: "a\tb" has characters that cannot be printed`},
		"name with blanks":        {edit(aTunnel, `"t"`, `" t"`), `tunnel #1: name: " t" has blanks at an end`},
		"name too long":           {edit(aTunnel, `"t"`, `"`+strings.Repeat("t", 129)+`"`), `tunnel #1: name: 129 bytes, more than 128`},
		"no protection named":     {edit(aTunnel, `protection = "p"`, ""), `tunnel "t": protection: it is missing`},
		"no such protection":      {aTunnel, `tunnel "t": protection: there is no protection "p"`},
		"no such group":           {edit(aTunnel, `address = "192.0.2.2"`, `group = "g"`) + crlProtection, `tunnel "t": remote.group: there is no group "g"`},
		"group and id":            {aTunnel + "group = \"g\"\nid = \"a.example\"\n" + crlProtection, `tunnel "t": remote.group: the peer has an id already`},
		"group as local":          {edit(aTunnel, `certificate = "gw1"`, `group = "g"`), "line 6: the key tunnel.local.group is not known: use address, id, certificate"},
		"no local id":             {edit(aTunnel, `address = "192.0.2.1"`, "") + crlProtection, `tunnel "t": local.id: it is missing, and there is no local.address to take its place`},
		"no remote id":            {edit(aTunnel, `"192.0.2.2"`, `"any"`) + crlProtection, `tunnel "t": remote.id: it is missing, and there is no remote.address to take its place`},
		"bad identity":            {aTunnel + `id = "email:x"` + "\n", `tunnel "t": remote.id: identity "email:x": type "email" is not known: use ipv4, ipv6, fqdn, user_fqdn, dn or key_id`},
		"bad address":             {edit(aTunnel, "192.0.2.2", "gw2.example.org"), `tunnel "t": remote.address: "gw2.example.org" is neither an IP address nor "any"`},
		"empty address":           {edit(aTunnel, "192.0.2.2", ""), `tunnel "t": remote.address: "" is neither an IP address nor "any"`},
		"address with zone":       {edit(aTunnel, "192.0.2.2", "fe80::1%eth0") + crlProtection, `tunnel "t": remote.address: fe80::1%eth0 has a zone`},
		"multicast address":       {edit(aTunnel, "192.0.2.2", "224.0.0.1") + crlProtection, `tunnel "t": remote.address: 224.0.0.1 is no host's address`},
		"unspecified address":     {edit(aTunnel, "192.0.2.1", "0.0.0.0") + crlProtection, `tunnel "t": local.address: 0.0.0.0 is no host's address`},
		"disguised address":       {edit(aTunnel, "192.0.2.2", "::ffff:192.0.2.2") + crlProtection, `tunnel "t": remote.address: ::ffff:192.0.2.2 is an IPv4 address in disguise: write 192.0.2.2`},
		"mixed families":          {edit(aTunnel, "192.0.2.2", "2001:db8::2") + crlProtection, `tunnel "t": remote.address: 2001:db8::2 and the local address 192.0.2.1 are of different families`},
		"own identity":            {edit(aTunnel, `certificate = "gw1"`, "certificate = \"gw1\"\nid = \"GW.example\"") + "id = \"gw.example\"\n" + crlProtection, `tunnel "t": remote.id: fqdn:gw.example is local.id, too`},
		"own address":             {edit(aTunnel, "192.0.2.2", "192.0.2.1") + crlProtection, `tunnel "t": remote.id: ipv4:192.0.2.1 is local.id, too`},
		"own group":               {edit(aTunnel, `address = "192.0.2.2"`, `group = "g"`) + crlProtection + "[[group]]\nname = \"g\"\nids = [\"a.example\", \"192.0.2.1\"]\n", `tunnel "t": remote.group: member ipv4:192.0.2.1 is local.id, too`},
		"port 0":                  {aTunnel + "port = 0\n", `tunnel "t": remote.port: 0 is no port`},
		"equal ports":             {aTunnel + "port = 4500\n" + crlProtection, `tunnel "t": remote.natt-port: 4500 is remote.port, too`},
		"no certificate":          {edit(aTunnel, `certificate = "gw1"`, "") + crlProtection, `tunnel "t": local.certificate: it is missing, and protection "p" signs`},
		"certificate with PSK":    {aTunnel + pskProtection + aKey, `tunnel "t": local.certificate: protection "p" uses a preshared key`},
		"autostart, any peer":     {edit(aTunnel, `"192.0.2.2"`, "\"any\"\nid = \"a.example\"", `name = "t"`, "name = \"t\"\nautostart = true") + crlProtection, `tunnel "t": autostart: tunnel "t" only answers: it has no remote.address`},
		"autostart, group":        {edit(aTunnel, `name = "t"`, "name = \"t\"\nautostart = true") + "group = \"g\"\n" + crlProtection + "[[group]]\nname = \"g\"\nids = [\"a.example\"]\n", `tunnel "t": autostart: tunnel "t" only answers: its peer is the group "g"`},
		"autostart, responder":    {edit(aTunnel, `name = "t"`, "name = \"t\"\nautostart = true") + crlProtection + "role = \"responder\"\n", `tunnel "t": autostart: tunnel "t" only answers: the role of protection "p" is responder`},
		"useless tunnel":          {edit(aTunnel, `"192.0.2.2"`, "\"any\"\nid = \"a.example\"") + crlProtection + "role = \"initiator\"\n", `tunnel "t": protection: "p" never answers, and tunnel "t" only answers: it has no remote.address`},

		"no key":                {pskTunnel + "[tunnel.remote]\naddress = \"192.0.2.3\"\n" + pskProtection + aKey, `tunnel "t": remote: there is no preshared key for ipv4:192.0.2.3`},
		"no key, id or address": {pskTunnel + "[tunnel.remote]\naddress = \"192.0.2.3\"\nid = \"b.example\"\n" + pskProtection + aKey, `tunnel "t": remote: there is no preshared key for fqdn:b.example or ipv4:192.0.2.3`},
		"PSK without address":   {pskTunnel + "[tunnel.remote]\nid = \"b.example\"\n" + pskProtection + aKey, `tunnel "t": remote.address: it is missing, but main mode chooses a preshared key by the peer's address (RFC 2409, 5.4)`},
		"PSK with named group":  {pskTunnel + "[tunnel.remote]\ngroup = \"g\"\n" + pskProtection + aKey + "[[group]]\nname = \"g\"\nids = [\"a.example\"]\n", `tunnel "t": remote.group: member fqdn:a.example is no address, but main mode chooses a preshared key by the peer's address (RFC 2409, 5.4)`},
		"PSK group, elsewhere":  {pskTunnel + "[tunnel.remote]\naddress = \"192.0.2.3\"\ngroup = \"g\"\n" + pskProtection + edit(aKey, `"192.0.2.2"`, `"192.0.2.2", "192.0.2.3"`) + "[[group]]\nname = \"g\"\nids = [\"192.0.2.2\"]\n", `tunnel "t": remote.group: 192.0.2.3 is no member, but main mode chooses a preshared key by the peer's address (RFC 2409, 5.4)`},
		"PSK group, half named": {pskTunnel + "[tunnel.remote]\naddress = \"192.0.2.2\"\ngroup = \"g\"\n" + pskProtection + aKey + "[[group]]\nname = \"g\"\nids = [\"192.0.2.2\", \"a.example\"]\n", `tunnel "t": remote.group: member fqdn:a.example is no address, but main mode chooses a preshared key by the peer's address (RFC 2409, 5.4)`},
		"PSK group, no key":     {pskTunnel + "[tunnel.remote]\ngroup = \"g\"\n" + pskProtection + aKey + "[[group]]\nname = \"g\"\nids = [\"192.0.2.2\", \"192.0.2.3\"]\n", `tunnel "t": remote.group: there is no preshared key for member ipv4:192.0.2.3`},

		"protection without name":   {edit(crlProtection, `name = "p"`, ""), `protection #1: name: it is missing`},
		"protection name twice":     {crlProtection + crlProtection, `protection "p": name: another protection has this name`},
		"no auth":                   {edit(crlProtection, `auth = "rsa-signature-crl"`, ""), `protection "p": auth: it is missing`},
		"unknown auth":              {edit(crlProtection, "rsa-signature-crl", "rsa"), `protection "p": auth: "rsa" is not known`},
		"unknown role":              {crlProtection + `role = "any"`, `protection "p": role: "any" is not known`},
		"unknown revocation":        {crlProtection + `revocation = "lax"`, `protection "p": revocation: revocation "lax" is not known: use strict, ifuri, relaxed or off`},
		"revocation as number":      {crlProtection + `revocation = 2`, `line 5: protection.revocation: the value is of the wrong type or out of range`},
		"revocation off":            {crlProtection + `revocation = "off"`, `protection "p": revocation: off contradicts auth = rsa-signature-crl`},
		"revocation without check":  {edit(crlProtection, "-crl", "") + `revocation = "relaxed"`, `protection "p": revocation: auth = rsa-signature checks no revocation list, but relaxed is asked for`},
		"revocation with PSK":       {pskProtection + `revocation = "off"`, `protection "p": revocation: with a preshared key there is no certificate to check`},
		"crl-timeout too long":      {crlProtection + `crl-timeout = "3m"`, `protection "p": crl-timeout: 3m0s is not between 0 and 50s`},
		"crl-grace too long":        {crlProtection + `crl-grace = "721h"`, `protection "p": crl-grace: 721h0m0s is not between 0 and 720h0m0s`},
		"crl-timeout without unit":  {crlProtection + `crl-timeout = "20"`, `protection "p": crl-timeout: "20" is no length of time such as "20s" or "8h"`},
		"lifetime too short":        {crlProtection + `lifetime = "59s"`, `protection "p": lifetime: 59s is not whole seconds between 1m0s and 720h0m0s`},
		"lifetime too long":         {crlProtection + `lifetime = "721h"`, `protection "p": lifetime: 721h0m0s is not whole seconds between 1m0s and 720h0m0s`},
		"lifetime of half a second": {crlProtection + `lifetime = "60.5s"`, `protection "p": lifetime: 1m0.5s is not whole seconds between 1m0s and 720h0m0s`},
		"no transform":              {edit(crlProtection, `"aes256-sha256-modp2048"`, ""), `protection "p": transforms: there is none`},
		"unknown transform":         {edit(crlProtection, "modp2048", "modp2000"), `protection "p": transforms: transform "aes256-sha256-modp2000": unknown group "modp2000"; known are modp768, modp1024, modp1536, modp2048, modp3072, modp4096, modp6144, modp8192, ecp256, ecp384, ecp521`},
		"transform twice":           {edit(crlProtection, `"aes256-sha256-modp2048"`, `"aes256-sha256-modp2048", "aes256-sha256-modp2048"`), `protection "p": transforms: aes256-sha256-modp2048 stands there twice`},
		"too many transforms":       {edit(crlProtection, `"aes256-sha256-modp2048"`, strings.Repeat(`"aes256-sha256-modp2048",`, 33)), `protection "p": transforms: 33 of them, more than 32`},
		"weak transform":            {edit(crlProtection, "aes256-sha256-modp2048", "3des-md5-modp1024"), `protection "p": transforms: 3des-md5-modp1024 is weak by 3DES, MD5, DH group 2 (modp1024)`},
		"other word for weak":       {crlProtection + `weak = "yes"`, `protection "p": weak: "yes" is not known: write "allow" or leave it out`},

		"group without name":  {"[[group]]\nids = [\"a.example\"]\n", `group #1: name: it is missing`},
		"group twice":         {"[[group]]\nname = \"g\"\nids = [\"a.example\"]\n[[group]]\nname = \"g\"\nids = [\"a.example\"]\n", `group "g": name: another group has this name`},
		"empty group":         {"[[group]]\nname = \"g\"\n", `group "g": ids: there is none`},
		"group member empty":  {"[[group]]\nname = \"g\"\nids = [\"\"]\n", `group "g": ids: identity "": it is empty`},
		"group member twice":  {"[[group]]\nname = \"g\"\nids = [\"a.example\", \"fqdn:A.EXAMPLE\"]\n", `group "g": ids: fqdn:A.EXAMPLE stands there twice`},
		"group too large":     {"[[group]]\nname = \"g\"\nids = [" + bigGroup.String() + "]\n", `group "g": ids: the group is larger than 1024 bytes`},
		"key without id":      {edit(aKey, `"192.0.2.2"`, ""), `preshared-key #1: ids: there is none`},
		"key twice":           {aKey + aKey, `preshared-key #2: ids: ipv4:192.0.2.2 has a preshared key already`},
		"key id bad":          {edit(aKey, "192.0.2.2", "192.0.2.256"), `preshared-key #1: ids: identity "192.0.2.256": neither an address nor a domain name: write fqdn: before it if it is a name`},
		"no secret":           {edit(aKey, `secret-env = "PSK"`, ""), `preshared-key #1: secret: 0 of the keys secret, secret-hex, secret-file and secret-env stand there`},
		"two secrets":         {aKey + "secret = \"x\"\n", `preshared-key #1: secret: 2 of the keys secret, secret-hex, secret-file and secret-env stand there`},
		"variable not set":    {edit(aKey, `"PSK"`, `"NONE"`), `preshared-key #1: secret-env: the environment variable "NONE" is not set`},
		"secret is no hex":    {edit(aKey, `secret-env = "PSK"`, `secret-hex = "0x5e"`), `preshared-key #1: secret-hex: it is not pairs of hexadecimal digits`},
		"empty inline secret": {edit(aKey, `secret-env = "PSK"`, `secret = ""`), `preshared-key #1: secret: it is empty`},
		"secret too long":     {edit(aKey, `secret-env = "PSK"`, `secret = "`+strings.Repeat("x", 1025)+`"`), `preshared-key #1: secret: 1025 bytes, more than 1024`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load([]byte(c.text), 0o600, noSecrets)
			switch {
			case err == nil:
				t.Fatal("accepted")
			case err.Error() != c.want:
				t.Errorf("error\n%v\nwant\n%s", err, c.want)
			case strings.Contains(err.Error(), theSecret), strings.Contains(err.Error(), "5e"):
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

func FuzzLoad(f *testing.F) {
	sample, err := os.ReadFile(filepath.Join("testdata", "tunnels.toml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(sample), aTunnel + crlProtection, pskTunnel + "[tunnel.remote]\naddress = \"192.0.2.2\"\n" + pskProtection + aKey, "[[group]]\nname = \"g\"\nids = [\"a.example\"]\n", twoTunnels} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		db, err := load(data, 0o600, noSecrets)
		if err != nil {
			if strings.Contains(err.Error(), theSecret) {
				t.Fatalf("the error shows the secret: %v", err)
			}
			return
		}
		// Whatever is accepted keeps the promises of a DB.
		for i, tunnel := range db.Tunnels() {
			p, ok := db.Protection(tunnel.Protection)
			if !ok || tunnel.Number != i+1 || tunnel.Local.ID.IsZero() || len(p.Transforms) == 0 {
				t.Fatalf("tunnel %+v is not complete", tunnel)
			}
			if found, ok := db.Find(tunnel.Name); !ok || found != tunnel {
				t.Fatalf("tunnel %q is not found", tunnel.Name)
			}
			if tunnel.Remote.ID.IsZero() == (tunnel.Remote.Group == "") {
				t.Fatalf("tunnel %q has an id and a group, or neither", tunnel.Name)
			}
			for _, transform := range p.Transforms {
				if len(transform.Weak()) > 0 && !p.AllowWeak {
					t.Fatalf("tunnel %q: weak %v", tunnel.Name, transform)
				}
			}
			if p.Auth == AuthRSASignatureCRL && p.Revocation.String() == "off" {
				t.Fatalf("tunnel %q does not check", tunnel.Name)
			}
			if db.admits(tunnel, tunnel.Local.ID) {
				t.Fatalf("tunnel %q admits itself", tunnel.Name)
			}
		}
		if a, b, found := laxer(db); found {
			t.Fatalf("a peer can choose between the tunnels %q and %q", a, b)
		}
	})
}

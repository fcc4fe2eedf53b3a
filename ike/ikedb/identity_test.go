package ikedb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"keyman/ike/isakmp"
	"keyman/internal/dn"
)

func TestParseIdentity(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"192.0.2.1", "ipv4:192.0.2.1"},
		{"ipv4:192.0.2.1", "ipv4:192.0.2.1"},
		{"2001:DB8::1", "ipv6:2001:db8::1"},
		{"ipv6:2001:db8::1", "ipv6:2001:db8::1"},
		{"::ffff:192.0.2.1", "ipv6:::ffff:192.0.2.1"},
		{"gw1.Example.org", "fqdn:gw1.Example.org"},
		{"fqdn:10.0.0.300", "fqdn:10.0.0.300"},
		{"localhost", "fqdn:localhost"},
		{"Ann@Example.org", "user_fqdn:Ann@Example.org"},
		{"user_fqdn:ann@example.org", "user_fqdn:ann@example.org"},
		{"C=CH, O=Example, CN=gw1", "dn:C=CH, O=Example, CN=gw1"},
		{"/C=CH/O=Example/CN=gw1", "dn:C=CH, O=Example, CN=gw1"},
		{"dn:CN=a:b", "dn:CN=a:b"},
		{"CN=a@b", "dn:CN=a@b"},
		{"key_id:branch 7", "key_id:branch 7"},
		{"key_id:0x6162", "key_id:ab"},
		{"key_id:0x3078", "key_id:0x3078"},
		{"key_id:0x0a", "key_id:0x0a"},
	} {
		id, err := ParseIdentity(c.in)
		if err != nil {
			t.Errorf("ParseIdentity(%q): %v", c.in, err)
			continue
		}
		if got := id.String(); got != c.want {
			t.Errorf("ParseIdentity(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"", `identity "": it is empty`},
		{"10.0.0.300", `identity "10.0.0.300": neither an address nor a domain name: write fqdn: before it if it is a name`},
		{"fe80::1%eth0", `identity "fe80::1%eth0": address fe80::1%eth0: a zone is known to this machine only and cannot be part of an identity`},
		{"ipv4:2001:db8::1", `identity "ipv4:2001:db8::1": "2001:db8::1" is no ipv4 address`},
		{"ipv6:192.0.2.1", `identity "ipv6:192.0.2.1": "192.0.2.1" is no ipv6 address`},
		{"ipv4:gw", `identity "ipv4:gw": "gw" is no ipv4 address`},
		{"keyid:x", `identity "keyid:x": type "keyid" is not known: use ipv4, ipv6, fqdn, user_fqdn, dn or key_id`},
		{"FQDN:x", `identity "FQDN:x": type "FQDN" is not known: use ipv4, ipv6, fqdn, user_fqdn, dn or key_id`},
		{"fqdn:", `identity "fqdn:": it is empty`},
		{"gw 1", `identity "gw 1": "gw 1" is no domain name`},
		{"a..b", `identity "a..b": "a..b" is no domain name`},
		{".a", `identity ".a": ".a" is no domain name`},
		{"gw*.example.org", `identity "gw*.example.org": "gw*.example.org" is no domain name`},
		{"*.", `identity "*.": "" is no domain name`},
		{"*.*.example.org", `identity "*.*.example.org": "*.example.org" is no domain name`},
		{"*@", `identity "*@": "" is no domain name`},
		{"fqdn:" + strings.Repeat("a", 254), `identity "fqdn:` + strings.Repeat("a", 254) + `": "` + strings.Repeat("a", 254) + `" is no domain name`},
		{"@gw1", `identity "@gw1": "@gw1" is no user@domain`},
		{"a@b@c", `identity "a@b@c": "a@b@c" is no user@domain`},
		{"ann@", `identity "ann@": "ann@" is no user@domain`},
		{"dn:", `identity "dn:": name: it is empty`},
		{"X=1", `identity "X=1": name "X=1": attribute type "X" is not known: use a name such as CN, or a dotted OID`},
		{"key_id:", `identity "key_id:": it is empty`},
		{"key_id:0x", `identity "key_id:0x": it is empty`},
		{"key_id:0x0", `identity "key_id:0x0": "0x0" is not 0x and pairs of hexadecimal digits`},
		{"key_id:\n", `identity "key_id:\n": a key_id that is not printable ASCII is written as 0x and hexadecimal digits`},
		{"key_id:" + strings.Repeat("k", MaxIdentity+1), `identity "key_id:` + strings.Repeat("k", MaxIdentity+1) + `": 1025 bytes, more than 1024`},
		{strings.Repeat("k", maxText+1), `an identity of 8193 bytes: at most 8192 are possible`},
	} {
		if id, err := ParseIdentity(c.in); err == nil {
			t.Errorf("ParseIdentity(%q) = %v, want an error", c.in, id)
		} else if err.Error() != c.want {
			t.Errorf("ParseIdentity(%q): error\n%v\nwant\n%s", c.in, err, c.want)
		}
	}
}

func TestFromPayloadRefuses(t *testing.T) {
	for _, c := range []struct {
		typ  isakmp.IDType
		data string
		want string
	}{
		{isakmp.IDIPv4Addr, "\x0a\x00\x00", "identity of type ID_IPV4_ADDR: 3 bytes are no IPv4 address"},
		{isakmp.IDIPv6Addr, "\x0a\x00\x00\x01", "identity of type ID_IPV6_ADDR: 4 bytes are no IPv6 address"},
		{isakmp.IDFQDN, "gw\x1b[2J", `identity of type ID_FQDN: "gw\x1b[2J" is no domain name`},
		{isakmp.IDFQDN, "gw1.example.org\x00.evil", `identity of type ID_FQDN: "gw1.example.org\x00.evil" is no domain name`},
		{isakmp.IDUserFQDN, "ann\n@example.org", `identity of type ID_USER_FQDN: "ann\n@example.org" is no user@domain`},
		{isakmp.IDDERASN1DN, "\x30\x00", "identity of type ID_DER_ASN1_DN: the name is empty"},
		{isakmp.IDDERASN1DN, "\x30\x02\x05\x00", "identity of type ID_DER_ASN1_DN: name: RDN 1 is no SET of at least one attribute"},
		{isakmp.IDIPv4Subnet, "\x0a\x00\x00\x01\xff\x00\x00\x00", "identity of type ID_IPV4_ADDR_SUBNET: it cannot name one end of a tunnel"},
		{isakmp.IDKeyID, "", "identity of type ID_KEY_ID: it is empty"},
		{isakmp.IDKeyID, strings.Repeat("k", MaxIdentity+1), "identity of type ID_KEY_ID: 1025 bytes, more than 1024"},
		{0, "x", "identity of type " + isakmp.IDType(0).String() + ": it cannot name one end of a tunnel"},
	} {
		id, err := FromPayload(&isakmp.Identification{IDType: c.typ, Data: []byte(c.data)})
		if err == nil {
			t.Errorf("%v %q: accepted as %v", c.typ, c.data, id)
		} else if err.Error() != c.want {
			t.Errorf("%v %q: error\n%v\nwant\n%s", c.typ, c.data, err, c.want)
		}
	}
}

func TestMatch(t *testing.T) {
	// A name whose CN is a UTF8String: other octets, same name (RFC 5280, 7.1).
	utf8 := []byte("\x30\x0e\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03gw1")
	fromPeer, err := FromPayload(&isakmp.Identification{IDType: isakmp.IDDERASN1DN, Data: utf8})
	if err != nil {
		t.Fatal(err)
	}
	if !parsed(t, "CN=GW1").Match(fromPeer) {
		t.Error("a name does not match itself in another string type")
	}
	if !bytes.Equal(fromPeer.Payload().Data, utf8) {
		t.Error("the encoding of a name changed")
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"GW1.example.org", "gw1.EXAMPLE.org", true},
		{"gw1.example.org", "gw1.example.org.", false},
		{"ann@Example.org", "ann@example.org", true},
		{"Ann@example.org", "ann@example.org", false},
		{"fqdn:gw1", "key_id:gw1", false},
		{"key_id:gw1", "key_id:GW1", false},
		{"192.0.2.1", "fqdn:192.0.2.1", false},
		{"::ffff:192.0.2.1", "192.0.2.1", false},
		{"2001:db8::1", "2001:DB8:0::1", true},
		{"C=CH, CN=gw1", "CN=gw1, C=CH", false},
		{"C=CH, CN=gw1", "c=ch, cn= GW1", true},
		{"C=CH, CN=gw1", "C=CH, CN=gw1, CN=gw1", false},
	} {
		a, b := parsed(t, c.a), parsed(t, c.b)
		if a.Match(b) != c.want || b.Match(a) != c.want {
			t.Errorf("%v and %v: match is not %v", a, b, c.want)
		}
	}
	if (Identity{}).Match(Identity{}) {
		t.Error("no identity matches no identity")
	}
}

// parsed is ParseIdentity for a text that must be right.
func parsed(t *testing.T, s string) Identity {
	t.Helper()
	id, err := ParseIdentity(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// drawPayload makes an identification payload of any type that FromPayload
// accepts.
func drawPayload(t *rapid.T) *isakmp.Identification {
	host := rapid.StringMatching(`[A-Za-z0-9_-]{1,20}(\.[A-Za-z0-9-]{1,20}){0,3}`)
	name := rapid.StringOfN(rapid.Rune(), 1, 30, 60)
	data := map[isakmp.IDType]func() []byte{
		isakmp.IDIPv4Addr: func() []byte { return rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "ipv4") },
		isakmp.IDIPv6Addr: func() []byte { return rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ipv6") },
		isakmp.IDFQDN:     func() []byte { return []byte(host.Draw(t, "host")) },
		isakmp.IDUserFQDN: func() []byte {
			return []byte(rapid.StringMatching("[!-?A-~]{1,20}").Draw(t, "user") + "@" + host.Draw(t, "host"))
		},
		isakmp.IDDERASN1DN: func() []byte {
			escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name.Draw(t, "name"))
			n, err := dn.Parse(`C=CH, CN="` + escaped + `"`)
			if err != nil {
				t.Skip(err)
			}
			return n.DER()
		},
		isakmp.IDKeyID: func() []byte { return rapid.SliceOfN(rapid.Byte(), 1, MaxIdentity).Draw(t, "key id") },
	}
	typ := rapid.SampledFrom([]isakmp.IDType{
		isakmp.IDIPv4Addr, isakmp.IDIPv6Addr, isakmp.IDFQDN, isakmp.IDUserFQDN, isakmp.IDDERASN1DN, isakmp.IDKeyID,
	}).Draw(t, "type")
	return &isakmp.Identification{IDType: typ, Data: data[typ]()}
}

func TestIdentityRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := drawPayload(t)
		id, err := FromPayload(payload)
		if err != nil {
			t.Fatalf("%v %q: %v", payload.IDType, payload.Data, err)
		}
		back := id.Payload()
		if back.IDType != payload.IDType || !bytes.Equal(back.Data, payload.Data) {
			t.Fatalf("payload %v %x became %v %x", payload.IDType, payload.Data, back.IDType, back.Data)
		}
		text, err := json.Marshal(id)
		if err != nil {
			t.Fatal(err)
		}
		var read Identity
		if err := json.Unmarshal(text, &read); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !read.Match(id) || read.String() != id.String() {
			t.Fatalf("%v was read back as %v", id, read)
		}
		if !printableText(id.String()) {
			t.Fatalf("%q has control characters", id.String())
		}
	})
}

// printableText reports whether s has no control character.
func printableText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || 0x7f <= r && r <= 0x9f })
}

func FuzzParseIdentity(f *testing.F) {
	for _, seed := range []string{"192.0.2.1", "2001:db8::1", "gw1.example.org", "ann@example.org", "C=CH, O=Example, CN=gw1", "/C=CH/CN=gw1", "key_id:0x00ff", "dn:CN=#0403616263"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseIdentity(s)
		if err != nil {
			return
		}
		again, err := ParseIdentity(id.String())
		if err != nil || !again.Match(id) {
			t.Fatalf("%q is %v, which reads as %v, %v", s, id, again, err)
		}
		if fromWire, err := FromPayload(id.Payload()); err != nil || !fromWire.Match(id) {
			t.Fatalf("%q is %v, whose payload reads as %v, %v", s, id, fromWire, err)
		}
	})
}

func TestAddr(t *testing.T) {
	if got := parsed(t, "192.0.2.1").Addr(); got != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("Addr() = %v", got)
	}
	if got := parsed(t, "gw1").Addr(); got.IsValid() {
		t.Errorf("Addr() of a name = %v", got)
	}
}

func TestSecretIsNotPrinted(t *testing.T) {
	key := PresharedKey{IDs: []Identity{parsed(t, "192.0.2.1")}, Secret: NewSecret([]byte("hunter2"))}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "secret", key.Secret, "key", key)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "secret", key.Secret, "key", key)
	text, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	out := log.String() + string(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%p"} {
		out += fmt.Sprintf(verb+" "+verb+" "+verb+"\n", key.Secret, key, []any{&key})
	}
	for _, leak := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117", "0x68", "150 165"} {
		if strings.Contains(out, leak) {
			t.Errorf("%q leaks in\n%s", leak, out)
		}
	}
}

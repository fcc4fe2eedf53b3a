package ikedb

import (
	"errors"
	"strings"
	"testing"

	"keyman/crl"
	"keyman/ike/suite"
)

// aggressiveDefinitions have a tunnel in aggressive mode for one peer by name, and
// one for a group of names, all with preshared keys.
func aggressiveDefinitions(t *testing.T) Definitions {
	t.Helper()
	strong, err := suite.ParseTransform("aes256-sha256-ecp256")
	if err != nil {
		t.Fatal(err)
	}
	return Definitions{
		Tunnels: []Tunnel{
			{Name: "branch", Protection: "psk", Local: LocalEnd{ID: parsed(t, "gw.test")}, Remote: RemoteEnd{Address: addr2, ID: parsed(t, "branch.test")}},
			{Name: "people", Protection: "psk", Local: LocalEnd{ID: parsed(t, "gw.test")}, Remote: RemoteEnd{Group: "people"}},
		},
		Protections: []Protection{{Name: "psk", Mode: ModeAggressive, Auth: AuthPresharedKey, AllowWeak: true, Transforms: []suite.Transform{strong}}},
		Groups:      []Group{{Name: "people", IDs: []Identity{parsed(t, "ann@example.org"), parsed(t, "key_id:ben"), parsed(t, "CN=Cleo")}}},
		PresharedKeys: []PresharedKey{
			{IDs: []Identity{parsed(t, "192.0.2.2")}, Secret: NewSecret([]byte("of the address"))},
			{IDs: []Identity{parsed(t, "ann@example.org")}, Secret: NewSecret([]byte("of Ann"))},
			{IDs: []Identity{parsed(t, "key_id:ben"), parsed(t, "CN=Cleo")}, Secret: NewSecret([]byte("of two"))},
			{IDs: []Identity{parsed(t, "key_id:stranger")}, Secret: NewSecret([]byte("of a stranger"))},
		},
	}
}

// In aggressive mode the identity decides about the key, and in a group each
// member has its own.
func TestPresharedKeyOf(t *testing.T) {
	db, err := New(aggressiveDefinitions(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ tunnel, peer, want string }{
		{"branch", "branch.test", "of the address"},
		{"branch", "192.0.2.2", ""}, // is not whom the tunnel is for
		{"people", "ANN@example.org", ""},
		{"people", "ann@example.org", "of Ann"},
		{"people", "key_id:ben", "of two"},
		{"people", "CN=Cleo", "of two"},
		{"people", "key_id:stranger", ""},
	} {
		got, ok := db.PresharedKeyOf(tunnel(t, db, c.tunnel), parsed(t, c.peer))
		if ok != (c.want != "") || string(got.Bytes()) != c.want {
			t.Errorf("%s, %s: %q, %v, want %q", c.tunnel, c.peer, got.Bytes(), ok, c.want)
		}
		if got := db.AdmitsAt(tunnel(t, db, c.tunnel), ModeAggressive, parsed(t, c.peer), addr4); got != ok {
			t.Errorf("%s admits %s: %v", c.tunnel, c.peer, got)
		}
	}
}

func TestModeRefusals(t *testing.T) {
	other, err := suite.ParseTransform("aes256-sha256-modp2048")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change func(*Definitions)
		want   string // "" is accepted
	}{
		{"as it is", func(*Definitions) {}, ""},
		{"an unknown mode", func(d *Definitions) { d.Protections[0].Mode = "quick" }, `"quick" is not known`},
		{"a preshared key without a word", func(d *Definitions) { d.Protections[0].AllowWeak = false }, "they can guess as long as they like"},
		{"likewise in both modes", func(d *Definitions) { d.Protections[0].Mode, d.Protections[0].AllowWeak = ModeBoth, false }, "they can guess as long as they like"},
		{"two groups", func(d *Definitions) { d.Protections[0].Transforms = append(d.Protections[0].Transforms, other) }, "cannot negotiate the group"},
		{"two groups to answer with", func(d *Definitions) {
			d.Protections[0].Transforms = append(d.Protections[0].Transforms, other)
			d.Protections[0].Role = RoleResponder
		}, ""},
		{"no key for a member", func(d *Definitions) { d.PresharedKeys = d.PresharedKeys[:2] }, "there is no preshared key for key_id:ben"},
		{"no key for a peer", func(d *Definitions) { d.PresharedKeys = d.PresharedKeys[1:] }, "there is no preshared key for fqdn:branch.test"},
		{"main mode without addresses", func(d *Definitions) { d.Protections[0].Mode = ModeBoth }, "main mode chooses a preshared key by the peer's address"},
		{"signatures without a word", func(d *Definitions) {
			d.Protections[0] = Protection{Name: "psk", Mode: ModeAggressive, Auth: AuthECDSA384SignatureCRL, Transforms: d.Protections[0].Transforms}
			for i := range d.Tunnels {
				d.Tunnels[i].Local.Certificate = "gw"
			}
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := aggressiveDefinitions(t)
			c.change(&d)
			_, err := New(d)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if e := (*Error)(nil); err != nil && !errors.As(err, &e) {
				t.Errorf("%T", err)
			}
		})
	}
}

// Each method that signs has one that asks for revocation lists, and one that does
// not, and says so.
func TestAuthMethods(t *testing.T) {
	for method, want := range map[AuthMethod]suite.AuthMethod{
		AuthPresharedKey: suite.PresharedKey, AuthRSASignature: suite.RSASignature, AuthRSASignatureCRL: suite.RSASignature,
		AuthECDSA256Signature: suite.ECDSA256, AuthECDSA384SignatureCRL: suite.ECDSA384, AuthECDSA521Signature: suite.ECDSA521,
		"": 0, "-crl": 0, "preshared-key-crl": 0, "ecdsa-signature": 0, "rsa-signature-crl-crl": 0,
	} {
		if got := method.Suite(); got != want {
			t.Errorf("%q: %v, want %v", method, got, want)
		}
		if got := method.CRL(); got != (want != 0 && strings.HasSuffix(string(method), "-crl")) {
			t.Errorf("%q asks for lists: %v", method, got)
		}
	}
	d := definitions(t)
	d.Protections[0].Auth, d.Protections[0].Revocation = AuthECDSA256SignatureCRL, crl.Off
	if _, err := New(d); err == nil || !strings.Contains(err.Error(), "off contradicts auth = ecdsa-256-signature-crl") {
		t.Error(err)
	}
	d.Protections[0].Auth, d.Protections[0].Revocation = AuthECDSA256Signature, crl.Strict
	if _, err := New(d); err == nil || !strings.Contains(err.Error(), "checks no revocation list") {
		t.Error(err)
	}
}

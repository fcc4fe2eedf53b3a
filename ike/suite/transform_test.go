package suite_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

func TestParseTransform(t *testing.T) {
	for s, want := range map[string]suite.Transform{
		"aes256-sha256-modp2048": {Encryption: suite.AES, KeyBits: 256, Hash: suite.SHA256, Group: suite.MODP2048},
		"aes192-sha512-modp8192": {Encryption: suite.AES, KeyBits: 192, Hash: suite.SHA512, Group: suite.MODP8192},
		"aes128-sha1-ecp256":     {Encryption: suite.AES, KeyBits: 128, Hash: suite.SHA1, Group: suite.ECP256},
		"3des-md5-modp1024":      {Encryption: suite.TripleDES, Hash: suite.MD5, Group: suite.MODP1024},
	} {
		got, err := suite.ParseTransform(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for s, words := range map[string]string{
		"":                            "want ENCRYPTION-HASH-GROUP",
		"aes256-sha256":               "want ENCRYPTION-HASH-GROUP",
		"aes256-sha256-modp2048-more": "want ENCRYPTION-HASH-GROUP",
		"aes-sha256-modp2048":         `unknown encryption algorithm "aes"; known are 3des, aes128, aes192, aes256`,
		"des-sha256-modp2048":         `unknown encryption algorithm "des"`,
		"AES256-sha256-modp2048":      `unknown encryption algorithm "AES256"`,
		"aes256-sha3-modp2048":        `unknown hash "sha3"; known are md5, sha1, sha256, sha384, sha512`,
		"aes256-sha256-ec2n155":       `unknown group "ec2n155"; known are modp768,`,
		"aes256--modp2048":            `unknown hash ""`,
	} {
		if got, err := suite.ParseTransform(s); err == nil || !strings.Contains(err.Error(), words) || got != (suite.Transform{}) {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
}

func TestWeak(t *testing.T) {
	for s, want := range map[string][]string{
		"aes256-sha256-modp2048": nil,
		"aes128-sha384-ecp521":   nil,
		"aes128-sha1-modp2048":   {"SHA-1"},
		"3des-md5-modp1024":      {"3DES", "MD5", "DH group 2 (modp1024)"},
		"aes256-sha512-modp768":  {"DH group 1 (modp768)"},
		"aes256-sha512-modp1536": {"DH group 5 (modp1536)"},
	} {
		tr, err := suite.ParseTransform(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := tr.Weak(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, want %q", s, got, want)
		}
	}
	// What is unknown is not strong.
	unknown := suite.Transform{Encryption: suite.DES, Hash: 3, Group: 4}
	if got := unknown.Weak(); !reflect.DeepEqual(got, []string{"des", "hash algorithm 3", "DH group 4"}) {
		t.Errorf("%q", got)
	}
	// The words agree with the estimates: no group below 110 bits is strong.
	for _, g := range groups {
		tr := suite.Transform{Encryption: suite.AES, KeyBits: 128, Hash: suite.SHA256, Group: g}
		if weak := len(tr.Weak()) != 0; weak != (g.Strength() < 110) {
			t.Errorf("%s has %d bits and counts as weak: %v", g, g.Strength(), weak)
		}
	}
}

func TestEqual(t *testing.T) {
	a := suite.Transform{Encryption: suite.AES, KeyBits: 256, Hash: suite.SHA256, Group: suite.MODP2048, Auth: suite.RSASignature, Lifetime: time.Hour, LifeKB: 1}
	b := a
	b.Lifetime, b.LifeKB = 0, 7
	if !a.Equal(b) || !b.Equal(a) {
		t.Error("lifetimes make a difference")
	}
	for i, change := range []func(*suite.Transform){
		func(t *suite.Transform) { t.Encryption = suite.TripleDES },
		func(t *suite.Transform) { t.KeyBits = 128 },
		func(t *suite.Transform) { t.Hash = suite.SHA1 },
		func(t *suite.Transform) { t.Group = suite.MODP1024 },
		func(t *suite.Transform) { t.Auth = suite.PresharedKey },
	} {
		c := a
		change(&c)
		if a.Equal(c) {
			t.Errorf("change %d makes no difference", i)
		}
	}
}

func genTransform(t *rapid.T) suite.Transform {
	tr := suite.Transform{
		Encryption: rapid.SampledFrom([]suite.Encryption{suite.AES, suite.TripleDES}).Draw(t, "encryption"),
		Hash:       rapid.SampledFrom([]suite.Hash{suite.MD5, suite.SHA1, suite.SHA256, suite.SHA384, suite.SHA512}).Draw(t, "hash"),
		Group:      rapid.SampledFrom(groups).Draw(t, "group"),
		Auth:       rapid.SampledFrom([]suite.AuthMethod{suite.PresharedKey, suite.DSS, suite.RSASignature}).Draw(t, "auth"),
		Lifetime:   time.Duration(rapid.Uint32().Draw(t, "seconds")) * time.Second,
		LifeKB:     rapid.Uint32().Draw(t, "kilobytes"),
	}
	if tr.Encryption == suite.AES {
		tr.KeyBits = rapid.SampledFrom([]int{128, 192, 256}).Draw(t, "bits")
	}
	return tr
}

func TestAttributesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := genTransform(t)
		// Over the wire, so that the codec agrees too.
		sa := &isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly, Proposals: []isakmp.Proposal{{
			Protocol: isakmp.ProtocolISAKMP, Transforms: []isakmp.Transform{{ID: isakmp.TransformKeyIKE, Attributes: want.Attributes()}},
		}}}
		first, b, err := isakmp.MarshalPayloads([]isakmp.Payload{sa})
		if err != nil {
			t.Fatal(err)
		}
		ps, err := isakmp.ParsePayloads(first, b)
		if err != nil {
			t.Fatal(err)
		}
		got, err := suite.TransformFrom(ps[0].(*isakmp.SA).Proposals[0].Transforms[0])
		if err != nil || got != want {
			t.Fatalf("%+v, %v, want %+v", got, err, want)
		}
		if back, err := suite.ParseTransform(want.String()); err != nil || back.String() != want.String() {
			t.Fatalf("%s: %v", want, err)
		}
	})
}

func TestTransformFromRefusals(t *testing.T) {
	good := suite.Transform{Encryption: suite.AES, KeyBits: 256, Hash: suite.SHA256, Group: suite.MODP2048, Auth: suite.RSASignature,
		Lifetime: 8 * time.Hour, LifeKB: 100000}.Attributes()
	short := isakmp.AttrShort
	// with replaces the attributes of a type; no replacement takes them away.
	with := func(typ uint16, by ...isakmp.Attribute) []isakmp.Attribute {
		var as []isakmp.Attribute
		for _, a := range good {
			if a.Type != typ {
				as = append(as, a)
			}
		}
		return append(as, by...)
	}
	more := func(as ...isakmp.Attribute) []isakmp.Attribute { return append(good[:len(good):len(good)], as...) }
	without := suite.Transform{Encryption: suite.AES, KeyBits: 256, Hash: suite.SHA256, Group: suite.MODP2048, Auth: suite.RSASignature}.Attributes()
	life := func(as ...isakmp.Attribute) []isakmp.Attribute {
		return append(without[:len(without):len(without)], as...)
	}
	for _, c := range []struct {
		name  string
		as    []isakmp.Attribute
		words string // none: accepted
	}{
		{"as offered", good, ""},
		{"no lifetime", without, ""},
		{"lifetime in three bytes", life(short(11, 1), isakmp.AttrLong(12, []byte{1, 0, 0})), ""},
		{"no attributes", nil, "no attribute 1"},
		{"no encryption", with(1), "no attribute 1"},
		{"no hash", with(2), "no attribute 2"},
		{"no authentication", with(3), "no attribute 3"},
		{"no group", with(4), "no attribute 4"},
		{"no key length", with(14), "aes with a key of 0 bits"},
		{"key length 0", with(14, short(14, 0)), "key length 0"},
		{"key length 512", with(14, short(14, 512)), "aes with a key of 512 bits"},
		{"3DES with a key length", with(1, short(1, 5)), "3des with a key length"},
		{"DES", with(1, short(1, 1)), "des is not supported"},
		{"unknown encryption", with(1, short(1, 65001)), "encryption algorithm 65001 is not supported"},
		{"unknown hash", with(2, short(2, 3)), "hash algorithm 3 is not supported"},
		{"unknown group", with(4, short(4, 3)), "group 3 is not supported"},
		{"XAuth", with(3, short(3, 65005)), "authentication by xauth-rsa is not supported"},
		{"RSA encryption", with(3, short(3, 4)), "rsa-encryption"},
		{"encryption twice", more(short(1, 7)), "attribute 1 stands twice"},
		{"key length twice", more(short(14, 256)), "attribute 14 stands twice"},
		{"hash in the long form", with(2, isakmp.AttrLong(2, []byte{0, 4})), "long form"},
		{"life type in the long form", life(isakmp.AttrLong(11, []byte{0, 1}), short(12, 9)), "long form"},
		{"a prf", more(short(13, 1)), "unknown attribute 13"},
		{"a private attribute", more(short(16384, 1)), "unknown attribute 16384"},
		{"a group of one's own", more(isakmp.AttrLong(6, []byte{23})), "unknown attribute 6"},
		{"duration without type", life(short(12, 3600)), "duration without a type"},
		{"type without duration", life(short(11, 1)), "life type 1 without a duration"},
		{"type after type", life(short(11, 1), short(11, 2), short(12, 1)), "life type 1 without a duration"},
		{"seconds twice", life(short(11, 1), short(12, 1), short(11, 1), short(12, 2)), "life type 1 is unknown or stands twice"},
		{"kilobytes twice", life(short(11, 2), short(12, 1), short(11, 2), short(12, 2)), "life type 2 is unknown or stands twice"},
		{"life type 3", life(short(11, 3), short(12, 1)), "life type 3 is unknown"},
		{"duration 0", life(short(11, 1), short(12, 0)), "life duration 0"},
		{"duration of no bytes", life(short(11, 1), isakmp.AttrLong(12, nil)), "0 bytes"},
		{"duration of nine bytes", life(short(11, 1), isakmp.AttrLong(12, make([]byte, 9))), "9 bytes"},
		{"duration beyond 32 bits", life(short(11, 2), isakmp.AttrUint(12, 1<<32)), "life duration 4294967296"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := suite.TransformFrom(isakmp.Transform{Number: 1, ID: isakmp.TransformKeyIKE, Attributes: c.as})
			switch {
			case c.words == "" && err != nil:
				t.Error(err)
			case c.words != "" && (err == nil || !strings.Contains(err.Error(), c.words)):
				t.Errorf("%+v, %v, want an error with %q", got, err, c.words)
			case c.words != "" && got != (suite.Transform{}):
				t.Errorf("an error and %+v", got)
			}
		})
	}
	if _, err := suite.TransformFrom(isakmp.Transform{ID: 2, Attributes: good}); err == nil {
		t.Error("transform ID 2 is taken for KEY_IKE")
	}
}

func TestValidateLifetime(t *testing.T) {
	tr := suite.Transform{Encryption: suite.AES, KeyBits: 256, Hash: suite.SHA256, Group: suite.MODP2048, Auth: suite.RSASignature}
	for life, ok := range map[time.Duration]bool{0: true, time.Second: true, (1<<32 - 1) * time.Second: true,
		-time.Second: false, time.Millisecond: false, 1500 * time.Millisecond: false, (1 << 32) * time.Second: false} {
		tr.Lifetime = life
		if err := tr.Validate(); (err == nil) != ok {
			t.Errorf("%s: %v", life, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		got  fmt.Stringer
		want string
	}{
		{suite.PresharedKey, "psk"}, {suite.RSASignature, "rsa"}, {suite.AuthMethod(65001), "xauth-psk"}, {suite.AuthMethod(99), "authentication method 99"},
		{suite.DES, "des"}, {suite.Encryption(99), "encryption algorithm 99"},
		{suite.Hash(99), "hash algorithm 99"}, {suite.Group(99), "group 99"},
	} {
		if c.got.String() != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	for _, g := range groups {
		if !g.Known() || g.PublicSize() == 0 || strings.HasPrefix(g.String(), "group") {
			t.Errorf("%s has public values of %d bytes", g, g.PublicSize())
		}
	}
	if g := suite.Group(22); g.Known() || g.PublicSize() != 0 || g.Strength() != 0 {
		t.Errorf("%s is known", g)
	}
}

func FuzzTransformFrom(f *testing.F) {
	for _, s := range []string{"aes256-sha256-modp2048", "3des-md5-modp1024", "aes128-sha1-ecp256"} {
		tr, err := suite.ParseTransform(s)
		if err != nil {
			f.Fatal(err)
		}
		tr.Auth, tr.Lifetime, tr.LifeKB = suite.RSASignature, 24*time.Hour, 4096
		_, b, err := isakmp.MarshalPayloads([]isakmp.Payload{&isakmp.SA{DOI: isakmp.DOIIPsec, Situation: isakmp.SituationIdentityOnly,
			Proposals: []isakmp.Proposal{{Protocol: isakmp.ProtocolISAKMP, Transforms: []isakmp.Transform{{ID: isakmp.TransformKeyIKE, Attributes: tr.Attributes()}}}}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ps, err := isakmp.ParsePayloads(isakmp.PayloadSA, b)
		if err != nil {
			return
		}
		for _, sa := range isakmp.All[*isakmp.SA](ps) {
			for _, p := range sa.Proposals {
				for _, wire := range p.Transforms {
					got, err := suite.TransformFrom(wire)
					if err != nil {
						continue
					}
					if err := got.Validate(); err != nil {
						t.Fatalf("%+v was accepted: %v", got, err)
					}
					back, err := suite.TransformFrom(isakmp.Transform{ID: isakmp.TransformKeyIKE, Attributes: got.Attributes()})
					if err != nil || back != got {
						t.Fatalf("%+v came back as %+v, %v", got, back, err)
					}
					if _, err := got.NewCipher(make([]byte, got.KeyLen())); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}

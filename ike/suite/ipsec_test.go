package suite_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

func TestParseIPsec(t *testing.T) {
	const esp, ah = isakmp.ProtocolESP, isakmp.ProtocolAH
	for _, c := range []struct {
		words          string
		want           suite.IPsec
		enc, auth, icv int // bytes
		weak           string
	}{
		{"aes128-sha256", suite.IPsec{Protocol: esp, Cipher: suite.ESPAESCBC, KeyBits: 128, Integrity: suite.HMACSHA256}, 16, 32, 16, ""},
		{"aes256-sha512-esn", suite.IPsec{Protocol: esp, Cipher: suite.ESPAESCBC, KeyBits: 256, Integrity: suite.HMACSHA512, ESN: true}, 32, 64, 32, ""},
		{"aes192-sha384", suite.IPsec{Protocol: esp, Cipher: suite.ESPAESCBC, KeyBits: 192, Integrity: suite.HMACSHA384}, 24, 48, 24, ""},
		{"aes128-aesxcbc", suite.IPsec{Protocol: esp, Cipher: suite.ESPAESCBC, KeyBits: 128, Integrity: suite.AESXCBC}, 16, 16, 12, ""},
		{"aes256gcm16", suite.IPsec{Protocol: esp, Cipher: suite.ESPAESGCM16, KeyBits: 256}, 36, 0, 16, ""},
		{"aes128gcm8-esn", suite.IPsec{Protocol: esp, Cipher: suite.ESPAESGCM8, KeyBits: 128, ESN: true}, 20, 0, 8, ""},
		{"aes192gmac", suite.IPsec{Protocol: esp, Cipher: suite.ESPAESGMAC, KeyBits: 192}, 28, 0, 16, ""},
		{"null-sha256", suite.IPsec{Protocol: esp, Cipher: suite.ESPNull, Integrity: suite.HMACSHA256}, 0, 32, 16, ""},
		{"3des-md5", suite.IPsec{Protocol: esp, Cipher: suite.ESP3DES, Integrity: suite.HMACMD5}, 24, 16, 12, "3DES, MD5"},
		{"des-sha1", suite.IPsec{Protocol: esp, Cipher: suite.ESPDES, Integrity: suite.HMACSHA1}, 8, 20, 12, "DES, SHA-1"},
		{"aes128-none", suite.IPsec{Protocol: esp, Cipher: suite.ESPAESCBC, KeyBits: 128}, 16, 0, 0, "ESP without authentication"},
		{"sha256", suite.IPsec{Protocol: ah, Integrity: suite.HMACSHA256}, 0, 32, 16, ""},
		{"md5-esn", suite.IPsec{Protocol: ah, Integrity: suite.HMACMD5, ESN: true}, 0, 16, 12, "MD5"},
	} {
		parse := suite.ParseESP
		if c.want.Protocol == ah {
			parse = suite.ParseAH
		}
		got, err := parse(c.words)
		if err != nil || got != c.want || got.String() != c.words || got.Validate() != nil {
			t.Errorf("%s: %+v, %v", c.words, got, err)
		}
		if got.EncryptionKeyLen() != c.enc || got.IntegrityKeyLen() != c.auth || got.KeyLen() != c.enc+c.auth || got.TagLen() != c.icv {
			t.Errorf("%s: keys of %d and %d bytes, tag of %d", c.words, got.EncryptionKeyLen(), got.IntegrityKeyLen(), got.TagLen())
		}
		if weak := strings.Join(got.Weak(), ", "); weak != c.weak {
			t.Errorf("%s: weak %q, want %q", c.words, weak, c.weak)
		}
	}
	for words, text := range map[string]string{
		"":                   `unknown cipher of ESP ""; known are aes128gcm16,`,
		"aes-sha256":         `unknown cipher of ESP "aes"`,
		"aes128":             "want CIPHER-AUTHENTICATION, such as aes128-sha256",
		"aes128-sha3":        `unknown authentication algorithm "sha3"; known are sha256,`,
		"aes128gcm16-sha256": `leave out "sha256"`,
		"null-none":          "neither encrypts nor authenticates",
		"aes128-sha256-pfs":  `unknown authentication algorithm "sha256-pfs"`,
	} {
		if _, err := suite.ParseESP(words); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", words, err)
		}
	}
	for _, words := range []string{"", "none", "aes128-sha256", "esn"} {
		if _, err := suite.ParseAH(words); err == nil {
			t.Errorf("AH with %q", words)
		}
	}
}

func TestParseGroup(t *testing.T) {
	for _, g := range groups {
		if got, err := suite.ParseGroup(g.String()); got != g || err != nil {
			t.Errorf("%v: %v, %v", g, got, err)
		}
	}
	if _, err := suite.ParseGroup("modp1"); err == nil || !strings.Contains(err.Error(), "known are modp768,") {
		t.Error(err)
	}
}

// drawIPsecOffer makes any offer that can be negotiated.
func drawIPsecOffer(t *rapid.T) suite.IPsecOffer {
	esp := rapid.Bool().Draw(t, "esp")
	words, parse := []string{"md5", "sha1", "sha256", "sha384", "sha512", "aesxcbc"}, suite.ParseAH
	modes := []suite.Encapsulation{0, suite.EncapTunnel, suite.EncapTransport}
	if esp {
		words, parse = []string{"des-md5", "3des-sha1", "null-sha512", "aes128-none", "aes192-aesxcbc", "aes256-sha256", "aes128gcm8", "aes192gcm12", "aes256gcm16", "aes128gmac"}, suite.ParseESP
		modes = append(modes, suite.EncapUDPTunnel, suite.EncapUDPTransport, suite.EncapDraftUDPTunnel, suite.EncapDraftUDPTransport)
	}
	algorithms, err := parse(rapid.SampledFrom(words).Draw(t, "words"))
	if err != nil {
		t.Fatal(err)
	}
	algorithms.ESN = rapid.Bool().Draw(t, "esn")
	return suite.IPsecOffer{
		IPsec:         algorithms,
		Group:         rapid.SampledFrom(append([]suite.Group{0}, groups...)).Draw(t, "group"),
		Encapsulation: rapid.SampledFrom(modes).Draw(t, "mode"),
		Lifetime:      time.Duration(rapid.Uint32().Draw(t, "seconds")) * time.Second,
		LifeKB:        rapid.Uint32().Draw(t, "kilobytes"),
	}
}

// What is offered is read back as it was meant.
func TestIPsecOfferRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawIPsecOffer(t)
		got, err := suite.IPsecOfferFrom(want.Protocol, want.Transform(1))
		if err != nil || got != want || !got.SameAs(want) {
			t.Fatalf("%+v became %+v, %v", want, got, err)
		}
	})
}

func TestIPsecOfferFrom(t *testing.T) {
	short, long := isakmp.AttrShort, isakmp.AttrLong
	mode, auth := short(4, 1), short(5, 5)
	for _, c := range []struct {
		name     string
		protocol isakmp.Protocol
		id       uint8
		as       []isakmp.Attribute
		want     string // in the error; empty where it is read
	}{
		{"as peers send it", isakmp.ProtocolESP, 12, []isakmp.Attribute{short(6, 128), auth, mode, short(1, 1), short(2, 3600)}, ""},
		{"both lifetimes", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(1, 1), long(2, []byte{0, 1, 0x51, 0x80}), short(1, 2), long(2, []byte{0, 1, 0x86, 0xa0})}, ""},
		{"twice the same lifetime", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(1, 1), short(2, 60), short(1, 1), long(2, []byte{0, 60})}, ""},
		{"lifetimes in conflict", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(1, 1), short(2, 60), short(1, 1), short(2, 61)}, "life durations 60 and 61"},
		{"no key length", isakmp.ProtocolESP, 12, []isakmp.Attribute{auth, mode}, "key of 0 bits"},
		{"key length of 3des", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(6, 192)}, "it takes none"},
		{"authentication beside GCM", isakmp.ProtocolESP, 20, []isakmp.Attribute{auth, short(6, 128)}, "authenticates by itself"},
		{"RC4", isakmp.ProtocolESP, 10, []isakmp.Attribute{auth}, "ESP transform 10 is not supported"},
		{"key rounds", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(7, 8)}, "unknown attribute 7"},
		{"private attribute", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(32001, 1)}, "unknown attribute 32001"},
		{"mode twice", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, mode, mode}, "stands twice"},
		{"mode 0", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(4, 0)}, "attribute 4 is 0"},
		{"mode 5", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(4, 5)}, "encapsulation mode 5"},
		{"long mode", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, long(4, []byte{0, 1})}, "long form"},
		{"group 24", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(3, 24)}, "group 24 is not supported"},
		{"duration alone", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(2, 60)}, "where a life type belongs"},
		{"type alone", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(1, 1)}, "without a duration"},
		{"short sequence numbers by attribute", isakmp.ProtocolESP, 3, []isakmp.Attribute{auth, short(11, 2)}, "sequence numbers of kind 2"},
		{"AH", isakmp.ProtocolAH, 5, []isakmp.Attribute{auth, mode}, ""},
		{"AH of another algorithm", isakmp.ProtocolAH, 3, []isakmp.Attribute{auth, mode}, "which is of transform 5"},
		{"AH without an algorithm", isakmp.ProtocolAH, 3, []isakmp.Attribute{mode}, "AH with none"},
		{"AH in UDP", isakmp.ProtocolAH, 5, []isakmp.Attribute{auth, short(4, 3)}, "no such thing"},
		{"IPComp", isakmp.ProtocolIPComp, 2, []isakmp.Attribute{mode}, "want ESP or AH"},
	} {
		got, err := suite.IPsecOfferFrom(c.protocol, isakmp.Transform{Number: 1, ID: c.id, Attributes: c.as})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

func TestLifetimeFrom(t *testing.T) {
	as := suite.LifeAttributes(time.Hour, 5000)
	lifetime, kilobytes, err := suite.LifetimeFrom(as)
	if lifetime != time.Hour || kilobytes != 5000 || err != nil {
		t.Error(lifetime, kilobytes, err)
	}
	for _, bad := range [][]isakmp.Attribute{as[:1], as[1:2], {isakmp.AttrShort(4, 1)}, {isakmp.AttrShort(1, 3), isakmp.AttrShort(2, 1)}} {
		if _, _, err := suite.LifetimeFrom(bad); err == nil {
			t.Errorf("read: %v", bad)
		}
	}
	wire, err := isakmp.MarshalAttributes(as)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := isakmp.ParseAttributes(wire); err != nil || !reflect.DeepEqual(back, as) {
		t.Errorf("%v, %v", back, err)
	}
}

package suite

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	parse := func(words string) (list []Transform) {
		for word := range strings.FieldsSeq(words) {
			name, psk := strings.CutSuffix(word, "+psk")
			tr, err := ParseTransform(name)
			if err != nil {
				t.Fatal(err)
			}
			tr.Auth = RSASignature
			if psk {
				tr.Auth = PresharedKey
			}
			list = append(list, tr)
		}
		return list
	}
	for _, c := range []struct{ offered, accepted, want string }{
		{"aes256-sha1-modp2048", "aes256-sha256-modp2048", "the hash is sha1, not sha256"},
		{"3des-md5-modp1024 aes128-sha256-modp2048", "aes256-sha256-modp2048 aes128-sha256-ecp256", "the encryption is aes128, not aes256"},
		{"aes256-sha256-modp2048+psk", "aes256-sha256-modp2048", "the authentication is psk, not rsa"},
		{"3des-sha1-modp1024", "aes256-sha256-modp2048",
			"the encryption is 3des, not aes256; the hash is sha1, not sha256; the group is modp1024, not modp2048"},
		{"aes256-sha256-modp2048", "aes256-sha256-modp2048", ""},
	} {
		o, a := Nearest(parse(c.offered), parse(c.accepted))
		if got := strings.Join(o.Differences(a), "; "); got != c.want {
			t.Errorf("%s to %s: %q, want %q", c.offered, c.accepted, got, c.want)
		}
	}
	if o, a := Nearest(nil, parse("aes256-sha256-modp2048")); o != (Transform{}) || a != (Transform{}) {
		t.Errorf("nothing offered: %v, %v", o, a)
	}
}

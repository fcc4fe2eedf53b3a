package ikev1

import (
	"strings"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// The responder's choice is one of what was offered, to the last attribute
// (RFC 2409, 5).
func TestConfirm(t *testing.T) {
	offered := []suite.Transform{
		testTransform(t, "aes256-sha256-ecp256", suite.PresharedKey),
		testTransform(t, "3des-md5-modp1024", suite.PresharedKey),
	}
	offered[1].LifeKB = 1000
	changed := func(change func(*suite.Transform)) isakmp.Transform {
		tr := offered[1]
		change(&tr)
		return isakmp.Transform{Number: 2, ID: isakmp.TransformKeyIKE, Attributes: tr.Attributes()}
	}
	same := func(*suite.Transform) {}
	extra := changed(same)
	extra.Attributes = append(extra.Attributes, isakmp.AttrShort(isakmp.AttrKeyLength, 192))
	unknown := changed(same)
	unknown.Attributes = append(unknown.Attributes, isakmp.AttrShort(13, 1))
	for _, tc := range []struct {
		name   string
		chosen []isakmp.Transform
		want   string // "" is accepted
	}{
		{"the second", []isakmp.Transform{changed(same)}, ""},
		{"both", []isakmp.Transform{changed(same), changed(same)}, "more than one"},
		{"none", nil, "more than one"},
		{"another hash", []isakmp.Transform{changed(func(tr *suite.Transform) { tr.Hash = suite.SHA256 })}, "was not offered"},
		{"another group", []isakmp.Transform{changed(func(tr *suite.Transform) { tr.Group = suite.MODP768 })}, "was not offered"},
		{"a weaker cipher of the other", []isakmp.Transform{changed(func(tr *suite.Transform) { *tr = offered[0]; tr.KeyBits = 128 })}, "was not offered"},
		{"another authentication", []isakmp.Transform{changed(func(tr *suite.Transform) { tr.Auth = suite.RSASignature })}, "was not offered"},
		{"a longer life", []isakmp.Transform{changed(func(tr *suite.Transform) { tr.Lifetime = 24 * time.Hour })}, "changed the lifetime"},
		{"a shorter life", []isakmp.Transform{changed(func(tr *suite.Transform) { tr.Lifetime = time.Minute })}, "changed the lifetime"},
		{"no life", []isakmp.Transform{changed(func(tr *suite.Transform) { tr.Lifetime = 0 })}, "changed the lifetime"},
		{"another size", []isakmp.Transform{changed(func(tr *suite.Transform) { tr.LifeKB = 1 })}, "changed the lifetime"},
		{"a key length more", []isakmp.Transform{extra}, "key length"},
		{"an attribute more", []isakmp.Transform{unknown}, "unknown attribute"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			answer := newOffer(nil)
			answer.Proposals[0].Transforms = tc.chosen
			got, err := confirm(answer, offered)
			if tc.want == "" && (err != nil || got != offered[1]) || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%v, %v, want %q", got, err, tc.want)
			}
		})
	}
}

// A responder takes its own first choice of what is offered, whatever the peer
// likes best, and sends it back as it came.
func TestChoose(t *testing.T) {
	best, second := testTransform(t, "aes256-sha256-ecp256", suite.PresharedKey), testTransform(t, "aes128-sha1-modp1024", suite.PresharedKey)
	theirs := second
	theirs.Lifetime = time.Hour
	offer := newOffer([]suite.Transform{testTransform(t, "3des-md5-modp768", suite.PresharedKey), theirs, best})
	for _, tc := range []struct {
		accepted []suite.Transform
		want     int // of the offer
		life     time.Duration
	}{
		{[]suite.Transform{best, second}, 2, 8 * time.Hour},
		{[]suite.Transform{second, best}, 1, time.Hour},
		{[]suite.Transform{second}, 1, time.Hour},
	} {
		c, err := choose(offer, []*Policy{{Name: "p", Transforms: tc.accepted}})
		if err != nil {
			t.Fatal(err)
		}
		sent := c.reply.Proposals[0].Transforms
		if len(sent) != 1 || sent[0].Number != offer.Proposals[0].Transforms[tc.want].Number || len(sent[0].Attributes) != len(offer.Proposals[0].Transforms[tc.want].Attributes) {
			t.Errorf("answered %+v", sent)
		}
		if c.transform.Lifetime != tc.life {
			t.Errorf("lives for %v, want %v", c.transform.Lifetime, tc.life)
		}
	}
	if _, err := choose(offer, []*Policy{{Name: "p", Transforms: []suite.Transform{testTransform(t, "aes192-sha512-ecp521", suite.PresharedKey)}}}); err == nil {
		t.Error("something is chosen that was not offered")
	}
}

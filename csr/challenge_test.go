package csr

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
)

// openssl reads the challenge passwords that we write, and we those of openssl.
func TestChallenge(t *testing.T) {
	for text, kind := range map[string]string{
		"Revoke me, now?":                 "PRINTABLESTRING",
		"naïve pässword":                  "UTF8STRING",
		"under_score":                     "UTF8STRING",
		strings.Repeat("é", MaxChallenge): "UTF8STRING",
	} {
		der, err := Create(Template{Subject: name(t, "CN=gw1"), IKE: true, Challenge: Challenge(text)}, ed25519Key(t))
		if err != nil {
			t.Fatal(err)
		}
		out := openssl(t, der, "asn1parse", "-inform", "DER")
		if _, after, ok := strings.Cut(out, "challengePassword"); !ok || !strings.Contains(after[:min(len(after), 200)], kind) {
			t.Errorf("%.20q: openssl shows no %s:\n%s", text, kind, out)
		}
		if !strings.Contains(openssl(t, der, "req", "-inform", "DER", "-noout", "-verify"), "verify OK") {
			t.Error("openssl does not verify it")
		}
		r, err := Parse(der)
		if err != nil || string(r.Challenge) != text || !r.IKE() || len(r.OtherAttributes) != 0 {
			t.Errorf("%.20q: read back as %d bytes, %v", text, len(r.Challenge), err)
		}
	}
	config := "[req]\nprompt=no\ndistinguished_name=dn\nattributes=a\n[dn]\nCN=gw1\n[a]\nchallengePassword=s3cret\nunstructuredName=machine\n"
	out := openssl(t, []byte(config), "req", "-new", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-config", "/dev/stdin")
	_, out, _ = strings.Cut(out, "-----BEGIN")
	r, err := Parse([]byte("-----BEGIN" + out))
	if err != nil {
		t.Fatal(err)
	}
	if string(r.Challenge) != "s3cret" || len(r.OtherAttributes) != 1 {
		t.Errorf("openssl's: %d bytes, %v", len(r.Challenge), r.OtherAttributes)
	}
	template, left := FromRequest(r)
	if string(template.Challenge) != "s3cret" || fmt.Sprint(left) != "[unstructured name]" {
		t.Errorf("the template: %d bytes; left is %v", len(template.Challenge), left)
	}
}

func TestChallengeRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "0 characters",
		strings.Repeat("é", MaxChallenge+1): "256 characters",
		"two\nlines":                        "control character",
		"\xff\xfe":                          "not in UTF-8",
	} {
		_, err := Create(Template{Subject: name(t, "CN=gw1"), Challenge: Challenge(text)}, ed25519Key(t))
		if err == nil || !strings.Contains(err.Error(), want) || len(text) > 2 && strings.Contains(err.Error(), text[:3]) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

// No way of printing shows the password.
func TestChallengeHidden(t *testing.T) {
	template := Template{Challenge: Challenge("s3cret")}
	j, err := json.Marshal(template.Challenge)
	if err != nil {
		t.Fatal(err)
	}
	out := fmt.Sprintf("%v %+v %#v %s %q %s", template, template, template, template.Challenge, template.Challenge, j)
	if strings.Contains(out, "s3cret") || strings.Contains(out, "115 51") || strings.Contains(out, "0x73") {
		t.Error(out)
	}
}

// Strings of other kinds, as old programs write them.
func TestReadChallenge(t *testing.T) {
	for what, tt := range map[string]struct{ der, want string }{
		"T61String":    {"\x14\x02\xe9a", "éa"},
		"BMPString":    {"\x1e\x04\x00a\x00\xe9", "aé"},
		"IA5String":    {"\x16\x01a", "a"},
		"odd BMP":      {"\x1e\x03\x00a\x00", "error"},
		"INTEGER":      {"\x02\x01\x01", "error"},
		"empty":        {"\x0c\x00", "error"},
		"two":          {"\x0c\x01a\x0c\x01b", "error"},
		"none":         {"", "error"},
		"cut":          {"\x0c\x05a", "error"},
		"no UTF-8":     {"\x0c\x01\xff", "error"},
		"surrogate":    {"\x1e\x02\xd8\x00", "\uFFFD"},
		"control code": {"\x0c\x01\x1b", "error"},
	} {
		got, err := readChallenge(cryptobyte.String(tt.der))
		if (err != nil) != (tt.want == "error") || err == nil && string(got) != tt.want {
			t.Errorf("%s: %q, %v", what, []byte(got), err)
		}
	}
}

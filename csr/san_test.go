package csr

import (
	"strings"
	"testing"
)

func TestParseSAN(t *testing.T) {
	for text, want := range map[string]string{
		"dns:gw1.example.org":              "dns:gw1.example.org",
		"DNS: gw1":                         "dns:gw1",
		"dns:xn--zrich-kva.example":        "dns:xn--zrich-kva.example",
		"dns:1.2.3.4.in-addr.arpa":         "dns:1.2.3.4.in-addr.arpa",
		"ip:10.0.0.1":                      "ip:10.0.0.1",
		"ip:2001:DB8:0::1":                 "ip:2001:db8::1",
		"ip:::ffff:10.0.0.1":               "ip:10.0.0.1",
		"email:first.last+tag@example.org": "email:first.last+tag@example.org",
		"uri:https://example.org/a?b#c":    "uri:https://example.org/a?b#c",
		"uri:ldap://[2001:db8::1]/cn=x":    "uri:ldap://[2001:db8::1]/cn=x",
		"uri:urn:uuid:0":                   "uri:urn:uuid:0",
	} {
		got, err := ParseSAN(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestParseSANRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"gw1.example.org":                  "write dns:",
		"x:y":                              "no kind",
		"dns:":                             "1 to 253",
		"dns:a..b":                         "1 to 63",
		"dns:a.":                           "1 to 63",
		"dns:" + strings.Repeat("a", 64):   "1 to 63",
		"dns:" + strings.Repeat("a.", 127): "1 to 253",
		"dns:-a":                           "hyphen",
		"dns:a_b":                          "not allowed",
		"dns:*.example.org":                "wildcard",
		"dns:zürich.example":               "xn--",
		"dns:ab--cd":                       "reserved",
		"dns:10.0.0.1":                     "write ip:",
		"dns:a.1":                          "number",
		"dns:a\x00b":                       "not allowed",
		"ip:10.0.0":                        "no IPv4",
		"ip:10.0.0.1/24":                   "no IPv4",
		"ip:fe80::1%eth0":                  "zone",
		"ip:0.0.0.0":                       "unspecified",
		"email:example.org":                "before its",
		"email:@example.org":               "before its",
		"email:a..b@example.org":           "dot",
		"email:a b@example.org":            "not allowed",
		"email:a@b@example.org":            "not allowed",
		"email:a@10.0.0.1":                 "IP address",
		"uri:/a":                           "no scheme",
		"uri:https:":                       "nothing follows",
		"uri:https:///":                    "nothing follows",
		"uri:http://a b/":                  "%20",
		"uri:http://ü/":                    "not allowed",
		"uri:http://u:secret@example.org/": "public",
		"uri:http://a_b/":                  "not allowed",
		"uri:http://[::1/":                 "cannot be read",
		"uri:http://a/" + strings.Repeat("a", maxURI): "longer",
	} {
		if got, err := ParseSAN(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %q, %v; want an error with %q", text, got, err, want)
		}
	}
}

// An error about a URI with a password does not repeat it.
func TestSecretNotRepeated(t *testing.T) {
	_, err := ParseSAN("uri:http://u:topsecret@example.org/")
	if err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("the error is %v", err)
	}
}

func TestValidateCanonicalIP(t *testing.T) {
	if err := (SAN{IP, "2001:DB8::1"}).Validate(); err == nil || !strings.Contains(err.Error(), "2001:db8::1") {
		t.Errorf("got %v", err)
	}
}

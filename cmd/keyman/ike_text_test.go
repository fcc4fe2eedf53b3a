package main

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"keyman/crl"
	"keyman/ike"
	"keyman/ike/control"
	"keyman/ike/ikev1"
)

// someTunnels has a tunnel in each state.
func someTunnels(now time.Time) []ike.Status {
	return []ike.Status{
		{
			Tunnel: "branch", Number: 1, ID: 7, State: ike.TunnelActive, Role: "initiator", Mode: "Main",
			Local: netip.MustParseAddrPort("192.0.2.1:4500"), Remote: netip.MustParseAddrPort("198.51.100.2:4500"),
			LocalID: "fqdn:bee.example.org", RemoteID: "dn:C=CH, O=Example, CN=gw2", Protection: "BOTH_MAIN_3DES_MD5",
			Auth: "rsa-signature-crl", Transform: "3des-md5-modp1024", Encryption: "3des", Hash: "md5", Group: "modp1024",
			Weak: []string{"3DES", "MD5", "DH group 2 (modp1024)"}, NAT: ikev1.NAT{Local: true, Remote: true},
			Started: now.Add(-64 * time.Second), Established: now.Add(-63 * time.Second), Expires: now.Add(28737 * time.Second),
			Reasons: []crl.Reason{{Severity: crl.Warning, Code: "unchecked", Text: "accepted without a revocation list"}},
		},
		{Tunnel: "people", Number: 2, State: ike.TunnelDormant, Mode: "Main", LocalID: "ipv4:192.0.2.1", RemoteID: "group:people", Protection: "strong", Auth: "preshared-key"},
		{
			Tunnel: "bad\x1b[31m", Number: 3, ID: 8, State: ike.TunnelFailed, Role: "responder", Mode: "Main", LocalID: "ipv4:192.0.2.1", RemoteID: "user_fqdn:eve@example.org",
			Remote: netip.MustParseAddrPort("203.0.113.9:500"), Auth: "rsa-signature", Ended: now, Error: "the peer's certificate was not accepted (revoked)",
			Reasons: []crl.Reason{{Severity: crl.Fatal, Code: "revoked", Text: "CN=eve (serial 0a): revoked", Clause: "RFC 5280, 6.3.3"}},
		},
		{ID: 9, State: ike.TunnelNegotiating, Detail: "waiting for message 3", Role: "responder", Mode: "Main", Remote: netip.MustParseAddrPort("203.0.113.77:500")},
	}
}

func TestWriteTable(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var out bytes.Buffer
	writeTable(&out, someTunnels(now), now)
	want := `No  NAME         STATUS       PEER                     ALGORITHMS                SECONDS LEFT
1   branch       active       C=CH, O=Example, CN=gw2  3des-md5-modp1024 (weak)  28737
2   people       dormant      people                   -                         -
3   bad\x1b[31m  failed       eve@example.org          -                         -
    the peer's certificate was not accepted (revoked)
-   -            negotiating  203.0.113.77:500         -                         -
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	out.Reset()
	writeTable(&out, nil, now)
	if out.String() != "no tunnels\n" {
		t.Errorf("without a tunnel: %q", out.String())
	}
}

func TestWriteTunnels(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var out bytes.Buffer
	writeTunnels(&out, someTunnels(now), now)
	want := `Phase 1 Tunnel ID       1
Tunnel Name:            branch
Local ID Type:          Fully_Qualified_Domain_Name
Local ID:               bee.example.org
Remote ID Type:         ASN1_DN
Remote ID:              C=CH, O=Example, CN=gw2
Local Address:          192.0.2.1:4500
Remote Address:         198.51.100.2:4500
Mode:                   Main
Security Policy:        BOTH_MAIN_3DES_MD5
Role:                   Initiator
Encryption Alg:         3des
Auth Alg:               RSA Signature with CRL Checking
Hash Alg:               md5
DH Group:               modp1024
Weak Algorithms:        3DES, MD5, DH group 2 (modp1024)
Key Lifetime:           28800 Seconds
Key Rem Lifetime:       28737 Seconds
NAT:                    here and at the peer
Status:                 Active
  warning  accepted without a revocation list

Phase 1 Tunnel ID       2
Tunnel Name:            people
Local ID Type:          IPv4_Address
Local ID:               192.0.2.1
Remote ID Type:         Group
Remote ID:              people
Remote Address:         any
Mode:                   Main
Security Policy:        strong
Auth Alg:               Preshared Key
Status:                 Dormant

Phase 1 Tunnel ID       3
Tunnel Name:            bad\x1b[31m
Local ID Type:          IPv4_Address
Local ID:               192.0.2.1
Remote ID Type:         User_Fully_Qualified_Domain_Name
Remote ID:              eve@example.org
Remote Address:         203.0.113.9:500
Mode:                   Main
Role:                   Responder
Auth Alg:               RSA Signature
Status:                 Failed
Ended:                  ` + now.Local().Format(time.DateTime) + `
Why:                    the peer's certificate was not accepted (revoked)
  fatal    CN=eve (serial 0a): revoked (RFC 5280, 6.3.3)

Phase 1 Tunnel ID       -
Remote Address:         203.0.113.77:500
Mode:                   Main
Role:                   Responder
Status:                 Negotiating
Step:                   waiting for message 3
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestJudge(t *testing.T) {
	active := control.Activation{Tunnel: "a", Status: ike.Status{Tunnel: "a", State: ike.TunnelActive}}
	failed := control.Activation{Tunnel: "b", Status: ike.Status{Tunnel: "b", State: ike.TunnelFailed}}
	negotiating := control.Activation{Tunnel: "c", Status: ike.Status{Tunnel: "c", State: ike.TunnelNegotiating}}
	untried := control.Activation{Tunnel: "d", Error: "no such tunnel"}
	for name, c := range map[string]struct {
		outcomes []control.Activation
		wait     bool
		code     int
		want     string
	}{
		"active":          {[]control.Activation{active}, true, exitOK, ""},
		"begun":           {[]control.Activation{active, negotiating}, false, exitOK, ""},
		"failed":          {[]control.Activation{failed}, true, exitNo, "not active: b"},
		"some":            {[]control.Activation{active, failed, negotiating}, true, exitNo, "not active: b, c"},
		"untried":         {[]control.Activation{untried, active}, false, exitFailed, "no such tunnel"},
		"untried, failed": {[]control.Activation{untried, failed, untried}, true, exitFailed, "no such tunnel; no such tunnel"},
	} {
		err := judge(c.outcomes, c.wait)
		if got := exitCode(err); got != c.code || err != nil && err.Error() != c.want {
			t.Errorf("%s: %v, exit code %d, want %q, %d", name, err, got, c.want, c.code)
		}
	}
}

func TestSelectFlags(t *testing.T) {
	for _, c := range []struct{ addresses, want string }{
		{"", "1 two with the peer \"gw2\""},
		{"192.0.2.1,2001:db8::2", "1 two with the peer \"gw2\" from 192.0.2.1 to 2001:db8::2"},
		{"192.0.2.1, 192.0.2.2", "1 two with the peer \"gw2\" from 192.0.2.1 to 192.0.2.2"},
		{"192.0.2.1", `--addresses: "192.0.2.1" is not two addresses with a comma between them`},
		{"192.0.2.1,gw2", `--addresses: "gw2" is not an IP address`},
	} {
		selection, err := (&selectFlags{peerID: "gw2", addresses: c.addresses}).selection([]string{"1", "two"})
		got := selection.String()
		if err != nil {
			got = err.Error()
		}
		if got != c.want || err != nil && exitCode(err) != exitUsage {
			t.Errorf("%q: %s, want %s", c.addresses, got, c.want)
		}
	}
}

func TestIdentityText(t *testing.T) {
	for id, want := range map[string]string{
		"ipv6:2001:db8::1": "IPv6_Address 2001:db8::1", "key_id:0x00": "Key_ID 0x00", "": " ", "of type 9 that cannot be read": " of type 9 that cannot be read",
	} {
		if got := idType(id) + " " + idValue(id); got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}

func TestWriteExplained(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.Local)
	peer := netip.MustParseAddrPort("192.0.2.2:500")
	failed := ike.Explanation{
		Status: ike.Status{Tunnel: "to-gw2", State: ike.TunnelFailed, Error: "the peer is not accepted", Remote: peer,
			Reasons: []crl.Reason{{Severity: crl.Fatal, Text: "certificate 0a is revoked", Clause: "RFC 5280, 6.3.3"}}},
		Steps: []ike.Step{{Time: at, Text: "sent main mode message 1 [SA]"}, {Time: at, Text: "received main mode message 2 [\x1b]"}},
		Hint:  "ask for another", Missed: 2,
	}
	stranger := ike.Explanation{Status: ike.Status{State: ike.TunnelFailed, ID: 7, Remote: peer, Error: "nothing fits"}}
	var out strings.Builder
	writeExplained(&out, explained{Tunnel: &failed, Strangers: []ike.Explanation{stranger}})
	want := `to-gw2: failed
  2 messages before these
  03:04:05  sent main mode message 1 [SA]
  03:04:05  received main mode message 2 [\x1b]
  why       the peer is not accepted
  fatal    certificate 0a is revoked (RFC 5280, 6.3.3)
  hint      ask for another

a stranger at 192.0.2.2:500: failed
  why       nothing fits
`
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
	elsewhere := stranger
	elsewhere.Status.Remote = netip.MustParseAddrPort("192.0.2.3:500")
	if near := from(failed.Status, []ike.Explanation{elsewhere, stranger}); len(near) != 1 || near[0].Status.ID != 7 {
		t.Errorf("strangers at the address: %+v", near)
	}
	if all := from(ike.Status{}, []ike.Explanation{elsewhere, stranger}); len(all) != 2 {
		t.Errorf("strangers at any address: %+v", all)
	}
}

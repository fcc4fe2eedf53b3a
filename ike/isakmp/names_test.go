package isakmp_test

import (
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"keyman/ike/isakmp"
)

func TestStrings(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{isakmp.Cookie{0x01, 0xab}.String(), "01ab000000000000"},
		{isakmp.IdentityProtection.String(), "main mode"},
		{isakmp.ExchangeType(77).String(), "exchange type 77"},
		{isakmp.PayloadCertificateRequest.String(), "CERTREQ"},
		{isakmp.PayloadType(77).String(), "type 77"},
		{isakmp.ProtocolESP.String(), "ESP"},
		{isakmp.Protocol(77).String(), "protocol 77"},
		{isakmp.IDKeyID.String(), "ID_KEY_ID"},
		{isakmp.IDType(77).String(), "ID type 77"},
		{isakmp.CertX509Signature.String(), "X.509 signature"},
		{isakmp.CertEncoding(77).String(), "certificate encoding 77"},
		{isakmp.AuthenticationFailed.String(), "AUTHENTICATION-FAILED"},
		{isakmp.UnequalPayloadLengths.String(), "UNEQUAL-PAYLOAD-LENGTHS"},
		{isakmp.InitialContact.String(), "INITIAL-CONTACT"},
		{isakmp.RUThereAck.String(), "R-U-THERE-ACK"},
		{isakmp.NotifyType(0).String(), "notify type 0"},
		{isakmp.NotifyType(31).String(), "notify type 31"},
		{isakmp.VendorStrongSwan.String(), "strongSwan"},
		{isakmp.Vendor(0).String(), "vendor 0"},
		{isakmp.Vendor(200).String(), "vendor 200"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

// TestNotifyNames compares the words with the table of RFC 2408, 3.14.1.
func TestNotifyNames(t *testing.T) {
	table, err := os.ReadFile("testdata/notify.txt")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")
	if len(rows) != 31 {
		t.Fatalf("%d rows, want 30 errors and CONNECTED", len(rows))
	}
	for _, row := range rows {
		number, word, _ := strings.Cut(row, " ")
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		if got := isakmp.NotifyType(n).String(); got != word {
			t.Errorf("notification %d is %s, the RFC says %s", n, got, word)
		}
	}
}

func TestNotifyIsError(t *testing.T) {
	for n, want := range map[isakmp.NotifyType]bool{0: true, isakmp.InvalidPayloadType: true, 16383: true,
		isakmp.Connected: false, isakmp.InitialContact: false, isakmp.RUThere: false, 65535: false} {
		if got := n.IsError(); got != want {
			t.Errorf("%s: error %v, want %v", n, got, want)
		}
	}
}

func TestAddrID(t *testing.T) {
	for _, c := range []struct {
		addr string
		typ  isakmp.IDType
		back string
	}{
		{"192.0.2.7", isakmp.IDIPv4Addr, "192.0.2.7"},
		{"2001:db8::7", isakmp.IDIPv6Addr, "2001:db8::7"},
		{"::ffff:192.0.2.7", isakmp.IDIPv4Addr, "192.0.2.7"},
	} {
		id := isakmp.AddrID(netip.MustParseAddr(c.addr))
		back, ok := id.Addr()
		if id.IDType != c.typ || !ok || back.String() != c.back {
			t.Errorf("%s became %s and %s", c.addr, id.IDType, back)
		}
	}
	id := isakmp.AddrID(netip.MustParseAddr("192.0.2.7"))
	id.Protocol, id.Port = 17, 500
	if got := string(id.Body()); got != "\x01\x11\x01\xf4\xc0\x00\x02\x07" {
		t.Errorf("body % x", got)
	}
	for _, id := range []isakmp.Identification{{IDType: isakmp.IDFQDN, Data: []byte("a.bc")}, {IDType: isakmp.IDIPv4Addr, Data: []byte("abc")}} {
		if a, ok := id.Addr(); ok {
			t.Errorf("%s with %q has the address %s", id.IDType, id.Data, a)
		}
	}
}

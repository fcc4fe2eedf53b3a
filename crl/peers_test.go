package crl_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"keyman/crl"
	"keyman/internal/dn"
	"keyman/internal/testpeer"
)

// directoryLDIF is for the CA's certificate and its list, in base64.
const directoryLDIF = `dn: c=CH
objectClass: country
c: CH

dn: cn=CA,c=CH
objectClass: applicationProcess
objectClass: certificationAuthority
cn: CA
cACertificate;binary:: %[1]s
authorityRevocationList;binary:: %[2]s
certificateRevocationList;binary:: %[2]s
`

// TestRealServers fetches by HTTP and from OpenLDAP, directly and through
// Dante's and OpenSSH's proxies.
func TestRealServers(t *testing.T) {
	ca := newCA(t, "CA")
	der := ca.list()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(der) }))
	defer web.Close()
	encode := base64.StdEncoding.EncodeToString
	slapd := testpeer.Slapd(t, nil, fmt.Sprintf(directoryLDIF, encode(ca.cert.Raw), encode(der)))
	danted, ssh := testpeer.Danted(t, nil), testpeer.SSHDynamic(t, nil)

	places := []string{
		web.URL + "/ca.crl",
		slapd + "/cn=CA,c=CH?certificateRevocationList;binary?base?(objectClass=*)",
		slapd + "/cn=CA,c=CH?certificateRevocationList",
		"ldap:///CN=CA,C=CH?certificateRevocationList?base?objectClass=certificationAuthority",
	}
	server := strings.TrimPrefix(slapd, "ldap://")
	for _, proxy := range []*url.URL{
		nil,
		{Scheme: "socks4", Host: danted}, {Scheme: "socks4", User: url.User("gw1"), Host: danted}, {Scheme: "socks5", Host: danted},
		{Scheme: "socks4", Host: ssh}, {Scheme: "socks4a", Host: ssh}, {Scheme: "socks5", Host: ssh},
	} {
		for _, version := range []int{2, 3} {
			f := newFetcher(t, crl.FetcherConfig{HTTPProxy: proxy, LDAPProxy: proxy, LDAPServers: []crl.LDAPServer{{Address: server}}, LDAPVersion: version})
			for _, place := range places {
				if l, err := f.Fetch(t.Context(), place); err != nil || !bytes.Equal(l.Raw(), der) {
					t.Errorf("LDAP version %d, through %v, %s: %v", version, proxy, place, err)
				}
			}
			if proxy != nil && proxy.Scheme == "socks4a" {
				byName := strings.Replace(places[0], "127.0.0.1", "localhost", 1)
				if _, err := f.Fetch(t.Context(), byName); err != nil {
					t.Errorf("a name that the proxy looks up: %v", err)
				}
			}
			issuer, err := dn.FromDER(ca.cert.RawSubject)
			if err != nil {
				t.Fatal(err)
			}
			if l, err := f.FetchByIssuer(t.Context(), issuer); err != nil || !bytes.Equal(l.Raw(), der) {
				t.Errorf("LDAP version %d, through %v, by issuer: %v", version, proxy, err)
			}
		}
		_, err := newFetcher(t, crl.FetcherConfig{HTTPProxy: proxy}).Fetch(t.Context(), "http://127.0.0.1:1/ca.crl")
		if err == nil {
			t.Errorf("through %v: a list from a port where nobody listens", proxy)
		}
	}
}

// TestServersInNamespace: the same servers inside a network of their own.
func TestServersInNamespace(t *testing.T) {
	network := testpeer.NewNetwork(t)
	ca := newCA(t, "CA")
	der := ca.list()
	listener, err := network.B.ListenTCP(netip.AddrPortFrom(network.B.IPv4, 0))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(der) }))
	web.Listener.Close()
	web.Listener = listener
	web.Start()
	defer web.Close()
	encode := base64.StdEncoding.EncodeToString
	slapd := testpeer.Slapd(t, network.B, fmt.Sprintf(directoryLDIF, encode(ca.cert.Raw), encode(der)))
	for _, proxy := range []string{testpeer.Danted(t, network.B), testpeer.SSHDynamic(t, network.B)} {
		through := &url.URL{Scheme: "socks4", Host: proxy}
		f := newFetcher(t, crl.FetcherConfig{HTTPProxy: through, LDAPProxy: through, Dial: network.A})
		for _, place := range []string{web.URL + "/ca.crl", slapd + "/cn=CA,c=CH"} {
			if _, err := f.Fetch(t.Context(), place); err != nil {
				t.Errorf("through %s: %v", proxy, err)
			}
		}
	}
}

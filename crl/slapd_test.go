package crl_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/crl"
	"keyman/internal/testpeer"
)

// pkitsDirectory returns the directory of NIST's suite as LDIF, for a server that
// has OpenLDAP's own schemas.
func pkitsDirectory(t *testing.T) string {
	t.Helper()
	// The classes of the suite's own schema only allow attributes.
	var foreign []string
	for _, class := range []string{"opencaEmailAddress", "entrustDNQualifierUser", "entrustNamedObject", "naturalPerson"} {
		foreign = append(foreign, "objectClass: "+class, "objectClass: extensibleObject")
	}
	own := strings.NewReplacer(foreign...)
	dir, err := filepath.Abs(filepath.Join(testpeer.Corpora(t), "pkits"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(readFile(t, filepath.Join(dir, "pkits.ldif"))), "\r\n", "\n")
	text = strings.ReplaceAll(text, "\n ", "") // folded lines
	var entries []string
	for entry := range strings.SplitSeq(text, "\n\n") {
		entry = strings.TrimSpace(entry)
		for strings.HasPrefix(entry, "#") {
			_, entry, _ = strings.Cut(entry, "\n")
		}
		name, _, _ := strings.Cut(entry, "\n")
		switch {
		case !strings.HasPrefix(name, "dn:"):
		case !strings.HasSuffix(strings.ToLower(name), "o=test certificates 2011,c=us"):
		default:
			entries = append(entries, own.Replace(strings.ReplaceAll(entry, "file:///tmp/", "file://"+dir+"/")))
		}
	}
	return strings.Join(entries, "\n\n") + "\n"
}

// TestPKITSFromSlapd runs NIST's suite, all of it, by a Checker that fetches every
// list from OpenLDAP by the names of distribution points and issuers.
func TestPKITSFromSlapd(t *testing.T) {
	s := readPKITS(t)
	server := strings.TrimPrefix(testpeer.Slapd(t, nil, pkitsDirectory(t)), "ldap://")
	f := newFetcher(t, crl.FetcherConfig{LDAPServers: []crl.LDAPServer{{Address: server}}})
	checker := newChecker(t, crl.CheckerConfig{Source: f})
	for _, c := range s.cases {
		t.Run(c.Num+"/"+c.Name, func(t *testing.T) {
			s.check(t, c, checker)
		})
	}
}

// check runs one of the suite with a Checker.
func (s pkitsSuite) check(t *testing.T, c pkitsCase, checker *crl.Checker) {
	var chain [][]byte // the leaf first, the anchor last
	for _, name := range slices.Backward(c.Certs) {
		chain = append(chain, s.certs[name].Raw)
	}
	last := len(chain) - 1
	p := crl.Policy{
		Anchors: chain[last:], Time: time.Date(2011, 4, 15, 0, 0, 0, 0, time.UTC),
		ExplicitPolicy:   setting(t, c.Explicit) == "true",
		InhibitMapping:   setting(t, c.InhibitMap) == "true",
		InhibitAnyPolicy: setting(t, c.InhibitAny) == "true",
		AllowWeak:        true, // the suite's DSA keys have 1024 bits, and sign with SHA-1
	}
	if initial := setting(t, c.Initial); initial != "" {
		p.Policies = pkitsPolicies(t, initial)
	}
	v := checker.Check(t.Context(), chain[:last], p)
	if v.Accepted() != c.OK {
		t.Errorf("accepted is %t, and not %t: %v", v.Accepted(), c.OK, v.Err())
	}
	if want := setting(t, c.UserSet); want != "" {
		var policies []string
		for _, oid := range pkitsPolicies(t, want) {
			policies = append(policies, oid.String())
		}
		if !slices.Equal(v.Policies, policies) {
			t.Errorf("the policies %s, and not %s", v.Policies, policies)
		}
	}
}

// largeEntry is the entry of an issuer in the directory of NIST's suite, with a
// list in base64.
const largeEntry = `
dn: cn=Large,o=Test Certificates 2011,c=US
objectClass: cRLDistributionPoint
cn: Large
certificateRevocationList;binary:: %s
`

// TestLargeListFromSlapd fetches a list of 35 MB that OpenLDAP holds beside NIST's
// suite, directly and through Dante's and OpenSSH's proxies: at no more than three
// times its size in memory, with all that was allocated on the way and freed again.
func TestLargeListFromSlapd(t *testing.T) {
	if testing.Short() {
		t.Skip("a list of 35 MB is fetched four times")
	}
	der := largeList(t, 35_000_000)
	server := testpeer.Slapd(t, nil, pkitsDirectory(t)+fmt.Sprintf(largeEntry, base64.StdEncoding.EncodeToString(der)))
	danted, ssh := testpeer.Danted(t, nil), testpeer.SSHDynamic(t, nil)
	for _, proxy := range []*url.URL{nil, {Scheme: "socks4", Host: danted}, {Scheme: "socks5", Host: danted}, {Scheme: "socks4a", Host: ssh}} {
		f := newFetcher(t, crl.FetcherConfig{LDAPProxy: proxy})
		cost := allocated(func() {
			l, err := f.Fetch(t.Context(), server+"/cn=Large,o=Test%20Certificates%202011,c=US?certificateRevocationList")
			if err != nil || !bytes.Equal(l.Raw(), der) {
				t.Errorf("through %v: %v", proxy, err)
			}
		})
		if most := 3 * int64(len(der)); cost > most {
			t.Errorf("through %v: %d bytes allocated, more than %d", proxy, cost, most)
		}
		l, err := f.Fetch(t.Context(), server+"/cn=Good%20CA,o=Test%20Certificates%202011,c=US")
		if err != nil || l.Len() != 2 {
			t.Errorf("through %v, the list of Good CA: %v", proxy, err)
		}
	}
}

// TestSlapdTLS: StartTLS and ldaps with OpenLDAP, whose certificate is from a CA that
// is known here and from one that is not.
func TestSlapdTLS(t *testing.T) {
	ca := newCA(t, "CA")
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	key := newKey(t)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]*pem.Block{
		"ca.pem":   {Type: "CERTIFICATE", Bytes: ca.cert.Raw},
		"cert.pem": {Type: "CERTIFICATE", Bytes: sign(t, template, ca.cert, key, ca.key).Raw},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: keyDER},
	}
	dir := t.TempDir()
	for name, block := range files {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	der := ca.list()
	encode := base64.StdEncoding.EncodeToString
	plain, secure := testpeer.SlapdTLS(t, nil, fmt.Sprintf(directoryLDIF, encode(ca.cert.Raw), encode(der)), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	known := crl.DefaultSettings()
	known.CAFile = filepath.Join(dir, "ca.pem")
	for _, c := range []struct {
		server   string
		startTLS bool
	}{{strings.TrimPrefix(plain, "ldap://"), true}, {secure, false}, {"127.0.0.1:1," + secure, true}} {
		known.LDAPServer, known.LDAPStartTLS = c.server, c.startTLS
		config, err := known.FetcherConfig()
		if err != nil {
			t.Fatal(err)
		}
		l, err := newFetcher(t, config).Fetch(t.Context(), "ldap:///cn=CA,c=CH")
		if err != nil || !bytes.Equal(l.Raw(), der) {
			t.Errorf("%s: %v", c.server, err)
		}
		config.RootCAs = nil
		if _, err := newFetcher(t, config).Fetch(t.Context(), "ldap:///cn=CA,c=CH"); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s, of a CA that is not known: %v", c.server, err)
		}
	}
	// A server that has no certificate refuses, and is not asked without TLS.
	bare := strings.TrimPrefix(testpeer.Slapd(t, nil, fmt.Sprintf(directoryLDIF, encode(ca.cert.Raw), encode(der))), "ldap://")
	f := newFetcher(t, crl.FetcherConfig{LDAPServers: []crl.LDAPServer{{Address: bare}}, StartTLS: true})
	if _, err := f.Fetch(t.Context(), "ldap:///cn=CA,c=CH"); err == nil || !strings.Contains(err.Error(), "StartTLS: the server answered") {
		t.Errorf("a server without TLS: %v", err)
	}
}

package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/csr"
	"keyman/internal/certpem"
	"keyman/internal/dn"
)

func name(t testing.TB, text string) dn.Name {
	t.Helper()
	n, err := dn.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// newTestCA founds a CA in a temporary folder.
func newTestCA(t testing.TB, change func(*Options)) *CA {
	t.Helper()
	o := Options{
		Subject: name(t, "C=CH, O=Example, CN=Example CA"),
		Signer:  newKey(t),
		Settings: Settings{CRLURLs: []string{
			"ldap://ldap.example.org/cn=Example%20CA,o=Example,c=CH?certificateRevocationList",
			"http://pki.example.org/ca.crl",
		}},
	}
	if change != nil {
		change(&o)
	}
	c, err := Init(t.Context(), filepath.Join(t.TempDir(), "ca"), o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newRequest makes a request for a gateway.
func newRequest(t testing.TB, subject string, key crypto.Signer, sans ...string) *csr.Request {
	t.Helper()
	template := csr.Template{Subject: name(t, subject), IKE: true}
	for _, text := range sans {
		san, err := csr.ParseSAN(text)
		if err != nil {
			t.Fatal(err)
		}
		template.SANs = append(template.SANs, san)
	}
	der, err := csr.Create(template, key)
	if err != nil {
		t.Fatal(err)
	}
	request, err := csr.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func issue(t testing.TB, c *CA, request *csr.Request, o IssueOptions) *Issued {
	t.Helper()
	issued, err := c.Issue(t.Context(), request, o)
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

func serialOf(t testing.TB, issued *Issued) *big.Int {
	t.Helper()
	serial, err := ParseSerial(issued.Record.Serial)
	if err != nil {
		t.Fatal(err)
	}
	return serial
}

func TestInit(t *testing.T) {
	c := newTestCA(t, func(o *Options) { o.NoSubCAs = true })
	cert, err := x509.ParseCertificate(c.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	if !cert.IsCA || cert.MaxPathLen != 0 || cert.KeyUsage != x509.KeyUsageCertSign|x509.KeyUsageCRLSign || len(cert.SubjectKeyId) != 20 {
		t.Errorf("%+v", cert)
	}
	for _, ext := range cert.Extensions {
		critical := ext.Id.Equal(oidBasicConstraints) || ext.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 15})
		if ext.Critical != critical {
			t.Errorf("extension %s: critical %v", ext.Id, ext.Critical)
		}
	}
	settings, err := c.Settings()
	if err != nil || settings.CertificateDays != DefaultCertificateDays || settings.CRLDays != DefaultCRLDays ||
		!slices.Equal(settings.CRLURLs, []string{"http://pki.example.org/ca.crl", "ldap://ldap.example.org/cn=Example%20CA,o=Example,c=CH?certificateRevocationList"}) {
		t.Errorf("settings %+v, %v", settings, err)
	}
	info, err := os.Stat(filepath.Join(c.dir, databaseFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("database: %v, %v", info.Mode(), err)
	}
}

func TestInitRefuses(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Options){
		"private key":       func(o *Options) { o.Signer = nil },
		"1024 bits":         func(o *Options) { o.Signer = short },
		"no subject":        func(o *Options) { o.Subject = dn.Name{} },
		"3 characters":      func(o *Options) { o.Subject = name(t, "C=CHE") },
		"lifetime of -1":    func(o *Options) { o.Days = -1 },
		"lifetime of 99999": func(o *Options) { o.Settings.CRLDays = 99999 },
		"lifetime of 40000": func(o *Options) { o.Settings.CertificateDays = 40000 },
		"use http":          func(o *Options) { o.Settings.CRLURLs = []string{"ftp://a/b"} },
		"no host":           func(o *Options) { o.Settings.CRLURLs = []string{"http:///b"} },
		"one attribute":     func(o *Options) { o.Settings.CRLURLs = []string{"ldap://a/cn=b"} },
		"names an entry":    func(o *Options) { o.Settings.CRLURLs = []string{"ldap://a/?x"} },
		"%20":               func(o *Options) { o.Settings.CRLURLs = []string{"http://a/b c"} },
		"public":            func(o *Options) { o.Settings.CRLURLs = []string{"http://u:p@a/b"} },
		"twice":             func(o *Options) { o.Settings.CRLURLs = []string{"http://a/b", "http://a/b"} },
		"more than 8":       func(o *Options) { o.Settings.CRLURLs = make([]string, 9) },
	} {
		o := Options{Subject: name(t, "CN=CA"), Signer: newKey(t)}
		change(&o)
		dir := filepath.Join(t.TempDir(), "ca")
		if _, err := Init(t.Context(), dir, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the folder was made", want)
		}
	}
}

func TestInitTwice(t *testing.T) {
	c := newTestCA(t, nil)
	if _, err := Init(t.Context(), c.dir, Options{Subject: name(t, "CN=other"), Signer: newKey(t)}); !errors.Is(err, ErrExists) {
		t.Errorf("got %v", err)
	}
	again, err := Open(t.Context(), c.dir, c.signer)
	if err != nil || !bytes.Equal(again.Certificate(), c.Certificate()) || !again.Subject().Equal(c.Subject()) {
		t.Errorf("the first CA is gone: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir(), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no CA: %v", err)
	}
	c := newTestCA(t, nil)
	if _, err := Open(t.Context(), c.dir, newKey(t)); err == nil || !strings.Contains(err.Error(), "not that of the CA") {
		t.Errorf("another key: %v", err)
	}
	leaf := issue(t, c, newRequest(t, "CN=gw1", newKey(t)), IssueOptions{})
	if err := os.WriteFile(filepath.Join(c.dir, CertificateFile), certpem.Encode(certpem.TypeCertificate, leaf.Certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), c.dir, nil); err == nil {
		t.Error("an end entity's certificate in the place of the CA's: accepted")
	}
}

func TestWithoutKey(t *testing.T) {
	c := newTestCA(t, nil)
	issued := issue(t, c, newRequest(t, "CN=gw1", newKey(t)), IssueOptions{})
	blind, err := Open(t.Context(), c.dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := blind.Issue(t.Context(), newRequest(t, "CN=gw2", newKey(t)), IssueOptions{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("issue: %v", err)
	}
	if _, err := blind.MakeCRL(t.Context(), CRLOptions{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("CRL: %v", err)
	}
	if _, err := blind.Revoke(t.Context(), serialOf(t, issued), RevokeOptions{}); err != nil {
		t.Errorf("revoke: %v", err)
	}
}

func TestIssue(t *testing.T) {
	c := newTestCA(t, nil)
	for _, tt := range []struct {
		profile Profile
		usages  []x509.ExtKeyUsage
	}{
		{"", nil},
		{ProfileIKE, nil},
		{ProfileIKETLS, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}},
	} {
		key := newKey(t)
		request := newRequest(t, "C=CH, O=Example, CN=gw1", key, "dns:gw1.example.org", "ip:10.0.0.1", "ip:2001:db8::1", "email:a@example.org", "uri:https://example.org/")
		issued := issue(t, c, request, IssueOptions{Profile: tt.profile, Days: 30})
		cert, err := x509.ParseCertificate(issued.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		if cert.Subject.String() != "CN=gw1,O=Example,C=CH" || cert.IsCA || !cert.BasicConstraintsValid || cert.KeyUsage != x509.KeyUsageDigitalSignature ||
			!slices.Equal(cert.ExtKeyUsage, tt.usages) || len(cert.UnknownExtKeyUsage) != 1 ||
			!slices.Equal(csr.SANs(cert), request.SANs) || !key.PublicKey.Equal(cert.PublicKey) ||
			!bytes.Equal(cert.AuthorityKeyId, c.cert.SubjectKeyId) || len(cert.SubjectKeyId) != 20 {
			t.Errorf("%+v", cert)
		}
		if got := cert.NotAfter.Sub(issued.Record.Issued); got != 30*day || issued.Shortened {
			t.Errorf("good for %s, shortened %v", got, issued.Shortened)
		}
		saved, err := certpem.Read(issued.File)
		if err != nil || !bytes.Equal(saved[0], issued.Certificate) {
			t.Errorf("file %s: %v", issued.File, err)
		}
		for _, ext := range cert.Extensions {
			if ext.Id.Equal(oidCRLPoints) {
				// One point, one fullName, HTTP before LDAP.
				var points []struct {
					Name struct {
						FullName []asn1.RawValue `asn1:"tag:0,optional"`
					} `asn1:"tag:0,optional"`
				}
				if _, err := asn1.Unmarshal(ext.Value, &points); err != nil || len(points) != 1 || len(points[0].Name.FullName) != 2 ||
					!strings.HasPrefix(string(points[0].Name.FullName[0].Bytes), "http:") {
					t.Errorf("distribution points %+v, %v", points, err)
				}
			}
		}
	}
	records, err := c.Certificates()
	if err != nil || len(records) != 3 || records[0].Serial == records[1].Serial || records[0].Status(time.Now()) != "valid" {
		t.Errorf("records %+v, %v", records, err)
	}
}

func TestIssueWithoutSubject(t *testing.T) {
	c := newTestCA(t, nil)
	der, err := csr.Create(csr.Template{SANs: []csr.SAN{{Type: csr.DNS, Value: "gw1.example.org"}}}, newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	request, err := csr.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(issue(t, c, request, IssueOptions{}).Certificate)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 17}) })
	if i < 0 || !cert.Extensions[i].Critical {
		t.Error("subjectAltName is not critical where there is no subject (RFC 5280, 4.2.1.6)")
	}
}

// requestWith makes a request with extensions that csr.Create does not make.
func requestWith(t *testing.T, key crypto.Signer, extensions ...pkix.Extension) *csr.Request {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		RawSubject: name(t, "CN=gw1").DER(), ExtraExtensions: extensions,
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	request, err := csr.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestIssueRefuses(t *testing.T) {
	c := newTestCA(t, nil)
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	good := newRequest(t, "CN=gw1", newKey(t))
	forged := *good
	forged.Raw = bytes.Clone(good.Raw)
	forged.Raw[len(forged.Raw)-1] ^= 1
	usage, err := asn1.Marshal(asn1.BitString{Bytes: []byte{0x04}, BitLength: 6}) // keyCertSign
	if err != nil {
		t.Fatal(err)
	}
	directoryName := append([]byte{0x30, 0x10, 0xa4, 0x0e}, name(t, "CN=x").DER()...)
	directoryName[1], directoryName[3] = byte(len(directoryName)-2), byte(len(directoryName)-4)
	for what, tt := range map[string]struct {
		request *csr.Request
		options IssueOptions
		want    string
	}{
		"forged":            {&forged, IssueOptions{}, "signature does not verify"},
		"unknown profile":   {good, IssueOptions{Profile: "ca"}, "not known"},
		"negative lifetime": {good, IssueOptions{Days: -1}, "lifetime of -1"},
		"CA not yet valid":  {good, IssueOptions{Now: time.Now().AddDate(-1, 0, 0)}, "is good from"},
		"CA expired":        {good, IssueOptions{Now: time.Now().AddDate(11, 0, 0)}, "is good from"},
		"short key":         {requestWith(t, short), IssueOptions{}, "1024 bits"},
		"the CA's name":     {newRequest(t, "C=ch, O=EXAMPLE, CN=example ca", newKey(t)), IssueOptions{}, "own name"},
		"the CA's key":      {newRequest(t, "CN=gw1", c.signer), IssueOptions{}, "key is the CA's"},
		"asks to be a CA": {requestWith(t, newKey(t), pkix.Extension{Id: oidBasicConstraints, Value: []byte{0x30, 3, 1, 1, 0xff}}),
			IssueOptions{}, "asks to be a CA"},
		"asks to sign certificates": {requestWith(t, newKey(t), pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Value: usage}),
			IssueOptions{}, "key usage of a CA"},
		"a directory name": {requestWith(t, newKey(t), pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: directoryName}),
			IssueOptions{}, "neither DNS"},
	} {
		if _, err := c.Issue(t.Context(), tt.request, tt.options); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", what, err, tt.want)
		}
	}
	if records, err := c.Certificates(); err != nil || len(records) != 0 {
		t.Errorf("%d certificates were recorded: %v", len(records), err)
	}
}

// A request that asks for CA:FALSE, and for what the CA does not know, gets its
// certificate, without what was not known.
func TestIssueIgnoresUnknown(t *testing.T) {
	c := newTestCA(t, nil)
	private := asn1.ObjectIdentifier{1, 2, 3, 4}
	issued := issue(t, c, requestWith(t, newKey(t),
		pkix.Extension{Id: oidBasicConstraints, Value: []byte{0x30, 0}},
		pkix.Extension{Id: private, Value: []byte{5, 0}}), IssueOptions{})
	cert, err := x509.ParseCertificate(issued.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(private) }) {
		t.Error("an extension was copied that the CA does not know")
	}
}

func TestNeverOutlivesTheCA(t *testing.T) {
	c := newTestCA(t, func(o *Options) { o.Days = 10 })
	issued := issue(t, c, newRequest(t, "CN=gw1", newKey(t)), IssueOptions{})
	if !issued.Shortened || !issued.Record.NotAfter.Equal(c.cert.NotAfter) || issued.Record.NotBefore.Before(c.cert.NotBefore) {
		t.Errorf("%+v, the CA ends %s", issued.Record, c.cert.NotAfter)
	}
}

func TestEveryKindOfCAKey(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.Signer{rsaKey, edKey} {
		c := newTestCA(t, func(o *Options) { o.Signer = key })
		issue(t, c, newRequest(t, "CN=gw1", newKey(t)), IssueOptions{})
		if _, err := c.MakeCRL(t.Context(), CRLOptions{}); err != nil {
			t.Error(err)
		}
	}
}

func TestStatus(t *testing.T) {
	now := time.Now()
	for want, r := range map[string]Record{
		"valid":         {NotBefore: now, NotAfter: now},
		"expired":       {NotBefore: now.Add(-2), NotAfter: now.Add(-1)},
		"not yet valid": {NotBefore: now.Add(1), NotAfter: now.Add(2)},
		"revoked":       {NotAfter: now.Add(-1), Revoked: &Revocation{Date: now}},
	} {
		if got := r.Status(now); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

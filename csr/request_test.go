package csr

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// request makes a request with the extensions, which may be anything.
func request(t testing.TB, extensions ...pkix.Extension) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		RawSubject: name(t, "CN=gw1").DER(), ExtraExtensions: extensions,
	}, ed25519Key(t))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestParseWraps(t *testing.T) {
	der := request(t)
	block := pem.EncodeToMemory(&pem.Block{Type: PEMType, Bytes: der})
	for what, data := range map[string][]byte{
		"DER":           der,
		"PEM":           block,
		"text before":   append([]byte("Certificate Request:\n"), block...),
		"old PEM label": bytes.ReplaceAll(block, []byte(PEMType), []byte("NEW "+PEMType)),
	} {
		r, err := Parse(data)
		if err != nil || !bytes.Equal(r.Raw, der) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	der := request(t)
	block := pem.EncodeToMemory(&pem.Block{Type: PEMType, Bytes: der})
	forged := bytes.Clone(der)
	forged[len(forged)-1] ^= 1
	for what, tt := range map[string]struct {
		data []byte
		want string
	}{
		"nothing":          {nil, "cannot be read"},
		"text":             {[]byte("hello"), "cannot be read"},
		"forged":           {forged, "does not verify"},
		"trailing":         {append(bytes.Clone(der), 0), "cannot be read"},
		"too long":         {make([]byte, MaxRequest+1), "longer than"},
		"two blocks":       {append(bytes.Clone(block), block...), "more than one"},
		"another block":    {pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), "holds a CERTIFICATE"},
		"a damaged block":  {bytes.Replace(block, []byte("M"), []byte("*"), 1), "damaged"},
		"extension twice":  {request(t, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}}, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3}}), "duplicate"},
		"bad key usage":    {request(t, pkix.Extension{Id: oidKeyUsage, Value: []byte{5, 0}}), "no bit string"},
		"bad usage list":   {request(t, pkix.Extension{Id: oidExtKeyUsage, Value: []byte{0x30, 0}}), "no list of OIDs"},
		"bad names":        {request(t, pkix.Extension{Id: oidAltName, Value: []byte{5, 0}}), "cannot be read"},
		"IP of five bytes": {request(t, pkix.Extension{Id: oidAltName, Value: []byte{0x30, 7, 0x87, 5, 1, 2, 3, 4, 5}}), "cannot be read"},
	} {
		if _, err := Parse(tt.data); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", what, err, tt.want)
		}
	}
	for n := range len(der) {
		if _, err := Parse(der[:n]); err == nil {
			t.Errorf("the first %d of %d bytes: accepted", n, len(der))
		}
	}
}

func TestParseKeepsUnknown(t *testing.T) {
	private := pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}}
	// registeredID 1.2.3 (RFC 5280, 4.2.1.6).
	names := pkix.Extension{Id: oidAltName, Value: []byte{0x30, 7, 0x88, 2, 0x2a, 3, 0x82, 1, 'a'}}
	r, err := Parse(request(t, private, names))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Extensions) != 2 || !r.Extensions[0].Critical || !bytes.Equal(r.Extensions[0].Value, private.Value) {
		t.Errorf("extensions %+v", r.Extensions)
	}
	if !slices.Equal(r.SANs, []SAN{{DNS, "a"}}) || len(r.OtherNames) != 1 || !bytes.Equal(r.OtherNames[0], []byte{0x88, 2, 0x2a, 3}) {
		t.Errorf("names %v and %x", r.SANs, r.OtherNames)
	}
}

// We read what openssl makes.
func TestParseOpenSSL(t *testing.T) {
	dir := t.TempDir()
	key, out := filepath.Join(dir, "key.pem"), filepath.Join(dir, "req.pem")
	openssl(t, nil, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/C=CH/O=Example/CN=gw1", "-out", out,
		"-addext", "subjectAltName=DNS:gw1.example.org,IP:10.0.0.1,email:a@example.org,URI:https://example.org/",
		"-addext", "keyUsage=critical,digitalSignature,keyEncipherment", "-addext", "extendedKeyUsage=1.3.6.1.5.5.7.3.17")
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if r.Subject.String() != "C=CH, O=Example, CN=gw1" || !r.IKE() || r.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment ||
		!slices.Equal(r.SANs, sans(t, "dns:gw1.example.org", "ip:10.0.0.1", "email:a@example.org", "uri:https://example.org/")) {
		t.Errorf("%+v", r)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(request(f))
	f.Add(pem.EncodeToMemory(&pem.Block{Type: PEMType, Bytes: request(f)}))
	template := Template{Subject: name(f, "CN=gw1"), SANs: sans(f, "dns:a", "ip:10.0.0.1", "email:a@b", "uri:https://a/"), IKE: true}
	der, err := Create(template, ed25519Key(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(der)
	key := ed25519Key(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Parse(data)
		if err != nil {
			return
		}
		checkTemplate(t, r, key)
		again, err := Parse(r.Raw)
		if err != nil || !again.Subject.Equal(r.Subject) || !slices.Equal(again.SANs, r.SANs) {
			t.Fatalf("%+v became %+v: %v", r, again, err)
		}
	})
}

// FuzzExtensions gives the parser what a signed request may hold: fuzzing the
// whole would stop at the signature.
func FuzzExtensions(f *testing.F) {
	f.Add(uint8(0), []byte{0x30, 3, 0x82, 1, 'a'})
	f.Add(uint8(1), []byte{3, 2, 7, 0x80})
	f.Add(uint8(2), []byte{0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 17})
	f.Add(uint8(3), []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0})
	key := ed25519Key(f)
	f.Fuzz(func(t *testing.T, which uint8, value []byte) {
		oids := []asn1.ObjectIdentifier{oidAltName, oidKeyUsage, oidExtKeyUsage, oidBasicConstraints}
		r := &Request{Subject: name(t, "CN=gw1")}
		if err := r.readExtensions([]pkix.Extension{{Id: oids[int(which)%len(oids)], Value: value}}); err != nil {
			return
		}
		if len(r.SANs)+len(r.OtherNames) > MaxSANs {
			t.Fatal("more names than the limit")
		}
		checkTemplate(t, r, key)
	})
}

// checkTemplate checks that a request made after another one asks for the same,
// where a request may ask for it at all.
func checkTemplate(t *testing.T, r *Request, key crypto.Signer) {
	template, _ := FromRequest(r)
	if template.Validate() != nil {
		return
	}
	der, err := Create(template, key)
	if err != nil {
		// What x509 demands of the names of others is not asked here.
		if len(template.OtherNames)+len(template.Extensions) > 0 {
			return
		}
		t.Fatalf("%+v: %v", template, err)
	}
	again, err := Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if template.isCA() && template.KeyUsage == 0 {
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign // what a CA has where nothing is said
	}
	if got, _ := FromRequest(again); !sameTemplate(got, template) {
		t.Fatalf("%+v became %+v", template, got)
	}
}

// TestParseHugeKey: the signature of a key that would cost seconds is not verified.
func TestParseHugeKey(t *testing.T) {
	n := new(big.Int).Lsh(big.NewInt(1), MaxRSABits)
	spki, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537})
	if err != nil {
		t.Fatal(err)
	}
	type algorithm struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue
	}
	type info struct {
		Version    int
		Subject    asn1.RawValue
		PublicKey  asn1.RawValue
		Attributes []asn1.RawValue `asn1:"tag:0,set"`
	}
	der, err := asn1.Marshal(struct {
		Info      info
		Algorithm algorithm
		Signature asn1.BitString
	}{
		info{Subject: asn1.RawValue{FullBytes: []byte{0x30, 0}}, PublicKey: asn1.RawValue{FullBytes: spki}},
		algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}, asn1.NullRawValue},
		asn1.BitString{Bytes: make([]byte, MaxRSABits/8+1), BitLength: MaxRSABits + 8},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(der); err == nil || !strings.Contains(err.Error(), "its RSA key has 16385 bits, and 16384 are allowed") {
		t.Errorf("got %v", err)
	}
}

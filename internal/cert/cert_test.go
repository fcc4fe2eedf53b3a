package cert_test

import (
	"bytes"
	"crypto/x509"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/cert"
	"keyman/internal/testpeer"
)

// pkits returns the certificates of NIST's suite by their names.
func pkits(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(testpeer.Corpora(t), "pkits", "certs", "*.crt"))
	if err != nil || len(files) != 405 {
		t.Fatalf("%d certificates: %v", len(files), err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		der, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".crt")] = der
	}
	return all
}

// TestParsePKITS reads every certificate, and agrees with crypto/x509 about
// those that it can read, too.
func TestParsePKITS(t *testing.T) {
	both := 0
	for name, der := range pkits(t) {
		c, err := cert.Parse(der)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		reference, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		both++
		if !bytes.Equal(c.Raw, reference.Raw) || !bytes.Equal(c.RawTBS, reference.RawTBSCertificate) || !bytes.Equal(c.RawIssuer, reference.RawIssuer) ||
			!bytes.Equal(c.RawSubject, reference.RawSubject) || !bytes.Equal(c.RawSPKI, reference.RawSubjectPublicKeyInfo) ||
			c.Serial.Cmp(reference.SerialNumber) != 0 || c.Version != reference.Version || !c.NotBefore.Equal(reference.NotBefore) ||
			!c.NotAfter.Equal(reference.NotAfter) || !c.Has(cert.FlawSignatureUnusedBits) && !bytes.Equal(c.Signature, reference.Signature) || len(c.Extensions) != len(reference.Extensions) {
			t.Errorf("%s is read otherwise by crypto/x509", name)
		}
		for i, e := range reference.Extensions {
			if own := c.Extensions[i]; own.OID.String() != e.Id.String() || own.Critical != e.Critical || !bytes.Equal(own.Value, e.Value) {
				t.Errorf("%s: extension %d is %+v, and not %+v", name, i, own, e)
			}
		}
		if key, err := c.PublicKey(); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if equal, ok := key.Key.(interface{ Equal(any) bool }); ok && !equal.Equal(reference.PublicKey) {
			t.Errorf("%s: another key", name)
		}
	}
	if both < 390 {
		t.Errorf("crypto/x509 reads %d certificates only", both)
	}
}

// parts are what testing certificates are made of, each a whole element.
type parts struct {
	version, serial, inner, issuer, validity, subject, spki, rest, outer, signature string
}

const (
	rsaSHA256 = "300d06092a864886f70d01010b0500"
	aName     = "300c310a300806035504030c0161"
	years     = "301e170d3230303130313030303030305a170d3330303130313030303030305a"
	ed25519PK = "302a300506032b6570032100" + "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
)

// usual are parts without a flaw.
var usual = parts{
	version: "a003020102", serial: "020101", inner: rsaSHA256, issuer: aName, validity: years, subject: aName, spki: ed25519PK,
	rest: "a30e300c300a0603551d0f0403030106", outer: rsaSHA256, signature: "03020055",
}

func (p parts) der(t testing.TB) []byte {
	t.Helper()
	octets := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, part := range []string{p.version, p.serial, p.inner, p.issuer, p.validity, p.subject, p.spki, p.rest} {
				b.AddBytes(octets(part))
			}
		})
		b.AddBytes(octets(p.outer))
		b.AddBytes(octets(p.signature))
	})
	return b.BytesOrPanic()
}

func TestFlaws(t *testing.T) {
	extension := "300a0603551d0f0403030106"
	for name, tc := range map[string]struct {
		change func(*parts)
		want   []cert.Flaw
	}{
		"none":                {func(*parts) {}, nil},
		"version 4":           {func(p *parts) { p.version = "a003020103" }, []cert.Flaw{cert.FlawVersion}},
		"version 1 written":   {func(p *parts) { p.version, p.rest = "a003020100", "" }, []cert.Flaw{cert.FlawVersion}},
		"version 1":           {func(p *parts) { p.version = "" }, []cert.Flaw{cert.FlawVersionFields}},
		"version 1 with ID":   {func(p *parts) { p.version, p.rest = "", "81020055" }, []cert.Flaw{cert.FlawVersionFields}},
		"negative serial":     {func(p *parts) { p.serial = "020180" }, []cert.Flaw{cert.FlawSerialNegative}},
		"zero serial":         {func(p *parts) { p.serial = "020100" }, []cert.Flaw{cert.FlawSerialZero}},
		"padded serial":       {func(p *parts) { p.serial = "02020001" }, []cert.Flaw{cert.FlawSerialPadded}},
		"serial of 20 octets": {func(p *parts) { p.serial = "0214" + strings.Repeat("7f", 20) }, nil},
		"serial of 21 octets": {func(p *parts) { p.serial = "0215" + strings.Repeat("7f", 21) }, []cert.Flaw{cert.FlawSerialLong}},
		"algorithms differ":   {func(p *parts) { p.inner = "300d06092a864886f70d0101050500" }, []cert.Flaw{cert.FlawAlgorithmsDiffer}},
		"parameters differ":   {func(p *parts) { p.inner = "300b06092a864886f70d01010b" }, []cert.Flaw{cert.FlawAlgorithmsDiffer}},
		"empty issuer":        {func(p *parts) { p.issuer = "3000" }, []cert.Flaw{cert.FlawIssuerEmpty}},
		"empty subject":       {func(p *parts) { p.subject = "3000" }, nil},
		"broken issuer":       {func(p *parts) { p.issuer = "30020500" }, []cert.Flaw{cert.FlawIssuer}},
		"broken subject":      {func(p *parts) { p.subject = "30020500" }, []cert.Flaw{cert.FlawSubject}},
		"both broken":         {func(p *parts) { p.issuer, p.subject = "30020500", "30020500" }, []cert.Flaw{cert.FlawIssuer, cert.FlawSubject}},
		"notBefore 30 Feb": {func(p *parts) {
			p.validity = "301e170d3230303233303030303030305a170d3330303130313030303030305a"
		}, []cert.Flaw{cert.FlawNotBefore}},
		"notAfter is NULL": {func(p *parts) { p.validity = "3011170d3230303130313030303030305a0500" }, []cert.Flaw{cert.FlawNotAfter}},
		"GeneralizedTime in 2030": {func(p *parts) {
			p.validity = "3020170d3230303130313030303030305a180f32303330303130313030303030305a"
		}, []cert.Flaw{cert.FlawTimeType}},
		"no extension":          {func(p *parts) { p.rest = "a3023000" }, []cert.Flaw{cert.FlawExtensionsEmpty}},
		"extension twice":       {func(p *parts) { p.rest = "a31a3018" + extension + extension }, []cert.Flaw{cert.FlawDuplicateExtension}},
		"signature with 4 bits": {func(p *parts) { p.signature = "03020450" }, []cert.Flaw{cert.FlawSignatureUnusedBits}},
	} {
		p := usual
		tc.change(&p)
		c, err := cert.Parse(p.der(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(c.Flaws, tc.want) {
			t.Errorf("%s: %q, want %q", name, c.Flaws, tc.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	whole := usual.der(t)
	for size := range whole {
		if _, err := cert.Parse(whole[:size]); err == nil {
			t.Fatalf("%d of %d bytes are read", size, len(whole))
		}
	}
	if _, err := cert.Parse(append(slices.Clone(whole), 0)); err == nil || !strings.Contains(err.Error(), "1 bytes behind") {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := cert.Parse(make([]byte, cert.MaxSize+1)); err == nil || !strings.Contains(err.Error(), "more than 1048576") {
		t.Errorf("a large one: %v", err)
	}
	for name, change := range map[string]func(*parts){
		"an explicit version of two": func(p *parts) { p.version = "a006020102020102" },
		"an empty serial number":     func(p *parts) { p.serial = "0200" },
		"an issuer that is a SET":    func(p *parts) { p.issuer = "3100" },
		"three dates":                func(p *parts) { p.validity = "3006050005000500" },
		"one date":                   func(p *parts) { p.validity = "30020500" },
		"a key without bits":         func(p *parts) { p.spki = "3007300506032b6570" },
		"extensions in no SEQUENCE":  func(p *parts) { p.rest = "a3020500" },
		"fields behind extensions":   func(p *parts) { p.rest += "0500" },
		"an extension that is none":  func(p *parts) { p.rest = "a30430020500" },
		"unused bits of 8":           func(p *parts) { p.signature = "03020855" },
		"unused bits that are set":   func(p *parts) { p.signature = "03020455" },
		"a length that is too long":  func(p *parts) { p.serial = "02810101" },
		"an indefinite length":       func(p *parts) { p.subject = "30800000" },
	} {
		p := usual
		change(&p)
		if _, err := cert.Parse(p.der(t)); err == nil {
			t.Errorf("%s is read", name)
		}
		c, err := cert.ParseLoosely(p.der(t))
		if behind := p.rest != usual.rest; (err == nil) != behind {
			t.Errorf("%s, read loosely: %v", name, err)
		} else if behind && (!c.Has(cert.FlawExtensions) || len(c.Extensions) > 0 || c.Subject.String() != "CN=a") {
			t.Errorf("%s, read loosely: %+v", name, c)
		}
	}
	many := func(n int) string {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.Tag(3).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddBytes(bytes.Repeat([]byte("\x30\x05\x06\x01\x2a\x04\x00"), n))
			})
		})
		return hex.EncodeToString(b.BytesOrPanic())
	}
	for n, ok := range map[int]bool{cert.MaxExtensions: true, cert.MaxExtensions + 1: false} {
		p := usual
		p.rest = many(n)
		if _, err := cert.Parse(p.der(t)); (err == nil) != ok {
			t.Errorf("%d extensions: %v", n, err)
		}
	}
}

func TestFields(t *testing.T) {
	p := usual
	p.serial = "0202ff7f"
	p.subject = "300c310a300806035504031301" + "41" // PrintableString "A"
	c, err := cert.Parse(p.der(t))
	if err != nil {
		t.Fatal(err)
	}
	if c.Serial.Int64() != -129 || hex.EncodeToString(c.SerialOctets) != "ff7f" {
		t.Errorf("serial number %s", c.Serial)
	}
	if !c.SelfIssued() || c.IssuerKey != cert.NameKey(c.RawSubject) {
		t.Error("names that differ by case and string type differ")
	}
	if want := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC); !c.NotAfter.Equal(want) {
		t.Errorf("notAfter %s", c.NotAfter)
	}
	if c.Algorithm.Name() != "SHA256-RSA" || c.KeyAlgorithm.OID.String() != "1.3.101.112" {
		t.Errorf("%s over %s", c.Algorithm.Name(), c.KeyAlgorithm.OID)
	}
	if _, ok := c.Extension(cert.OIDKeyUsage); !ok {
		t.Error("no key usage")
	}
	if _, ok := c.Extension(cert.OIDPolicies); ok {
		t.Error("policies")
	}
	p.issuer, p.subject = "3000", "3000"
	if c, err = cert.Parse(p.der(t)); err != nil || c.SelfIssued() {
		t.Errorf("nobody has issued to nobody: %v", err)
	}
}

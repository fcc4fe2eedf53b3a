package dn

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"crypto/x509"

	"pgregory.net/rapid"

	"keyman/internal/testpeer"
)

func mustParse(t *testing.T, text string) Name {
	t.Helper()
	n, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func fromHex(t *testing.T, digits string) Name {
	t.Helper()
	der, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	n, err := FromDER(der)
	if err != nil {
		t.Fatalf("%s: %v", digits, err)
	}
	return n
}

func TestParseForms(t *testing.T) {
	for _, tt := range []struct{ text, comma, slash, ldap string }{
		{"C=CH, O=Example, CN=gw1", "C=CH, O=Example, CN=gw1", "/C=CH/O=Example/CN=gw1", "CN=gw1,O=Example,C=CH"},
		{"/C=US/O=IBM/OU=SERV/CN=prasad.austin.ibm.com", "C=US, O=IBM, OU=SERV, CN=prasad.austin.ibm.com",
			"/C=US/O=IBM/OU=SERV/CN=prasad.austin.ibm.com", "CN=prasad.austin.ibm.com,OU=SERV,O=IBM,C=US"},
		{"CN=gw1,O=Example", "CN=gw1, O=Example", "/CN=gw1/O=Example", "O=Example,CN=gw1"},
		{" c = us ,\tcn =  a b  ", "C=us, CN=a b", "/C=us/CN=a b", "CN=a b,C=us"},
		{`O=Example\, Inc., CN=a/b`, `O=Example\, Inc., CN=a/b`, `/O=Example, Inc./CN=a\/b`, `CN=a/b,O=Example\, Inc.`},
		{`O="Example, Inc.", CN="a"`, `O=Example\, Inc., CN=a`, `/O=Example, Inc./CN=a`, `CN=a,O=Example\, Inc.`},
		{`CN=\ x\ `, `CN=\ x\ `, `/CN=\ x\ `, `CN=\ x\ `},
		{`CN=Z\C3\BCrich`, "CN=Zürich", "/CN=Zürich", "CN=Zürich"},
		{"CN=#0c0347c3bc", "CN=Gü", "/CN=Gü", "CN=Gü"},
		{"CN=#0403010203", "CN=#0403010203", "/CN=#0403010203", "CN=#0403010203"},
		{`CN=\#1`, `CN=\#1`, `/CN=\#1`, `CN=\#1`},
		{"OID.2.5.4.3=x, 1.2.3.4=y", "CN=x, 1.2.3.4=y", "/CN=x/1.2.3.4=y", "1.2.3.4=y,CN=x"},
		{"CN=a+UID=b, O=c", "CN=a+UID=b, O=c", "/CN=a+UID=b/O=c", "O=c,CN=a+UID=b"},
		{"E=a@example.org, DC=org", "emailAddress=a@example.org, DC=org", "/emailAddress=a@example.org/DC=org", "DC=org,emailAddress=a@example.org"},
		{`CN=a\0Ab`, `CN=a\0Ab`, `/CN=a\0Ab`, `CN=a\0Ab`},
		{`CN=a=b`, `CN=a=b`, `/CN=a=b`, `CN=a=b`},
		{`CN=`, `CN=`, `/CN=`, `CN=`},
	} {
		n, err := Parse(tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if n.String() != tt.comma || n.Slash() != tt.slash || n.LDAP() != tt.ldap {
			t.Errorf("%q:\ngot  %q %q %q\nwant %q %q %q", tt.text, n.String(), n.Slash(), n.LDAP(), tt.comma, tt.slash, tt.ldap)
		}
		fromLDAP, err := ParseLDAP(tt.ldap)
		if err != nil || !fromLDAP.Equal(n) {
			t.Errorf("ParseLDAP(%q) = %v, %v", tt.ldap, fromLDAP, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "empty",
		"gw1":                          `no '='`,
		"CN=a, b":                      `no '='`,
		"CN=a,":                        `no '='`,
		"/":                            "empty",
		"XX=a":                         `"XX" is not known`,
		"SN=a":                         "ambiguous",
		"S=a":                          "ambiguous",
		"=a":                           "type is missing",
		`CN="a`:                        "does not end",
		`CN="a"b`:                      "unexpected",
		`CN=a\`:                        "escapes nothing",
		`CN=\FF`:                       "not UTF-8",
		"CN=#0c0":                      "odd number",
		"CN=#0c":                       "not the DER",
		"CN=#0c0161ff":                 "not the DER",
		"CN=#0c01zz":                   "unexpected",
		"3.1=a":                        "is not known",
		"1.40=a":                       "is not known",
		"1.02=a":                       "is not known",
		"2.2147483647=a":               "is not known",
		"1.2.2147483648=a":             "is not known",
		strings.Repeat("x", MaxText+1): "more than",
		strings.Repeat("CN=a,", MaxAttributes) + "CN=a": "attributes",
	} {
		// The quoting of single characters is not the point here.
		if n, err := Parse(text); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), `"="`, `'='`), want) {
			t.Errorf("%.40q: got %v, %v; want an error with %q", text, n, err, want)
		}
	}
}

func TestEncoding(t *testing.T) {
	for text, want := range map[string]string{
		"C=CH":          "300d 310b 3009 0603550406 1302 4348",
		"CN=ü":          "300d 310b 3009 0603550403 0c02 c3bc",
		"CN=a*":         "300d 310b 3009 0603550403 0c02 612a",
		"DC=a":          "3013 3111 300f 060a0992268993f22c640119 1601 61",
		"CN=b+CN=a":     "3016 3114 3008 0603550403 1301 61 3008 0603550403 1301 62",
		"2.999.1=a":     "300c 310a 3008 0603883701 1301 61",
		"emailAddress=": "3011 310f 300d 06092a864886f70d010901 1600",
	} {
		n := mustParse(t, text)
		if got := hex.EncodeToString(n.DER()); got != strings.ReplaceAll(want, " ", "") {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	if got := hex.EncodeToString(Name{}.DER()); got != "3000" {
		t.Errorf("the empty name is %s", got)
	}
}

func TestFromDERRefuses(t *testing.T) {
	for name, digits := range map[string]string{
		"nothing":              "",
		"no sequence":          "3100",
		"trailing":             "300000",
		"empty RDN":            "30023100",
		"no pair":              "300431020500",
		"no value":             "3009310730050603550403",
		"two values":           "300f 310d 300b 0603550403 1301 61 0500",
		"not minimal length":   "30810d 310b 3009 0603550406 1302 4348",
		"indefinite length":    "3080 310b 3009 0603550406 1302 4348 0000",
		"truncated":            "300d 310b 3009 0603550406 1302 43",
		"value beyond the RDN": "300d 310b 3009 0603550406 1304 4348",
	} {
		der, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := FromDER(der); err == nil {
			t.Errorf("%s: accepted as %q", name, n)
		}
	}
	if _, err := FromDER(make([]byte, MaxDER+1)); err == nil {
		t.Error("longer than MaxDER: accepted")
	}
}

func TestEqual(t *testing.T) {
	base := mustParse(t, "O=Example Org, CN=Gw")
	for text, want := range map[string]bool{
		"O=Example Org, CN=Gw":        true,
		"O=EXAMPLE  oRG, CN=\\ gw\\ ": true,
		"O=Example\\09Org, CN=gw":     true,
		"CN=Gw, O=Example Org":        false,
		"O=ExampleOrg, CN=Gw":         false,
		"O=Example Org":               false,
		"O=Example Org, OU=Gw":        false,
		"O=Example Org+CN=Gw":         false,
		"O=Example Org, CN=Gw, CN=x":  false,
	} {
		if got := base.Equal(mustParse(t, text)); got != want {
			t.Errorf("%q equal: %v, want %v", text, got, want)
		}
	}
	if !mustParse(t, "CN=a+UID=b").Equal(mustParse(t, "UID=B+CN=A")) {
		t.Error("the order within an RDN counts")
	}
	if !mustParse(t, "CN=ÜBER Ж").Equal(mustParse(t, "CN=über ж")) {
		t.Error("case outside ASCII counts")
	}
	if (Name{}).Equal(base) || !(Name{}).Equal(fromHex(t, "3000")) {
		t.Error("the empty name is not itself")
	}
}

// String types do not count (RFC 5280, 7.1).
func TestEqualStringTypes(t *testing.T) {
	utf8 := mustParse(t, "CN=Zü")
	for name, digits := range map[string]string{
		"BMPString":       "300f 310d 300b 0603550403 1e04 005a 00fc",
		"TeletexString":   "300d 310b 3009 0603550403 1402 5afc",
		"UniversalString": "3013 3111 300f 0603550403 1c08 0000005a 000000fc",
	} {
		if n := fromHex(t, digits); !n.Equal(utf8) {
			t.Errorf("%s: %q differs", name, n)
		}
	}
	broken := fromHex(t, "300d 310b 3009 0603550403 0c02 5afc") // not UTF-8
	if broken.Equal(utf8) || broken.String() != "CN=#0c025afc" || !broken.Equal(mustParse(t, broken.String())) {
		t.Errorf("broken UTF8String gives %q", broken)
	}
	lone := fromHex(t, "300d 310b 3009 0603550403 1e02 d800") // half a surrogate pair
	if lone.String() != "CN=#1e02d800" {
		t.Errorf("half a surrogate pair gives %q", lone)
	}
}

func TestNoControlCharactersInText(t *testing.T) {
	n := fromHex(t, "3011 310f 300d 0603550403 0c06 1b5b e280ae 0a")
	if got, want := n.String(), `CN=\1B[\E2\80\AE\0A`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestShort(t *testing.T) {
	for text, want := range map[string]string{
		"C=CH, O=Example, OU=Root, CN=CA": "CA",
		"C=CH, O=Example, OU=A, OU=B":     "B",
		"C=CH, O=Example":                 "Example",
		"C=CH":                            "",
	} {
		if got := mustParse(t, text).Short(); got != want {
			t.Errorf("Short of %s = %q; want %q", text, got, want)
		}
	}
}

func TestCommonName(t *testing.T) {
	for text, want := range map[string]string{
		"C=CH, CN=a, CN=b": "b",
		"C=CH":             "",
		"CN=#0401ff":       "",
	} {
		if got := mustParse(t, text).CommonName(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	for text, want := range map[string]string{
		"C=CH, O=Example, CN=gw1":          "",
		"DC=org, DC=example, CN=ü":         "",
		"C=CHE":                            "3 characters",
		"C=C1":                             "country code",
		"C=CH/O=x, CN=y":                   "characters",
		"CN=" + strings.Repeat("ü", 64):    "",
		"CN=" + strings.Repeat("x", 65):    "65 characters",
		"CN=":                              "empty",
		"CN=\\ \\ ":                        "empty",
		"CN=a\\0Ab":                        "control",
		"CN=#0401ff":                       "no text",
		"CN=a+CN=b":                        "twice",
		"serialNumber=ü":                   "PrintableString",
		"emailAddress=ü@example.org":       "ASCII",
		"1.2.3=" + strings.Repeat("x", 90): "",
	} {
		err := mustParse(t, text).Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// What people type comes out as it went in, whatever its characters.
func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.String(), 1, 4).Draw(t, "values")
		var rdns []rdn
		for _, v := range values {
			rdns = append(rdns, rdn{{oid: oidCommonName, value: v}})
		}
		n, err := encode(rdns)
		if err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{n.String(), n.Slash()} {
			back, err := Parse(form)
			if err != nil || string(back.DER()) != string(n.DER()) {
				t.Fatalf("%q became %q: %v", form, back, err)
			}
		}
	})
}

// openssl reads the slash form as we write it and makes the same DER.
func TestOpenSSLReadsSlash(t *testing.T) {
	testpeer.Need(t, "openssl")
	key := filepath.Join(t.TempDir(), "key.pem")
	if out, err := exec.Command("openssl", "genpkey", "-algorithm", "ed25519", "-out", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, text := range []string{
		"C=CH, O=Example, CN=gw1",
		`C=CH, O=Example\, Inc., CN=host/gw1`,
		"C=CH, O=Zürich, CN=gw1+OU=x, emailAddress=a@example.org",
		`DC=org, DC=example, CN=back\\slash`,
	} {
		n := mustParse(t, text)
		out := filepath.Join(t.TempDir(), "req.der")
		cmd := exec.Command("openssl", "req", "-new", "-key", key, "-utf8", "-nameopt", "utf8", "-multivalue-rdn", "-subj", n.Slash(), "-outform", "DER", "-out", out)
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", n.Slash(), err, msg)
		}
		der, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		req, err := x509.ParseCertificateRequest(der)
		if err != nil {
			t.Fatal(err)
		}
		got, err := FromDER(req.RawSubject)
		if err != nil || !got.Equal(n) {
			t.Errorf("%s: openssl made %q (%v)", n.Slash(), got, err)
		}
	}
}

// Every certificate of the PKITS corpus has names that we read, and whose text
// we read again.
func TestCorpusNames(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(testpeer.Corpora(t), "pkits", "certs", "*.crt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no certificates: %v", err)
	}
	for _, file := range files {
		der, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			continue // crypto/x509 reads all but a few
		}
		for _, raw := range [][]byte{cert.RawSubject, cert.RawIssuer} {
			n, err := FromDER(raw)
			if err != nil {
				t.Errorf("%s: %v", filepath.Base(file), err)
				continue
			}
			if back, err := Parse(n.String()); n.IsEmpty() == (err == nil) || !back.Equal(n) {
				t.Errorf("%s: %q became %q: %v", filepath.Base(file), n, back, err)
			}
		}
	}
}

package pkcs12

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"
	oracle "software.sslmate.com/src/go-pkcs12"

	"keyman/internal/der"
	"keyman/internal/pbe"
	"keyman/internal/testpeer"
	"keyman/keystore/format"
)

// A pairOf is a key with its certificate.
type pairOf struct {
	key         *ecdsa.PrivateKey
	pkcs8, cert []byte
}

func newPair(t testing.TB, name string) pairOf {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pairOf{key, pkcs8, cert}
}

func (p pairOf) item(label string) format.Item {
	return format.Item{Kind: format.Personal, Label: label, Certificate: p.cert, Key: p.pkcs8}
}

// TestOracleReads gives go-pkcs12 a file of one key with a chain, which is all
// that it reads.
func TestOracleReads(t *testing.T) {
	leaf, ca := newPair(t, "leaf"), newPair(t, "ca")
	data, err := Format{}.Encode(&format.Content{Items: []format.Item{
		leaf.item("the leaf"), {Kind: format.Signer, Label: "the ca", Certificate: ca.cert},
	}}, []byte("pässword"))
	if err != nil {
		t.Fatal(err)
	}
	key, cert, chain, err := oracle.DecodeChain(data, "pässword")
	if err != nil {
		t.Fatal(err)
	}
	if !leaf.key.Equal(key) || !bytes.Equal(cert.Raw, leaf.cert) || len(chain) != 1 || !bytes.Equal(chain[0].Raw, ca.cert) {
		t.Error("go-pkcs12 reads another key, certificate or chain")
	}
}

// TestReadsOracle reads what each of go-pkcs12's encoders writes; one of them
// uses PBMAC1.
func TestReadsOracle(t *testing.T) {
	leaf, ca := newPair(t, "leaf"), newPair(t, "ca")
	cert, err := x509.ParseCertificate(leaf.cert)
	if err != nil {
		t.Fatal(err)
	}
	caCert, err := x509.ParseCertificate(ca.cert)
	if err != nil {
		t.Fatal(err)
	}
	for name, encoder := range map[string]*oracle.Encoder{
		"LegacyRC2": oracle.LegacyRC2, "LegacyDES": oracle.LegacyDES,
		"Modern2023": oracle.Modern2023, "Modern2026": oracle.Modern2026,
	} {
		t.Run(name, func(t *testing.T) {
			data, err := encoder.Encode(leaf.key, cert, []*x509.Certificate{caCert}, "pässword")
			if err != nil {
				t.Fatal(err)
			}
			content, err := Format{}.Decode(data, []byte("pässword"))
			if err != nil {
				t.Fatal(err)
			}
			want := []shown{
				{Kind: format.Personal, Label: "leaf", HasKey: true, HasCert: true},
				{Kind: format.Signer, Label: "ca", HasCert: true},
			}
			if diff := cmp.Diff(want, show(content)); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
	store, err := oracle.Modern2023.EncodeTrustStoreEntries([]oracle.TrustStoreEntry{{Cert: caCert, FriendlyName: "ca 1"}}, "x")
	if err != nil {
		t.Fatal(err)
	}
	content, err := Format{}.Decode(store, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]shown{{Kind: format.Signer, Label: "ca 1", Trusted: true, HasCert: true}}, show(content)); diff != "" {
		t.Errorf("trust store (-want +got):\n%s", diff)
	}
}

// TestUnknownIsKept writes bags and attributes that this package does not
// understand, and finds them again.
func TestUnknownIsKept(t *testing.T) {
	octets := []byte{4, 2, 'h', 'i'}
	unknown := []attribute{{oid("1.3.6.1.4.1.311.17.1"), octets}, {oid("2.25.73201415907794326439693395175170725708.99"), octets}}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, oid("1.2.3"))
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddBytes(octets) })
	})
	typed := b.BytesOrPanic()
	leaf, ca := newPair(t, "leaf"), newPair(t, "ca")
	before := &format.Content{
		Items: []format.Item{leaf.item("leaf"), {Kind: format.Signer, Label: "ca", Certificate: ca.cert, Kept: kept{certificate: unknown}}},
		Kept: remainder{[]bag{
			{oidSecretBag, typed, unknown},
			{oid("1.2.840.113549.1.12.10.1.4"), typed, nil}, // crlBag
			{oid("1.2.3.4.5"), octets, unknown},
			{oidCertBag, typed, nil}, // a certificate that is not X.509
		}},
	}
	before.Items[0].Kept = kept{localKeyID: []byte("Time 1700000000000"), key: unknown, certificate: unknown[:1]}
	data, err := Format{}.Encode(before, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := Format{}.Decode(data, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after, cmp.AllowUnexported(kept{}, remainder{}, bag{}, attribute{})); diff != "" {
		t.Errorf("kept (-before +after):\n%s", diff)
	}

	// OpenSSL sees them too, after a second round.
	testpeer.Need(t, "openssl")
	if data, err = (Format{}).Encode(after, []byte("x")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "unknown.p12")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "openssl", "pkcs12", "-in", path, "-passin", "pass:x", "-nodes", "-info").CombinedOutput()
	for _, want := range []string{"Microsoft CSP Name", "Secret bag", "unsupported bag type: crlBag", "unsupported bag type: 1.2.3.4.5"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("OpenSSL tells no %q, %v:\n%s", want, err, out)
		}
	}
}

// TestFirstIdentifiers reads the attributes under the identifiers that they had
// first, and writes them under those of today.
func TestFirstIdentifiers(t *testing.T) {
	for _, list := range [][]attribute{
		{{oidFirstDefault, []byte{5, 0}}, {oidFirstRequest, []byte{4, 2, 'h', 'i'}}},
		{{oidDefault, []byte{5, 0}}, {oidRequest, []byte{4, 2, 'h', 'i'}}},
	} {
		var set cryptobyte.Builder
		addSorted(&set, list)
		got, err := understand(set.BytesOrPanic())
		if err != nil || !got.isDefault || string(got.request) != "hi" || len(got.others) != 0 {
			t.Errorf("%v are understood as default %v, request %q, %d others, %v", list, got.isDefault, got.request, len(got.others), err)
		}
	}
	one := newPair(t, "one")
	data, err := Format{}.Encode(&format.Content{Items: []format.Item{
		{Kind: format.Request, Label: "one", Key: one.pkcs8, Request: []byte("hi"), Default: true},
	}}, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"default": true, "request": true, "first default": false, "first request": false} {
		content := map[string]der.OID{
			"default": oidDefault, "request": oidRequest, "first default": oidFirstDefault, "first request": oidFirstRequest,
		}[id]
		if got := bytes.Contains(data, []byte(content)); got != want {
			t.Errorf("the identifier of the %s is written: %v; want %v", id, got, want)
		}
	}
}

// TestPairing gives keys to certificates where identifiers help, mislead or lack.
func TestPairing(t *testing.T) {
	one, two := newPair(t, "one"), newPair(t, "two")
	public := func(p pairOf) []byte { return certificateKey(p.cert) }
	key := func(p pairOf, id string) *keyBag {
		return &keyBag{attributes{localKeyID: []byte(id)}, p.pkcs8, publicKey(p.pkcs8)}
	}
	cert := func(p pairOf, id string) certBag {
		return certBag{attributes: attributes{localKeyID: []byte(id)}, der: p.cert, public: public(p)}
	}
	strange := &keyBag{attributes: attributes{localKeyID: []byte("s")}, key: []byte{0x30, 0}}
	tests := map[string]struct {
		keys  []*keyBag
		certs []certBag
		want  []int // index of each certificate's key, -1 for none
	}{
		"no identifiers":               {[]*keyBag{key(one, ""), key(two, "")}, []certBag{cert(two, ""), cert(one, "")}, []int{1, 0}},
		"identifiers that mislead":     {[]*keyBag{key(one, "a"), key(two, "b")}, []certBag{cert(one, "b"), cert(two, "a")}, []int{0, 1}},
		"two certificates for a key":   {[]*keyBag{key(one, "b")}, []certBag{cert(one, "a"), cert(one, "b")}, []int{-1, 0}},
		"one key twice":                {[]*keyBag{key(one, "a"), key(one, "b")}, []certBag{cert(one, "b"), cert(one, "a")}, []int{1, 0}},
		"another's certificate":        {[]*keyBag{key(one, "a")}, []certBag{cert(two, "a")}, []int{-1}},
		"a key of an unknown type":     {[]*keyBag{strange}, []certBag{cert(one, "x"), cert(two, "s")}, []int{-1, 0}},
		"unknown, without identifiers": {[]*keyBag{{key: []byte{0x30, 0}}}, []certBag{cert(one, "")}, []int{-1}},
	}
	for name, test := range tests {
		pair(test.keys, test.certs)
		for i, c := range test.certs {
			got := -1
			for j, k := range test.keys {
				if c.owner == k {
					got = j
				}
			}
			if got != test.want[i] {
				t.Errorf("%s: certificate %d has key %d; want %d", name, i, got, test.want[i])
			}
		}
	}
}

func TestLabels(t *testing.T) {
	items := []format.Item{{Label: "A"}, {Label: "a"}, {Label: "a (2)"}, {Kind: format.Signer}, {Kind: format.Signer}, {Label: "A"}}
	format.NameItems(items)
	var got []string
	for _, i := range items {
		got = append(got, i.Label)
	}
	want := []string{"A", "a (2)", "a (2) (2)", "signer", "signer (2)", "A (3)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
}

// TestNoEmptySafe counts the safes of what is written: GnuTLS reads none that is
// empty.
func TestNoEmptySafe(t *testing.T) {
	one := newPair(t, "one")
	signer := format.Item{Kind: format.Signer, Label: "ca", Certificate: one.cert}
	request := format.Item{Kind: format.Request, Label: "request", Key: one.pkcs8}
	for name, test := range map[string]struct {
		items []format.Item
		want  []bool // of each safe: whether it is encrypted
	}{
		"nothing":      {nil, []bool{true}},
		"certificates": {[]format.Item{signer}, []bool{true}},
		"keys":         {[]format.Item{request}, []bool{false}},
		"both":         {[]format.Item{one.item("one")}, []bool{true, false}},
	} {
		data, err := Format{}.Encode(&format.Content{Items: test.items}, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		file, err := readPFX(data)
		if err != nil {
			t.Fatal(err)
		}
		safes, err := readSafes(file.authSafe)
		if err != nil {
			t.Fatal(err)
		}
		var got []bool
		for _, s := range safes {
			got = append(got, s.algorithm != nil)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: encrypted safes (-want +got):\n%s", name, diff)
		}
		if content, err := (Format{}).Decode(data, []byte("x")); err != nil || len(content.Items) != len(test.items) {
			t.Errorf("%s: read again: %v", name, err)
		}
	}
}

// TestTooManyBags bounds a file both ways.
func TestTooManyBags(t *testing.T) {
	one := bag{id: oid("1.2.3"), value: []byte{5, 0}}
	list := make([]bag, maxBags+1)
	for i := range list {
		list[i] = one
	}
	data, err := safeContents(list)
	if err != nil {
		t.Fatal(err)
	}
	if err := new(bags).read(data, 0); !errors.Is(err, format.ErrUnsupported) {
		t.Error("a file with too many bags is read")
	}
	if _, err := (Format{}).Encode(&format.Content{Kept: remainder{list}}, []byte("x")); err == nil {
		t.Error("a file with too many bags is written")
	}
}

// TestNested reads bags in bags, down to the limit.
func TestNested(t *testing.T) {
	nest := func(depth int) []byte {
		inner := []bag{{id: oid("1.2.3"), value: []byte{5, 0}}}
		for range depth {
			data, err := safeContents(inner)
			if err != nil {
				t.Fatal(err)
			}
			inner = []bag{{id: oidSafeContentsBag, value: data}}
		}
		data, err := safeContents(inner)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var three bags
	if err := three.read(nest(3), 0); err != nil || len(three.list) != 1 {
		t.Errorf("a bag in three others: %d bags, %v", len(three.list), err)
	}
	if err := new(bags).read(nest(40), 0); err == nil {
		t.Error("a bag in forty others is read")
	}
}

// TestRandomContents writes and reads random items.
func TestRandomContents(t *testing.T) {
	var pairs []pairOf
	for i := range 8 {
		pairs = append(pairs, newPair(t, fmt.Sprint("pair ", i)))
	}
	p, err := pbe.NewPassword([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := pbe.NewSealer(p)
	if err != nil {
		t.Fatal(err)
	}
	opener := pbe.NewOpener(p, pbe.Limits{}) // derives once for all runs
	rapid.Check(t, func(t *rapid.T) {
		labels := rapid.SliceOfNDistinct(rapid.StringN(1, 40, 200), 8, 8, strings.ToLower).Draw(t, "labels")
		kinds := rapid.SliceOfN(rapid.IntRange(0, 3), 8, 8).Draw(t, "kinds")
		hasDefault := false
		var certs, requests, secrets []format.Item
		for i, k := range kinds {
			switch k {
			case 0:
				item := pairs[i].item(labels[i])
				item.Default = !hasDefault && rapid.Bool().Draw(t, "default")
				hasDefault = hasDefault || item.Default
				certs = append(certs, item)
			case 1:
				certs = append(certs, format.Item{Kind: format.Signer, Label: labels[i], Certificate: pairs[i].cert, Trusted: rapid.Bool().Draw(t, "trusted")})
			case 2:
				requests = append(requests, format.Item{Kind: format.Request, Label: labels[i], Key: pairs[i].pkcs8, Request: rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "request")})
			case 3:
				secrets = append(secrets, format.Item{Kind: format.SecretKey, Label: labels[i], Key: pairs[i].pkcs8})
			}
		}
		before := append(append(certs, requests...), secrets...)
		certificates, keys, err := toBags(&format.Content{Items: before}, sealer)
		if err != nil {
			t.Fatal(err)
		}
		data, err := safeContents(append(certificates, keys...))
		if err != nil {
			t.Fatal(err)
		}
		var found bags
		if err := found.read(data, 0); err != nil {
			t.Fatal(err)
		}
		after, err := toContent(found.list, opener)
		if err != nil {
			t.Fatal(err)
		}
		for i := range after.Items {
			after.Items[i].Kept = nil // the localKeyID that was given
		}
		if diff := cmp.Diff(before, after.Items); diff != "" {
			t.Errorf("after a round trip (-before +after):\n%s", diff)
		}
	})
}

// TestExtras names what another format cannot have.
func TestExtras(t *testing.T) {
	r := remainder{[]bag{{id: oidCRLBag}, {id: oid("1.2.3")}, {id: oidCRLBag}}}
	want := []string{"revocation lists (2)", "bags of other kinds (1)"}
	if diff := cmp.Diff(want, r.Extras()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestNothingToWrite refuses entries without what makes them entries.
func TestNothingToWrite(t *testing.T) {
	for _, item := range []format.Item{
		{Kind: format.Personal, Label: "a", Certificate: []byte{0x30, 0}},
		{Kind: format.Personal, Label: "a", Key: []byte{0x30, 0}},
		{Kind: format.Request, Label: "a"}, {Kind: format.SecretKey, Label: "a"}, {Kind: format.Signer, Label: "a"},
	} {
		_, err := Format{}.Encode(&format.Content{Items: []format.Item{item}}, []byte("x"))
		if err == nil || !strings.Contains(err.Error(), `entry "a"`) {
			t.Errorf("%v with %d bytes of key: %v", item.Kind, len(item.Key), err)
		}
	}
}

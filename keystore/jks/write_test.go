package jks

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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"keyman/keystore/format"

	"keyman/internal/testpeer"
)

// A pairOf is a key with its certificate.
type pairOf struct {
	key         *ecdsa.PrivateKey
	pkcs8, cert []byte
	parsed      *x509.Certificate
}

// newPair makes a certificate, self-signed where there is no issuer.
func newPair(t testing.TB, name string, issuer *pairOf) pairOf {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := pairOf{key: key}
	if p.pkcs8, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if issuer != nil {
		parent, signer = issuer.parsed, issuer.key
	}
	if p.cert, err = x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer); err != nil {
		t.Fatal(err)
	}
	if p.parsed, err = x509.ParseCertificate(p.cert); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p pairOf) item(label string) format.Item {
	return format.Item{Kind: format.Personal, Label: label, Certificate: p.cert, Key: p.pkcs8}
}

func (p pairOf) signer(label string, trusted bool) format.Item {
	return format.Item{Kind: format.Signer, Label: label, Certificate: p.cert, Trusted: trusted}
}

func secretItem(t testing.TB, label, algorithm string) format.Item {
	t.Helper()
	der, err := secretKeyInfo(algorithm, []byte("sixteen bytes xx"))
	if err != nil {
		t.Fatal(err)
	}
	return format.Item{Kind: format.SecretKey, Label: label, Key: der}
}

// chains returns the labels of the chains of each key in a file, under its alias.
func chains(t *testing.T, k kind, c *format.Content, names map[string]string) map[string]string {
	t.Helper()
	data, err := k.encode(c, []byte("x"), quick)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := k.read(data[:len(data)-digestLen])
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		var chain []string
		for _, certificate := range e.chain {
			chain = append(chain, names[string(certificate)])
		}
		all[string(e.alias)] = strings.Join(chain, " ")
	}
	return all
}

// TestChains makes the chains of a new file, and then changes what was read.
func TestChains(t *testing.T) {
	root := newPair(t, "root", nil)
	sub := newPair(t, "sub", &root)
	leaf := newPair(t, "leaf", &sub)
	other := newPair(t, "other", &sub)
	stranger := newPair(t, "stranger", nil)
	names := map[string]string{}
	for _, p := range []pairOf{root, sub, leaf, other, stranger} {
		names[string(p.cert)] = p.parsed.Subject.CommonName
	}
	content := &format.Content{Items: []format.Item{
		root.signer("Root", true), leaf.item("Leaf"), sub.signer("Sub", false), other.item("Other"), stranger.item("Stranger"),
	}}
	want := map[string]string{"root": "root", "leaf": "leaf sub root", "other": "other sub root", "stranger": "stranger"}
	if diff := cmp.Diff(want, chains(t, kindJKS, content, names)); diff != "" {
		t.Errorf("new (-want +got):\n%s", diff)
	}
	read := func() *format.Content {
		data, err := kindJKS.encode(content, []byte("x"), quick)
		if err != nil {
			t.Fatal(err)
		}
		c, err := kindJKS.decode(data, []byte("x"), limits{})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	without := func(c *format.Content, labels ...string) *format.Content {
		var items []format.Item
		for _, item := range c.Items {
			if !strings.Contains(" "+strings.Join(labels, " ")+" ", " "+item.Label+" ") {
				items = append(items, item)
			}
		}
		return &format.Content{Items: items}
	}
	tests := map[string]struct {
		content *format.Content
		want    map[string]string
	}{
		"as it was":                {read(), want},
		"without the intermediate": {without(read(), "sub"), map[string]string{"root": "root", "leaf": "leaf", "other": "other", "stranger": "stranger"}},
		"without the root":         {without(read(), "root"), map[string]string{"leaf": "leaf sub", "other": "other sub", "stranger": "stranger"}},
		"without a key":            {without(read(), "leaf"), map[string]string{"root": "root", "other": "other sub root", "stranger": "stranger"}},
		"without both keys":        {without(read(), "leaf", "other"), map[string]string{"root": "root", "stranger": "stranger"}},
	}
	for name, test := range tests {
		if diff := cmp.Diff(test.want, chains(t, kindJKS, test.content, names)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// An order that nobody would make anew stays as it was read.
	strange := &format.Content{Items: []format.Item{leaf.item("leaf"), root.signer("root", true), sub.signer("sub", true)}}
	strange.Items[0].Kept = kept{from: kindJKS, label: "leaf", chain: [][]byte{leaf.cert, root.cert, sub.cert}}
	if got := chains(t, kindJKS, strange, names)["leaf"]; got != "leaf root sub" {
		t.Errorf("a chain in another order became %q", got)
	}
	// A certificate that came for a key that had another has a chain of its own.
	strange.Items[0].Certificate = other.cert
	if got := chains(t, kindJKS, strange, names)["leaf"]; got != "other sub root" {
		t.Errorf("a new certificate has the chain %q", got)
	}
}

// TestRefusals are what a file cannot hold: an error that names the entry.
func TestRefusals(t *testing.T) {
	one := newPair(t, "one", nil)
	locked := one.item("one")
	locked.Key, locked.Kept = nil, kept{from: kindJCEKS, locked: mustSeal(t, kindJCEKS, one.pkcs8)}
	request := format.Item{Kind: format.Request, Label: "one", Key: one.pkcs8}
	tests := map[string]struct {
		kind  kind
		items []format.Item
		want  string
	}{
		"not trusted":            {kindJKS, []format.Item{one.signer("one", false)}, "only as a trusted CA"},
		"renamed in a chain":     {kindJKS, []format.Item{{Kind: format.Signer, Label: "one", Certificate: one.cert, Kept: link{"two"}}}, "no label for it"},
		"request":                {kindJCEKS, []format.Item{request}, "holds no request"},
		"secret key":             {kindJKS, []format.Item{secretItem(t, "one", "AES")}, "holds no secret key"},
		"not a secret key":       {kindJCEKS, []format.Item{{Kind: format.SecretKey, Label: "one", Key: []byte("x")}}, "not a PrivateKeyInfo"},
		"no kind":                {kindJKS, []format.Item{{Label: "one"}}, "Kind(0)"},
		"no key":                 {kindJKS, []format.Item{{Kind: format.Personal, Label: "one", Certificate: one.cert}}, "its key is not there"},
		"one label twice":        {kindJKS, []format.Item{one.signer("One", true), one.item("one")}, "this alias"},
		"label without end":      {kindJKS, []format.Item{one.item("one" + strings.Repeat("x", 1<<16))}, "an alias has at most"},
		"key of the other kind":  {kindJKS, []format.Item{locked}, "a password of its own"},
		"request with its paper": {kindJKS, []format.Item{{Kind: format.Request, Label: "one", Key: one.pkcs8, Request: []byte("x"), Kept: kept{}}}, "holds no request"},
	}
	for name, test := range tests {
		_, err := test.kind.encode(&format.Content{Items: test.items}, []byte("x"), quick)
		var r *refusal
		if !errors.As(err, &r) || !strings.HasPrefix(r.label, "one") && r.label != "One" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want an error of %q that says %q", name, err, "one", test.want)
		}
	}
	if _, err := (JCEKS{}).Encode(&format.Content{Items: []format.Item{one.item("one")}}, []byte("pässword")); !errors.Is(err, errPasswordASCII) {
		t.Errorf("a password that Java would not open keys with: %v", err)
	}
	data, err := JCEKS{}.Encode(&format.Content{Items: []format.Item{one.signer("one", true)}}, []byte("pässword"))
	if err != nil {
		t.Errorf("the same where there is no key: %v", err)
	}
	if _, err := (JCEKS{}).Decode(data, []byte("pässword")); err != nil {
		t.Errorf("the same, read: %v", err)
	}
}

// TestHint says what to do about a certificate that nobody trusts.
func TestHint(t *testing.T) {
	one := newPair(t, "one", nil)
	_, err := JKS{}.Encode(&format.Content{Items: []format.Item{one.signer("one", false)}}, []byte("x"))
	var hint interface{ Hint() string }
	if !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "trust it") {
		t.Errorf("%v has no hint", err)
	}
}

func mustSeal(t testing.TB, k kind, key []byte) []byte {
	t.Helper()
	pw, err := newPassword([]byte("another"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := k.seal(key, pw, quick.orDefault())
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// TestKeptAsItStood has what no password opens and nobody understands.
func TestKeptAsItStood(t *testing.T) {
	one := newPair(t, "one", nil)
	stranger, err := writeProtection(oidNamed2, nil, []byte("sealed"))
	if err != nil {
		t.Fatal(err)
	}
	strange := []byte{0xAC, 0xED, 0, 5, serialNull}
	before := []entry{
		{tag: tagKey, alias: []byte("unknown scheme"), created: 1, protected: stranger, chain: [][]byte{one.cert}},
		{tag: tagKey, alias: []byte("not DER"), created: -2, protected: []byte("x"), chain: [][]byte{one.cert}},
		{tag: tagKey, alias: []byte("no chain"), created: 3, protected: mustSeal(t, kindJKS, one.pkcs8)},
		{tag: tagKey, alias: []byte("of jks"), created: 4, protected: mustSeal(t, kindJKS, one.pkcs8), chain: [][]byte{one.cert}},
		{tag: tagCertificate, alias: []byte(""), created: 5, chain: [][]byte{one.cert}},
		{tag: tagCertificate, alias: []byte("Twice"), created: 6, chain: [][]byte{one.cert}},
		{tag: tagCertificate, alias: []byte("\xed\xa0\x80"), created: 7, chain: [][]byte{[]byte("not a certificate")}},
	}
	body, err := kindJCEKS.write(before)
	if err != nil {
		t.Fatal(err)
	}
	content, err := kindJCEKS.decode(sealed(t, body), []byte(samplePassword), limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []shown{
		{Kind: format.Personal, Label: "unknown scheme", HasCert: true},
		{Kind: format.Personal, Label: "not DER", HasCert: true},
		{Kind: format.Personal, Label: "of jks", HasCert: true},
		{Kind: format.Signer, Label: "one", Trusted: true, HasCert: true},
		{Kind: format.Signer, Label: "Twice", Trusted: true, HasCert: true},
		{Kind: format.Signer, Label: "\ufffd", Trusted: true, HasCert: true},
		{Kind: format.Request, Label: "no chain"},
	}
	if diff := cmp.Diff(want, show(content)); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	data, err := kindJCEKS.encode(content, []byte("x"), quick)
	if err != nil {
		t.Fatal(err)
	}
	after, err := kindJCEKS.read(data[:len(data)-digestLen])
	if err != nil {
		t.Fatal(err)
	}
	order := func(list []entry) map[string]entry {
		byAlias := map[string]entry{}
		for _, e := range list {
			byAlias[string(e.alias)] = e
		}
		return byAlias
	}
	if diff := cmp.Diff(order(before), order(after), cmp.AllowUnexported(entry{})); diff != "" {
		t.Errorf("after a round trip (-before +after):\n%s", diff)
	}
	// The object in place of a secret key, opened but not understood, is
	// encrypted anew with the file's password.
	pw, err := newPassword([]byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	object, err := sealObject(strange, pw, quick.orDefault())
	if err != nil {
		t.Fatal(err)
	}
	body, err = kindJCEKS.write([]entry{{tag: tagSecret, alias: []byte("strange"), protected: object}})
	if err != nil {
		t.Fatal(err)
	}
	for _, next := range []string{"another", samplePassword} {
		if content, err = kindJCEKS.decode(sealed(t, body), []byte(samplePassword), limits{}); err != nil {
			t.Fatal(err)
		}
		if got := content.Items[0]; got.Key != nil || !bytes.Equal(got.Kept.(kept).object, strange) {
			t.Errorf("the strange object: %d bytes of key, object %x", len(got.Key), got.Kept.(kept).object)
		}
		if data, err = kindJCEKS.encode(content, []byte(next), quick); err != nil {
			t.Fatal(err)
		}
		if content, err = kindJCEKS.decode(data, []byte(next), limits{}); err != nil || content.Items[0].Kept.(kept).object == nil {
			t.Errorf("under %q: %v", next, err)
		}
	}
}

// oidNamed2 is an identifier that stands for no protection.
var oidNamed2 = []int{1, 2, 3, 4}

// TestAliases writes new labels as Java looks for them, and old aliases as they
// were until the label changes.
func TestAliases(t *testing.T) {
	one := newPair(t, "one", nil)
	body, err := kindJKS.write([]entry{
		{tag: tagCertificate, alias: []byte("Case Exact"), chain: [][]byte{one.cert}},
		{tag: tagCertificate, alias: []byte("case exact"), chain: [][]byte{one.cert}},
		{tag: tagCertificate, alias: modifiedUTF8("Ä\x00🔑"), chain: [][]byte{one.cert}},
	})
	if err != nil {
		t.Fatal(err)
	}
	content, err := JKS{}.Decode(sealed(t, body), []byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	content.Items[2].Label = "Umbenannt Ä🔑"
	content.Items = append(content.Items, one.signer("Neu Ä", true))
	data, err := JKS{}.Encode(content, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := kindJKS.read(data[:len(data)-digestLen])
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Case Exact", "case exact (2)", "umbenannt ä🔑", "neu ä"}
	for i, e := range entries {
		if got, _ := readText(e.alias); got != want[i] {
			t.Errorf("alias %q; want %q", got, want[i])
		}
	}
}

func TestText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		raw := modifiedUTF8(text)
		if bytes.IndexByte(raw, 0) >= 0 {
			t.Errorf("%q has a zero byte: %x", text, raw)
		}
		if got, ok := readText(raw); !ok || got != text {
			t.Errorf("%q became %q, %v", text, got, ok)
		}
	})
	for _, bad := range []string{"\xc3", "\xe2\x82", "\xf0\x9f\x94\x91", "\x80", "\xc3\x41", "\xff"} {
		if got, ok := readText([]byte(bad)); ok {
			t.Errorf("%x is read as %q", bad, got)
		}
	}
}

// TestRandomContents writes and reads random items in both formats.
func TestRandomContents(t *testing.T) {
	testpeer.Long(t)
	root := newPair(t, "root", nil)
	var pairs []pairOf
	for i := range 8 {
		pairs = append(pairs, newPair(t, fmt.Sprint("pair ", i), &root))
	}
	rapid.Check(t, func(t *rapid.T) {
		k := rapid.SampledFrom([]kind{kindJKS, kindJCEKS}).Draw(t, "kind")
		most := 1
		if k == kindJCEKS {
			most = 2
		}
		labels := rapid.SliceOfNDistinct(rapid.StringN(1, 40, 200), 8, 8, strings.ToLower).Draw(t, "labels")
		kinds := rapid.SliceOfN(rapid.IntRange(0, most), 8, 8).Draw(t, "kinds")
		password := []byte(rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "password"))
		items := []format.Item{root.signer("the very root of all", true)}
		var secrets []format.Item
		for i, one := range kinds {
			label := strings.ToLower(labels[i])
			switch one {
			case 0:
				items = append(items, pairs[i].item(label))
			case 1:
				items = append(items, pairs[i].signer(label, true))
			case 2:
				name := rapid.SampledFrom([]string{"AES", "Blowfish", "1.2.3.4", "HmacSHA3-512", "Ärger"}).Draw(t, "algorithm")
				raw, err := secretKeyInfo(name, rapid.SliceOf(rapid.Byte()).Draw(t, "key"))
				if err != nil {
					t.Fatal(err)
				}
				secrets = append(secrets, format.Item{Kind: format.SecretKey, Label: label, Key: raw})
			}
		}
		before := slices.Concat(items, secrets)
		data, err := k.encode(&format.Content{Items: before}, password, quick)
		if err != nil {
			t.Fatal(err)
		}
		after, err := k.decode(data, password, limits{})
		if err != nil {
			t.Fatal(err)
		}
		again, err := k.encode(after, password, quick)
		if err != nil {
			t.Fatal(err)
		}
		second, err := k.decode(again, password, limits{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(after, second, allKept); diff != "" {
			t.Errorf("after a second round trip (-before +after):\n%s", diff)
		}
		for i := range after.Items {
			after.Items[i].Kept = nil
		}
		if diff := cmp.Diff(before, after.Items); diff != "" {
			t.Errorf("after a round trip (-before +after):\n%s", diff)
		}
	})
}

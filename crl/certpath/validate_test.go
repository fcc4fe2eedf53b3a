package certpath

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/internal/cert"
)

func TestValidate(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.issueCA(t, "CA")
	leaf := ca.issue(t, "leaf")
	p := validate(t, "a chain", leaf, under(t, root, ca), "")
	if len(p.Certificates) != 2 || p.Certificates[0] != leaf.own || p.Certificates[1] != ca.own || p.Anchor.Certificate != root.own ||
		!slices.Equal(p.Policies, nil) || p.Issuer(0) != ca.own || p.Issuer(1) != root.own {
		t.Errorf("the path is %+v", p)
	}
	if p.PublicKey().ID() != string(leaf.own.RawSPKI) || p.IssuerKey(0).ID() != string(ca.own.RawSPKI) || p.IssuerKey(1).ID() != string(root.own.RawSPKI) {
		t.Error("other keys")
	}
	validate(t, "no intermediate", leaf, under(t, root), CodeNoAnchor)
	validate(t, "another root", leaf, under(t, newRoot(t, "Other"), ca), CodeNoAnchor)
	validate(t, "a root of the same name", leaf, under(t, newRoot(t, "Root"), ca), CodeBadSignature)
	validate(t, "no anchor", leaf, Options{Time: now, Intermediates: []*Certificate{root.own, ca.own}}, CodeNoAnchor)

	o := under(t, root, ca)
	for at, want := range map[time.Time]Code{
		leaf.own.NotBefore: "", leaf.own.NotAfter: "",
		leaf.own.NotBefore.Add(-time.Second): CodeNotYetValid, leaf.own.NotAfter.Add(time.Second): CodeExpired,
	} {
		o.Time = at
		validate(t, at.String(), leaf, o, want)
	}

	for what, o := range map[string]Options{
		"no time":               {Anchors: o.Anchors},
		"no such purpose":       {Time: now, Purpose: 17},
		"a nil anchor":          {Time: now, Anchors: []*Anchor{nil}},
		"a nil intermediate":    {Time: now, Intermediates: []*Certificate{nil}},
		"a negative key length": {Time: now, Strength: Strength{MinBits: -1}},
	} {
		if _, err := Validate(t.Context(), leaf.own, o); err == nil || CodeOf(err) != "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Validate(t.Context(), nil, o); err == nil {
		t.Error("no certificate is valid")
	}
}

// TestAnchors: what is trusted, and how far.
func TestAnchors(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.issueCA(t, "CA")
	leaf := ca.issue(t, "leaf")
	// A CA that is trusted need not be self-signed, and nothing above it counts.
	p := validate(t, "a trusted CA", leaf, under(t, ca), "")
	if len(p.Certificates) != 1 || p.Anchor.Certificate != ca.own {
		t.Errorf("the path is %+v", p)
	}
	// A leaf that is itself trusted needs nobody.
	p = validate(t, "a trusted leaf", leaf, under(t, leaf), "")
	if len(p.Certificates) != 1 || p.Certificates[0] != leaf.own || p.Anchor.Certificate != leaf.own || !slices.Equal(p.Policies, []OID{AnyPolicy}) {
		t.Errorf("the path is %+v", p)
	}
	o := under(t, leaf)
	o.Time = now.AddDate(2, 0, 0)
	validate(t, "a trusted leaf that has expired", leaf, o, CodeExpired)
	o.Time, o.Revocation = now, revocation(func(Query) error { return errors.New("asked") })
	validate(t, "nobody revokes what is trusted", leaf, o, "")
	// But it issues nothing.
	below := leaf.issue(t, "below")
	validate(t, "below a trusted leaf", below, under(t, leaf), CodeNoAnchor)

	bare, err := NewAnchor(root.own.RawSubject, root.own.RawSPKI)
	if err != nil {
		t.Fatal(err)
	}
	o = Options{Anchors: []*Anchor{bare}, Intermediates: []*Certificate{ca.own}, Time: now}
	if p = validate(t, "a name and a key", leaf, o, ""); p.Issuer(1) != nil || p.Anchor.Name().String() != "CN=Root" {
		t.Errorf("the path is %+v", p)
	}
	for what, tc := range map[string]struct {
		limit func(*Anchor)
		want  Code
	}{
		"not yet":    {func(a *Anchor) { a.NotBefore = now.Add(1) }, CodeNotYetValid},
		"no more":    {func(a *Anchor) { a.NotAfter = now.Add(-1) }, CodeExpired},
		"path of 0":  {func(a *Anchor) { a.MaxPathLen = new(int) }, CodePathLength},
		"no issuer":  {func(a *Anchor) { a.NoIssuer = true }, CodeNoAnchor},
		"for others": {func(a *Anchor) { a.Purposes = []OID{cert.OIDUsageClientAuth} }, CodePurpose},
		"a subtree": {func(a *Anchor) {
			base := cert.GeneralName{Kind: cert.DirectoryName, Value: root.own.RawSubject}
			a.NameConstraints = &cert.NameConstraints{Permitted: []cert.Subtree{{Base: base}}}
		}, CodeNameConstraint},
	} {
		limited := *bare
		tc.limit(&limited)
		o := Options{Anchors: []*Anchor{&limited}, Intermediates: []*Certificate{ca.own}, Time: now, Purpose: Server}
		validate(t, what, leaf, o, tc.want)
	}
	if _, err := NewAnchor([]byte{0x30, 0}, root.own.RawSPKI); err == nil {
		t.Error("nobody is trusted")
	}
	if _, err := NewAnchor(root.own.RawSubject, nil); err == nil {
		t.Error("no key is trusted")
	}
	// A certificate's own words about itself hold.
	expired := newRoot(t, "Root", func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, -1, 0) })
	validate(t, "an anchor that has expired", expired.issue(t, "leaf"), under(t, expired), CodeExpired)
	odd := newRoot(t, "Root", withExtension("\x2a\x03", true, raw("\x05\x00")))
	if _, err := AnchorOf(odd.own); CodeOf(err) != CodeCriticalExtension {
		t.Errorf("an anchor with an unknown critical extension: %v", err)
	}
	noCA := newRoot(t, "Root", func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 })
	if !noCA.anchor(t).NoIssuer {
		t.Error("who is no CA issues")
	}
}

// revocation is a Revocation by a function.
type revocation func(Query) error

func (f revocation) Check(_ context.Context, q Query) error { return f(q) }

func TestRevocation(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.issueCA(t, "CA")
	leaf := ca.issue(t, "leaf")
	var asked []*Certificate
	o := under(t, root, ca)
	answer := map[*Certificate]error{}
	o.Revocation = revocation(func(q Query) error {
		asked = append(asked, q.Certificate())
		return answer[q.Certificate()]
	})
	validate(t, "good", leaf, o, "")
	if !slices.Equal(asked, []*Certificate{ca.own, leaf.own}) {
		t.Errorf("%d certificates were asked about, in another order", len(asked))
	}
	answer[leaf.own] = fmt.Errorf("a list: %w", ErrRevoked)
	validate(t, "revoked", leaf, o, CodeRevoked)
	answer[leaf.own] = errors.New("nobody knows")
	validate(t, "undetermined", leaf, o, CodeUndetermined)
	asked = nil
	answer[ca.own] = ErrRevoked
	if validate(t, "a revoked CA", leaf, o, CodeRevoked); len(asked) != 1 {
		t.Error("more is asked than needed")
	}
	// Of a path that is not valid nothing is asked.
	asked = nil
	o.Purpose = Client
	other := ca.issue(t, "other", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })
	if validate(t, "another purpose", other, o, CodePurpose); asked != nil {
		t.Error("a path that is not valid is asked about")
	}

	// A CA that is revoked on one path may be good on another; a leaf is not.
	second := newRoot(t, "Second")
	cross := second.sign(t, ca, isCA)
	o = under(t, root, ca, cross)
	o.Anchors = append(o.Anchors, second.anchor(t))
	answer = map[*Certificate]error{ca.own: ErrRevoked}
	o.Revocation = revocation(func(q Query) error { return answer[q.Certificate()] })
	if p := validate(t, "over the other root", leaf, o, ""); p.Certificates[1] != cross.own || len(p.Attempts) != 1 || p.Attempts[0].Failure.Code != CodeRevoked {
		t.Errorf("the path is %+v", p)
	}
	answer = map[*Certificate]error{leaf.own: ErrRevoked}
	_, err := Validate(t.Context(), leaf.own, o)
	var failed *Error
	if !errors.As(err, &failed) || failed.Code() != CodeRevoked || len(failed.Attempts) != 1 {
		t.Errorf("a revoked leaf is tried again: %v", err)
	}
}

// TestRollover: a CA with an old and a new key, certified by each other (RFC
// 4210, 4.4), and a trusted old or new root.
func TestRollover(t *testing.T) {
	older := newRoot(t, "Root")
	newer := newRoot(t, "Root")
	newWithOld := older.sign(t, newer, isCA)
	oldWithNew := newer.sign(t, older, isCA)
	underOld, underNew := older.issue(t, "old leaf"), newer.issue(t, "new leaf")
	for _, trusted := range []*entity{older, newer} {
		for _, leaf := range []*entity{underOld, underNew} {
			p := validate(t, leaf.name, leaf, under(t, trusted, newWithOld, oldWithNew, older, newer), "")
			want := 1
			if (leaf == underOld) != (trusted == older) {
				want = 2
			}
			if len(p.Certificates) != want {
				t.Errorf("%s: %d certificates, want %d", leaf.name, len(p.Certificates), want)
			}
		}
	}
	// Self-issued certificates do not count for the length of a path.
	short := newRoot(t, "Short", func(c *x509.Certificate) { c.MaxPathLenZero = true })
	next := short.sign(t, entityOf(t, "Short"), isCA)
	validate(t, "self-issued", next.issue(t, "leaf"), under(t, short, next), "")
	ca := next.issueCA(t, "CA")
	validate(t, "not self-issued", ca.issue(t, "leaf"), under(t, short, next, ca), CodePathLength)
}

// TestCrossCertificates finds the way over two CAs that certified each other, in
// whichever order they come, and does not run in circles.
func TestCrossCertificates(t *testing.T) {
	one, two := newRoot(t, "One"), newRoot(t, "Two")
	oneByTwo, twoByOne := two.sign(t, one, isCA), one.sign(t, two, isCA)
	leaf := one.issue(t, "leaf")
	for _, between := range [][]*entity{{oneByTwo, twoByOne, one, two}, {two, one, twoByOne, oneByTwo}, {oneByTwo, oneByTwo}} {
		p := validate(t, "over the cross-certificate", leaf, under(t, two, between...), "")
		if len(p.Certificates) != 2 || p.Certificates[1] != oneByTwo.own {
			t.Errorf("the path is %+v", p)
		}
	}
	other := newRoot(t, "Other")
	validate(t, "a circle", leaf, under(t, other, oneByTwo, twoByOne), CodeNoAnchor)
}

// mesh returns n CAs each of which certified all others, n times (n-1)
// certificates.
func mesh(t testing.TB, n int, changes ...change) (cas, certificates []*entity) {
	t.Helper()
	for i := range n {
		cas = append(cas, entityOf(t, fmt.Sprintf("CA %d", i)))
	}
	for _, issuer := range cas {
		for _, subject := range cas {
			if issuer != subject {
				certificates = append(certificates, issuer.sign(t, subject, append([]change{isCA}, changes...)...))
			}
		}
	}
	return cas, certificates
}

// TestMesh: in a mesh of CAs the number of paths grows with the factorial of
// their number. A short one is found at once, and where there is none the search
// ends.
func TestMesh(t *testing.T) {
	cas, between := mesh(t, 12)
	leaf := cas[0].issue(t, "leaf")
	root := newRoot(t, "Root")
	exit := root.sign(t, cas[11], isCA)
	o := under(t, root, append(between, exit)...)
	p := validate(t, "a way out", leaf, o, "")
	if len(p.Certificates) != 3 {
		t.Errorf("a path of %d certificates", len(p.Certificates))
	}
	for what, o := range map[string]Options{
		"no anchor":               under(t, newRoot(t, "Root"), between...),
		"a policy that none has":  func(o Options) Options { o.RequireExplicitPolicy = true; return o }(o),
		"an anchor with that key": func(o Options) Options { o.Anchors = []*Anchor{newRoot(t, "CA 11").anchor(t)}; return o }(o),
	} {
		s := newSearch(t.Context(), &o)
		if s.find(newNode(leaf.own)) != nil {
			t.Errorf("%s: valid", what)
		}
		limited := slices.ContainsFunc(s.attempts, func(a Attempt) bool { return a.Failure.Code == CodeLimit })
		if !limited || s.candidates > MaxCandidates || s.checks > MaxSignatureChecks || len(s.attempts) > 2*MaxAttempts {
			t.Errorf("%s: %d candidates, %d signatures, %d attempts, limited %t", what, s.candidates, s.checks, len(s.attempts), limited)
		}
		if _, err := Validate(t.Context(), leaf.own, o); err == nil || len(err.(*Error).Attempts) > MaxAttempts { //nolint:errorlint // it is one
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestSignatureLimit: many who claim to be the issuer cost no more than the
// limit, and the one who is comes first by the key identifier.
func TestSignatureLimit(t *testing.T) {
	root := newRoot(t, "Root")
	ca := root.issueCA(t, "CA", func(c *x509.Certificate) { c.SubjectKeyId = []byte("right") })
	leaf := ca.issue(t, "leaf", func(c *x509.Certificate) { c.AuthorityKeyId = []byte("right") })
	between := []*entity{}
	for range MaxSignatureChecks {
		between = append(between, root.issueCA(t, "CA", func(c *x509.Certificate) { c.SubjectKeyId = []byte("wrong") }))
	}
	o := under(t, root, append(between, ca)...)
	validate(t, "by the identifier", leaf, o, "")
	// Identifiers are hints: without them it is the last one.
	plain := ca.issue(t, "leaf", func(c *x509.Certificate) { c.AuthorityKeyId = nil })
	o = under(t, root, append(between[:100:100], ca)...)
	validate(t, "without one", plain, o, "")
	lying := ca.issue(t, "leaf", func(c *x509.Certificate) { c.AuthorityKeyId = []byte("wrong") })
	validate(t, "with a wrong one", lying, o, "")

	o = under(t, root, append(between, ca)...)
	s := newSearch(t.Context(), &o)
	if s.find(newNode(lying.own)) != nil || s.checks != MaxSignatureChecks || s.attempts[len(s.attempts)-1].Failure.Code != CodeLimit {
		t.Errorf("%d signatures, %v", s.checks, s.attempts[len(s.attempts)-1].Failure)
	}
}

// TestDepth: a path of MaxDepth certificates is valid, and a longer one not.
func TestDepth(t *testing.T) {
	root := newRoot(t, "Root")
	at := root
	var between []*entity
	for i := range MaxDepth {
		at = at.issueCA(t, fmt.Sprintf("CA %d", i))
		between = append(between, at)
	}
	last := between[MaxDepth-2]
	validate(t, "the longest path", last.issue(t, "leaf"), under(t, root, between...), "")
	_, err := Validate(t.Context(), at.issue(t, "leaf").own, under(t, root, between...))
	if CodeOf(err) != CodeLimit {
		t.Errorf("a longer one: %v", err)
	}
}

func TestCertificateRules(t *testing.T) {
	root := newRoot(t, "Root")
	usage := func(u x509.KeyUsage) change { return func(c *x509.Certificate) { c.KeyUsage = u } }
	for _, tc := range []struct {
		what string
		ca   []change
		leaf []change
		want Code
	}{
		{"usual", []change{isCA}, nil, ""},
		{"no basic constraints", nil, nil, CodeNotCA},
		{"not a CA", []change{isCA, func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, 0 }}, nil, CodeNotCA},
		{"no certificates signed", []change{isCA, usage(x509.KeyUsageCRLSign)}, nil, CodeKeyUsage},
		{"no key usage", []change{isCA, usage(0)}, nil, ""},
		{"unknown critical in the CA", []change{isCA, withExtension("\x2a\x03", true, raw("\x05\x00"))}, nil, CodeCriticalExtension},
		{"unknown critical in the leaf", []change{isCA}, []change{withExtension("\x2a\x03", true, raw("\x05\x00"))}, CodeCriticalExtension},
		{"unknown in the leaf", []change{isCA}, []change{withExtension("\x2a\x03", false, raw("\x05\x00"))}, ""},
		{"broken key usage", []change{isCA}, []change{withExtension(cert.OIDKeyUsage, false, raw("\x05\x00"))}, CodeMalformed},
		{"broken names", []change{isCA}, []change{withExtension(cert.OIDSubjectAltName, false, raw("\x30\x00"))}, CodeMalformed},
		{"broken key identifier", []change{isCA}, []change{withExtension(cert.OIDSubjectKeyID, false, raw("\x05\x00"))}, ""},
		{"two policies alike", []change{isCA}, []change{policies(1, 1)}, CodeMalformed},
		{"a path length of 0 for a leaf", []change{isCA, func(c *x509.Certificate) { c.MaxPathLenZero = true }}, nil, ""},
		{"the subject's name of 200 octets", []change{isCA}, []change{func(c *x509.Certificate) { c.Subject.Organization = []string{strings.Repeat("x", 200)} }}, ""},
	} {
		ca := root.issue(t, "CA", tc.ca...)
		validate(t, tc.what, ca.issue(t, "leaf", tc.leaf...), under(t, root, ca), tc.want)
	}
}

// TestNames: names are compared by RFC 5280, 7.1.
func TestNames(t *testing.T) {
	root := newRoot(t, "Root")
	subject := func(b ...byte) change { return func(c *x509.Certificate) { c.RawSubject = b } }
	name := func(tag byte, text string) []byte {
		n := byte(len(text))
		return append([]byte{0x30, n + 11, 0x31, n + 9, 0x30, n + 7, 6, 3, 0x55, 4, 3, tag, n}, text...)
	}
	ca := root.issueCA(t, "CA", subject(name(0x13, "My  CA ")...))
	for _, tc := range []struct {
		issuer []byte
		want   Code
	}{
		{name(0x13, "My  CA "), ""},
		{name(0x0c, "my ca"), ""},
		{name(0x1e, "\x00M\x00Y\x00 \x00C\x00A"), ""},
		{name(0x0c, "myca"), CodeNoAnchor},
		{name(0x0c, "my cb"), CodeNoAnchor},
	} {
		issuer := &entity{key: ca.key, raw: &x509.Certificate{RawSubject: tc.issuer}}
		validate(t, fmt.Sprintf("%q", tc.issuer), issuer.issue(t, "leaf"), under(t, root, ca), tc.want)
	}
}

func TestPurposes(t *testing.T) {
	const serverAuth, clientAuth, anyUsage = x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageAny
	root := newRoot(t, "Root")
	extended := func(usages ...x509.ExtKeyUsage) change {
		return func(c *x509.Certificate) { c.ExtKeyUsage = usages }
	}
	ike := withExtension(cert.OIDExtKeyUsage, false, raw("\x30\x0a\x06\x08"+string(cert.OIDUsageIPsecIKE)))
	usage := func(u x509.KeyUsage) change { return func(c *x509.Certificate) { c.KeyUsage = u } }
	none := func(*x509.Certificate) {}
	for _, tc := range []struct {
		what     string
		purpose  Purpose
		ca, leaf change
		want     Code
		ignored  Code // with IgnoreCAPurposes
	}{
		{"nothing said", Server, none, none, "", ""},
		{"any asked", AnyPurpose, extended(clientAuth), extended(serverAuth), "", ""},
		{"the purpose", Server, none, extended(serverAuth), "", ""},
		{"one of two", Client, none, extended(serverAuth, clientAuth), "", ""},
		{"another", Client, none, extended(serverAuth), CodePurpose, CodePurpose},
		{"any in the leaf", Client, none, extended(anyUsage), "", ""},
		{"the CA has it", Client, extended(clientAuth), none, "", ""},
		{"the CA has another", Client, extended(serverAuth), none, CodePurpose, ""},
		{"the CA has any", Client, extended(anyUsage), extended(clientAuth), "", ""},
		{"code signing", IKE, none, extended(x509.ExtKeyUsageCodeSigning), CodePurpose, CodePurpose},
		{"IKE", IKE, none, ike, "", ""},
		{"IKE for a server", Server, none, ike, CodePurpose, CodePurpose},
		{"TLS for IKE", IKE, none, extended(clientAuth), "", ""},
		{"IKE under a CA for TLS", IKE, extended(serverAuth), ike, CodePurpose, ""},
		{"the CA has no more than the leaf shares", IKE, extended(serverAuth, clientAuth), extended(clientAuth), "", ""},
		{"signs", IKE, none, usage(x509.KeyUsageDigitalSignature), "", ""},
		{"encrypts", IKE, none, usage(x509.KeyUsageKeyEncipherment), CodeKeyUsage, CodeKeyUsage},
		{"a server encrypts", Server, none, usage(x509.KeyUsageKeyEncipherment), "", ""},
		{"a client encrypts", Client, none, usage(x509.KeyUsageKeyEncipherment), CodeKeyUsage, CodeKeyUsage},
	} {
		ca := root.issueCA(t, "CA", tc.ca)
		leaf := ca.issue(t, "leaf", tc.leaf)
		o := under(t, root, ca)
		o.Purpose = tc.purpose
		validate(t, tc.what, leaf, o, tc.want)
		o.IgnoreCAPurposes = true
		validate(t, tc.what+", CAs ignored", leaf, o, tc.ignored)
	}
	for i, p := range purposes {
		var back Purpose
		text, err := Purpose(i).MarshalText()
		if err != nil || back.UnmarshalText(text) != nil || int(back) != i || p.word == "" {
			t.Errorf("purpose %d became %s, %s", i, text, back)
		}
	}
	if err := new(Purpose).UnmarshalText([]byte("ipsec")); err == nil || Purpose(9).String() != "Purpose(9)" {
		t.Error("an unknown purpose is known")
	}
}

func TestStrength(t *testing.T) {
	weakRSA, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	root := newRoot(t, "Root")
	short := &entity{name: "CA", key: weakRSA}
	ca := root.sign(t, short, isCA)
	small := root.sign(t, &entity{name: "leaf", key: p224})
	sha1 := root.issue(t, "leaf")
	for _, tc := range []struct {
		what     string
		leaf     *entity
		root     *entity
		between  []*entity
		strength Strength
		want     Code
	}{
		{"1024 bits in a CA", ca.issue(t, "leaf"), root, []*entity{ca}, Strength{}, CodeWeakKey},
		{"1024 bits allowed", ca.issue(t, "leaf"), root, []*entity{ca}, Strength{MinBits: 1024}, ""},
		{"1024 bits in the leaf", root.sign(t, short), root, nil, Strength{}, CodeWeakKey},
		{"1024 bits in the anchor", ca.issue(t, "leaf"), ca, nil, Strength{}, CodeWeakKey},
		{"P-224", small, root, nil, Strength{}, CodeWeakKey},
		{"P-224 allowed", small, root, nil, Strength{MinCurveBits: 224}, ""},
		{"P-384 demanded", sha1, root, nil, Strength{MinCurveBits: 384}, CodeWeakKey},
	} {
		o := under(t, tc.root, tc.between...)
		o.Strength = tc.strength
		validate(t, tc.what, tc.leaf, o, tc.want)
	}
	for oid, tc := range map[OID]struct{ no, yes Strength }{
		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05": {Strength{AllowMD5: true}, Strength{AllowSHA1: true}},
		"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x04": {Strength{AllowSHA1: true}, Strength{AllowMD5: true}},
	} {
		a := cert.Algorithm{OID: oid}
		if tc.no.CheckSignature(a) == nil || tc.yes.CheckSignature(a) != nil {
			t.Errorf("%s is not judged by its permission", a.Name())
		}
	}
}

// TestError: the attempt that came furthest is told first, and what others wrote
// is fit to be shown.
func TestError(t *testing.T) {
	root, other := newRoot(t, "Root"), newRoot(t, "Other")
	ca := entityOf(t, "CA")
	impostor := root.issueCA(t, "CA")
	expired := root.sign(t, ca, isCA, func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 0, -1) })
	foreign := other.sign(t, ca, isCA)
	leaf := ca.issue(t, "leaf\x1b[31m")
	_, err := Validate(t.Context(), leaf.own, under(t, root, impostor, foreign, expired))
	var failed *Error
	if !errors.As(err, &failed) || len(failed.Attempts) != 3 || failed.Code() != CodeExpired {
		t.Fatalf("%v", err)
	}
	if got := failed.Attempts[1].Failure.Code; got != CodeNoAnchor {
		t.Errorf("the second is %s", got)
	}
	if got := failed.Attempts[2]; got.Failure.Code != CodeBadSignature || len(got.Certificates) != 2 || got.Certificates[1] != impostor.own {
		t.Errorf("the third is %v", got.Failure)
	}
	text := err.Error()
	if !strings.HasPrefix(text, "CN=CA (serial ") || !strings.HasSuffix(text, "it has expired: on 2026-02-28 12:00:00 UTC (and 2 more tried)") {
		t.Errorf("%s", text)
	}
	if text := failed.Attempts[2].Failure.Error(); strings.Contains(text, "\x1b") {
		t.Errorf("%q", text)
	}
	var f *Failure
	if !errors.As(err, &f) || f.Clause() != "RFC 5280, 6.1.3 (a)(2)" {
		t.Errorf("%v", f)
	}
	for code, entry := range codeTable {
		if entry.words == "" {
			t.Errorf("%s has no words", code)
		}
	}
	bare, err := NewAnchor(root.own.RawSubject, root.own.RawSPKI)
	if err != nil {
		t.Fatal(err)
	}
	bare.NotAfter = now.AddDate(-1, 0, 0)
	_, err = Validate(t.Context(), root.issue(t, "leaf").own, Options{Anchors: []*Anchor{bare}, Time: now})
	if err == nil || !strings.HasPrefix(err.Error(), "CN=Root: it has expired: the anchor") {
		t.Errorf("%v", err)
	}
}

// TestEmptySubject: a leaf may have no subject.
func TestEmptySubject(t *testing.T) {
	root := newRoot(t, "Root")
	leaf := root.issue(t, "", func(c *x509.Certificate) { c.Subject = pkix.Name{} }, altNames(cert.GeneralName{Kind: cert.DNSName, Value: []byte("a.example")}))
	validate(t, "no subject", leaf, under(t, root), "")
	if title := Title(leaf.own); !strings.HasPrefix(title, "certificate without a subject (serial ") {
		t.Error(title)
	}
	// But it is nobody's issuer.
	nobody := root.issueCA(t, "", func(c *x509.Certificate) { c.Subject = pkix.Name{} })
	issuer := &entity{key: nobody.key, raw: &x509.Certificate{RawSubject: []byte{0x30, 0}}}
	validate(t, "no issuer", issuer.issue(t, "leaf"), under(t, root, nobody), CodeMalformed)
}

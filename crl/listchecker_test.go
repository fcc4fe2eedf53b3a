package crl_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/crl"
	"keyman/crl/certpath"
)

// own returns a certificate as certpath has it.
func own(t testing.TB, c *x509.Certificate) *certpath.Certificate {
	t.Helper()
	parsed, err := certpath.ParseCertificate(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// A listAsk is a question to a ListChecker.
type listAsk struct {
	leaf    *x509.Certificate
	root    *testCA
	between []*x509.Certificate
	lists   [][]byte
	also    *testCA // trusted, too
}

// answer returns what the checker says about the leaf. The path above is not
// asked about.
func (a listAsk) answer(t testing.TB) crl.Answer {
	t.Helper()
	var lists crl.ListsAtHand
	for _, der := range a.lists {
		lists = append(lists, mustParse(t, der))
	}
	checker := crl.NewListChecker(lists, nil)
	anchor, err := certpath.AnchorOf(own(t, a.root.cert))
	if err != nil {
		t.Fatal(err)
	}
	o := certpath.Options{Anchors: []*certpath.Anchor{anchor}, Time: now}
	if a.also != nil {
		other, err := certpath.AnchorOf(own(t, a.also.cert))
		if err != nil {
			t.Fatal(err)
		}
		o.Anchors = append(o.Anchors, other)
	}
	for _, c := range a.between {
		o.Intermediates = append(o.Intermediates, own(t, c))
	}
	leaf := own(t, a.leaf)
	var answer crl.Answer
	o.Revocation = leafOnly(func(ctx context.Context, q certpath.Query) error {
		answer = checker.Ask(ctx, q)
		return answer.Err()
	})
	_, err = certpath.Validate(t.Context(), leaf, o)
	if (err == nil) != (answer.Status == crl.StatusGood) || (certpath.CodeOf(err) == certpath.CodeRevoked) != (answer.Status == crl.StatusRevoked) {
		t.Errorf("%s became %v", answer.Status, err)
	}
	return answer
}

// leafOnly is a Revocation that is asked about leaves alone.
type leafOnly func(context.Context, certpath.Query) error

func (f leafOnly) Check(ctx context.Context, q certpath.Query) error {
	if q.Index > 0 {
		return nil
	}
	return f(ctx, q)
}

func (a listAsk) want(t *testing.T, what string, want crl.Status, words string) crl.Answer {
	t.Helper()
	answer := a.answer(t)
	text := "nil"
	if err := answer.Err(); err != nil {
		text = err.Error()
	}
	if answer.Status != want || !strings.Contains(text, words) {
		t.Errorf("%s: %s, want %s with %q: %s", what, answer.Status, want, words, text)
	}
	return answer
}

const (
	good, revoked, unknown = crl.StatusGood, crl.StatusRevoked, crl.StatusUndetermined
)

func TestListChecker(t *testing.T) {
	ca, other := newCA(t, "CA"), newCA(t, "Other")
	leaf := ca.issue("leaf")
	for _, tc := range []struct {
		what  string
		lists [][]byte
		want  crl.Status
		words string
		named bool
	}{
		{"no list", nil, unknown, "no list was found", false},
		{"another issuer's", [][]byte{other.list(revoking(crl.KeyCompromise, leaf))}, unknown, "no list was found", false},
		{"not there", [][]byte{ca.list(revoking(crl.KeyCompromise, ca.issue("x")))}, good, "nil", false},
		{"empty", [][]byte{ca.list()}, good, "nil", false},
		{"revoked", [][]byte{ca.list(revoking(crl.KeyCompromise, leaf))}, revoked, "revoked on 2026-11-21 12:00:00 UTC, reason keyCompromise", false},
		{"on hold", [][]byte{ca.list(revoking(crl.CertificateHold, leaf))}, revoked, "certificateHold", false},
		{"an unknown reason", [][]byte{ca.list(revoking(77, leaf))}, revoked, "reason(77)", false},
		{"removed", [][]byte{ca.list(revoking(crl.RemoveFromCRL, leaf))}, good, "nil", false},
		{"removed and revoked", [][]byte{ca.list(revoking(crl.RemoveFromCRL, leaf), revoking(crl.Superseded, leaf))}, revoked, "superseded", false},
		{"out of date", [][]byte{ca.list(dated(-9, -1))}, unknown, "was to be replaced by 2026-11-22", false},
		{"out of date and revoked", [][]byte{ca.list(dated(-9, -1), revoking(crl.KeyCompromise, leaf))}, unknown, "names the certificate, reason keyCompromise", true},
		{"not yet", [][]byte{ca.list(dated(1, 9))}, unknown, "is not valid yet", false},
		{"one of two is out of date", [][]byte{ca.list(dated(-9, -1)), ca.list()}, good, "nil", false},
		{"the one out of date revokes", [][]byte{ca.list(dated(-9, -1), revoking(crl.KeyCompromise, leaf)), ca.list()}, good, "nil", false},
		{"unknown critical", [][]byte{ca.list(withExtension("1.2.3", true, []byte{5, 0}))}, unknown, "critical extension that is not known, OID 1.2.3", false},
		{"unknown critical and revoked", [][]byte{ca.list(withExtension("1.2.3", true, []byte{5, 0}), revoking(crl.KeyCompromise, leaf))}, unknown, "names the certificate", true},
		{"unknown", [][]byte{ca.list(withExtension("1.2.3", false, []byte{5, 0}))}, good, "nil", false},
		{"an older one before the newer", [][]byte{ca.list(numbered(7)), ca.list(numbered(8), revoking(crl.KeyCompromise, leaf))}, revoked, "number 8", false},
		{"a newer one that released it", [][]byte{ca.list(numbered(7), revoking(crl.CertificateHold, leaf)), ca.list(numbered(8))}, good, "nil", false},
		{"a newer one that is a forgery", [][]byte{ca.list(numbered(7), revoking(crl.KeyCompromise, leaf)), newCAFrom(t, caTemplate("CA"), newKey(t)).list(numbered(8))}, revoked, "number 7", false},
		{"for CAs", [][]byte{ca.list(withExtension("2.5.29.28", true, []byte("\x30\x03\x82\x01\xff")))}, unknown, "is about CA certificates only", false},
		{"for users", [][]byte{ca.list(withExtension("2.5.29.28", true, []byte("\x30\x03\x81\x01\xff")))}, good, "nil", false},
		{"for attribute certificates", [][]byte{ca.list(withExtension("2.5.29.28", true, []byte("\x30\x03\x85\x01\xff")))}, unknown, "is about attribute certificates only", false},
		{"for key compromise", [][]byte{ca.list(withExtension("2.5.29.28", true, []byte("\x30\x04\x83\x02\x06\x40")))}, unknown, "leave out the reasons 0x1fc", false},
		{"for two halves", [][]byte{
			ca.list(withExtension("2.5.29.28", true, []byte("\x30\x04\x83\x02\x06\x40"))),
			ca.list(withExtension("2.5.29.28", true, []byte("\x30\x05\x83\x03\x07\x3f\x80"))),
		}, good, "nil", false},
		{"in the second half", [][]byte{
			ca.list(withExtension("2.5.29.28", true, []byte("\x30\x04\x83\x02\x06\x40"))),
			ca.list(withExtension("2.5.29.28", true, []byte("\x30\x05\x83\x03\x07\x3f\x80")), revoking(crl.Superseded, leaf)),
		}, revoked, "superseded", false},
		{"two for the same reason", [][]byte{
			ca.list(withExtension("2.5.29.28", true, []byte("\x30\x04\x83\x02\x06\x40"))),
			ca.list(withExtension("2.5.29.28", true, []byte("\x30\x04\x83\x02\x06\x40")), numbered(8)),
		}, unknown, "is about no reason that others are not about", false},
		{"of a point", [][]byte{ca.list(withExtension("2.5.29.28", true, []byte("\x30\x0d\xa0\x0b\xa0\x09\x86\x07http://")))}, unknown, "belongs to another distribution point", false},
		{"of another key", [][]byte{newCAFrom(t, caTemplate("CA"), newKey(t)).list()}, unknown, "is not signed by its issuer's key", false},
		{"of another key, revoked", [][]byte{newCAFrom(t, caTemplate("CA"), newKey(t)).list(revoking(crl.KeyCompromise, leaf), dated(-9, -1))}, unknown, "is not signed", false},
	} {
		a := listAsk{leaf: leaf, root: ca, lists: tc.lists}.want(t, tc.what, tc.want, tc.words)
		if (a.Named != nil) != tc.named {
			t.Errorf("%s: named is %v", tc.what, a.Named)
		}
		if tc.want == good && a.Considered[len(a.Considered)-1].Why != "" {
			t.Errorf("%s: %+v", tc.what, a.Considered)
		}
	}
	// The anchor's key usage, like everybody's, must let it sign lists.
	template := caTemplate("Mute")
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	key := newKey(t)
	speaking := newCAFrom(t, template, key)
	list := speaking.list()
	template.KeyUsage = x509.KeyUsageCertSign
	mute := newCAFrom(t, template, key)
	listAsk{leaf: mute.issue("leaf"), root: mute, lists: [][]byte{list}}.want(t, "who may not sign lists", unknown, "who may not sign lists by its key usage")
}

// TestDeltaLists: which delta list completes which list, by RFC 5280, 5.2.4.
func TestDeltaLists(t *testing.T) {
	ca := newCA(t, "CA")
	leaf := ca.issue("leaf")
	hold, none := revoking(crl.CertificateHold, leaf), func(*x509.RevocationList) {}
	delta := func(base byte) listOption { return withExtension("2.5.29.27", true, []byte{2, 1, base}) }
	point := withExtension("2.5.29.28", true, []byte("\x30\x03\x81\x01\xff"))
	stale := dated(-9, -1)
	for _, tc := range []struct {
		what     string
		complete []listOption
		delta    []listOption
		want     crl.Status
		words    string
	}{
		{"nothing new", []listOption{numbered(5)}, []listOption{numbered(6), delta(5)}, good, "nil"},
		{"revoked since", []listOption{numbered(5)}, []listOption{numbered(6), delta(5), revoking(crl.KeyCompromise, leaf)}, revoked, "list with number 6"},
		{"revoked before", []listOption{numbered(5), revoking(crl.KeyCompromise, leaf)}, []listOption{numbered(6), delta(5)}, revoked, "list with number 5"},
		{"released since", []listOption{numbered(5), hold}, []listOption{numbered(6), delta(5), revoking(crl.RemoveFromCRL, leaf)}, good, "nil"},
		{"held since", []listOption{numbered(5)}, []listOption{numbered(6), delta(5), hold}, revoked, "certificateHold"},
		{"for an older one", []listOption{numbered(5), hold}, []listOption{numbered(6), delta(3), revoking(crl.RemoveFromCRL, leaf)}, good, "nil"},
		{"for a newer one", []listOption{numbered(5), hold}, []listOption{numbered(7), delta(6), revoking(crl.RemoveFromCRL, leaf)}, revoked, "certificateHold"},
		{"no newer than the complete one", []listOption{numbered(5), hold}, []listOption{numbered(5), delta(4), revoking(crl.RemoveFromCRL, leaf)}, revoked, "certificateHold"},
		{"completes one out of date", []listOption{numbered(5), stale}, []listOption{numbered(6), delta(5)}, good, "nil"},
		{"for a newer one than that out of date", []listOption{numbered(5), stale}, []listOption{numbered(7), delta(6)}, unknown, "completes list 6 and later ones, and not 5"},
		{"both out of date", []listOption{numbered(5), stale}, []listOption{numbered(6), delta(5), stale}, unknown, "was to be replaced by"},
		{"out of date", []listOption{numbered(5), hold}, []listOption{numbered(6), delta(5), stale, revoking(crl.RemoveFromCRL, leaf)}, revoked, "certificateHold"},
		{"unknown critical", []listOption{numbered(5)}, []listOption{numbered(6), delta(5), withExtension("1.2.3", true, []byte{5, 0}), revoking(crl.KeyCompromise, leaf)}, good, "nil"},
		{"of another scope", []listOption{numbered(5), hold}, []listOption{numbered(6), delta(5), point, revoking(crl.RemoveFromCRL, leaf)}, revoked, "certificateHold"},
		{"of the same scope", []listOption{numbered(5), point, hold}, []listOption{numbered(6), delta(5), point, revoking(crl.RemoveFromCRL, leaf)}, good, "nil"},
	} {
		a := listAsk{leaf: leaf, root: ca, lists: [][]byte{ca.list(append([]listOption{none}, tc.complete...)...), ca.list(tc.delta...)}}
		a.want(t, tc.what, tc.want, tc.words)
		slices.Reverse(a.lists)
		a.want(t, tc.what+", the other way round", tc.want, tc.words)
	}
	complete := ca.list(numbered(5), hold)
	release := func(n int64, more ...listOption) []byte {
		return ca.list(append(more, numbered(n), delta(5), revoking(crl.RemoveFromCRL, leaf))...)
	}
	listAsk{leaf: leaf, root: ca, lists: [][]byte{release(6)}}.want(t, "alone", unknown, "is a delta list, and the list that it completes is not there")
	// Of several the newest counts.
	newer := ca.list(numbered(7), delta(5), hold)
	listAsk{leaf: leaf, root: ca, lists: [][]byte{complete, newer, release(6)}}.want(t, "held, released, held", revoked, "number 7")
	listAsk{leaf: leaf, root: ca, lists: [][]byte{complete, newer, release(8)}}.want(t, "and released", good, "nil")
	// Where the lists name the key, they name the same.
	renamed := caTemplate("CA")
	renamed.SubjectKeyId = []byte("another name of the key")
	listAsk{leaf: leaf, root: ca, lists: [][]byte{complete, newCAFrom(t, renamed, ca.key).list(numbered(6), delta(5), revoking(crl.RemoveFromCRL, leaf))}}.want(t, "another name of the key", revoked, "certificateHold")
	// By the same key.
	forged := newCAFrom(t, caTemplate("CA"), newKey(t))
	listAsk{leaf: leaf, root: ca, lists: [][]byte{complete, forged.list(numbered(6), delta(5), revoking(crl.RemoveFromCRL, leaf))}}.want(t, "of another key", revoked, "certificateHold")
}

// names adds GeneralNames with a tag; each is a URI, or where it is a Name's
// encoding, a directory name.
func names(b *cryptobyte.Builder, tag cbasn1.Tag, all ...string) {
	b.AddASN1(tag, func(b *cryptobyte.Builder) {
		for _, name := range all {
			kind := cbasn1.Tag(6).ContextSpecific()
			if name[0] == 0x30 {
				kind = cbasn1.Tag(4).ContextSpecific().Constructed()
			}
			b.AddASN1(kind, func(b *cryptobyte.Builder) { b.AddBytes([]byte(name)) })
		}
	})
}

func contextTag(n int) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// A pointOf is a distribution point of a certificate or a list.
type pointOf struct {
	full     []string
	relative string // an AttributeTypeAndValue
	reasons  string // the content of ReasonFlags
	issuer   string // a Name
	indirect bool
}

// content adds the fields of a DistributionPoint, or where list is set, of an
// IssuingDistributionPoint.
func (p pointOf) content(b *cryptobyte.Builder, list bool) {
	if p.full != nil || p.relative != "" {
		b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
			if p.relative != "" {
				b.AddASN1(contextTag(1), func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.relative)) })
				return
			}
			names(b, contextTag(0), p.full...)
		})
	}
	if p.reasons != "" {
		tag := cbasn1.Tag(1)
		if list {
			tag = 3
		}
		b.AddASN1(tag.ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(p.reasons)) })
	}
	if p.issuer != "" {
		names(b, contextTag(2), p.issuer)
	}
	if p.indirect {
		b.AddBytes([]byte("\x84\x01\xff"))
	}
}

// points makes a certificate name distribution points.
func points(all ...pointOf) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, p := range all {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { p.content(b, false) })
			}
		})
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 31}, Value: b.BytesOrPanic()})
	}
}

// scoped makes a list that of a point.
func scoped(p pointOf) listOption {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { p.content(b, true) })
	return withExtension("2.5.29.28", true, b.BytesOrPanic())
}

// TestListPoints: which list belongs to which point of a certificate.
func TestListPoints(t *testing.T) {
	ca := newCA(t, "CA")
	directory := string(ca.cert.RawSubject)
	// C=CH, CN=CA, OU=p is what OU=p is below C=CH, CN=CA.
	const unit = "\x30\x08\x06\x03\x55\x04\x0b\x13\x01p"
	content := ca.cert.RawSubject[2:]
	full := string(append([]byte{0x30, byte(len(content) + 12)}, append(slices.Clone(content), "\x31\x0a"+unit...)...))
	// crypto/x509 makes certificates that it does not read.
	issue := func(change func(*x509.Certificate)) *x509.Certificate {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(1, 0, 0)}
		change(template)
		der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, ca.key.Public(), ca.key)
		if err != nil {
			t.Fatal(err)
		}
		return &x509.Certificate{Raw: der}
	}
	uri := func(s string) pointOf { return pointOf{full: []string{s}} }
	for _, tc := range []struct {
		what   string
		points []pointOf
		list   pointOf
		want   crl.Status
	}{
		{"the same URI", []pointOf{uri("http://a/1")}, uri("http://a/1"), good},
		{"another URI", []pointOf{uri("http://a/1")}, uri("http://a/2"), unknown},
		{"one of several URIs", []pointOf{{full: []string{"http://a/1", "ldap://b/1"}}}, pointOf{full: []string{"http://c/1", "ldap://b/1"}}, good},
		{"the second point", []pointOf{uri("http://a/1"), uri("http://a/2")}, uri("http://a/2"), good},
		{"a list without a point", []pointOf{uri("http://a/1")}, pointOf{}, good},
		{"a certificate without points", nil, uri("http://a/1"), unknown},
		{"the issuer's own name", nil, pointOf{full: []string{directory}}, good},
		{"the issuer's own name beside a point", []pointOf{uri("http://a/1")}, pointOf{full: []string{directory}}, good},
		{"a directory name", []pointOf{{full: []string{full}}}, pointOf{full: []string{full}}, good},
		{"both relative", []pointOf{{relative: unit}}, pointOf{relative: unit}, good},
		{"relative in the list", []pointOf{{full: []string{full}}}, pointOf{relative: unit}, good},
		{"relative in the certificate", []pointOf{{relative: unit}}, pointOf{full: []string{full}}, good},
		{"relative to something else", []pointOf{{relative: unit[:len(unit)-1] + "q"}}, pointOf{full: []string{full}}, unknown},
		{"relative and malformed", []pointOf{{relative: "\x05\x00"}}, pointOf{full: []string{full}}, unknown},
		{"some reasons of the point", []pointOf{{full: []string{"http://a/1"}, reasons: "\x06\x40"}}, uri("http://a/1"), unknown},
		{"two points for the reasons", []pointOf{{full: []string{"http://a/1"}, reasons: "\x06\x40"}, {full: []string{"http://a/1"}, reasons: "\x07\x3f\x80"}}, uri("http://a/1"), good},
		{"a point for reasons, and the issuer's list", []pointOf{{full: []string{"http://a/1"}, reasons: "\x06\x40"}}, pointOf{}, good},
		{"another issuer of lists", []pointOf{{full: []string{"http://a/1"}, issuer: full}}, uri("http://a/1"), unknown},
		{"the issuer as another, of a list that is not indirect", []pointOf{{full: []string{"http://a/1"}, issuer: directory}}, uri("http://a/1"), unknown},
		{"the issuer as another", []pointOf{{full: []string{"http://a/1"}, issuer: directory}}, pointOf{full: []string{"http://a/1"}, indirect: true}, good},
		{"no name but the issuer's", []pointOf{{issuer: directory}}, pointOf{full: []string{directory}, indirect: true}, good},
		{"relative to the issuer of lists", []pointOf{{relative: unit, issuer: directory}}, pointOf{full: []string{full}, indirect: true}, good},
	} {
		leaf := issue(func(c *x509.Certificate) {
			if tc.points != nil {
				points(tc.points...)(c)
			}
		})
		a := listAsk{leaf: leaf, root: ca, lists: [][]byte{ca.list(scoped(tc.list))}}
		a.want(t, tc.what, tc.want, "")
	}
	broken := issue(func(c *x509.Certificate) {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 31}, Value: []byte{0x30, 0}}}
	})
	listAsk{leaf: broken, root: ca, lists: [][]byte{ca.list()}}.want(t, "points that cannot be read", unknown, "malformed CRL distribution points")
}

// about makes an entry name the issuer of its certificate.
func about(issuer *x509.Certificate) func(*x509.RevocationListEntry) {
	return func(e *x509.RevocationListEntry) {
		var b cryptobyte.Builder
		names(&b, cbasn1.SEQUENCE, "http://not.a/name", string(issuer.RawSubject))
		e.ExtraExtensions = append(e.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: b.BytesOrPanic()})
	}
}

// entry puts an entry into a list.
func entry(serial int64, changes ...func(*x509.RevocationListEntry)) listOption {
	return func(l *x509.RevocationList) {
		e := x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: now.AddDate(0, 0, -2), ReasonCode: 1}
		for _, change := range changes {
			change(&e)
		}
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, e)
	}
}

// TestIndirectLists: an entry is about the issuer that it names, or the last one
// before it (RFC 5280, 5.3.3), and a signer of lists needs a path of its own.
func TestIndirectLists(t *testing.T) {
	root := newCA(t, "Root")
	one, two := root.subCA("One"), root.subCA("Two")
	lists := newSigner(t, root, "Signer")
	under := func(ca *testCA, serial int64) *x509.Certificate {
		return ca.issueWith(func(c *x509.Certificate) {
			c.SerialNumber, c.Subject.CommonName = big.NewInt(serial), fmt.Sprint("leaf ", serial)
			points(pointOf{full: []string{"http://a/1"}, issuer: string(lists.cert.RawSubject)})(c)
		})
	}
	list := lists.list(scoped(pointOf{full: []string{"http://a/1"}, indirect: true}),
		entry(1), entry(9, about(one.cert)), entry(8), entry(7, about(two.cert)), entry(6), entry(5, about(one.cert)), entry(6))
	for _, tc := range []struct {
		ca     *testCA
		serial int64
		want   crl.Status
	}{
		{one, 1, good}, {two, 1, good}, // the first entry is about the signer's own
		{one, 9, revoked}, {two, 9, good},
		{one, 8, revoked}, {two, 8, good},
		{one, 7, good}, {two, 7, revoked},
		{one, 6, revoked}, {two, 6, revoked},
		{one, 5, revoked}, {two, 5, good},
		{one, 4, good},
	} {
		a := listAsk{leaf: under(tc.ca, tc.serial), root: root, between: []*x509.Certificate{tc.ca.cert, lists.cert}, lists: [][]byte{list, root.list()}}
		a.want(t, fmt.Sprintf("%s %d", tc.ca.cert.Subject.CommonName, tc.serial), tc.want, "")
	}
	leaf := under(one, 4)
	ask := listAsk{leaf: leaf, root: root, between: []*x509.Certificate{one.cert, lists.cert}, lists: [][]byte{list, root.list()}}
	ask.want(t, "usual", good, "nil")
	ask.lists = [][]byte{list}
	ask.want(t, "nobody knows about the signer", unknown, "has a signer without a valid path")
	ask.lists = [][]byte{list, root.list(revoking(crl.KeyCompromise, lists.cert))}
	ask.want(t, "a signer who is revoked", unknown, "it is on a revocation list")
	ask.lists, ask.between = [][]byte{list, root.list()}, ask.between[:1]
	ask.want(t, "a signer who is not there", unknown, "is signed by nobody of whom there is a certificate")

	// Under another anchor.
	foreign := newCA(t, "Foreign")
	stranger := newSigner(t, foreign, "Signer")
	ask.between = []*x509.Certificate{one.cert, stranger.cert, foreign.cert}
	ask.lists = [][]byte{stranger.list(scoped(pointOf{full: []string{"http://a/1"}, indirect: true})), foreign.list(), root.list()}
	ask.want(t, "a signer under another anchor", unknown, "has a signer without a valid path")
	ask.also = foreign
	ask.want(t, "a signer under another anchor that is trusted, too", unknown, "has a signer without a valid path")
	ask.also = nil

	// Who may not sign lists.
	silent := newSigner(t, root, "Signer", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	ask.between, ask.lists = []*x509.Certificate{one.cert, silent.cert}, [][]byte{list, root.list()}
	ask.want(t, "a signer who may not", unknown, "who may not sign lists by its key usage")

	// Entries of others in a list that is not indirect.
	sly := one.list(entry(9, about(two.cert)))
	listAsk{leaf: one.issue("leaf"), root: root, between: []*x509.Certificate{one.cert}, lists: [][]byte{sly}}.want(t, "not indirect", unknown, "without being an indirect list")
}

// newSigner makes somebody who signs lists and nothing else, below a CA.
func newSigner(t testing.TB, ca *testCA, name string, changes ...func(*x509.Certificate)) *testCA {
	t.Helper()
	ca.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(ca.serial), Subject: pkix.Name{CommonName: name}, SubjectKeyId: []byte(name),
		NotBefore: now.AddDate(0, -1, 0), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageCRLSign,
	}
	for _, change := range changes {
		change(template)
	}
	signer := &testCA{t: t, key: newKey(t), serial: 1}
	signer.cert = sign(t, template, ca.cert, signer.key, ca.key)
	return signer
}

// TestSignersInARow: the list of one signer is signed by the next, and so on;
// one that speaks about its own signer ends the row.
func TestSignersInARow(t *testing.T) {
	root := newCA(t, "Root")
	place := func(issuer string) pointOf {
		name, err := asn1.Marshal(pkix.Name{CommonName: issuer}.ToRDNSequence())
		if err != nil {
			t.Fatal(err)
		}
		return pointOf{full: []string{"http://a/1"}, issuer: string(name)}
	}
	indirect := scoped(pointOf{full: []string{"http://a/1"}, indirect: true})
	leaf := root.issueWith(points(place("Signer 0")))
	// row makes signers of which each is told about by the list of another, and
	// those that no next names by the root's.
	row := func(next ...string) listAsk {
		a := listAsk{root: root, leaf: leaf}
		for i, by := range next {
			s := newSigner(t, root, fmt.Sprint("Signer ", i), func(c *x509.Certificate) {
				if by == "" {
					points(pointOf{full: []string{signersPlace}})(c)
				} else {
					points(place(by))(c)
				}
			})
			a.between = append(a.between, s.cert)
			a.lists = append(a.lists, s.list(indirect))
		}
		return a
	}
	withRoot := func(a listAsk) listAsk { a.lists = append(a.lists, root.list(aboutSigners)); return a }
	withRoot(row("")).want(t, "one", good, "nil")
	withRoot(row("Signer 1", "Signer 2", "")).want(t, "three", good, "nil")
	// Without the root's list nobody else helps out.
	row("Signer 1", "Signer 2", "Signer 3", "Signer 3").want(t, "four", unknown, "its signer lies behind 3 others")
	row("Signer 0").want(t, "about itself", good, "nil")
	row("Signer 1", "Signer 1").want(t, "the second about itself", good, "nil")
	row("Signer 1", "Signer 0").want(t, "about each other", unknown, "its signer lies behind 3 others")

	own := row("Signer 0")
	self := newSigner(t, root, "Signer 0", points(place("Signer 0")))
	own.between, own.lists = []*x509.Certificate{self.cert}, [][]byte{self.list(indirect, entry(self.cert.SerialNumber.Int64(), about(root.cert)))}
	own.want(t, "revoked by itself", unknown, "it is on a revocation list")
}

// signersPlace is the distribution point of a list about signers.
const signersPlace = "http://signers/1"

// aboutSigners is that list, which says nothing about others.
func aboutSigners(l *x509.RevocationList) { scoped(pointOf{full: []string{signersPlace}})(l) }

// TestSignerLimit: MaxSignerChecks signers are tried, and no more.
func TestSignerLimit(t *testing.T) {
	root := newCA(t, "Root")
	newOne := func() *testCA {
		return newSigner(t, root, "Signer", points(pointOf{full: []string{signersPlace}}))
	}
	signer := newOne()
	leaf := root.issueWith(points(pointOf{full: []string{"http://a/1"}, issuer: string(signer.cert.RawSubject)}))
	ask := listAsk{root: root, leaf: leaf, lists: [][]byte{
		signer.list(scoped(pointOf{full: []string{"http://a/1"}, indirect: true})), root.list(aboutSigners)}}
	for range crl.MaxSignerChecks - 1 {
		ask.between = append(ask.between, newOne().cert)
	}
	more := newOne().cert
	ask.between = append(ask.between, signer.cert)
	ask.want(t, "the last", good, "nil")
	ask.between = append([]*x509.Certificate{more}, ask.between...)
	ask.want(t, "one more", unknown, "more than 64 signers were tried")
}

// TestListPlaces: a source is asked by issuer and by the names of each point,
// its errors are told, and no more than MaxListsAtPlace lists are looked at.
func TestListPlaces(t *testing.T) {
	ca := newCA(t, "CA")
	leaf := ca.issue("leaf", "http://a/1", "http://a/2")
	good := mustParse(t, ca.list())
	source := &recordingSource{answer: func(at crl.ListPlace) ([]*crl.List, error) {
		if len(at.Names) == 1 && at.Names[0].Text() == "http://a/1" {
			return nil, errors.New("the server is on fire")
		}
		return nil, nil
	}}
	ask := func() error {
		anchor, err := certpath.AnchorOf(own(t, ca.cert))
		if err != nil {
			t.Fatal(err)
		}
		_, err = certpath.Validate(t.Context(), own(t, leaf), certpath.Options{
			Anchors: []*certpath.Anchor{anchor}, Time: now, Revocation: crl.NewListChecker(source, nil)})
		return err
	}
	if err := ask(); certpath.CodeOf(err) != certpath.CodeUndetermined || !strings.Contains(err.Error(), "the server is on fire") {
		t.Errorf("%v", err)
	}
	if got, want := strings.Join(source.asked, " "), "http://a/1 http://a/2 -"; got != want {
		t.Errorf("asked for %s, want %s", got, want)
	}
	// A nil list and lists of others do no harm, and a good one ends the search.
	source.asked = nil
	source.answer = func(crl.ListPlace) ([]*crl.List, error) {
		return []*crl.List{nil, mustParse(t, newCA(t, "Other").list()), good}, nil
	}
	if err := ask(); err != nil || len(source.asked) != 1 {
		t.Errorf("%v, asked %q", err, source.asked)
	}
	useless := mustParse(t, ca.list(dated(-9, -1)))
	for n, want := range map[int]certpath.Code{crl.MaxListsAtPlace - 1: "", crl.MaxListsAtPlace: certpath.CodeUndetermined} {
		source.answer = func(crl.ListPlace) ([]*crl.List, error) {
			return append(slices.Repeat([]*crl.List{useless}, n), good), nil
		}
		if err := ask(); certpath.CodeOf(err) != want {
			t.Errorf("%d useless lists: %v", n, err)
		}
	}
}

// TestFreshest: delta lists are looked for where the certificate, or the
// complete list, says.
func TestFreshest(t *testing.T) {
	ca := newCA(t, "CA")
	freshest := func(uri string) pkix.Extension {
		var c x509.Certificate
		points(pointOf{full: []string{uri}})(&c)
		c.ExtraExtensions[0].Id = asn1.ObjectIdentifier{2, 5, 29, 46}
		return c.ExtraExtensions[0]
	}
	plain := ca.issue("leaf", "http://a/1")
	naming := ca.issueWith(func(c *x509.Certificate) {
		c.CRLDistributionPoints, c.ExtraExtensions = []string{"http://a/1"}, []pkix.Extension{freshest("http://a/delta")}
	})
	complete := mustParse(t, ca.list(numbered(5)))
	pointing := mustParse(t, ca.list(numbered(5), func(l *x509.RevocationList) {
		l.ExtraExtensions = append(l.ExtraExtensions, freshest("http://a/delta"))
	}))
	delta := mustParse(t, ca.list(numbered(6), withExtension("2.5.29.27", true, []byte{2, 1, 5}), revoking(crl.KeyCompromise, plain, naming)))
	anchor, err := certpath.AnchorOf(own(t, ca.cert))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		what     string
		leaf     *x509.Certificate
		complete *crl.List
		asked    string
		want     certpath.Code
	}{
		{"nobody says", plain, complete, "http://a/1", ""},
		{"the certificate says", naming, complete, "http://a/1 http://a/delta", certpath.CodeRevoked},
		{"the list says", plain, pointing, "http://a/1 http://a/delta", certpath.CodeRevoked},
	} {
		source := &recordingSource{answer: func(at crl.ListPlace) ([]*crl.List, error) {
			if at.Delta {
				return []*crl.List{delta}, nil
			}
			return []*crl.List{tc.complete}, nil
		}}
		_, err := certpath.Validate(t.Context(), own(t, tc.leaf), certpath.Options{
			Anchors: []*certpath.Anchor{anchor}, Time: now, Revocation: crl.NewListChecker(source, nil)})
		if got := strings.Join(source.asked, " "); certpath.CodeOf(err) != tc.want || got != tc.asked {
			t.Errorf("%s: %v, asked for %s", tc.what, err, got)
		}
	}
}

// A recordingSource is a ListSource that notes the first name it is asked for.
type recordingSource struct {
	asked  []string
	answer func(crl.ListPlace) ([]*crl.List, error)
}

func (s *recordingSource) ListsAt(_ context.Context, at crl.ListPlace) ([]*crl.List, error) {
	name := "-"
	if len(at.Names) > 0 {
		name = at.Names[0].Text()
	}
	s.asked = append(s.asked, name)
	return s.answer(at)
}

// BenchmarkValidate validates a chain of three certificates, with RSA keys of
// 2048 bits and the lists of both CAs at hand, of 1000 entries each.
func BenchmarkValidate(b *testing.B) {
	rsaKey := func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			b.Fatal(err)
		}
		return key
	}
	root := newCAFrom(b, caTemplate("Root"), rsaKey())
	ca := &testCA{t: b, key: rsaKey(), serial: 1 << 20}
	template := caTemplate("CA")
	template.SerialNumber = big.NewInt(99)
	ca.cert = sign(b, template, root.cert, ca.key, root.key)
	leaf := own(b, ca.issue("leaf", "http://a/1"))
	var many []listOption
	for i := range int64(1000) {
		many = append(many, entry(1000+i))
	}
	lists := crl.ListsAtHand{mustParse(b, root.list(many...)), mustParse(b, ca.list(many...))}
	anchor, err := certpath.AnchorOf(own(b, root.cert))
	if err != nil {
		b.Fatal(err)
	}
	o := certpath.Options{
		Anchors: []*certpath.Anchor{anchor}, Intermediates: []*certpath.Certificate{own(b, ca.cert)},
		Time: now, Purpose: certpath.IKE, Revocation: crl.NewListChecker(lists, nil),
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := certpath.Validate(b.Context(), leaf, o); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "validations/s")
}

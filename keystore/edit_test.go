package keystore

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"keyman/crl/certpath"
)

// labels lists the labels of a store.
func labels(s *Store) string {
	var list []string
	for e := range s.Entries() {
		list = append(list, e.Label)
	}
	return strings.Join(list, ",")
}

// request adds a new key and a request for it.
func request(t *testing.T, s *Store, label string) Entry {
	t.Helper()
	key := newKey(t)
	der, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{Subject: pkix.Name{CommonName: label}}, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddRequest(label, key, der); err != nil {
		t.Fatal(err)
	}
	e, ok := s.Lookup(label)
	if !ok {
		t.Fatalf("no entry %q", label)
	}
	return e
}

// certify issues a certificate for a request.
func certify(t *testing.T, ca *authority, e Entry) []byte {
	t.Helper()
	signer, err := e.Signer()
	if err != nil {
		t.Fatal(err)
	}
	return ca.leaf(t, e.Label, signer.Public())
}

func TestLabels(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	s := newStore(t)
	add(t, s, "Grün", ca)
	request(t, s, "waiting")
	before := labels(s)
	key := newKey(t)
	for _, label := range []string{"grün", "GRÜN", "Waiting"} {
		if err := s.AddKey(label, key, [][]byte{ca.leaf(t, "x", key.Public())}); !errors.Is(err, ErrDuplicateLabel) {
			t.Errorf("AddKey(%q) = %v; want ErrDuplicateLabel", label, err)
		}
		if _, err := s.AddSigner(label, ca.der, true); !errors.Is(err, ErrDuplicateLabel) {
			t.Errorf("AddSigner(%q) = %v; want ErrDuplicateLabel", label, err)
		}
	}
	for _, label := range []string{"", " x", "x ", "a\nb", "\x1b[31m", "\xff", strings.Repeat("x", maxLabel+1), "\u202e"} {
		if _, err := s.AddSigner(label, ca.der, true); !errors.Is(err, ErrLabel) {
			t.Errorf("AddSigner(%q) = %v; want ErrLabel", label, err)
		}
	}
	if after := labels(s); after != before {
		t.Errorf("the store was changed: %s; it was %s", after, before)
	}
}

func TestAddRefuses(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	s := newStore(t)
	key, other := newKey(t), newKey(t)
	leaf := ca.leaf(t, "leaf", key.Public())
	if err := s.AddKey("x", other, [][]byte{leaf}); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("another key: %v; want ErrKeyMismatch", err)
	}
	if err := s.AddKey("x", key, nil); !errors.Is(err, ErrCertificate) {
		t.Errorf("no certificate: %v; want ErrCertificate", err)
	}
	if err := s.AddKey("x", key, [][]byte{leaf, []byte("x")}); !errors.Is(err, ErrCertificate) {
		t.Errorf("a chain that is none: %v; want ErrCertificate", err)
	}
	if err := s.AddKey("x", struct{ *signer }{key.(*signer)}, [][]byte{leaf}); err == nil {
		t.Error("a key that is not in memory is stored")
	}
	if err := s.AddRequest("x", key, leaf); err == nil {
		t.Error("a certificate is stored as a request")
	}
	der, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{}, other)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddRequest("x", key, der); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("a request for another key: %v; want ErrKeyMismatch", err)
	}
	if got := labels(s); got != "" {
		t.Errorf("entries came to be: %s", got)
	}
	if err := s.AddKey("x", key, [][]byte{leaf}); err != nil {
		t.Fatal(err)
	}
	if err := s.AddKey("y", key, [][]byte{leaf}); !errors.Is(err, ErrDuplicateCertificate) {
		t.Errorf("the same certificate: %v; want ErrDuplicateCertificate", err)
	}
}

func TestTrust(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	s := newStore(t)
	if len(s.Anchors()) != 0 {
		t.Error("an empty store trusts somebody")
	}
	if _, err := s.AddSigner("ca", ca.der, false); err != nil {
		t.Fatal(err)
	}
	if len(s.Anchors()) != 0 {
		t.Error("a signer is trusted by itself")
	}
	if _, err := s.AddSigner("again", ca.der, false); !errors.Is(err, ErrDuplicateCertificate) {
		t.Errorf("the same certificate: %v; want ErrDuplicateCertificate", err)
	}
	e, err := s.AddSigner("again", ca.der, true)
	if err != nil || e.Label != "ca" || !e.Trusted {
		t.Errorf("raised to trusted: %q, trusted %v, %v", e.Label, e.Trusted, err)
	}
	if len(s.Anchors()) != 1 {
		t.Error("a trusted CA is no anchor")
	}
	if err := s.SetTrusted("CA", false); err != nil || len(s.Anchors()) != 0 {
		t.Errorf("SetTrusted(false): %v, %d anchors", err, len(s.Anchors()))
	}
	add(t, s, "gw1", ca)
	if err := s.SetTrusted("gw1", true); !errors.Is(err, ErrKind) {
		t.Errorf("trust in a personal entry: %v; want ErrKind", err)
	}
	if err := s.SetTrusted("none", true); !errors.Is(err, ErrNotFound) {
		t.Errorf("trust in nobody: %v; want ErrNotFound", err)
	}
}

func TestDefault(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	s := newStore(t)
	if _, ok := s.Default(); ok {
		t.Error("an empty store has a default")
	}
	add(t, s, "one", ca)
	if e, ok := s.Default(); !ok || e.Label != "one" {
		t.Errorf("default is %q, %v; want the only one", e.Label, ok)
	}
	add(t, s, "two", ca)
	if e, ok := s.Default(); ok {
		t.Errorf("default is %q where two are there and none is marked", e.Label)
	}
	for _, label := range []string{"one", "two"} {
		if err := s.SetDefault(label); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, s)
		if e, ok := s.Default(); !ok || e.Label != label || !e.Default {
			t.Errorf("default is %q, %v; want %q", e.Label, ok, label)
		}
	}
	request(t, s, "waiting")
	if err := s.SetDefault("waiting"); !errors.Is(err, ErrKind) {
		t.Errorf("a request as default: %v; want ErrKind", err)
	}
	if err := s.SetDefault("none"); !errors.Is(err, ErrNotFound) {
		t.Errorf("nobody as default: %v; want ErrNotFound", err)
	}
}

func TestRename(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	s := newStore(t)
	add(t, s, "one", ca)
	add(t, s, "two", ca)
	if err := s.SetDefault("two"); err != nil {
		t.Fatal(err)
	}
	for label, want := range map[string]error{"ONE": ErrDuplicateLabel, "": ErrLabel, "x\ny": ErrLabel} {
		if err := s.Rename("two", label); !errors.Is(err, want) {
			t.Errorf("Rename to %q: %v; want %v", label, err, want)
		}
	}
	if err := s.Rename("none", "three"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Rename of nothing: %v; want ErrNotFound", err)
	}
	for _, label := range []string{"Two", "drei"} {
		if err := s.Rename("TWO", label); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, s)
		if e, ok := s.Default(); !ok || e.Label != label {
			t.Errorf("after Rename to %q the default is %q, %v", label, e.Label, ok)
		}
	}
	if got := labels(s); got != "one,drei" {
		t.Errorf("the labels are %s; want one,drei", got)
	}
}

func TestDelete(t *testing.T) {
	root := newAuthority(t, "root", nil)
	sub := newAuthority(t, "sub", root)
	s := newStore(t)
	for label, der := range map[string][]byte{"root": root.der, "sub": sub.der} {
		if _, err := s.AddSigner(label, der, true); err != nil {
			t.Fatal(err)
		}
	}
	add(t, s, "gw1", sub)
	err := s.Delete("ROOT", false)
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), `"gw1"`) || !strings.Contains(err.Error(), `"sub"`) {
		t.Errorf("Delete of a CA in use: %v; want ErrInUse with both users", err)
	}
	if err := s.Delete("gw1", false); err != nil {
		t.Error(err)
	}
	if err := s.Delete("sub", false); err != nil {
		t.Errorf("Delete of a CA that is not in use any more: %v", err)
	}
	add(t, s, "gw2", root)
	if err := s.Delete("root", true); err != nil {
		t.Errorf("Delete by force: %v", err)
	}
	if err := s.Delete("root", true); !errors.Is(err, ErrNotFound) {
		t.Errorf("Delete of nothing: %v; want ErrNotFound", err)
	}
	if got := labels(reopen(t, s)); got != "gw2" {
		t.Errorf("left are %s; want gw2", got)
	}
}

func TestReceive(t *testing.T) {
	root := newAuthority(t, "root", nil)
	sub := newAuthority(t, "sub", root)
	stranger := newAuthority(t, "root", nil) // the name of the root, another key
	s := newStore(t)
	waiting := request(t, s, "waiting")
	other := request(t, s, "other")
	certificate := certify(t, sub, waiting)

	refused := func(name string, want error, list ...[]byte) {
		t.Helper()
		before := labels(s)
		if _, err := s.Receive(list, "", certpath.Between); !errors.Is(err, want) {
			t.Errorf("%s: %v; want %v", name, err, want)
		}
		if after := labels(s); after != before {
			t.Errorf("%s changed the store: %s; it was %s", name, after, before)
		}
	}
	refused("no trusted CA at all", ErrUnknownIssuer, certificate, sub.der, root.der)
	if _, err := s.AddSigner("root", root.der, false); err != nil {
		t.Fatal(err)
	}
	refused("a CA that is not trusted", ErrUntrustedIssuer, certificate, sub.der)
	if err := s.SetTrusted("root", true); err != nil {
		t.Fatal(err)
	}
	refused("an intermediate missing", ErrUnknownIssuer, certificate)
	refused("a stranger with the CA's name", ErrUnknownIssuer, certify(t, stranger, waiting), stranger.der)
	refused("self-signed", ErrUnknownIssuer, issue(t, "waiting", waiting.mustPublic(t), false, &authority{key: stranger.key, der: stranger.der}, nil))
	refused("nobody's key", ErrNoRequest, root.leaf(t, "x", newKey(t).Public()))
	refused("nobody's key under the name of a request", ErrKeyMismatch, root.leaf(t, "waiting", newKey(t).Public()))
	refused("nothing", ErrNoRequest)
	refused("no certificate", ErrCertificate, []byte("x"))
	// An end entity's certificate issues nothing, whoever signed it.
	end := &authority{key: newKey(t)}
	end.der = root.leaf(t, "end", end.key.Public())
	refused("issued by an end entity", ErrPath, certify(t, end, waiting), end.der)
	// Version 1 cannot say that it is a CA.
	end.der = version1(t, end.der, root.key)
	refused("issued by an end entity of version 1", ErrPath, certify(t, end, waiting), end.der)
	// A CA that may have none below it.
	last := &authority{key: newKey(t)}
	last.der = issueWith(t, "last", last.key.Public(), root, nil, func(c *x509.Certificate) { c.IsCA, c.MaxPathLenZero = true, true })
	below := newAuthority(t, "below", last)
	refused("issued by one CA too many", ErrPath, certify(t, below, waiting), below.der, last.der)
	short := newAuthority(t, "short", nil)
	short.der = issueWith(t, "short", short.key.Public(), nil, short, func(c *x509.Certificate) { c.IsCA, c.MaxPathLenZero = true, true })
	if _, err := s.AddSigner("short", short.der, true); err != nil {
		t.Fatal(err)
	}
	below = newAuthority(t, "below", short)
	refused("one CA too many for the trusted one", ErrPath, certify(t, below, waiting), below.der)
	if err := s.Delete("short", false); err != nil {
		t.Fatal(err)
	}

	// What cannot be read among the certificates hides no other.
	e, err := s.Receive([][]byte{root.der, brokenExtensions(t), sub.der, certificate}, "", certpath.Between)
	if err != nil {
		t.Fatal(err)
	}
	if e.Label != "waiting" || e.Kind != Personal || len(e.Chain) != 3 || e.Request != nil {
		t.Errorf("received %v %q with a chain of %d", e.Kind, e.Label, len(e.Chain))
	}
	if sub, ok := s.Lookup("sub"); !ok || sub.Trusted {
		t.Errorf("the intermediate: there %v, trusted %v; want there and not trusted", ok, sub.Trusted)
	}
	refused("a second time", ErrDuplicateCertificate, certificate)

	// Now the intermediate is known, and a new label is wanted.
	if _, err := s.Receive([][]byte{certify(t, sub, other)}, "WAITING", certpath.Between); !errors.Is(err, ErrDuplicateLabel) {
		t.Errorf("under a label that is taken: %v; want ErrDuplicateLabel", err)
	}
	if _, ok := s.Lookup("other"); !ok {
		t.Fatal("the request is gone after a failure")
	}
	if _, err := s.Receive([][]byte{certify(t, sub, other)}, "gateway", certpath.Between); err != nil {
		t.Fatal(err)
	}
	s = reopen(t, s)
	for _, label := range []string{"waiting", "gateway"} {
		e, ok := s.Lookup(label)
		if !ok || e.Kind != Personal {
			t.Errorf("%s is %v, %v after saving", label, e.Kind, ok)
			continue
		}
		if _, err := e.Signer(); err != nil {
			t.Errorf("%s: %v", label, err)
		}
	}
}

// TestChainEnds builds chains that end nowhere, or would not end.
func TestChainEnds(t *testing.T) {
	s := newStore(t)
	root := newAuthority(t, "a", nil)
	crossed := &authority{key: root.key}
	other := newAuthority(t, "b", root)
	crossed.der = issue(t, "a", root.key.Public(), true, other, nil) // a, issued by b
	for label, der := range map[string][]byte{"crossed": crossed.der, "other": other.der} {
		if _, err := s.AddSigner(label, der, false); err != nil {
			t.Fatal(err)
		}
	}
	e, ok := s.Lookup("crossed")
	if !ok || len(e.Chain) != 2 {
		t.Errorf("the chain of two that issued each other has %d certificates; want 2", len(e.Chain))
	}
	at := root
	for range maxChain + 4 {
		next := newAuthority(t, "deep", at)
		if _, err := s.AddSigner(s.LabelFor(next.der), next.der, false); err != nil {
			t.Fatal(err)
		}
		at = next
	}
	e, ok = s.Lookup("deep (20)")
	if !ok || len(e.Chain) > maxChain {
		t.Errorf("the deepest chain: %v, %d certificates; want at most %d", ok, len(e.Chain), maxChain)
	}
}

// A certificate whose key is here is never taken for somebody else's.
func TestAddSignerRefusesOwnKey(t *testing.T) {
	s := newStore(t)
	root := newAuthority(t, "Root", nil)
	certificate := certify(t, root, request(t, s, "waiting"))
	for _, trusted := range []bool{true, false} {
		if _, err := s.AddSigner("box", certificate, trusted); !errors.Is(err, ErrOwnKey) {
			t.Errorf("trusted %v: %v", trusted, err)
		}
	}
	if e, ok := s.Lookup("waiting"); !ok || e.Kind != Request {
		t.Error("the request is gone")
	}
}

// TestNoDefault refuses a mark that the file would lose.
func TestNoDefault(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	for _, f := range Formats() {
		s, err := New(filepath.Join(t.TempDir(), "keys"), Password("password"), Options{Format: f})
		if err != nil {
			t.Fatal(err)
		}
		add(t, s, "gw1", ca)
		add(t, s, "gw2", ca)
		err = s.SetDefault("gw2")
		e, _ := reopenWith(t, s, "password").Default()
		if java := f.Name() == "jks" || f.Name() == "jceks"; java != errors.Is(err, ErrNoDefault) || !java && err != nil || java != (e.Label == "") {
			t.Errorf("%s: %v, and then the default is %q", f.Name(), err, e.Label)
		}
	}
}

// TestNoKeyToSignWith tells why an entry cannot sign.
func TestNoKeyToSignWith(t *testing.T) {
	s := newStore(t)
	ca := newAuthority(t, "CA", nil)
	if _, err := s.AddSigner("ca", ca.der, true); err != nil {
		t.Fatal(err)
	}
	add(t, s, "gw1", ca)
	s.content().Items[1].Key = nil // as where a Java key store locks it by itself
	for label, want := range map[string]string{"ca": "it is a signer entry", "gw1": "a password of its own"} {
		e, _ := s.Lookup(label)
		if _, err := e.Signer(); !errors.Is(err, ErrNoKey) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", label, err, want)
		}
	}
}

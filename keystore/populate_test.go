package keystore

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/keystore/jks"
)

func TestPopulate(t *testing.T) {
	s := newStore(t)
	here := newAuthority(t, "Here", nil)
	if _, err := s.AddSigner("as it is called here", here.der, true); err != nil {
		t.Fatal(err)
	}
	own := newAuthority(t, "Own", nil)
	if err := s.AddKey("own", own.key, [][]byte{own.der}); err != nil {
		t.Fatal(err)
	}
	waiting := request(t, s, "waiting")
	signer, err := waiting.Signer()
	if err != nil {
		t.Fatal(err)
	}

	root, twin := newAuthority(t, "Root", nil), newAuthority(t, "ROOT", nil)
	between := newAuthority(t, "Between", root)
	alone := &authority{key: newKey(t)}
	alone.der = issue(t, "Alone", alone.key.Public(), false, nil, alone)
	ours := &authority{key: signer}
	ours.der = issue(t, "Ours", signer.Public(), true, nil, ours)
	broken := slices.Clone(twin.der)
	broken[len(broken)-1] ^= 1

	done, err := s.Populate([][]byte{
		root.der, root.der, here.der, own.der, twin.der, between.der, alone.der, ours.der, broken, []byte("nothing"),
	}, PopulateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := labelsOf(done.Added), "Root,ROOT (2)"; got != want {
		t.Errorf("added %s; want %s", got, want)
	}
	if got, want := labelsOf(done.Present), "as it is called here,own"; got != want {
		t.Errorf("present %s; want %s", got, want)
	}
	for i, want := range []error{ErrNotRoot, ErrNotRoot, ErrOwnKey, ErrUnusable, ErrCertificate} {
		if i >= len(done.Refused) || !errors.Is(done.Refused[i].Err, want) {
			t.Fatalf("refused %v; want %v at %d", done.Refused, want, i)
		}
	}
	if got := nameText(done.Refused[0].Subject); got != "CN=Between" {
		t.Errorf("the first refusal is of %s", got)
	}
	// Nobody is trusted unasked, and requests still come last.
	if got, want := labels(s), "as it is called here,own,Root,ROOT (2),waiting"; got != want {
		t.Errorf("the store holds %s; want %s", got, want)
	}
	if n := len(s.Anchors()); n != 1 {
		t.Errorf("%d CAs are trusted; want the one that was", n)
	}

	// Trust in words raises those that are there; with a key there is none.
	done, err = s.Populate([][]byte{root.der, twin.der, own.der, here.der}, PopulateOptions{Trust: true})
	if err != nil || labelsOf(done.Added) != "Root,ROOT (2)" || len(done.Refused) != 0 || len(s.Anchors()) != 3 {
		t.Errorf("with trust: %s, %v, %d anchors", labelsOf(done.Added), err, len(s.Anchors()))
	}
	reopened := reopen(t, s)
	if labels(reopened) != labels(s) || len(reopened.Anchors()) != 3 {
		t.Errorf("saved: %s", labels(reopened))
	}
}

func TestPopulateExpired(t *testing.T) {
	s, root := newStore(t), newAuthority(t, "Root", nil)
	c, err := x509.ParseCertificate(root.der)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		now  time.Time
		want error
	}{{c.NotAfter.Add(time.Second), ErrExpired}, {c.NotAfter, nil}} {
		done, err := s.Populate([][]byte{root.der}, PopulateOptions{Now: test.now})
		switch {
		case err != nil:
			t.Fatal(err)
		case test.want == nil && len(done.Added) != 1:
			t.Errorf("at %v: %+v", test.now, done)
		case test.want != nil && (len(done.Refused) != 1 || !errors.Is(done.Refused[0].Err, test.want)):
			t.Errorf("at %v: %+v; want %v", test.now, done, test.want)
		}
	}
	// One that has ended since it was added is not trusted now.
	done, err := s.Populate([][]byte{root.der}, PopulateOptions{Trust: true, Now: c.NotAfter.Add(time.Second)})
	if err != nil || len(done.Refused) != 1 || len(s.Anchors()) != 0 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestPopulateHolds(t *testing.T) {
	s, err := New(t.TempDir()+"/x.jks", Password(testPassword), Options{Format: keysOnly{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Populate([][]byte{newAuthority(t, "Root", nil).der}, PopulateOptions{}); !errors.Is(err, ErrKind) {
		t.Errorf("Populate = %v; want ErrKind", err)
	}
}

// keysOnly is a format without room for certificates of others.
type keysOnly struct{ jks.JKS }

func (keysOnly) Holds(k Kind) bool { return k == Personal }

// labelsOf lists the labels of entries.
func labelsOf(entries []Entry) string {
	var list []string
	for _, e := range entries {
		list = append(list, e.Label)
	}
	return strings.Join(list, ",")
}

func BenchmarkPopulate(b *testing.B) {
	var roots [][]byte
	for i := range 500 {
		roots = append(roots, newAuthority(b, fmt.Sprintf("Root %d", i), nil).der)
	}
	for b.Loop() {
		s, err := New(b.TempDir()+"/x.p12", Password(testPassword), Options{})
		if err != nil {
			b.Fatal(err)
		}
		if done, err := s.Populate(roots, PopulateOptions{Trust: true}); err != nil || len(done.Added) != len(roots) {
			b.Fatal(done, err)
		}
	}
}

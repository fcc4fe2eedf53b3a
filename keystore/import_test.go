package keystore

import (
	"errors"
	"strings"
	"testing"
)

// TestImport copies entries with their chains from one store to another.
func TestImport(t *testing.T) {
	root := newAuthority(t, "root", nil)
	sub := newAuthority(t, "sub", root)
	from := newStore(t)
	if _, err := from.AddSigner("the root", root.der, true); err != nil {
		t.Fatal(err)
	}
	if _, err := from.AddSigner("between", sub.der, false); err != nil {
		t.Fatal(err)
	}
	add(t, from, "gw1", sub)
	add(t, from, "gw2", root)
	request(t, from, "waiting")
	if err := from.SetDefault("gw1"); err != nil {
		t.Fatal(err)
	}

	s := newStore(t)
	done, err := s.Import(from, ImportOptions{Labels: []string{"GW1", "gw1"}, Trust: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Added) != 3 || labels(s) != "gw1,between,the root" {
		t.Errorf("%d added, the labels are %s", len(done.Added), labels(s))
	}
	s = reopen(t, s)
	e, _ := s.Lookup("gw1")
	if _, err := e.Signer(); err != nil || e.Default || len(e.Chain) != 3 {
		t.Errorf("gw1: default %v, a chain of %d, %v", e.Default, len(e.Chain), err)
	}
	if len(s.Anchors()) != 0 {
		t.Error("the chain brought trust along")
	}

	done, err = s.Import(from, ImportOptions{Trust: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Added) != 3 || len(done.Present) != 2 || len(s.Anchors()) != 1 {
		t.Errorf("%d added, %d present, %d anchors; want the root's trust, gw2 and the request; gw1 and between", len(done.Added), len(done.Present), len(s.Anchors()))
	}
	s = reopen(t, s)
	if done, err = s.Import(from, ImportOptions{}); err != nil || len(done.Added) != 0 || len(done.Present) != 5 {
		t.Errorf("a second time: %d added, %d present, %v", len(done.Added), len(done.Present), err)
	}
	other := newStore(t)
	if done, err = other.Import(from, ImportOptions{}); err != nil || len(done.Added) != 5 || len(other.Anchors()) != 0 {
		t.Errorf("without trust: %d added, %d anchors, %v", len(done.Added), len(other.Anchors()), err)
	}
	if done, err = other.Import(from, ImportOptions{Labels: []string{"gw2"}, As: "x"}); err != nil || len(done.Present) != 1 {
		t.Errorf("what is there under another label: %d present, %v", len(done.Present), err)
	}
}

// TestImportRefuses changes nothing where a part cannot be done.
func TestImportRefuses(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	from, s := newStore(t), newStore(t)
	for _, label := range []string{"a", "b", "c"} {
		add(t, from, label, ca)
	}
	add(t, s, "B", ca)
	request(t, s, "c")
	before := labels(s)
	refused := func(o ImportOptions, want error, words ...string) {
		t.Helper()
		_, err := s.Import(from, o)
		if !errors.Is(err, want) {
			t.Errorf("%+v: %v; want %v", o, err, want)
			return
		}
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%v does not say %s", err, word)
			}
		}
		if after := labels(s); after != before {
			t.Errorf("the store was changed: %s; it was %s", after, before)
		}
	}
	refused(ImportOptions{}, ErrDuplicateLabel, `"b"`, `"c"`)
	refused(ImportOptions{Labels: []string{"a", "none"}}, ErrNotFound, `"none"`)
	refused(ImportOptions{Labels: []string{"a", "b"}, As: "x"}, ErrLabel)
	refused(ImportOptions{Labels: []string{"a"}, As: "b"}, ErrDuplicateLabel)
	refused(ImportOptions{Labels: []string{"a"}, As: " b"}, ErrLabel)
	from.content().Items[0].Key = nil
	refused(ImportOptions{Labels: []string{"a"}}, ErrNoKey, "a password of its own")
	if _, err := s.Import(from, ImportOptions{Labels: []string{"b"}, As: "new"}); err != nil {
		t.Error(err)
	}
}

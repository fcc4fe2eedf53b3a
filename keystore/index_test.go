package keystore

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"keyman/keystore/format"
)

// TestIndex changes a store at random: its index is at any time what a look at
// all items would make it.
func TestIndex(t *testing.T) {
	root := newAuthority(t, "root", nil)
	sub := newAuthority(t, "sub", root)
	key := newKey(t)
	der, err := marshalKey(key)
	if err != nil {
		t.Fatal(err)
	}
	samples := []format.Item{
		{Kind: Signer, Certificate: root.der},
		{Kind: Signer, Certificate: sub.der},
		{Kind: Signer, Certificate: sub.leaf(t, "peer", newKey(t).Public())},
		{Kind: Signer, Certificate: []byte("none")},
		{Kind: Personal, Certificate: root.leaf(t, "own", key.Public()), Key: der},
		{Kind: Request, Key: der},
		{Kind: SecretKey, Key: []byte("secret")},
	}
	rapid.Check(t, func(t *rapid.T) {
		s := &Store{format: Formats()[0], content: hide(&format.Content{})}
		label := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%c%d", rapid.RuneFrom([]rune("aAbB")).Draw(t, "letter"), rapid.IntRange(0, 3).Draw(t, "number"))
		})
		before := slices.Clone(s.content().Items)
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				item := rapid.SampledFrom(samples).Draw(t, "item")
				item.Label, item.Key = label.Draw(t, "label"), slices.Clone(item.Key)
				_ = s.insert(item) // the label may be taken
			},
			"delete": func(t *rapid.T) { _ = s.Delete(label.Draw(t, "label"), true) },
			"replace": func(t *rapid.T) {
				at := s.index(label.Draw(t, "label"))
				if at < 0 {
					return
				}
				item := rapid.SampledFrom(samples).Draw(t, "item")
				item.Label, item.Key = s.content().Items[at].Label, slices.Clone(item.Key)
				s.replace(at, item)
			},
			"rename":   func(t *rapid.T) { _ = s.Rename(label.Draw(t, "label"), label.Draw(t, "to")) },
			"remember": func(*rapid.T) { before = slices.Clone(s.content().Items) },
			"restore": func(*rapid.T) {
				for _, item := range before {
					if len(item.Key) > 0 && item.Key[0] == 0 {
						return // it was deleted since, and its key with it
					}
				}
				s.restore(slices.Clone(before))
			},
			"ask": func(t *rapid.T) {
				s.itemsWith(facet(rapid.IntRange(0, int(facets)-1).Draw(t, "facet")), "anything")
			},
			"": func(t *rapid.T) {
				kept := s.find()
				anew := (&Store{content: s.content}).find()
				if d := cmp.Diff(anew.labels, kept.labels); d != "" {
					t.Fatalf("labels: %s", d)
				}
				for f := range facets {
					if kept.found[f] == nil {
						continue
					}
					anew.with(f, "anything")
					if d := cmp.Diff(sorted(anew.found[f]), sorted(kept.found[f])); d != "" {
						t.Fatalf("facet %d: %s", f, d)
					}
				}
			},
		})
	})
}

// sorted sorts each list.
func sorted(found map[string][]string) map[string][]string {
	for _, labels := range found {
		slices.Sort(labels)
	}
	return found
}

// TestInUse tells who is below a CA, also through another one.
func TestInUse(t *testing.T) {
	root := newAuthority(t, "root", nil)
	sub := newAuthority(t, "sub", root)
	s := newStore(t)
	for label, der := range map[string][]byte{"root": root.der, "sub": sub.der, "peer": sub.leaf(t, "peer", newKey(t).Public()), "other": newAuthority(t, "other", nil).der} {
		if _, err := s.AddSigner(label, der, false); err != nil {
			t.Fatal(err)
		}
	}
	for label, want := range map[string][]string{"root": {`"peer"`, `"sub"`}, "sub": {`"peer"`}, "peer": nil, "other": nil} {
		got := s.users(s.index(label))
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("below %s: %q; want %q", label, got, want)
		}
	}
}

package keystore

import (
	"bytes"
	"slices"
	"testing"
)

// A chain that came from elsewhere is completed as far as the store goes, and what it
// brought stays as it is.
func TestComplete(t *testing.T) {
	root := newAuthority(t, "Root", nil)
	upper := newAuthority(t, "Upper", root)
	lower := newAuthority(t, "Lower", upper)
	leaf := lower.leaf(t, "gw1", newKey(t).Public())
	s := newStore(t)
	for label, ca := range map[string]*authority{"Root": root, "Upper": upper} {
		if _, err := s.AddSigner(label, ca.der, false); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name      string
		have      [][]byte
		wantAfter [][]byte
	}{
		{"nothing", nil, nil},
		{"the next one is not here", [][]byte{leaf}, nil},
		{"half", [][]byte{leaf, lower.der}, [][]byte{upper.der, root.der}},
		{"whole", [][]byte{leaf, lower.der, upper.der, root.der}, nil},
	} {
		want := slices.Concat(tt.have, tt.wantAfter)
		got := s.Complete(tt.have)
		if len(got) != len(want) {
			t.Errorf("%s: %d certificates, want %d", tt.name, len(got), len(want))
			continue
		}
		for i := range want {
			if !bytes.Equal(got[i], want[i]) {
				t.Errorf("%s: certificate %d is another one", tt.name, i)
			}
		}
	}
}

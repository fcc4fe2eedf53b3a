package dn_test

import (
	"testing"

	"keyman/internal/dn"
)

func TestPatterns(t *testing.T) {
	parse := func(s string) dn.Name {
		n, err := dn.Parse(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		return n
	}
	for _, c := range []struct {
		name, pattern string
		fits          bool
		overlaps      bool
	}{
		{"C=CH, O=Example, CN=gw1", "C=CH, O=Example, CN=*", true, true},
		{"C=CH, O=EXAMPLE, CN=gw1", "C=ch, O=Example, CN=*", true, true},
		{"C=CH, O=Other, CN=gw1", "C=CH, O=Example, CN=*", false, false},
		{"C=CH, O=Example", "C=CH, O=Example, CN=*", false, false},
		{"C=CH, O=Example, OU=a, CN=gw1", "C=CH, O=Example, CN=*", false, false},
		{"C=CH, O=Example, OU=gw1", "C=CH, O=Example, CN=*", false, false},
		{"C=CH, O=Example, CN=gw1", "C=CH, O=Example, CN=gw*", false, false}, // a part is no wildcard
		{"C=CH, O=Example, CN=*", "C=CH, O=Example, CN=gw1", false, true},
		{"C=CH, O=*, CN=gw1", "C=CH, O=Example, CN=*", false, true},
		{"C=CH, O=*, CN=gw1", "C=CH, O=Example, CN=gw2", false, false},
		{"C=CH, CN=gw1+UID=7", "C=CH, UID=*+CN=gw1", true, true},
		{"C=CH, CN=gw1", "C=CH, UID=*+CN=gw1", false, false},
		{"CN=gw1", "CN=gw1", true, true},
	} {
		name, pattern := parse(c.name), parse(c.pattern)
		if got := name.Fits(pattern); got != c.fits {
			t.Errorf("%q fits %q: %v", c.name, c.pattern, got)
		}
		if got := name.Overlaps(pattern); got != c.overlaps || pattern.Overlaps(name) != got {
			t.Errorf("%q overlaps %q: %v", c.name, c.pattern, got)
		}
	}
	if parse("C=CH, CN=gw*").HasWildcard() || !parse("C=*, CN=gw").HasWildcard() {
		t.Error("wildcards are not told apart")
	}
}

package crl

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"keyman/internal/cert"
	"keyman/internal/dn"
)

// nobody is a Source that has nothing.
type nobody struct{}

func (nobody) Lists(context.Context, string) ([]*List, error)          { return nil, nil }
func (nobody) ListsByIssuer(context.Context, dn.Name) ([]*List, error) { return nil, nil }

// TestPlaces: the names of a point become places in the order of the protocols, each
// once, and no more than can be asked.
func TestPlaces(t *testing.T) {
	uri := func(u string) cert.GeneralName { return cert.GeneralName{Kind: cert.URIName, Value: []byte(u)} }
	name, err := dn.ParseLDAP("CN=CA,C=CH")
	if err != nil {
		t.Fatal(err)
	}
	entry := cert.GeneralName{Kind: cert.DirectoryName, Value: name.DER()}
	const inDirectory = "directory entry CN=CA,C=CH"
	var many []cert.GeneralName
	for i := range 2 * maxPoints {
		many = append(many, uri(fmt.Sprint("http://", i)))
	}
	for _, c := range []struct {
		names []cert.GeneralName
		order []Protocol
		want  []string
	}{
		{nil, defaultOrder, nil},
		{[]cert.GeneralName{entry, uri("http://a"), uri("http://b"), uri("http://a")}, defaultOrder, []string{"http://a", "http://b", inDirectory}},
		{[]cert.GeneralName{entry}, []Protocol{HTTP}, nil},
		{[]cert.GeneralName{uri("http://a"), uri("ldap://b/x")}, []Protocol{LDAP, HTTP}, []string{"ldap://b/x", "http://a"}},
		{[]cert.GeneralName{uri("file:///a"), uri("ftp://b")}, defaultOrder, nil},
		{[]cert.GeneralName{uri("file:///a")}, []Protocol{File}, []string{"file:///a"}},
	} {
		var got []string
		for _, p := range places(nobody{}, c.order, c.names) {
			got = append(got, p.name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.names, got, c.want)
		}
	}
	if got := len(places(nobody{}, defaultOrder, many)); got != maxPoints {
		t.Errorf("%d places, want %d", got, maxPoints)
	}
	if got := places(nil, defaultOrder, many); got != nil {
		t.Errorf("without a source: %v", got)
	}
}

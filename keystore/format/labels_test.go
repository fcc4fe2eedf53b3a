package format

import (
	"slices"
	"testing"
)

func TestNameItems(t *testing.T) {
	items := []Item{
		{Kind: Signer, Label: "CA"}, {Kind: Signer, Label: "ca"}, {Kind: Signer, Label: "ca (2)"}, {Kind: Signer, Label: "CA"},
		{Kind: Request}, {Kind: Request}, {Kind: Signer, Certificate: []byte("not one")},
	}
	NameItems(items)
	var got []string
	for _, item := range items {
		got = append(got, item.Label)
	}
	want := []string{"CA", "ca (2)", "ca (2) (2)", "CA (3)", "request", "request (2)", "signer"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

package main

import (
	"slices"
	"testing"
)

func TestArguments(t *testing.T) {
	for use, want := range map[string][]string{
		"list":                          nil,
		"list [FOLDER]":                 {"FOLDER"},
		"list [TUNNEL...]":              {"TUNNEL"},
		"convert SOURCE TARGET":         {"SOURCE", "TARGET"},
		"activate TUNNEL...":            {"TUNNEL"},
		"trust LABEL {on | off}":        {"LABEL", "on or off"},
		"init NAME --subject DN [--u]":  {"NAME"},
		"show {LABEL | --file FILE}":    {"LABEL or --file FILE"},
		"import DB [--label LABEL]...":  {"DB"},
		"export LABEL [--out F] | L...": {"LABEL"},
	} {
		if got := arguments(use); !slices.Equal(got, want) {
			t.Errorf("arguments(%q) = %q; want %q", use, got, want)
		}
	}
}

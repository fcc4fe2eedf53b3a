package oids

import (
	"crypto/x509"
	"slices"
	"testing"
)

// Words go both ways, and no identifier has two of them.
func TestWords(t *testing.T) {
	for _, p := range purposes {
		id, err := ParsePurpose(p.word)
		if err != nil || id.String() != p.id || PurposeWord(p.id) != p.word {
			t.Errorf("%s: %v, %v, %s", p.word, id, err, PurposeWord(p.id))
		}
	}
	if PurposeWord("1.2.3") != "1.2.3" || ExtensionName("1.2.3") != "1.2.3" || AttributeName("1.2.3") != "1.2.3" {
		t.Error("an unknown identifier is not shown by its digits")
	}
	for _, word := range KeyUsageWords(^x509.KeyUsage(0)) {
		usage, err := ParseKeyUsage(word)
		if err != nil || !slices.Equal(KeyUsageWords(usage), []string{word}) {
			t.Errorf("%s: %v, %v", word, KeyUsageWords(usage), err)
		}
	}
}

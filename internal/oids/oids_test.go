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
	for bit, word := range keyUsages {
		usage, err := ParseKeyUsage(word)
		if err != nil || usage != 1<<bit || !slices.Equal(KeyUsageWords(1<<bit), []string{word}) {
			t.Errorf("%s: %v, %v", word, KeyUsageWords(1<<bit), err)
		}
	}
	// The bits are those of crypto/x509, by which requests are made.
	usage := x509.KeyUsageDigitalSignature | x509.KeyUsageCRLSign | x509.KeyUsageDecipherOnly
	if got := KeyUsageWords(uint16(usage) | 1<<12); !slices.Equal(got, []string{"digitalSignature", "cRLSign", "decipherOnly", "bit(12)"}) {
		t.Errorf("the words are %v", got)
	}
}

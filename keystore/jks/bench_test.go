package jks

import (
	"fmt"
	"testing"

	"keyman/keystore/format"
)

// BenchmarkEntries reads and writes a file of ten thousand entries, one in ten a
// key.
func BenchmarkEntries(b *testing.B) {
	root := newPair(b, "root", nil)
	leaf := newPair(b, "leaf", &root)
	content := &format.Content{}
	for i := range 10_000 {
		label := fmt.Sprint("entry ", i)
		if i%10 == 0 {
			content.Items = append(content.Items, leaf.item(label))
		} else {
			content.Items = append(content.Items, root.signer(label, true))
		}
	}
	for b.Loop() {
		data, err := JKS{}.Encode(content, []byte("x"))
		if err != nil {
			b.Fatal(err)
		}
		if content, err = (JKS{}).Decode(data, []byte("x")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJCEKSKey reads and writes one key of JCEKS, with the iterations that
// Java asks for.
func BenchmarkJCEKSKey(b *testing.B) {
	content := &format.Content{Items: []format.Item{secretItem(b, "aes", "AES")}}
	for b.Loop() {
		data, err := JCEKS{}.Encode(content, []byte("x"))
		if err != nil {
			b.Fatal(err)
		}
		if content, err = (JCEKS{}).Decode(data, []byte("x")); err != nil {
			b.Fatal(err)
		}
	}
}

package jks

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"keyman/keystore/format"
)

// protectedKeys returns the protected keys of a file, by alias.
func protectedKeys(t *testing.T, k kind, data []byte) map[string][]byte {
	t.Helper()
	entries, err := k.read(data[:len(data)-digestLen])
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]byte{}
	for _, e := range entries {
		if e.tag != tagCertificate {
			keys[string(e.alias)] = e.protected
		}
	}
	return keys
}

// TestUnchangedKeys writes keys that have not changed as they stood, and encrypts
// those anew that have, or that get another password.
func TestUnchangedKeys(t *testing.T) {
	root := newPair(t, "root", nil)
	for _, k := range []kind{kindJKS, kindJCEKS} {
		content := &format.Content{Items: []format.Item{root.item("one"), root.item("two"), root.signer("ca", true)}}
		if k == kindJCEKS {
			content.Items = append(content.Items, secretItem(t, "aes", "AES"))
		}
		first, err := k.encode(content, []byte("x"), quick)
		if err != nil {
			t.Fatal(err)
		}
		open := func(data []byte, pw string) *format.Content {
			t.Helper()
			c, err := k.decode(data, []byte(pw), quick)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		before := protectedKeys(t, k, first)
		same := func(name string, data []byte, want ...string) {
			t.Helper()
			after := protectedKeys(t, k, data)
			for alias := range after {
				if kept := bytes.Equal(after[alias], before[alias]); kept != slices.Contains(want, alias) {
					t.Errorf("%s, %s: the key of %s is as it stood: %v", k.name(), name, alias, kept)
				}
			}
		}
		encode := func(c *format.Content, pw string, l limits) []byte {
			t.Helper()
			data, err := k.encode(c, []byte(pw), l)
			if err != nil {
				t.Fatal(err)
			}
			open(data, pw)
			return data
		}

		c := open(first, "x")
		c.Items[0].Label = "renamed"
		same("renamed", encode(c, "x", quick), "two", "aes")
		if keys := protectedKeys(t, k, encode(c, "x", quick)); !bytes.Equal(keys["renamed"], before["one"]) {
			t.Errorf("%s: a new label encrypts the key anew", k.name())
		}

		c = open(first, "x")
		c.Items = append([]format.Item{newPairItem(t, "three")}, c.Items...)
		same("one more", encode(c, "x", quick), "one", "two", "aes")

		c = open(first, "x")
		other := newPair(t, "other", nil)
		c.Items[0].Key, c.Items[0].Certificate = other.pkcs8, other.cert
		data := encode(c, "x", quick)
		same("another key", data, "two", "aes")
		if again := open(data, "x"); !bytes.Equal(again.Items[0].Key, other.pkcs8) {
			t.Errorf("%s: another key was not written", k.name())
		}

		same("another password", encode(open(first, "x"), "y", quick))
		if k == kindJCEKS {
			same("more iterations than it had", encode(open(first, "x"), "x", limits{written: 11}))
		} else {
			same("iterations that JKS has not", encode(open(first, "x"), "x", limits{written: 11}), "one", "two")
		}
	}
}

// newPairItem makes a key with its certificate.
func newPairItem(t *testing.T, label string) format.Item {
	t.Helper()
	p := newPair(t, label, nil)
	return p.item(label)
}

// TestKeptKeysCount counts keys that are written as they stood: a file is written that
// can be read.
func TestKeptKeysCount(t *testing.T) {
	l := limits{work: 2 * 30, written: 10} // three keys
	var items []format.Item
	for _, label := range []string{"a", "b", "c"} {
		items = append(items, secretItem(t, label, "AES"))
	}
	data, err := kindJCEKS.encode(&format.Content{Items: items}, []byte("x"), l)
	if err != nil {
		t.Fatal(err)
	}
	content, err := kindJCEKS.decode(data, []byte("x"), l)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kindJCEKS.encode(content, []byte("x"), l); err != nil {
		t.Errorf("as many as it had: %v", err)
	}
	content.Items = append(content.Items, secretItem(t, "d", "AES"))
	if _, err := kindJCEKS.encode(content, []byte("x"), l); err == nil || !strings.Contains(err.Error(), "cannot hold 4 keys") {
		t.Errorf("one more: %v", err)
	}
}

package certpath_test

import (
	"bytes"
	"encoding/pem"
	"testing"
	"time"

	"keyman/crl/certpath"
)

// TestBetween gives certificates as files hold them: what is none helps nobody.
func TestBetween(t *testing.T) {
	der := func(text string) []byte {
		block, _ := pem.Decode([]byte(text))
		return block.Bytes
	}
	root, leaf, none := der(rootPEM), der(leafPEM), []byte("none")
	at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	between, err := certpath.Between(leaf, [][]byte{none, leaf, root}, [][]byte{none, root}, at)
	if err != nil || len(between) != 0 {
		t.Errorf("%d between, %v; want none, for the root issued it", len(between), err)
	}
	// The root as it is trusted under its own key: it is between nothing.
	if between, err = certpath.Between(root, nil, [][]byte{root}, at); err != nil || len(between) != 0 {
		t.Errorf("a root itself: %d between, %v", len(between), err)
	}
	for name, anchors := range map[string][][]byte{"no anchor": nil, "an anchor that is none": {none}, "another anchor": {bytes.Repeat(none, 9)}} {
		if _, err := certpath.Between(leaf, [][]byte{root}, anchors, at); certpath.CodeOf(err) != certpath.CodeNoAnchor {
			t.Errorf("%s: %v; want %s", name, err, certpath.CodeNoAnchor)
		}
	}
	if _, err := certpath.Between(leaf, nil, [][]byte{root}, at.AddDate(50, 0, 0)); certpath.CodeOf(err) != certpath.CodeExpired {
		t.Errorf("fifty years later: %v", err)
	}
	if _, err := certpath.Between(none, nil, [][]byte{root}, at); err == nil {
		t.Error("what is no certificate was validated")
	}
}

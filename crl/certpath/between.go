package certpath

import (
	"context"
	"fmt"
	"time"
)

// Between validates a certificate as it comes in a file, DER: at an instant, for any
// purpose, without revocation. It returns the certificates of the path between the leaf
// and the anchor. What cannot be read among others and anchors is left out: nothing is
// valid by it.
func Between(leaf []byte, others, anchors [][]byte, at time.Time) ([][]byte, error) {
	parsed, err := ParseCertificate(leaf)
	if err != nil {
		return nil, fmt.Errorf("not a certificate: %w", err)
	}
	o := Options{Time: at}
	for _, der := range others {
		if c, err := ParseCertificate(der); err == nil {
			o.Intermediates = append(o.Intermediates, c)
		}
	}
	for _, der := range anchors {
		c, err := ParseCertificate(der)
		if err != nil {
			continue
		}
		if anchor, err := AnchorOf(c); err == nil {
			o.Anchors = append(o.Anchors, anchor)
		}
	}
	path, err := Validate(context.Background(), parsed, o)
	if err != nil {
		return nil, err
	}
	var between [][]byte
	for _, c := range path.Certificates[1:] {
		between = append(between, c.Raw)
	}
	return between, nil
}

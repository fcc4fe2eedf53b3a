package cert_test

import (
	"bytes"
	"testing"

	"keyman/internal/cert"
)

// TestOutline: what Parse reads has the outline that Parse finds, and each cut of
// it has none.
func TestOutline(t *testing.T) {
	for name, der := range pkits(t) {
		c, err := cert.Parse(der)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		o, ok := cert.ReadOutline(der)
		if !ok || !bytes.Equal(o.Issuer, c.RawIssuer) || !bytes.Equal(o.Subject, c.RawSubject) || !bytes.Equal(o.SPKI, c.RawSPKI) {
			t.Errorf("%s: %v, %+v", name, ok, o)
		}
		if _, ok := cert.ReadOutline(der[:len(der)-1]); ok {
			t.Errorf("%s has an outline without its last octet", name)
		}
	}
}

package keystore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"keyman/internal/testpeer"
)

// unusableTypes are the sample files of testdata/unusable and their kinds of key.
var unusableTypes = map[string]string{
	"brainpool": "brainpoolP256r1", "ed448": "ed448", "rsa-pss": "rsa-pss", "dsa": "dsa", "negative-serial": "p256",
}

// openUnusable opens a copy of a sample.
func openUnusable(t *testing.T, name string) *Store {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "unusable", name+".p12"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name+".p12")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, Password("unusable"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestUnusable reads certificates and keys that Go cannot work with: they are
// shown and kept; only their use is refused.
func TestUnusable(t *testing.T) {
	testpeer.Long(t)
	for name, keyType := range unusableTypes {
		t.Run(name, func(t *testing.T) {
			s := openUnusable(t, name)
			e, ok := s.Lookup(name)
			if !ok || e.Kind != Personal {
				t.Fatalf("the entry is %v, %v; want a personal one", e.Kind, ok)
			}
			summary, err := e.Summary()
			if err != nil {
				t.Fatal(err)
			}
			if summary.KeyType != keyType || nameText(summary.Subject) != "C=CH, CN="+name || nameText(summary.Issuer) != "C=CH, CN="+name {
				t.Errorf("summary: key %s of %s by %s", summary.KeyType, nameText(summary.Subject), nameText(summary.Issuer))
			}
			if now := time.Now(); summary.NotBefore.After(now) || summary.EndsBy(now) || !summary.EndsBy(now.AddDate(101, 0, 0)) {
				t.Errorf("valid from %v until %v", summary.NotBefore, summary.NotAfter)
			}
			if name == "negative-serial" && summary.Serial.Int64() != -5 {
				t.Errorf("serial number %v; want -5", summary.Serial)
			}
			if _, err := e.Signer(); err == nil || name != "negative-serial" && !strings.Contains(err.Error(), keyType) {
				t.Errorf("the use of the key: %v; want a refusal that names its kind", err)
			}
			if !errors.Is(summary.Unusable, ErrUnusable) {
				t.Errorf("usable: %v; want ErrUnusable", summary.Unusable)
			}
			after, ok := reopenWith(t, s, "unusable").Lookup(name)
			if !ok || !bytes.Equal(after.Chain[0], e.Chain[0]) || !bytes.Equal(after.key(), e.key()) {
				t.Error("it is not the same after a round trip")
			}
		})
	}
}

// TestUnusableSigner keeps a certificate that cannot be used, without trust.
func TestUnusableSigner(t *testing.T) {
	brainpool, _ := openUnusable(t, "brainpool").Lookup("brainpool")
	s := newStore(t)
	if _, err := s.AddSigner("x", brainpool.Chain[0], true); !errors.Is(err, ErrUnusable) {
		t.Errorf("with trust: %v; want ErrUnusable", err)
	}
	if _, err := s.AddSigner("x", brainpool.Chain[0], false); err != nil {
		t.Fatal(err)
	}
	if err := s.SetTrusted("x", true); !errors.Is(err, ErrUnusable) {
		t.Errorf("SetTrusted: %v; want ErrUnusable", err)
	}
	s.content().Items[0].Trusted = true // as another program may have written it
	s = reopen(t, s)
	if e, ok := s.Lookup("x"); !ok || !e.Trusted || len(s.Anchors()) != 0 {
		t.Errorf("trusted %v, %d anchors; want the mark kept, and no anchor", e.Trusted, len(s.Anchors()))
	}
	if got := s.LabelFor(brainpool.Chain[0]); got != "brainpool" {
		t.Errorf("LabelFor = %q; want the common name", got)
	}
}

func TestSummarizeRefuses(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	for n := range ca.der {
		if _, err := Summarize(ca.der[:n]); !errors.Is(err, ErrCertificate) {
			t.Fatalf("the first %d bytes: %v; want ErrCertificate", n, err)
		}
	}
	if s, err := Summarize(ca.der); err != nil || s.Unusable != nil || s.KeyType != "p256" {
		t.Errorf("a good certificate: %v, %v", err, s.Unusable)
	}
}

func TestDue(t *testing.T) {
	ca := newAuthority(t, "CA", nil) // ends in an hour
	s := newStore(t)
	add(t, s, "gw1", ca)
	request(t, s, "waiting")
	if _, err := s.AddSigner("ca", ca.der, true); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if due := s.Due(now.Add(30 * time.Minute)); len(due) != 0 {
		t.Errorf("%d entries are due too early", len(due))
	}
	due := s.Due(now.Add(2 * time.Hour))
	if len(due) != 2 || due[0].Label == due[1].Label {
		t.Errorf("%d entries are due; want both certificates", len(due))
	}
	if !(Summary{}).EndsBy(now) {
		t.Error("a certificate without a readable end does not count as ended")
	}
}

func FuzzSummarize(f *testing.F) {
	f.Add(newAuthority(f, "CA", nil).der)
	f.Fuzz(func(t *testing.T, der []byte) {
		if s, err := Summarize(der); err == nil && (s.Serial == nil || len(s.PublicKey) == 0 || s.KeyType == "") {
			t.Errorf("a summary without its parts: %+v", s)
		}
	})
}

package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"testing"

	"keyman/crl/certpath"
	"keyman/internal/testpeer"
)

// requestFor makes requests for a common name.
func requestFor(name string) func(crypto.Signer) ([]byte, error) {
	return func(key crypto.Signer) ([]byte, error) {
		return x509.CreateCertificateRequest(nil, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	}
}

// TestRenew renews an entry with its own key and with a new one: the entry stays
// until the new certificate is there, which then has its place.
func TestRenew(t *testing.T) {
	testpeer.Long(t)
	ca := newAuthority(t, "CA", nil)
	for name, key := range map[string]crypto.Signer{"the same key": nil, "a new key": newKey(t)} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			if _, err := s.AddSigner("ca", ca.der, true); err != nil {
				t.Fatal(err)
			}
			add(t, s, "gw1", ca)
			add(t, s, "gw2", ca)
			if err := s.SetDefault("gw1"); err != nil {
				t.Fatal(err)
			}
			old, _ := s.Lookup("gw1")
			waiting, err := s.Renew("GW1", key, requestFor("gw1"))
			if err != nil || waiting.Label != "gw1 (renewal)" || waiting.Kind != Request {
				t.Fatalf("Renew = %v %q, %v", waiting.Kind, waiting.Label, err)
			}
			if _, err := s.Renew("gw1", key, requestFor("gw1")); !errors.Is(err, ErrDuplicateLabel) {
				t.Errorf("a second renewal: %v; want ErrDuplicateLabel", err)
			}
			// Both are there after saving, also where they share the key.
			s = reopen(t, s)
			if e, ok := s.Lookup("gw1"); !ok || e.Kind != Personal || !bytes.Equal(e.Chain[0], old.Chain[0]) {
				t.Fatalf("the old entry is %v, %v", e.Kind, ok)
			}
			if waiting, _ = s.Lookup("gw1 (renewal)"); waiting.Kind != Request || waiting.Request == nil {
				t.Fatalf("the renewal is %v", waiting.Kind)
			}
			if same := bytes.Equal(waiting.key(), old.key()); same != (key == nil) {
				t.Errorf("the key is the same: %v", same)
			}
			certificate := ca.leaf(t, "gw1", waiting.mustPublic(t))
			e, err := s.Receive([][]byte{certificate}, "", certpath.Between)
			if err != nil || e.Label != "gw1" || !e.Default || !bytes.Equal(e.Chain[0], certificate) {
				t.Fatalf("received %q, default %v, %v", e.Label, e.Default, err)
			}
			if s = reopen(t, s); labels(s) != "ca,gw2,gw1" {
				t.Errorf("the labels are %s", labels(s))
			}
			if e, ok := s.Default(); !ok || e.Label != "gw1" {
				t.Errorf("the default is %q, %v", e.Label, ok)
			}
		})
	}
}

// TestRenewedOtherwise receives renewals that take nobody's place.
func TestRenewedOtherwise(t *testing.T) {
	ca := newAuthority(t, "CA", nil)
	s := newStore(t)
	if _, err := s.AddSigner("ca", ca.der, true); err != nil {
		t.Fatal(err)
	}
	add(t, s, "gw1", ca)
	for _, test := range []struct{ subject, label, want string }{
		{"another subject", "", "gw1 (renewal)"},
		{"gw1", "label of its own", "label of its own"},
	} {
		waiting, err := s.Renew("gw1", newKey(t), requestFor("gw1"))
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.Receive([][]byte{ca.leaf(t, test.subject, waiting.mustPublic(t))}, test.label, certpath.Between)
		if err != nil || e.Label != test.want {
			t.Errorf("%+v: received %q, %v", test, e.Label, err)
		}
		if err := s.Delete(e.Label, false); err != nil {
			t.Fatal(err)
		}
		if _, ok := s.Lookup("gw1"); !ok {
			t.Fatal("the old entry is gone")
		}
	}
	for label, want := range map[string]error{"ca": ErrKind, "none": ErrNotFound} {
		if _, err := s.Renew(label, nil, requestFor("x")); !errors.Is(err, want) {
			t.Errorf("Renew(%s): %v; want %v", label, err, want)
		}
	}
}

func TestSetRequest(t *testing.T) {
	s := newStore(t)
	add(t, s, "gw1", newAuthority(t, "CA", nil))
	e := request(t, s, "waiting")
	signer, err := e.Signer()
	if err != nil {
		t.Fatal(err)
	}
	again, err := requestFor("another name")(signer)
	if err != nil {
		t.Fatal(err)
	}
	strange, err := requestFor("x")(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetRequest("waiting", strange); !errors.Is(err, ErrKeyMismatch) {
		t.Errorf("for another key: %v; want ErrKeyMismatch", err)
	}
	if err := s.SetRequest("waiting", []byte("x")); err == nil {
		t.Error("nonsense is taken for a request")
	}
	if err := s.SetRequest("gw1", again); !errors.Is(err, ErrKind) {
		t.Errorf("of a personal entry: %v; want ErrKind", err)
	}
	if err := s.SetRequest("none", again); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nobody: %v; want ErrNotFound", err)
	}
	if err := s.SetRequest("WAITING", again); err != nil {
		t.Fatal(err)
	}
	if e, _ := reopen(t, s).Lookup("waiting"); !bytes.Equal(e.Request, again) {
		t.Error("the new request is not there after saving")
	}
}

package ca

import (
	"bytes"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"keyman/csr"
)

func TestReasons(t *testing.T) {
	known := 0
	for r := Reason(-1); r <= 12; r++ {
		text, err := r.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Reason
		if strings.HasPrefix(string(text), "Reason(") {
			if back.UnmarshalText(text) == nil {
				t.Errorf("%s was read", text)
			}
			continue
		}
		known++
		if err := back.UnmarshalText(bytes.ToUpper(text)); err != nil || back != r {
			t.Errorf("%s became %s: %v", r, back, err)
		}
	}
	if known != 10 {
		t.Errorf("%d reasons", known)
	}
	var r Reason
	if err := r.UnmarshalText([]byte("key-compromise")); err != nil || r != KeyCompromise {
		t.Errorf("key-compromise: %v, %v", r, err)
	}
}

func TestRevoke(t *testing.T) {
	c := newTestCA(t, nil)
	serial := serialOf(t, issue(t, c, newRequest(t, "CN=gw1", newKey(t)), IssueOptions{}))
	now := time.Now()
	for want, o := range map[string]RevokeOptions{
		"delta lists": {Reason: RemoveFromCRL},
		"reason 7":    {Reason: 7},
		"reason -1":   {Reason: -1},
		"future":      {Date: now.Add(time.Hour)},
		"before 1950": {Date: time.Date(1949, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := c.Revoke(t.Context(), serial, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := c.Revoke(t.Context(), big.NewInt(1), RevokeOptions{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown serial: %v", err)
	}
	record, err := c.Revoke(t.Context(), serial, RevokeOptions{Reason: CertificateHold, Now: now})
	if err != nil || record.Revoked == nil || record.Revoked.Reason != CertificateHold || record.Status(now) != "revoked" {
		t.Fatalf("%+v, %v", record, err)
	}
	if _, err := c.Revoke(t.Context(), serial, RevokeOptions{Reason: KeyCompromise, Date: now.Add(-time.Hour)}); err != nil {
		t.Fatalf("for good after a hold: %v", err)
	}
	var already *RevokedError
	if _, err := c.Revoke(t.Context(), serial, RevokeOptions{Reason: Superseded}); !errors.As(err, &already) ||
		already.Revocation.Reason != KeyCompromise || !already.Revocation.Date.Equal(moment(now.Add(-time.Hour))) {
		t.Errorf("twice: %v", err)
	}
}

func TestSerialOf(t *testing.T) {
	c, other := newTestCA(t, nil), newTestCA(t, nil)
	issued := issue(t, c, newRequest(t, "CN=gw1", newKey(t)), IssueOptions{})
	serial, err := c.SerialOf(issued.Certificate)
	if err != nil || serial.Cmp(serialOf(t, issued)) != 0 {
		t.Errorf("%v, %v", serial, err)
	}
	// The same name, another key: not this CA's certificate.
	if _, err := other.SerialOf(issued.Certificate); !errors.Is(err, ErrUnknown) {
		t.Errorf("another CA's: %v", err)
	}
	if _, err := c.SerialOf([]byte("x")); err == nil {
		t.Error("no certificate: accepted")
	}
}

func TestMakeCRL(t *testing.T) {
	c := newTestCA(t, nil)
	now := time.Now()
	var revoked []*big.Int
	for i := range 4 {
		issued := issue(t, c, newRequest(t, "CN=gw1", newKey(t)), IssueOptions{})
		if i == 0 {
			continue
		}
		serial := serialOf(t, issued)
		if _, err := c.Revoke(t.Context(), serial, RevokeOptions{Reason: Reason(i - 1)}); err != nil {
			t.Fatal(err)
		}
		revoked = append(revoked, serial)
	}
	for number := uint64(1); number <= 3; number++ {
		crl, err := c.MakeCRL(t.Context(), CRLOptions{Now: now, Lifetime: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		list, err := x509.ParseRevocationList(crl.List)
		if err != nil {
			t.Fatal(err)
		}
		if crl.Number != number || list.Number.Uint64() != number || crl.Entries != 3 ||
			!list.ThisUpdate.Equal(moment(now)) || !list.NextUpdate.Equal(moment(now).Add(time.Hour)) {
			t.Errorf("%+v", crl)
		}
		saved, err := os.ReadFile(crl.File)
		if err != nil || !bytes.Equal(saved, crl.List) {
			t.Errorf("%s: %v", crl.File, err)
		}
		for i, entry := range list.RevokedCertificateEntries {
			if i > 0 && entry.SerialNumber.Cmp(list.RevokedCertificateEntries[i-1].SerialNumber) <= 0 {
				t.Error("not in order")
			}
			// The reason unspecified is left out (RFC 5280, 5.3.1).
			for reason, serial := range revoked {
				if serial.Cmp(entry.SerialNumber) == 0 && (entry.ReasonCode != reason || (len(entry.Extensions) == 0) != (reason == 0)) {
					t.Errorf("reason %d of %d with %d extensions", entry.ReasonCode, reason, len(entry.Extensions))
				}
			}
		}
	}
	if crl, err := c.MakeCRL(t.Context(), CRLOptions{}); err != nil || crl.NextUpdate.Sub(crl.ThisUpdate) != DefaultCRLDays*day {
		t.Errorf("%+v, %v", crl, err)
	}
	for _, lifetime := range []time.Duration{-time.Hour, time.Millisecond, 200 * 365 * day} {
		if _, err := c.MakeCRL(t.Context(), CRLOptions{Lifetime: lifetime}); err == nil {
			t.Errorf("a lifetime of %s: accepted", lifetime)
		}
	}
}

func TestDatabaseRefuses(t *testing.T) {
	const (
		head   = `{"version":1,"settings":{"crl_urls":[],"certificate_days":1,"crl_days":1},"crl_number":0,"certificates":[`
		record = `{"serial":"ab","subject":"","profile":"ike","issued":"2026-01-01T00:00:00Z","not_before":"2026-01-01T00:00:00Z","not_after":"2026-01-02T00:00:00Z","sha256":""}`
		good   = head + record + `]}`
	)
	if _, err := decodeDatabase([]byte(good)); err != nil {
		t.Fatal(err)
	}
	// Before serial numbers were written in pairs of digits a first 0 was left out.
	old, err := decodeDatabase([]byte(strings.Replace(good, `"ab"`, `"abc"`, 1)))
	if err != nil || old.find(formatSerial(big.NewInt(0xabc))) == nil {
		t.Errorf("an old serial number: %+v, %v", old, err)
	}
	for what, tt := range map[string]struct{ data, want string }{
		"empty":             {"", "cannot be read"},
		"unknown field":     {strings.Replace(good, `"crl_number"`, `"crlnumber"`, 1), "unknown field"},
		"rest":              {good + "{}", "after its end"},
		"version":           {strings.Replace(good, `"version":1`, `"version":2`, 1), "version 2"},
		"settings":          {strings.Replace(good, `"crl_days":1`, `"crl_days":0`, 1), "lifetime of 0"},
		"serial":            {strings.Replace(good, `"ab"`, `"xy"`, 1), "hexadecimal"},
		"serial form":       {strings.Replace(good, `"ab"`, `"00ab"`, 1), "normal form"},
		"serial zero":       {strings.Replace(good, `"ab"`, `"0"`, 1), "not positive"},
		"serial twice":      {head + record + "," + record + "]}", "twice"},
		"profile":           {strings.Replace(good, `"ike"`, `"x"`, 1), "not known"},
		"revoked sometime":  {strings.Replace(good, `"sha256":""`, `"sha256":"","revoked":{"reason":"superseded"}`, 1), "without a date"},
		"revoked somewhy":   {strings.Replace(good, `"sha256":""`, `"sha256":"","revoked":{"reason":"bad luck"}`, 1), "not known"},
		"alternative names": {strings.Replace(good, `"sha256":""`, `"sha256":"","sans":["x"]`, 1), "dns:"},
	} {
		if _, err := decodeDatabase([]byte(tt.data)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", what, err, tt.want)
		}
	}
}

func TestParseSerial(t *testing.T) {
	for _, text := range []string{"0a1f", "0x0A1F", "0A:1f", " a1f "} {
		if serial, err := ParseSerial(text); err != nil || serial.Int64() != 0xa1f {
			t.Errorf("%q: %v, %v", text, serial, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "xyz", strings.Repeat("f", 41)} {
		if serial, err := ParseSerial(text); err == nil {
			t.Errorf("%q: %v", text, serial)
		}
	}
}

// The database after every change is one that we read again.
func TestDatabaseRoundTrip(t *testing.T) {
	c := newTestCA(t, nil)
	issued := issue(t, c, newRequest(t, "C=CH, O=Zürich\\, AG, CN=gw1", newKey(t), "dns:gw1", "ip:2001:db8::1"), IssueOptions{Profile: ProfileIKETLS})
	records, err := c.Certificates()
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	r := records[0]
	if r.Subject != "C=CH, O=Zürich\\, AG, CN=gw1" || len(r.SANs) != 2 || r.SANs[1] != (csr.SAN{Type: csr.IP, Value: "2001:db8::1"}) ||
		r.Profile != ProfileIKETLS || r.SHA256 != issued.Record.SHA256 || !r.NotAfter.Equal(issued.Record.NotAfter) {
		t.Errorf("%+v", r)
	}
}

package crl_test

import (
	"bytes"
	"crypto/x509"
	"encoding/csv"
	"encoding/json"
	"io"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"keyman/crl"
)

// oddEntries are entries of all kinds.
func oddEntries(l *x509.RevocationList) {
	for i, serial := range []int64{1, 127, 128, 0, -1, -200, 1 << 40} {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: big.NewInt(serial), RevocationTime: now.Add(-time.Duration(i) * time.Hour), ReasonCode: i % 4})
	}
}

// TestWrite: JSON and CSV of a list say what Info says.
func TestWrite(t *testing.T) {
	ca := newCA(t, "CA")
	for _, l := range []*crl.List{mustParse(t, ca.list()), mustParse(t, ca.list(oddEntries))} {
		want := []crl.EntryInfo{}
		for e := range l.Entries() {
			want = append(want, e.Info())
		}
		var out bytes.Buffer
		if err := l.WriteJSON(&out); err != nil {
			t.Fatal(err)
		}
		var got struct {
			crl.Info
			Entries []crl.EntryInfo `json:"entries"`
		}
		decoder := json.NewDecoder(&out)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil || !reflect.DeepEqual(got.Entries, want) || !reflect.DeepEqual(got.Info, l.Info()) {
			t.Errorf("JSON says %+v, %v", got, err)
		}
		out.Reset()
		if err := l.WriteCSV(&out); err != nil {
			t.Fatal(err)
		}
		records, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(records) != 1+len(want) {
			t.Fatalf("%d records, %v", len(records), err)
		}
		for i, e := range want {
			if r := []string{e.Serial, e.Date.Format(time.RFC3339), e.Reason, ""}; !slices.Equal(records[i+1], r) {
				t.Errorf("CSV has %q, want %q", records[i+1], r)
			}
		}
		out.Reset()
		if err := l.WriteText(&out); err != nil || strings.Count(out.String(), "\n") != len(want) {
			t.Errorf("text %q, %v", out.String(), err)
		}
	}
}

// TestWriteAllocates: nothing for each entry.
func TestWriteAllocates(t *testing.T) {
	l := mustParse(t, newCA(t, "CA").list(func(l *x509.RevocationList) { l.RevokedCertificateEntries = manyEntries(5000) }))
	for name, write := range map[string]func(io.Writer) error{"JSON": l.WriteJSON, "CSV": l.WriteCSV, "text": l.WriteText} {
		allocated := testing.AllocsPerRun(2, func() {
			if err := write(io.Discard); err != nil {
				t.Error(err)
			}
		})
		if allocated > 500 {
			t.Errorf("%s allocates %v times", name, allocated)
		}
	}
}

func revokedSerial(serial int64, reason crl.ReasonCode) listOption {
	return func(l *x509.RevocationList) {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: big.NewInt(serial), RevocationTime: now.AddDate(0, 0, -2), ReasonCode: int(reason)})
	}
}

func TestDiff(t *testing.T) {
	ca := newCA(t, "CA")
	older := mustParse(t, ca.list(revokedSerial(1, 1), revokedSerial(2, 1), revokedSerial(3, 6), revokedSerial(3, 6)))
	newer := mustParse(t, ca.list(revokedSerial(4, 1), revokedSerial(3, 1), revokedSerial(1, 1), revokedSerial(4, 1)))
	changes, err := crl.Diff(older, newer)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for c := range changes {
		got = append(got, c.Kind+" "+c.Serial)
	}
	if want := []string{"added 04", "changed 03", "removed 02"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	same, err := crl.Diff(older, older)
	if err != nil {
		t.Fatal(err)
	}
	for c := range same {
		t.Errorf("a list differs from itself: %+v", c)
	}
	if _, err := crl.Diff(older, mustParse(t, newCA(t, "Other CA").list())); err == nil {
		t.Error("lists of two issuers are compared")
	}
}

func TestLint(t *testing.T) {
	ca := newCA(t, "CA")
	for _, c := range []struct {
		name string
		der  []byte
		want []string // "severity clause" and a word of the text
	}{
		{"as it should be", ca.list(revokedSerial(1, 1)), nil},
		{"version 1", versionOne(t, ca), []string{"fatal 5.1.2.1 version 1", "fatal 5.1.2.5 no nextUpdate", "fatal 5.2.1 no authority", "fatal 5.2.3 no CRL number"}},
		{"serial numbers", ca.list(revokedSerial(0, 1), revokedSerial(-5, 1), revokedSerial(7, 1), revokedSerial(7, 1), func(l *x509.RevocationList) {
			l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, x509.RevocationListEntry{
				SerialNumber: new(big.Int).Lsh(big.NewInt(1), 160), RevocationTime: now.AddDate(0, 0, -2)})
		}), []string{"fatal 4.1.2.2 2 entries, the first of them 00: a serial number that is not positive", "fatal 4.1.2.2 more than 20 octets",
			"fatal 5.1.2.6 entry 07: a serial number that was there before"}},
		{"reasons", ca.list(revokedSerial(1, 8), revokedSerial(2, 7), revokedSerial(3, 11)), []string{"fatal 5.3.1 2 entries, the first of them 02: a reason code that does not exist", "fatal 5.3.1 removeFromCRL"}},
		{"a revocation of tomorrow", ca.list(revokedSerial(1, 1), dated(-3, 1)), []string{"warning 5.1.2.6 after thisUpdate"}},
		{"unknown critical", ca.list(withExtension("1.2.3", true, []byte{5, 0})), []string{"fatal 5.2 OID 1.2.3"}},
		{"scope not critical, of nothing", ca.list(withExtension("2.5.29.28", false, []byte{0x30, 6, 0x81, 1, 0xff, 0x82, 1, 0xff})),
			[]string{"fatal 5.2.5 not critical", "fatal 5.2.5 of 2 kinds"}},
		{"a delta list of a later one", ca.list(withExtension("2.5.29.27", false, []byte{2, 1, 9})), []string{"fatal 5.2.4 not critical", "fatal 5.2.4 completes a later one"}},
	} {
		var got []string
		for _, f := range mustParse(t, c.der).Lint() {
			got = append(got, string(f.Severity)+" "+f.Clause+" "+f.Text)
		}
		same := slices.EqualFunc(got, c.want, func(got, want string) bool {
			head := strings.Join(strings.Fields(want)[:2], " ")
			return strings.HasPrefix(got, head+" ") && strings.Contains(got, strings.TrimPrefix(want, head+" "))
		})
		if !same {
			t.Errorf("%s:\n%q, want\n%q", c.name, got, c.want)
		}
	}
}

package keystore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"keyman/keystore/format"
)

// TestBrief: a list says of a certificate what Summarize does, of those that cannot
// be used, too.
func TestBrief(t *testing.T) {
	certificates := [][]byte{newAuthority(t, "Root CA", nil).der, []byte("none")}
	for name := range unusableTypes {
		e, _ := openUnusable(t, name).Lookup(name)
		certificates = append(certificates, e.Chain[0])
	}
	for _, der := range certificates {
		want, wantErr := Summarize(der)
		got, err := Entry{Label: "one", Kind: Signer, Chain: [][]byte{der}}.Head().Brief()
		if !bytes.Equal(got.Subject, want.Subject) || !got.NotBefore.Equal(want.NotBefore) || !got.NotAfter.Equal(want.NotAfter) ||
			(got.Unusable == nil) != (want.Unusable == nil) || (err == nil) != (wantErr == nil) || wantErr != nil && !errors.Is(err, ErrCertificate) {
			t.Errorf("%+v, %v; want %+v, %v", got, err, want, wantErr)
		}
	}
	if _, err := (Entry{Label: "one", Kind: SecretKey}).Head().Brief(); !errors.Is(err, ErrNoCertificate) {
		t.Errorf("a secret key: %v", err)
	}
}

// TestListMemory: to open a key database and list it takes memory for its file, and
// little for each entry: a list is not made of parsed certificates, or of copies of
// the file.
func TestListMemory(t *testing.T) {
	const entries = 1000
	from := manySigners(t, entries)
	content := format.Content{Items: from.content().Items}
	for i := range content.Items {
		content.Items[i].Trusted, content.Items[i].Kept = true, nil // what all formats hold
	}
	for name, limit := range map[string]struct{ files, each uint64 }{
		"pkcs12": {1, 1000},
		"jks":    {1, 2000},
		"jceks":  {1, 2000},
		"cms":    {2, 1500},
		"pem":    {4, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := FormatNamed(name)
			path := filepath.Join(t.TempDir(), "keys")
			data, err := encode(f, &content, Password(testPassword))
			if err == nil {
				err = os.WriteFile(path, data[0], 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			var s *Store
			used := allocated(func() { s, err = Open(t.Context(), path, Password(testPassword)) })
			if err != nil {
				t.Fatal(err)
			}
			if limit := limit.files*uint64(len(data[0])) + limit.each*entries; used > limit {
				t.Errorf("to open %d bytes takes %d, more than %d", len(data[0]), used, limit)
			}
			n := 0
			used = allocated(func() {
				for h := range s.Heads() {
					if brief, err := h.Brief(); err != nil || brief.Unusable != nil {
						t.Fatal(h.Label, err, brief.Unusable)
					}
					n++
				}
			})
			if n != entries+1 || n != s.Len() || used > 500*entries {
				t.Errorf("to list %d entries takes %d bytes", n, used)
			}
		})
	}
}

package crl

import (
	"bytes"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"keyman/internal/testpeer"
)

// chunkings are ways in which one file comes.
var chunkings = map[string]func(io.Reader) io.Reader{
	"whole":         func(r io.Reader) io.Reader { return r },
	"one byte":      iotest.OneByteReader,
	"halves":        iotest.HalfReader,
	"data with end": iotest.DataErrReader,
}

// sameLists fails where two parses of one file differ. Everything that a list is
// asked is compared, and not where it was put.
func sameLists(t *testing.T, name string, a, b *List) {
	t.Helper()
	if !reflect.DeepEqual(a.Info(), b.Info()) || !bytes.Equal(a.raw, b.raw) || !bytes.Equal(a.revoked, b.revoked) ||
		!slices.Equal(a.issuers, b.issuers) || !slices.Equal(a.UnknownCritical, b.UnknownCritical) ||
		!bytes.Equal(a.signed.check(), b.signed.check()) || !bytes.Equal(a.signature, b.signature) || a.issuerKey != b.issuerKey {
		t.Fatalf("%s: the lists differ:\n%+v\n%+v", name, a.Info(), b.Info())
	}
	ours, theirs := slices.Collect(a.Entries()), slices.Collect(b.Entries())
	if !reflect.DeepEqual(ours, theirs) || len(ours) != a.Len() || a.Len() != b.Len() {
		t.Fatalf("%s: the entries differ: %d and %d", name, len(ours), len(theirs))
	}
	for _, e := range ours {
		x, foundX := a.lookup(e.Serial)
		y, foundY := b.lookup(e.Serial)
		if !foundX || !foundY || !reflect.DeepEqual(x, y) {
			t.Fatalf("%s: serial %x: %v %v, and %v %v", name, e.Serial, x, foundX, y, foundY)
		}
	}
}

// checkChunkings parses one file in all chunkings, and from memory.
func checkChunkings(t *testing.T, data []byte) {
	t.Helper()
	if len(data) == 0 {
		return
	}
	limits := Limits{MaxBytes: 1 << 20}
	want, wantErr := parseData(bytes.Clone(data), limits)
	for name, chunked := range chunkings {
		got, err := Parse(chunked(bytes.NewReader(data)), limits)
		switch {
		// Of two things that are wrong in a PEM block, what comes first may
		// depend on how much of it is decoded at once.
		case (err == nil) != (wantErr == nil), err != nil && data[0] == 0x30 && err.Error() != wantErr.Error():
			t.Fatalf("%s: %v, and from memory %v", name, err, wantErr)
		case err == nil:
			sameLists(t, name, got, want)
		}
	}
}

// FuzzChunks: a list is the same, and so is what is wrong with it, however it
// comes.
func FuzzChunks(f *testing.F) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil || len(files) == 0 {
		f.Fatal("no lists in testdata", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: data}))
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkChunkings(t, data) })
}

// TestChunksOfRealLists: one that is longer than a read, in pieces.
func TestChunksOfRealLists(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testpeer.Corpora(t), "crls", "comodo-high-assurance-2014.crl"))
	if err != nil {
		t.Fatal(err)
	}
	checkChunkings(t, data)
	checkChunkings(t, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: data}))
}

// TestPEM: what stands around the base64.
func TestPEM(t *testing.T) {
	der, err := os.ReadFile("testdata/small.crl")
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}))
	for _, c := range []struct {
		name, text string
		want       string // of the error; empty for none
	}{
		{"as written", text, ""},
		{"byte order mark and lines", "\ufeff\n\r\n \t" + text, ""},
		{"with carriage returns", strings.ReplaceAll(text, "\n", "\r\n"), ""},
		{"in one line", pemFirst + strings.ReplaceAll(text[len(pemFirst):], "\n", ""), ""},
		{"with spaces", strings.ReplaceAll(text, "\n", " \n\t"), ""},
		{"text behind it", text + "and more", ""},
		{"no last line", strings.Split(text, "-----END")[0], "PEM"},
		{"another last line", strings.Replace(text, "END X509 CRL", "END X509 CRT", 1), "PEM"},
		{"cut in its last line", text[:len(text)-3], "PEM"},
		{"a letter that is none", strings.Replace(text, "\nM", "\nM*", 1), "PEM"},
		{"padding too early", pemFirst + "\nMA==\n" + text[len(pemFirst):], "PEM"},
		{"a hyphen too early", pemFirst + "\n-" + text[len(pemFirst):], "malformed CertificateList"},
		{"another kind", strings.ReplaceAll(text, "X509 CRL", "CERTIFICATE"), "PEM"},
		{"much white space", strings.Repeat("\n", maxPEMLead) + text, "malformed"},
		{"octets behind the list", string(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: append(bytes.Clone(der), 0)})), "behind its end"},
	} {
		_, err := Parse(strings.NewReader(c.text), Limits{})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		_, inMemory := parseData([]byte(c.text), Limits{})
		if (err == nil) != (inMemory == nil) {
			t.Errorf("%s: from memory %v", c.name, inMemory)
		}
	}
}

// TestReaderErrors: an error of the reader is told as it is.
func TestReaderErrors(t *testing.T) {
	der, err := os.ReadFile("testdata/small.crl")
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der})
	for _, data := range [][]byte{der, text} {
		for _, n := range []int{0, 1, 2, 100, len(data) / 2} {
			_, err := Parse(io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(io.ErrClosedPipe)), Limits{})
			if err == nil || !strings.Contains(err.Error(), io.ErrClosedPipe.Error()) && n > 2 {
				t.Errorf("after %d octets: %v", n, err)
			}
		}
	}
	if _, err := Parse(readNothing{}, Limits{}); err == nil {
		t.Error("a reader that brings nothing and does not end")
	}
}

type readNothing struct{}

func (readNothing) Read([]byte) (int, error) { return 0, nil }

// allocated returns the octets that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// entriesOf returns n entries of the simple form.
func entriesOf(n int) []byte {
	var all []byte
	for i := range n {
		serial := big.NewInt(int64(i) + 1<<40).Bytes()
		all = append(all, 0x30, byte(2+len(serial)+15), 0x02, byte(len(serial)))
		all = append(append(all, serial...), "\x17\x0d261101120000Z"...)
	}
	return all
}

// announce returns what a list begins with that has n octets of entries.
func announce(t testing.TB, n int) []byte {
	t.Helper()
	der, err := os.ReadFile("testdata/small.crl")
	if err != nil {
		t.Fatal(err)
	}
	in := &intake{buf: der}
	p := &parser{intake: in, list: &List{}, index: newIndexMaker()}
	if err := p.head(DefaultMaxBytes); err != nil {
		t.Fatal(err)
	}
	long := func(n int) []byte { return []byte{0x30, 0x84, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} }
	head := append(bytes.Clone(der[p.tbs.content:p.revoked.start]), long(n)...)
	tbs := append(long(len(head)+n), head...)
	return append(long(len(tbs)+n+1000), tbs...)
}

// TestParseAllocates: while a list comes, a small multiple of what has come, and
// not what it announces.
func TestParseAllocates(t *testing.T) {
	for _, c := range []struct {
		name            string
		announced, sent int
		most            uint64
	}{
		{"a gigabyte announced and nothing sent", 1<<30 - 4096, 0, 200 << 10},
		{"a gigabyte announced and a megabyte sent", 1<<30 - 4096, 1 << 20, 8 << 20},
		{"16 MiB", 16 << 20, 16 << 20, 16 << 20 * 2},
	} {
		data := append(announce(t, c.announced), entriesOf(c.sent/25)...)
		var err error
		spent := allocated(func() {
			_, err = Parse(bytes.NewReader(data), Limits{MaxBytes: MaxMaxBytes})
		})
		if err == nil || spent > c.most {
			t.Errorf("%s: %d octets were allocated, more than %d; error %v", c.name, spent, c.most, err)
		}
	}
}

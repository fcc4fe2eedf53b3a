package pemtext

import (
	"bytes"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const twoBlocks = "a label\n\n-----BEGIN ONE-----\nAQID\n-----END ONE-----\r\nsubject=x\n" +
	"-----BEGIN TWO-----\nDEK-Info: DES-CBC,00\n\nBAUG\n-----END TWO-----\nthe end\n"

func TestParse(t *testing.T) {
	want := File{
		Blocks: []Block{
			{Type: "ONE", Headers: map[string]string{}, Bytes: []byte{1, 2, 3}, Text: []string{"a label", ""}, Line: 3, Offset: 9},
			{Type: "TWO", Headers: map[string]string{"DEK-Info": "DES-CBC,00"}, Bytes: []byte{4, 5, 6}, Text: []string{"subject=x"}, Line: 7, Offset: 63},
		},
		Text: []string{"the end"},
	}
	got, err := Parse([]byte(twoBlocks), 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if types := slices.Collect(Types([]byte(twoBlocks))); !slices.Equal(types, []string{"ONE", "TWO"}) {
		t.Errorf("types %q", types)
	}
	if _, err := Parse([]byte(twoBlocks), 1); !errors.Is(err, ErrTooMany) {
		t.Errorf("a limit of one block: %v; want ErrTooMany", err)
	}
}

func TestOtherLineEnds(t *testing.T) {
	const plain = "-----BEGIN ONE-----\nAQID\n-----END ONE-----"
	for name, text := range map[string]string{
		"no end":         plain,
		"Windows":        strings.ReplaceAll(plain, "\n", "\r\n") + "\r\n",
		"spaces":         strings.ReplaceAll(plain, "\n", "  \n"),
		"byte order":     "\ufeff" + plain,
		"byte order, LF": "\ufeff\n" + plain,
	} {
		got, err := Parse([]byte(text), 1)
		if err != nil || len(got.Blocks) != 1 || string(got.Blocks[0].Bytes) != "\x01\x02\x03" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if !Is([]byte(text)) {
			t.Errorf("%s: not seen as PEM", name)
		}
	}
}

func TestDamaged(t *testing.T) {
	for name, text := range map[string]string{
		"does not end":      "-----BEGIN ONE-----\nAQID\n",
		"does not begin":    "AQID\n-----END ONE-----\n",
		"begins twice":      "-----BEGIN ONE-----\n-----BEGIN ONE-----\nAQID\n-----END ONE-----\n",
		"ends as another":   "-----BEGIN ONE-----\nAQID\n-----END TWO-----\n",
		"no base64":         "-----BEGIN ONE-----\nAQI!\n-----END ONE-----\n",
		"cut base64":        "-----BEGIN ONE-----\nAQI\n-----END ONE-----\n",
		"text behind it":    "-----BEGIN ONE-----\nAQID\n-----END ONE----- x\n",
		"no dashes":         "-----BEGIN ONE\nAQID\n-----END ONE-----\n",
		"nothing but begin": "-----BEGIN ONE-----",
	} {
		if _, err := Parse([]byte(text), 10); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v; want ErrDamaged", name, err)
		}
	}
}

func TestIs(t *testing.T) {
	der := append([]byte{0x30, 0x82, 1, 0}, "\n-----BEGIN ONE-----\n"...)
	if Is(der) {
		t.Error("DER with a line in a name is seen as PEM")
	}
	if Is(nil) || Is([]byte("no block")) || Is([]byte("  -----BEGIN ONE-----")) {
		t.Error("text without a block is seen as PEM")
	}
	if !Is([]byte("0 s:CN=x\n-----BEGIN ONE-----\n")) {
		t.Error("PEM after text that starts with 0 is not seen")
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var data []byte
		var want []string
		for _, content := range rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 0, 5).Draw(t, "blocks") {
			data = append(data, rapid.StringMatching(`([a-z =]{0,20}\n){0,3}`).Draw(t, "text")...)
			data = append(data, pem.EncodeToMemory(&pem.Block{Type: "X", Bytes: content})...)
			want = append(want, string(content))
		}
		file, err := Parse(data, len(want))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range file.Blocks {
			got = append(got, string(b.Bytes))
			if !strings.HasPrefix(string(data[b.Offset:]), begin) {
				t.Fatalf("offset %d is not where the block begins", b.Offset)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q; want %q", got, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(twoBlocks))
	f.Add([]byte("\ufeff-----BEGIN ONE-----\r\n-----END ONE-----\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data, 100)
		if err != nil {
			return
		}
		if n := len(slices.Collect(Types(data))); n != len(file.Blocks) {
			t.Errorf("%d blocks begin and %d were read", n, len(file.Blocks))
		}
	})
}

func TestTooManyLines(t *testing.T) {
	if _, err := Parse(bytes.Repeat([]byte{'\n'}, MaxLines), 1); err != nil {
		t.Errorf("%d lines: %v", MaxLines, err)
	}
	if _, err := Parse(bytes.Repeat([]byte{'\n'}, MaxLines+1), 1); !errors.Is(err, ErrTooMany) {
		t.Errorf("one more: %v; want ErrTooMany", err)
	}
}

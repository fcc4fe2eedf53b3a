package pkcs12

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"pgregory.net/rapid"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

func TestToDER(t *testing.T) {
	tests := map[string]struct{ in, want string }{
		"DER stays":                 {"3003020103", "3003020103"},
		"indefinite":                {"3080020103" + "0000", "3003020103"},
		"indefinite in indefinite":  {"3080" + "3080" + "0500" + "0000" + "0000", "300430020500"[:12]},
		"long form of a length":     {"3081030201" + "03", "3003020103"},
		"longer form of a length":   {"30840000000302" + "0103", "3003020103"},
		"segments":                  {"2480" + "040161" + "040162" + "0000", "04026162"},
		"segments, definite":        {"2406" + "040161" + "040162", "04026162"},
		"segments in segments":      {"2480" + "2480" + "040161" + "0000" + "2403" + "040162" + "040163" + "0000", "0403616263"},
		"no segment":                {"24800000", "0400"},
		"empty sequence":            {"30800000", "3000"},
		"context tag":               {"a080" + "0500" + "0000", "a0020500"},
		"high tag number":           {"bf8148" + "02" + "0500", "bf814802" + "0500"},
		"zeros inside of an octets": {"30800402000004" + "0100" + "0000", "30070402000004" + "0100"},
	}
	for name, test := range tests {
		in, err := hex.DecodeString(test.in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, rest, err := toDER(append(in, 0xaa))
		if err != nil || hex.EncodeToString(got) != test.want || len(rest) != 1 {
			t.Errorf("%s: %x, rest %x, %v; want %s", name, got, rest, err, test.want)
		}
	}
}

func TestNotBER(t *testing.T) {
	tests := map[string]string{
		"nothing":                       "",
		"no length":                     "30",
		"content missing":               "300302",
		"length missing":                "3082",
		"length beyond what is there":   "30847fffffff",
		"length of many octets":         "30ff" + "ffffffffffffffff",
		"no end":                        "3080020103",
		"half an end":                   "308002010300",
		"primitive of unknown length":   "0480" + "0000",
		"segment of another type":       "2480" + "0201" + "03" + "0000",
		"tag number without end":        "bfffffff",
		"tag number that is too large":  "bfffffffffff0100",
		"element longer than its outer": "3003" + "0205" + "0102030405",
	}
	for name, text := range tests {
		in, err := hex.DecodeString(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, _, err := toDER(in); !errors.Is(err, errBER) {
			t.Errorf("%s: %x, %v; want errBER", name, got, err)
		}
	}
	for name, unit := range map[string][]byte{"sequences": {0x30, 0x80}, "octet strings": {0x24, 0x80}} {
		if _, _, err := toDER(bytes.Repeat(unit, 100_000)); !errors.Is(err, errBER) {
			t.Errorf("%s within each other: %v; want errBER", name, err)
		}
	}
}

// berize writes DER anew in BER: every constructed element with indefinite
// length, every OCTET STRING in segments of random size. An element [0] that
// is primitive becomes a constructed one of OCTET STRINGs, as in the
// EncryptedContentInfo of BER files.
func berize(t *rapid.T, der []byte) []byte {
	var out []byte
	for input := cryptobyte.String(der); !input.Empty(); {
		var (
			content cryptobyte.String
			tag     cbasn1.Tag
		)
		if !input.ReadAnyASN1(&content, &tag) {
			t.Fatal("not DER")
		}
		switch {
		case tag == cbasn1.OCTET_STRING || tag == cbasn1.Tag(0).ContextSpecific():
			out = append(out, byte(tag)|constructedBit, 0x80)
			for len(content) > 0 {
				n := rapid.IntRange(1, len(content)).Draw(t, "segment")
				out = append(appendHeader(out, []byte{tagOctetString}, n), content[:n]...)
				content = content[n:]
			}
			out = append(out, 0, 0)
		case tag&constructedBit != 0:
			out = append(append(append(out, byte(tag), 0x80), berize(t, content)...), 0, 0)
		default:
			out = append(appendHeader(out, []byte{byte(tag)}, len(content)), content...)
		}
	}
	return out
}

// TestReadsBER writes the files of testdata anew in BER, outside and inside of
// the MAC.
func TestReadsBER(t *testing.T) {
	for _, name := range append(damageSamples, "keytool.p12") {
		t.Run(name, func(t *testing.T) { testReadsBER(t, sample(t, name)) })
	}
}

func testReadsBER(t *testing.T, data []byte) {
	p, err := pbe.NewPassword([]byte(samplePassword))
	if err != nil {
		t.Fatal(err)
	}
	opener := pbe.NewOpener(p, pbe.Limits{}) // derives once for all runs
	file, err := readPFX(data)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := decodeSafes(bytes.Clone(file.authSafe), opener)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		inner := berize(t, file.authSafe)
		der, err := wrap(inner, *file.mac)
		if err != nil {
			t.Fatal(err)
		}
		ber := berize(t, der)
		if !(Format{}).Detect(ber) {
			t.Error("the format is not detected")
		}
		again, err := readPFX(ber)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.authSafe, inner) {
			t.Fatal("the MAC would be computed of something else than was written")
		}
		got, err := decodeSafes(again.authSafe, opener)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(whole, got, cmp.AllowUnexported(kept{}, remainder{}, bag{}, attribute{})); diff != "" {
			t.Errorf("DER and BER give different contents:\n%s", diff)
		}
	})
}

// TestOnlyOurVersion refuses a version that RFC 7292 does not know.
func TestOnlyOurVersion(t *testing.T) {
	data := sample(t, "openssl-default.p12")
	data[6]++ // 30 82 xx xx 02 01 03
	if (Format{}).Detect(data) {
		t.Error("version 4 is detected as PKCS#12")
	}
	if _, err := (Format{}).Decode(data, []byte(samplePassword)); !errors.Is(err, format.ErrDamaged) {
		t.Errorf("version 4: %v; want ErrDamaged", err)
	}
}

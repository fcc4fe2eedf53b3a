package dn

import (
	"encoding/hex"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"C=CH, O=Example, CN=gw1", "/C=US/O=IBM/CN=a\\/b", `O="Example, Inc.", CN=a+UID=b`, "1.2.3=#0c0161",
		`CN=\ x\0A\C3\BC\ `, "CN=", "CN=#1e02d800",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(text)
		if err != nil {
			return
		}
		for _, form := range []string{n.String(), n.Slash()} {
			back, err := Parse(form)
			if err != nil || !back.Equal(n) {
				t.Fatalf("%q gave %q, which gave %q: %v", text, form, back, err)
			}
		}
	})
}

func FuzzFromDER(f *testing.F) {
	for _, digits := range []string{
		"3000", "300d310b300906035504061302", "300d310b3009060355040613024348",
		"300f310d300b06035504031e04005a00fc", "300d310b300906035504030c025afc",
		"3016311430080603550403130161300806035504031301" + "62",
	} {
		der, err := hex.DecodeString(digits)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		n, err := FromDER(der)
		if err != nil {
			return
		}
		if string(n.DER()) != string(der) {
			t.Fatal("the encoding was not kept")
		}
		if n.IsEmpty() {
			return
		}
		back, err := Parse(n.String())
		if err != nil || !back.Equal(n) {
			t.Fatalf("%q became %q: %v", n, back, err)
		}
	})
}

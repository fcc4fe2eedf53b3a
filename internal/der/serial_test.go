package der

import (
	"math/big"
	"testing"
)

func TestSerialText(t *testing.T) {
	for text, octets := range map[string]string{
		"00": "\x00", "01": "\x01", "0a0b": "\x0a\x0b", "80": "\x00\x80", "7f": "\x7f", "cac2e848": "\x00\xca\xc2\xe8\x48", "-01": "\xff", "-80": "\x80",
		"-0100": "\xff\x00",
	} {
		n, _ := new(big.Int).SetString(text, 16)
		if got := SerialText(n); got != text {
			t.Errorf("%s became %s", text, got)
		}
		if got := OctetsText([]byte(octets)); got != text {
			t.Errorf("%x became %s, want %s", octets, got, text)
		}
	}
	if got := SerialText(nil); got != "none" {
		t.Errorf("no number became %s", got)
	}
	if got := OctetsText(nil); got != "00" {
		t.Errorf("no octets became %s", got)
	}
	if got := OctetsText([]byte{0, 0, 5}); got != "05" {
		t.Errorf("padded octets became %s", got)
	}
}

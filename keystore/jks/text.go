package jks

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
)

// readText reads a string in Java's modified UTF-8 (java.io.DataInput): the
// UTF-16 units one by one, each in one to three bytes. A surrogate without its
// other half becomes U+FFFD.
func readText(raw []byte) (string, bool) {
	units := make([]uint16, 0, len(raw))
	for len(raw) > 0 {
		size, bits := 1, uint16(raw[0])
		switch {
		case raw[0] < 0x80:
		case raw[0]>>5 == 0b110:
			size, bits = 2, uint16(raw[0]&0x1f)
		case raw[0]>>4 == 0b1110:
			size, bits = 3, uint16(raw[0]&0x0f)
		default:
			return "", false
		}
		if len(raw) < size {
			return "", false
		}
		for _, next := range raw[1:size] {
			if next>>6 != 0b10 {
				return "", false
			}
			bits = bits<<6 | uint16(next&0x3f)
		}
		units = append(units, bits)
		raw = raw[size:]
	}
	return string(utf16.Decode(units)), true
}

// modifiedUTF8 writes a string in Java's modified UTF-8.
func modifiedUTF8(text string) []byte {
	raw := make([]byte, 0, len(text))
	for _, unit := range utf16.Encode([]rune(text)) {
		switch {
		case unit != 0 && unit < 0x80:
			raw = append(raw, byte(unit))
		case unit < 0x800: // zero too, so that no string has a zero byte
			raw = append(raw, 0xc0|byte(unit>>6), 0x80|byte(unit&0x3f))
		default:
			raw = append(raw, 0xe0|byte(unit>>12), 0x80|byte(unit>>6&0x3f), 0x80|byte(unit&0x3f))
		}
	}
	return raw
}

// addText writes a string with its length in two bytes; longer ones are an
// error of the builder.
func addText(b *cryptobyte.Builder, raw []byte) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(raw) })
}

// utf16Bytes writes UTF-8 text as UTF-16 units, the higher byte first. It
// leaves no copy of the text behind.
func utf16Bytes(text []byte) []byte {
	units := make([]byte, 0, 2*len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
			units = append(units, byte(high>>8), byte(high), byte(low>>8), byte(low))
		} else {
			units = append(units, byte(r>>8), byte(r))
		}
	}
	return units
}

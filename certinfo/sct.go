package certinfo

import (
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// readSCTs reads the timestamps of Certificate Transparency: an OCTET STRING with
// a list in the encoding of TLS (RFC 6962, 3.3).
func readSCTs(value []byte) ([]Value, error) {
	var octets, list cryptobyte.String
	input := cryptobyte.String(value)
	if !input.ReadASN1(&octets, cbasn1.OCTET_STRING) || !input.Empty() ||
		!octets.ReadUint16LengthPrefixed(&list) || !octets.Empty() {
		return nil, errValue
	}
	var shown []Value
	for !list.Empty() {
		var sct cryptobyte.String
		if !list.ReadUint16LengthPrefixed(&sct) {
			return nil, errValue
		}
		v, err := sctValue(sct)
		if err != nil {
			return nil, err
		}
		shown = append(shown, v)
	}
	return append(values(fmt.Sprintf("%d timestamps", len(shown))), shown...), nil
}

// sctValue reads a SignedCertificateTimestamp (RFC 6962, 3.2).
func sctValue(sct cryptobyte.String) (Value, error) {
	var version uint8
	if !sct.ReadUint8(&version) {
		return Value{}, errValue
	}
	if version != 0 {
		return Value{Text: fmt.Sprintf("version %d, which is not known", int(version)+1)}, nil
	}
	var (
		log                   []byte
		stamp                 uint64
		extensions, signature cryptobyte.String
		hash, algorithm       uint8
	)
	if !sct.ReadBytes(&log, 32) || !sct.ReadUint64(&stamp) || !sct.ReadUint16LengthPrefixed(&extensions) ||
		!sct.ReadUint8(&hash) || !sct.ReadUint8(&algorithm) || !sct.ReadUint16LengthPrefixed(&signature) || !sct.Empty() {
		return Value{}, errValue
	}
	when := "at a time that cannot be read"
	if stamp < maxStamp {
		when = "at " + time.UnixMilli(int64(stamp)).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	v := Value{Text: when, Details: []string{
		"log " + hex.EncodeToString(log),
		"signed by " + tlsName(tlsHashes[:], hash) + " and " + tlsName(tlsSignatures[:], algorithm),
	}}
	if len(extensions) > 0 {
		v.Details = append(v.Details, "extensions "+hexText(extensions))
	}
	return v, nil
}

// maxStamp is the end of the year 9999, in milliseconds since 1970.
const maxStamp = 253402300800000

// The names of RFC 5246, 7.4.1.4.1.
var (
	tlsHashes     = [...]string{"none", "MD5", "SHA-1", "SHA-224", "SHA-256", "SHA-384", "SHA-512"}
	tlsSignatures = [...]string{"anonymous", "RSA", "DSA", "ECDSA"}
)

func tlsName(names []string, n uint8) string {
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("algorithm %d", n)
}

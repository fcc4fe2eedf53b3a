package keystore

import (
	"keyman/keystore/format"
	"keyman/keystore/pkcs12"
)

// Format is a kind of file that holds a key database.
type Format = format.Format

// Kind says what an Entry is.
type Kind = format.Kind

// The kinds of entries.
const (
	Personal  = format.Personal  // a private key with its certificate
	Signer    = format.Signer    // a certificate without a key: a CA, or a peer
	Request   = format.Request   // a private key that waits for its certificate
	SecretKey = format.SecretKey // a symmetric key
)

// Formats returns the formats that Open recognizes, the default of Create first.
func Formats() []Format { return []Format{pkcs12.Format{}} }

// Detect finds the format of a file by its content, of which the beginning is
// enough.
func Detect(data []byte) (Format, bool) {
	for _, f := range Formats() {
		if f.Detect(data) {
			return f, true
		}
	}
	return nil, false
}

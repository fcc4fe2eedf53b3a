// Package pkcs7 reads and writes files that carry certificates in a PKCS#7
// SignedData (RFC 2315, 9; RFC 5652, 5), which are known as .p7b and .p7c.
//
// Use [Parse] and [Encode]. Parse takes DER, BER with indefinite lengths, and
// PEM, and returns certificates and revocation lists as they stand, without a
// look inside. Signatures are not looked at either: such a file is a way to
// carry certificates, and nothing in it is a reason to trust them. Encode
// writes the degenerate form that has no signer, in DER.
package pkcs7

// Package pem reads and writes key databases as PEM bundles (RFC 7468): one file
// with certificates, private keys and requests.
//
// Use package keystore, which has the [Format] of this package in its list.
// [ReadDir] and [WriteDir] do the same for a folder of files, to import and to
// export, and [ReadFiles] for files that are named; neither is a Format.
//
// # Entries
//
// A private key (any form that package keyfile reads) and the certificate with
// its public key are a Personal entry; a key alone, or with its CERTIFICATE
// REQUEST, is a Request; a certificate alone is a Signer. Where the public key
// cannot be computed (Ed448), the localKeyID that openssl pkcs12 prints decides.
// A label is the friendlyName that openssl pkcs12 prints before a block, or the
// alias in a TRUSTED CERTIFICATE, or what bundles of CAs have: a line "# Label:",
// an underlined line, a single comment line; else the common name. Other text
// and other blocks (lists, parameters) are kept and written again, the blocks
// at the end. There is no place for secret keys.
//
// # What is believed
//
// A bundle as other programs write it has no MAC. It is read nevertheless, and
// not refused with format.ErrUnprotected, because it says nothing that needs to
// be believed: certificates carry signatures of their own, and keys are checked
// against their parts. What does need it is trust, and so nothing is trusted
// that comes from such a file, whatever the trust settings of a TRUSTED
// CERTIFICATE say: whoever could write the file could write them. They are
// kept, for OpenSSL.
//
// A bundle that keyman writes begins with a line of its own, "# keyman MAC:": an
// HMAC-SHA256 over all lines after it, with a key from the password as in
// PKCS#12 (RFC 7292, 4 has the structure, MacData). Trust and the default entry
// are lines of text, and are believed if that MAC is right and the password is
// not empty. Whoever wants to edit such a file removes its first line, and gets
// what is in it without trust. Other programs pass over all such text.
//
// Keys are written encrypted, PKCS#8 with the scheme of package pbe, under the
// password of the database. Without a password neither keys nor trust can be
// written.
package pem

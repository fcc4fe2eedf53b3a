// Package jks reads and writes key databases as Java key stores: JKS, Java's
// own format until Java 9, and JCEKS, which can hold secret keys too.
//
// Use package keystore, which has the formats [JKS] and [JCEKS] in its list.
//
// Both are the same file but for their first four bytes and the way in which
// keys are encrypted. No standard describes them; what is here was found by
// experiments with keytool 17, and agrees with the comments in the sources of
// OpenJDK. A file holds key entries (a private key and its chain), trusted
// certificates and, JCEKS alone, secret keys, each with an alias and a creation
// date. Both are kept, and an alias stays as it is until its label changes.
// New aliases are written in lower case, because Java finds no others.
//
// A certificate above that of a key has no alias in the file: it becomes a
// Signer that is not trusted, named after its subject, unless the file has it
// anyway; it cannot be renamed. A chain is written as it was read, as long as
// the database has all of it; otherwise it is made anew of what the database
// has. What a file cannot hold:
//
//   - a certificate without a key that is not trusted and in no chain, because
//     Java trusts every certificate that has an alias. To write one is an error;
//     but one that was only read from a chain goes with the last of its keys.
//   - a request. A key without a certificate, which Java can be made to write,
//     is read as one and can be written again.
//   - which item is the default. The mark is not written.
//
// JKS and JCEKS let a key have a password of its own, other than the file's. A
// key that does not open is listed like any other, with its certificate, but
// without a Key; it is written again as it stood, under its own password. The
// same holds for secret keys whose Java class is not known here. A secret key
// in memory is a PrivateKeyInfo as Java 17 writes it into PKCS#12 files: the
// identifier of the algorithm and the plain bytes. An algorithm for which Java
// has a name but no identifier gets one that is keyman's own, with the name as
// a UTF8String beside it: 2.25.73201415907794326439693395175170725708.3.
//
// The protection is weak in both, and PKCS#12 is better. One SHA-1 over the
// password and the content is all that tells of changes. It cannot tell a
// wrong password from damage either: where it does not match, the file counts
// as damaged if it is not whole or the password still opens a key, and
// otherwise the password counts as wrong. JKS encrypts a key with a stream of
// SHA-1 digests, without iterations. JCEKS uses Triple DES under a key that is
// derived with MD5, and takes none but printable ASCII characters in a password
// that protects keys.
//
// A key that has not changed, under a password that has not, is written as it stood:
// in JCEKS each one that is encrypted costs 400,000 digests. One with fewer iterations
// than are written here is encrypted anew.
//
// Limits: 200,000 entries and certificates in a file, 5,000,000 iterations for a
// key of JCEKS, and for all of them together as many as a thousand keys take
// that Java 17 wrote.
package jks

// Package keyfile reads and writes private keys that lie in files of their own.
//
// Use [Parse] for a file with one key. It takes PEM, with any text and any
// other blocks around it, or DER:
//
//   - PKCS#8 (RFC 5958), plain and encrypted with what package pbe reads: PBES2
//     with PBKDF2 or scrypt, PBES1, the schemes of PKCS#12;
//   - the forms that OpenSSL calls traditional: RSA (RFC 8017, A.1.2), EC (RFC
//     5915) and DSA, plain or encrypted by the header DEK-Info;
//   - OpenSSH's own form, plain or encrypted with AES-256, for RSA, ECDSA and
//     Ed25519.
//
// Whatever the form, the result is a PKCS#8 PrivateKeyInfo in DER. A [Reader]
// does the same block by block for files that hold more than a key, and asks
// for one password only. [Encrypt] and [Traditional] are the ways back; PKCS#8
// itself needs none. [Public] tells which certificate belongs to a key.
//
// What is promised: a key of a type that Go does not know (DSA, Ed448, RSA-PSS,
// brainpool curves) passes through. A key whose parts contradict each other is
// ErrDamaged: the numbers of RSA and DSA, and for EC and OpenSSH the public key
// beside the private one; plain Ed25519 has nothing to contradict. No error
// holds any part of a key or a password.
//
// A wrong password and damage are different errors as far as can be told. In
// PKCS#8 and traditional files damage to the ciphertext's last blocks looks
// like a wrong password, and so does in OpenSSH files damage to the first one.
package keyfile

// Package pbe derives keys from passwords, and encrypts and decrypts with them:
// what PKCS#12 files and encrypted PKCS#8 keys need.
//
// Use [NewOpener] to decrypt what an AlgorithmIdentifier describes and to
// check MACs, [NewSealer] to encrypt. A Sealer writes one scheme only: PBES2
// with PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018); with HMAC-SHA384 where a
// format is used to it ([NewSealerSHA384]). An Opener reads that with
// HMAC-SHA1 to HMAC-SHA512 or scrypt (RFC 7914), and AES-128, AES-192, 3DES or
// DES; PBES1 with MD5 or SHA-1 and DES or RC2 (RFC 8018, A.3); and the six
// schemes of RFC 7292, appendix C (RC4, RC2 and 3DES with the KDF of its
// appendix B). [Opener.DecryptPEM] reads what PEM headers describe.
//
// What is promised: a file cannot make an Opener compute for longer than its
// Limits allow, nor take more than MaxScryptMemory. A decryption that fails
// says ErrDecrypt and no more, whether size, padding or key was wrong. Equal
// derivations are computed once.
//
// RC4, RC2, DES, 3DES and MD5 are weak. They are here to read old files, and
// nothing is ever written with them.
package pbe

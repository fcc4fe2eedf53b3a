// Package cert is keyman's model of a certificate: lenient in what it reads,
// exact in what it says about it.
//
// Use Parse for a certificate, Certificate.Extension for one of its extensions
// and the Parse functions (ParseBasicConstraints, ParseNameConstraints and so
// on) for the extension's value. ParsePublicKey reads a subjectPublicKeyInfo,
// CheckSignature checks a signature by such a key.
//
// Parse reads the structure and keeps everything: a certificate that is DER but
// breaks a rule of RFC 5280 is returned with the Flaws that were found, so that
// it can be shown and judged. Nothing in a Certificate has been verified, and a
// flaw, or an extension that cannot be read, is for the caller to judge; package
// crl/certpath refuses those that matter to a path.
//
// # What is promised
//
// Lengths are DER, with nothing behind the end. What is returned points into
// the input, which must not be changed. Parse and every reader of an extension
// take time in proportion to the input, and memory of no more than a small
// multiple of it; MaxSize, MaxExtensions and MaxNames bound both. Serial
// numbers of any size and sign are kept.
//
// Weak algorithms are checked like others: Scheme.Weak names them, and the
// caller decides.
//
// RFC 5280 (section 4), RFC 4055 and 8017 (RSA), RFC 5480 and 5758 (ECDSA),
// RFC 8410 (Ed25519), RFC 3279 (DSA, MD5, SHA-1).
package cert

// Package pkcs11 uses private keys that never leave a token: a smart card, an
// HSM, or software that behaves like one (PKCS#11 2.40).
//
// Start with [ParseURI] and [Open]. [Token.Entries] shows what is on the token, as
// package keystore shows a key database; [Token.Signer] gives the use of a key, for
// certificate requests and for IKE. [Token.Generate] makes a key on the token,
// [Token.Import] puts a copy of one there, [Token.AddCertificate] stores a
// certificate beside its key. [Tokens] lists the tokens of a module;
// [Find] tells how one stands with its PIN before it is asked for.
//
// A token is named by a URI (RFC 7512), such as
//
//	pkcs11:token=vpn;object=gw1?module-path=/usr/lib/softhsm/libsofthsm2.so
//
// # What is promised
//
// A key that Generate makes is sensitive and cannot be extracted. A key and its
// certificate have the same CKA_ID, and belong together only where the public keys
// are the same. A signer may be used by several goroutines at once. A PIN is never
// part of a URI or an error.
//
// A module is a shared library of somebody else that runs in this process. The
// package calls it only in programs built with cgo and the tag pkcs11; in others
// Open, Find and Tokens return [ErrNotBuilt].
package pkcs11

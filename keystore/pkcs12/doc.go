// Package pkcs12 reads and writes key databases as PKCS#12 files (RFC 7292).
//
// Use package keystore, which has the [Format] of this package in its list.
//
// A file holds any number of keys and certificates. An item's label is the
// friendlyName of its bags, a BMPString that may hold surrogates. A key and its
// certificate belong together by their public key, and by localKeyID where the
// key is of a type that is not known here. A trusted CA carries the attribute
// by which Java knows it, 2.16.840.1.113894.746875.1.1. All other certificates
// without a key are there for chains.
//
// Written are up to two safes: certificates, encrypted; and keys, each encrypted
// in a pkcs8ShroudedKeyBag. The scheme is that of package pbe, PBES2 with AES-256-CBC
// and PBKDF2-HMAC-SHA256, and an HMAC-SHA256 protects the whole. OpenSSL 3 and
// Java 17 read that. Read are DER and BER, the old schemes, MACs with SHA-1 and
// SHA-2, and PBMAC1 (RFC 9579). Not read are files whose integrity or privacy
// rests on public keys, which no known program writes.
//
// Items come in the order of their certificates in the file; after them keys
// without a certificate, then secret keys. What is not understood (other bags,
// other attributes) is kept and written again; bags nested in a safeContentsBag
// are read as if they were not nested, and written so.
//
// Two attributes are keyman's own. Their identifiers are made of a UUID, cut in
// seven below an arc that Microsoft set aside for that, so that they need no
// registration and collide with nobody's. With UUID standing for
// 1.2.840.113556.1.8000.2554.14098.5235.30390.16734.46040.8208783.4282188:
//
//	UUID.1   on a key: OCTET STRING, the DER PKCS#10 request that was made for it
//	UUID.2   on a key: NULL, its item is the default
//
// OpenSSL, GnuTLS and strongSwan pass over them, and Java writes them again,
// which it does with attributes of keys alone. Read as well is the form in which
// they were written first, below 2.25 with the UUID as one number (ITU-T X.667):
// GnuTLS and Go's encoding/asn1 cannot hold such a number, and read nothing of a
// file that has one.
package pkcs12

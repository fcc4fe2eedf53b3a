// Package csr makes and reads certificate requests (PKCS #10, RFC 2986), and
// certificates that sign themselves.
//
// Fill a Template, then Create a request or SelfSign a certificate with a
// crypto.Signer: the private key stays where it lives. Parse reads a request
// in DER or PEM and checks its signature, which proves that whoever made it
// holds the key. FromRequest and FromCertificate make a template that asks for
// what somebody has already, and name what they leave out. ParseSAN, ParseKeyUsage
// and ParseExtKeyUsage read names and usages as people write them.
//
// Template.IKE asks for what an IPsec gateway's certificate carries: the key
// usage digitalSignature (RFC 4945, 5.1.3.2) and the extended key usage ipsecIKE
// (RFC 4945, 5.1.3.12). Template.Challenge is a challenge password (RFC 2985,
// 5.4.1), which stands in the request in clear.
//
// Certify signs a certificate for somebody else's key, of which no record is kept;
// for a CA that can revoke, use package ca.
//
// Keys are RSA of 2048 bits and more, ECDSA on P-256, P-384 and P-521, and
// Ed25519; signatures use SHA-256 or, on the larger curves, SHA-384 and
// SHA-512, unless Template.Hash says otherwise.
package csr

// Package oids has the words for the object identifiers that certificates and
// requests carry, and reads those that people write.
//
// KeyUsageWords and ParseKeyUsage, PurposeWord and ParsePurpose go both ways. The
// words are those of the standards: digitalSignature (RFC 5280, 4.2.1.3),
// serverAuth (RFC 5280, 4.2.1.12), ipsecIKE (RFC 4945, 5.1.3.12).
//
// ExtensionName and AttributeName name what a certificate and a request carry. An
// identifier that is not known is shown by its digits.
package oids

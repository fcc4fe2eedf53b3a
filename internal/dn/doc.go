// Package dn reads, writes and compares X.500 distinguished names.
//
// Use Parse for what people write, FromDER for what certificates and IKE
// payloads carry, Name.String to show a name, Name.Equal to compare two, and
// Name.Key where names are the keys of a map. Name.Validate tells whether a
// name may stand in a certificate that is about to be signed.
//
// # The two forms
//
// Both forms are in the order of the DER encoding, most significant first in
// the usual certificate, because that is what administrators of VPNs see
// elsewhere:
//
//	C=CH, O=Example, CN=gw1      comma form, as strongSwan prints it
//	/C=CH/O=Example/CN=gw1       slash form, as the AIX tools and openssl -subj
//
// A comma form written "CN=gw1, O=Example, C=CH" is therefore a different name:
// nothing is turned round behind the writer's back. LDAP (RFC 4514) has the
// opposite order; Name.LDAP writes it and ParseLDAP reads it.
//
// In all forms a backslash escapes the next character or, with two hexadecimal
// digits, gives one octet of UTF-8; a value in double quotes may hold
// separators; "+" joins the attributes of a multi-valued RDN; "#" and
// hexadecimal digits give a value's DER encoding; a type may be written as a
// dotted OID. White space around types, values and separators does not count.
//
// # What is promised
//
// A Name keeps the exact DER encoding it was made from. FromDER accepts DER
// only, within the limits named here, but any string type and any attribute.
// For every Name n that FromDER accepts, Parse of n.String gives a Name equal
// to n. Comparing follows RFC 5280, 7.1, except that Unicode compatibility
// forms are not unified: such names are different.
package dn

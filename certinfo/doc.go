// Package certinfo says in words what stands in a certificate or in a request.
//
// Use Describe for a certificate and DescribeRequest for a PKCS #10 request (RFC
// 2986), both DER. Info and RequestInfo have JSON tags and are what the command
// line prints; their Write methods write them as text. Validity says where a time
// lies in a validity, as words and as a bar.
//
// Every extension is shown: those of RFC 5280, 4.2, and the private ones that are
// seen in the wild, in words; one that is not known, or whose value cannot be read,
// by its identifier, its length and the beginning of its octets. So are
// certificates that crypto/x509 refuses. Nothing is judged or verified, but that
// weak algorithms are named, and whether a request is signed by its key.
//
// Text of a certificate is a stranger's: Write makes it printable (package escape),
// the fields of Info hold it as it stands.
package certinfo

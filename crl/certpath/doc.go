// Package certpath says whether a certificate leads to a trusted one by the
// rules of RFC 5280, section 6.1.
//
// Validate builds the paths from a certificate over others to an anchor and
// returns the first one that is valid with the policies that are valid on it. Where there is none, the error is an *Error that tells every
// path that was tried and the Failure that ended it, the one that came furthest
// first. ParseCertificate reads a certificate; AnchorOf and NewAnchor make
// anchors of a certificate or of a name and a key. Between does all of it for
// certificates as files hold them.
//
// Revocation (6.1.3 (a)(3), and 6.3) is an interface, asked about each
// certificate of a path that is valid otherwise. Without one nothing is asked.
//
// # What is promised
//
// Nothing here reads the clock, a file or the network: the time is an option,
// and the context is handed to Revocation alone. The zero Options accept nothing.
//
// Key identifiers are hints that order the search and nothing else. Names are
// compared by RFC 5280, 7.1. A trusted certificate is an anchor whether or not
// it is self-signed; what it says about its own time, path length, usages and
// name constraints holds (RFC 5937, 2). A leaf that is itself trusted needs no
// path.
//
// Extensions that cannot be read, critical ones that are not known, duplicates,
// and names of a kind that is constrained in a way not known here are refused.
// So are signatures by MD5 and SHA-1 and short keys, unless Options allow them.
//
// The search ends: it checks at most MaxSignatureChecks signatures and looks at
// no more than MaxCandidates certificates; MaxNameChecks and MaxPolicyNodes bound
// the work on names and policies. Policies are kept as a graph with one
// node for each policy at each depth, so that no mapping makes it larger than
// the certificates together, times the length of the path.
//
// RFC 5280 (sections 4.2, 6.1, 7), RFC 4945 (5.1.3, usages for IKE), RFC 5937
// (constraints of anchors).
package certpath

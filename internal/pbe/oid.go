package pbe

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"hash"
)

var (
	oidPBKDF2    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidPBES2     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBMAC1    = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 14}
	oidAES256CBC = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}

	oidHMACWithSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7}
	oidHMACWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidHMACWithSHA384 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}
	oidSHA256         = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
)

// A hashID is a hash function by the names under which files know it.
type hashID struct {
	digest asn1.ObjectIdentifier // the hash itself
	hmac   asn1.ObjectIdentifier // HMAC with it, also as PRF: RFC 8018, B.1.2
	new    func() hash.Hash
}

var hashes = []hashID{
	{asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}, oidHMACWithSHA1, sha1.New},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 4}, asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 8}, sha256.New224},
	{oidSHA256, oidHMACWithSHA256, sha256.New},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}, oidHMACWithSHA384, sha512.New384},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}, asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}, sha512.New},
}

// byDigest finds a hash by its own identifier; nil where it is not known.
func byDigest(id asn1.ObjectIdentifier) func() hash.Hash {
	for _, h := range hashes {
		if h.digest.Equal(id) {
			return h.new
		}
	}
	return nil
}

// byHMAC finds a hash by the identifier of HMAC with it; nil where it is not known.
func byHMAC(id asn1.ObjectIdentifier) func() hash.Hash {
	for _, h := range hashes {
		if h.hmac.Equal(id) {
			return h.new
		}
	}
	return nil
}

package ikedb

import (
	"strings"

	"keyman/ike/suite"
)

// An AuthMethod says how the ends prove who they are.
type AuthMethod string

// The authentication methods. Those that end in CRL ask whether the peer's
// certificate is revoked, the others that sign check it without. ECDSA has a
// method for each curve, and both ends have keys on it (RFC 4754).
const (
	AuthPresharedKey         AuthMethod = "preshared-key"
	AuthRSASignature         AuthMethod = "rsa-signature"
	AuthRSASignatureCRL      AuthMethod = "rsa-signature-crl"
	AuthECDSA256Signature    AuthMethod = "ecdsa-256-signature"
	AuthECDSA256SignatureCRL AuthMethod = "ecdsa-256-signature-crl"
	AuthECDSA384Signature    AuthMethod = "ecdsa-384-signature"
	AuthECDSA384SignatureCRL AuthMethod = "ecdsa-384-signature-crl"
	AuthECDSA521Signature    AuthMethod = "ecdsa-521-signature"
	AuthECDSA521SignatureCRL AuthMethod = "ecdsa-521-signature-crl"
)

// crlSuffix marks a method that asks for revocation lists.
const crlSuffix = "-crl"

// CRL reports whether the method asks whether the peer's certificate is revoked.
func (m AuthMethod) CRL() bool { return m.Suite() != 0 && strings.HasSuffix(string(m), crlSuffix) }

// Suite returns the method as it is negotiated; 0 where it is not known.
func (m AuthMethod) Suite() suite.AuthMethod {
	switch AuthMethod(strings.TrimSuffix(string(m), crlSuffix)) {
	case AuthPresharedKey:
		if m == AuthPresharedKey {
			return suite.PresharedKey
		}
	case AuthRSASignature:
		return suite.RSASignature
	case AuthECDSA256Signature:
		return suite.ECDSA256
	case AuthECDSA384Signature:
		return suite.ECDSA384
	case AuthECDSA521Signature:
		return suite.ECDSA521
	}
	return 0
}

const useAuth = "use preshared-key, rsa-signature, ecdsa-256-signature, ecdsa-384-signature or ecdsa-521-signature; " +
	"one that signs with -crl behind it to check revocation lists"

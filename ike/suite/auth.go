package suite

import (
	"crypto/elliptic"
	"fmt"
)

// AuthMethod says how the peers prove who they are (RFC 2409, appendix A).
type AuthMethod uint16

// The authentication methods that can be negotiated.
const (
	PresharedKey AuthMethod = 1
	DSS          AuthMethod = 2
	RSASignature AuthMethod = 3
	ECDSA256     AuthMethod = 9 // RFC 4754: P-256 with SHA-256
	ECDSA384     AuthMethod = 10
	ECDSA521     AuthMethod = 11
)

// Known reports whether m is one of the constants.
func (m AuthMethod) Known() bool {
	switch m {
	case PresharedKey, DSS, RSASignature, ECDSA256, ECDSA384, ECDSA521:
		return true
	}
	return false
}

// Curve gives the curve of an ECDSA method, nil for others (RFC 4754, 3).
func (m AuthMethod) Curve() elliptic.Curve {
	switch m {
	case ECDSA256:
		return elliptic.P256()
	case ECDSA384:
		return elliptic.P384()
	case ECDSA521:
		return elliptic.P521()
	}
	return nil
}

// Hash gives the hash that HASH_I and HASH_R are made with: an ECDSA method
// brings its own (RFC 4754, 3), others use the negotiated one.
func (m AuthMethod) Hash(negotiated Hash) Hash {
	switch m {
	case ECDSA256:
		return SHA256
	case ECDSA384:
		return SHA384
	case ECDSA521:
		return SHA512
	}
	return negotiated
}

// String gives a word for logs, also of methods that a peer may want and that
// are never accepted.
func (m AuthMethod) String() string {
	switch m {
	case PresharedKey:
		return "psk"
	case DSS:
		return "dss"
	case RSASignature:
		return "rsa"
	case 4:
		return "rsa-encryption"
	case 5:
		return "revised-rsa-encryption"
	case ECDSA256:
		return "ecdsa-256"
	case ECDSA384:
		return "ecdsa-384"
	case ECDSA521:
		return "ecdsa-521"
	case 64221, 64222: // draft-ietf-ipsec-isakmp-hybrid-auth; initiator, responder
		return "hybrid-rsa"
	case 65001, 65002: // draft-ietf-ipsec-isakmp-xauth; initiator, responder
		return "xauth-psk"
	case 65003, 65004:
		return "xauth-dss"
	case 65005, 65006:
		return "xauth-rsa"
	}
	return fmt.Sprintf("authentication method %d", uint16(m))
}

package suite

import "fmt"

// AuthMethod says how the peers prove who they are (RFC 2409, appendix A).
type AuthMethod uint16

// The authentication methods that can be negotiated.
const (
	PresharedKey AuthMethod = 1
	DSS          AuthMethod = 2
	RSASignature AuthMethod = 3
)

// Known reports whether m is one of the constants.
func (m AuthMethod) Known() bool { return m == PresharedKey || m == DSS || m == RSASignature }

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
	case 9: // RFC 4754, 6
		return "ecdsa-256"
	case 10:
		return "ecdsa-384"
	case 11:
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

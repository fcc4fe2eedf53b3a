package crl

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // certificates have such keys, and crypto/x509 returns them
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
)

// How long the keys on a path must be, in bits. They apply to the anchor, too:
// who breaks its key makes certificates and lists as he likes.
const (
	// MinBits is for RSA and DSA, by the length of the modulus.
	MinBits = 2048
	// MinWeakBits is in the place of MinBits where the policy allows weak keys.
	MinWeakBits = 1024
	// MinCurveBits is for ECDSA, by the length of the field.
	MinCurveBits = 256
)

// weakKeys returns a fatal Reason for each key on a path that is too weak.
func weakKeys(path []*x509.Certificate, allowWeak bool) []Reason {
	var reasons []Reason
	for _, cert := range slices.Backward(path) { // from the anchor down
		if why := keyWeakness(cert.PublicKey, allowWeak); why != "" {
			reasons = append(reasons, newReason(Fatal, CodeWeakKey, cert, why))
		}
	}
	return reasons
}

// weakened returns a warning for each key on an accepted path that is there only
// because the policy allows weak ones.
func weakened(path []*x509.Certificate) []Reason {
	reasons := weakKeys(path, false)
	for i := range reasons {
		reasons[i].Severity = Warning
	}
	return reasons
}

// keyWeakness tells why a key is too weak, "" where it is not. Of a key that is
// not known nothing good can be said.
func keyWeakness(key crypto.PublicKey, allowWeak bool) string {
	minBits := MinBits
	if allowWeak {
		minBits = MinWeakBits
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		return shorter("RSA", key.N.BitLen(), minBits)
	case *dsa.PublicKey:
		return shorter("DSA", key.P.BitLen(), minBits)
	case *ecdsa.PublicKey:
		return shorter("ECDSA", key.Curve.Params().BitSize, MinCurveBits)
	case ed25519.PublicKey:
		return ""
	default:
		return "it is of a kind that is not known here"
	}
}

func shorter(kind string, bits, minBits int) string {
	if bits >= minBits {
		return ""
	}
	return fmt.Sprintf("%s with %d bits, and not %d", kind, bits, minBits)
}

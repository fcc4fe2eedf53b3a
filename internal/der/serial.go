package der

import (
	"encoding/hex"
	"math/big"
)

// SerialText writes a serial number as keyman writes it everywhere: lower-case
// hexadecimal digits in pairs, so that a first 0 is there ("0a", not "a"), with a
// minus where it is negative, which RFC 5280, 4.1.2.2 forbids. A certificate that was not
// parsed may have none: nil is "none".
func SerialText(n *big.Int) string {
	if n == nil {
		return "none"
	}
	switch n.Sign() {
	case 0:
		return "00"
	case -1:
		return "-" + hex.EncodeToString(n.Bytes())
	default:
		return hex.EncodeToString(n.Bytes())
	}
}

// OctetsText is SerialText for a serial number given as the content octets of its
// INTEGER. It makes no big number of one that is positive.
func OctetsText(content []byte) string {
	if len(content) == 0 {
		return "00"
	}
	if content[0]&0x80 != 0 {
		n := new(big.Int).SetBytes(content)
		return SerialText(n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(content)))))
	}
	for len(content) > 1 && content[0] == 0 {
		content = content[1:]
	}
	return hex.EncodeToString(content)
}

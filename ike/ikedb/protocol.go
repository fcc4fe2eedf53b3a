package ikedb

import (
	"fmt"
	"strconv"
)

// protocols are the IP protocols that have a word in definitions; the others are
// written by their numbers.
var protocols = [...]struct {
	word   string
	number uint8
}{
	{"all", 0}, {"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"gre", 47}, {"icmpv6", 58}, {"ospf", 89}, {"l2tp", 115}, {"sctp", 132},
}

// ProtocolWord returns the word of an IP protocol, or its number; "all" for 0.
func ProtocolWord(number uint8) string {
	for _, p := range protocols {
		if p.number == number {
			return p.word
		}
	}
	return strconv.Itoa(int(number))
}

// ParseProtocol reads a protocol's word or its number.
func ParseProtocol(s string) (uint8, error) {
	for _, p := range protocols {
		if p.word == s {
			return p.number, nil
		}
	}
	n, err := strconv.ParseUint(s, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%q is no IP protocol: write tcp, udp, icmp, another's number, or all", s)
	}
	return uint8(n), nil
}

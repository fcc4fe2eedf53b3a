package ikedb

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"keyman/ike/suite"
)

func parseIDs(words []string) ([]Identity, error) { return parseEach(words, ParseIdentity) }

func parseID(word *string) (Identity, error) {
	if word == nil {
		return Identity{}, nil
	}
	return ParseIdentity(*word)
}

func parseAddress(word *string) (netip.Addr, error) {
	if word == nil || *word == anyAddress {
		return netip.Addr{}, nil
	}
	addr, err := netip.ParseAddr(*word)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("%q is neither an IP address nor \"any\"", *word)
	}
	return addr, nil
}

// anyAddress is the word for an address that is not said.
const anyAddress = "any"

func parsePort(port *uint16) (uint16, error) {
	switch {
	case port == nil:
		return 0, nil
	case *port == 0:
		return 0, errors.New("0 is no port")
	}
	return *port, nil
}

func parseDuration(word *string) (time.Duration, error) {
	if word == nil {
		return 0, nil
	}
	d, err := time.ParseDuration(*word)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no length of time such as \"20s\" or \"8h\"", *word)
	}
	return d, nil
}

// durationWord writes a length of time as short as it can be read back.
func durationWord(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// kilobytes is the unit of sizes.
const kilobytes = "KB"

// parseSize reads a size in kilobytes, such as "100000KB".
func parseSize(word *string) (uint32, error) {
	if word == nil {
		return 0, nil
	}
	digits, ok := strings.CutSuffix(*word, kilobytes)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no size such as \"100000KB\"", *word)
	}
	return uint32(n), nil
}

func sizeWord(kb uint32) string { return strconv.FormatUint(uint64(kb), 10) + kilobytes }

// allow is the word that lets weak algorithms in.
const allow = "allow"

func parseWeak(word *string) (bool, error) {
	if word != nil && *word != allow {
		return false, fmt.Errorf("%q is not known: write %q or leave it out", *word, allow)
	}
	return word != nil, nil
}

// noPFS is the word for phase 2 without a Diffie-Hellman exchange of its own.
const noPFS = "none"

// pfsWord writes a group of perfect forward secrecy.
func pfsWord(g suite.Group) string {
	if g == 0 {
		return noPFS
	}
	return g.String()
}

func parsePFS(word string) (suite.Group, error) {
	if word == noPFS {
		return 0, nil
	}
	return suite.ParseGroup(word)
}

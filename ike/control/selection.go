package control

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"keyman/ike"
)

// A Selection says which tunnels a person means. What all its parts mean together
// is meant: tunnels that have one of the words, and the identity, and so on. The
// zero Selection means all.
type Selection struct {
	// Words are names of tunnels, numbers, and lists of numbers with ranges:
	// "branch", "3", "1,3,5-7".
	Words []string
	// RemoteID is the peer's identity, or the name of its group, with or without
	// the word for its type: "gw2.example.org", "fqdn:gw2.example.org",
	// "group:branches".
	RemoteID string
	// Local and Remote are the addresses of both ends; the zero Addr is any.
	Local, Remote netip.Addr
	// AutoStart means those that start with the daemon.
	AutoStart bool
}

// A NoTunnelError is a part of a Selection that means no tunnel.
type NoTunnelError struct{ What string }

func (e *NoTunnelError) Error() string { return "no such tunnel: " + e.What }

// Hint says where the tunnels are seen.
func (*NoTunnelError) Hint() string { return "keyman ike list shows the tunnels" }

// Of returns what of a list is meant, in its order. A word that means nothing, or
// a Selection that does, is a *NoTunnelError.
func (s Selection) Of(list []ike.Status) ([]ike.Status, error) {
	meant := make([]bool, len(list))
	for _, word := range s.Words {
		if err := mark(meant, list, word); err != nil {
			return nil, err
		}
	}
	var chosen []ike.Status
	for i, t := range list {
		if (meant[i] || len(s.Words) == 0) && s.admits(t) {
			chosen = append(chosen, t)
		}
	}
	if what := s.String(); len(chosen) == 0 && what != "" {
		return nil, &NoTunnelError{what}
	}
	return chosen, nil
}

// Names is Of for the names of tunnels, each once.
func (s Selection) Names(list []ike.Status) ([]string, error) {
	chosen, err := s.Of(list)
	var names []string
	for _, t := range chosen {
		if t.Tunnel != "" && !slices.Contains(names, t.Tunnel) {
			names = append(names, t.Tunnel)
		}
	}
	return names, err
}

// DataNames is Names for phase 2 tunnels: the words are their names and numbers, and
// identity and addresses those of the tunnels that carry them.
func (s Selection) DataNames(list []ike.Status) ([]string, error) {
	var data []ike.Status
	for _, t := range list {
		for _, d := range t.Data {
			t.Tunnel, t.Number, t.AutoStart = d.Tunnel, d.Number, d.AutoStart
			data = append(data, t)
		}
	}
	return s.Names(data)
}

// String writes the selection for people; a zero one is "".
func (s Selection) String() string {
	var parts []string
	if len(s.Words) > 0 {
		parts = append(parts, strings.Join(s.Words, " "))
	}
	if s.RemoteID != "" {
		parts = append(parts, "with the peer "+strconv.Quote(s.RemoteID))
	}
	if s.Local.IsValid() {
		parts = append(parts, "from "+s.Local.String())
	}
	if s.Remote.IsValid() {
		parts = append(parts, "to "+s.Remote.String())
	}
	if s.AutoStart {
		parts = append(parts, "that starts by itself")
	}
	return strings.Join(parts, " ")
}

// admits holds everything but the words against a tunnel.
func (s Selection) admits(t ike.Status) bool {
	switch {
	case s.RemoteID != "" && !sameIdentity(t.RemoteID, s.RemoteID):
	case s.Local.IsValid() && t.Local.IsValid() && t.Local.Addr().Unmap() != s.Local.Unmap():
	case s.Remote.IsValid() && t.Remote.Addr().Unmap() != s.Remote.Unmap():
	case s.AutoStart && !t.AutoStart:
	default:
		return true
	}
	return false
}

// sameIdentity reports whether a word is a written identity, or its value.
func sameIdentity(written, word string) bool {
	_, value, _ := strings.Cut(written, ":")
	return strings.EqualFold(written, word) || strings.EqualFold(value, word)
}

// mark marks the tunnels that a word means. A name goes before a number, since it
// may look like one.
func mark(meant []bool, list []ike.Status, word string) error {
	found := false
	for i, t := range list {
		if t.Tunnel != "" && t.Tunnel == word {
			meant[i], found = true, true
		}
	}
	if found {
		return nil
	}
	for part := range strings.SplitSeq(word, ",") {
		low, high, ok := numberRange(part)
		found := false
		for i, t := range list {
			if ok && t.Number >= low && t.Number <= high {
				meant[i], found = true, true
			}
		}
		if !found {
			return &NoTunnelError{strconv.Quote(part)}
		}
	}
	return nil
}

// numberRange reads "3" or "5-7".
func numberRange(text string) (low, high int, ok bool) {
	from, to, isRange := strings.Cut(text, "-")
	if !isRange {
		to = from
	}
	low, err := parseNumber(from)
	if err != nil {
		return 0, 0, false
	}
	high, err = parseNumber(to)
	return low, high, err == nil && low <= high
}

// parseNumber reads the number of a tunnel, which is positive.
func parseNumber(text string) (int, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 31)
	if err == nil && n == 0 {
		return 0, fmt.Errorf("tunnels are numbered from 1 on")
	}
	return int(n), err
}

package ikedb

import (
	"fmt"
	"strings"
	"time"

	"keyman/ike/suite"
)

// A DataTransform is one set of algorithms of ESP or AH, how packets are wrapped,
// and how long the keys last.
type DataTransform struct {
	suite.IPsec
	// Encapsulation is suite.EncapTunnel or suite.EncapTransport; New fills
	// the first. NAT traversal is the engine's matter.
	Encapsulation suite.Encapsulation
	// Lifetime is whole seconds; New fills DefaultDataLifetime.
	Lifetime time.Duration
	// LifeKB limits the data in kilobytes; 0 is no limit.
	LifeKB uint32
}

// String gives the algorithms and then the words of what is unlike the defaults,
// as ParseESP or ParseAH reads them.
func (t DataTransform) String() string {
	s := t.IPsec.String()
	if t.Encapsulation == suite.EncapTransport {
		s += " " + t.Encapsulation.String()
	}
	return s + lifeWords(t.Lifetime, DefaultDataLifetime, t.LifeKB)
}

// lifeWords writes a lifetime that is unlike the default, and a size, each with a
// blank before it.
func lifeWords(life, usual time.Duration, kb uint32) string {
	var s string
	if life != 0 && life != usual {
		s += " " + durationWord(life)
	}
	if kb != 0 {
		s += " " + sizeWord(kb)
	}
	return s
}

// ParseESP reads algorithms as suite.ParseESP does, and after them, in any order,
// words for what is unlike the defaults: "tunnel" or "transport", a lifetime such
// as "1h", and a size such as "100000KB".
func ParseESP(s string) (DataTransform, error) { return parseDataTransform(s, suite.ParseESP) }

// ParseAH reads algorithms as suite.ParseAH does, and words as ParseESP.
func ParseAH(s string) (DataTransform, error) { return parseDataTransform(s, suite.ParseAH) }

func parseDataTransform(s string, algorithms func(string) (suite.IPsec, error)) (DataTransform, error) {
	var t DataTransform
	first, rest, _ := strings.Cut(s, " ")
	var err error
	if t.IPsec, err = algorithms(first); err != nil {
		return DataTransform{}, err
	}
	var modes []string
	var others []string
	for _, word := range strings.Fields(rest) {
		if word == "tunnel" || word == "transport" {
			modes = append(modes, word)
		} else {
			others = append(others, word)
		}
	}
	switch {
	case len(modes) > 1:
		return DataTransform{}, fmt.Errorf("transform %q: both %s and %s", s, modes[0], modes[1])
	case len(modes) == 1 && modes[0] == "transport":
		t.Encapsulation = suite.EncapTransport
	case len(modes) == 1:
		t.Encapsulation = suite.EncapTunnel
	}
	if t.Lifetime, t.LifeKB, err = parseLife(others); err != nil {
		return DataTransform{}, fmt.Errorf("transform %q: %w", s, err)
	}
	return t, nil
}

// parsePhase1 reads algorithms as suite.ParseTransform does, and after them a
// lifetime and a size, each once at most.
func parsePhase1(s string) (suite.Transform, error) {
	first, rest, _ := strings.Cut(s, " ")
	t, err := suite.ParseTransform(first)
	if err != nil {
		return suite.Transform{}, err
	}
	if t.Lifetime, t.LifeKB, err = parseLife(strings.Fields(rest)); err != nil {
		return suite.Transform{}, fmt.Errorf("transform %q: %w", s, err)
	}
	return t, nil
}

// parseLife reads the words of a lifetime and a size; what is not said is 0.
func parseLife(words []string) (life time.Duration, kb uint32, err error) {
	for _, word := range words {
		if strings.HasSuffix(word, kilobytes) {
			n, err := parseSize(&word)
			if err != nil || kb != 0 {
				return 0, 0, fmt.Errorf("%q: want one size, such as 100000KB", word)
			}
			kb = n
			continue
		}
		d, err := parseDuration(&word)
		if err != nil || life != 0 {
			return 0, 0, fmt.Errorf("%q: want one lifetime, such as 8h", word)
		}
		life = d
	}
	return life, kb, nil
}

package gskit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"keyman/keystore"
)

// maxRandom is the longest password that is made; one of -strong has at most
// three of each sign.
const (
	maxRandom       = 1024
	maxStrongRandom = strongRepeats * ('~' - '!' + 1)
	// strongTries bounds the draws for a password that meets the policy. Most
	// do.
	strongTries = 1000
)

func randomActions() []action {
	return []action{{name: "-create", required: []string{"length"}, optional: []string{"strong", "fips"}, run: randomCreate}}
}

// randomCreate prints a random password.
func randomCreate(_ context.Context, c *call) error {
	most := maxRandom
	if c.has("strong") {
		most = maxStrongRandom
	}
	length, err := strconv.Atoi(c.value("length"))
	if err != nil || length < 1 || length > most {
		return usagef("", "-length %q: a number of characters from 1 to %d", c.value("length"), most)
	}
	if c.has("strong") && length < strongLength {
		return usagef("", "-length %d: a password of -strong has %d characters or more", length, strongLength)
	}
	password, err := randomPassword(length, c.has("strong"))
	if err != nil {
		return err
	}
	defer password.Wipe()
	fmt.Fprintf(c.Stdout, "%s\n", []byte(password))
	return nil
}

// randomPassword draws signs of printable ASCII but the blank. For a strong one it
// takes no sign more often than the policy allows, and draws again where the rest
// of the policy is not met.
func randomPassword(length int, strong bool) (keystore.Password, error) {
	for range strongTries {
		var counts [256]int
		password := make(keystore.Password, 0, length)
		for len(password) < length {
			n, err := rand.Int(rand.Reader, big.NewInt('~'-'!'+1))
			if err != nil {
				return nil, err
			}
			sign := '!' + byte(n.Int64())
			if strong && counts[sign] == strongRepeats {
				continue
			}
			counts[sign]++
			password = append(password, sign)
		}
		if !strong || checkStrong(password) == nil {
			return password, nil
		}
	}
	return nil, errors.New("no password that meets the policy of -strong was found")
}

package ikev1

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// The fuzzer's number says at which of the first steps of which pair it is.
const (
	fuzzPairs = 4
	fuzzSteps = 32
)

// FuzzHandle throws a datagram at an SA in each state of a negotiation, in main and
// in aggressive mode, with preshared keys and with signatures, and at a responder
// as its first message. Whatever it holds, nobody is established by it, nothing
// panics, and the negotiation itself still comes to its end.
func FuzzHandle(f *testing.F) {
	files, err := filepath.Glob("testdata/flows/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var recorded flow
		if err := json.Unmarshal(data, &recorded); err != nil {
			f.Fatal(err)
		}
		for i, step := range recorded.Steps {
			if step.Event != "datagram" {
				continue
			}
			for which := range fuzzPairs {
				f.Add(uint8(i%fuzzSteps+which*fuzzSteps), step.Data)
			}
		}
	}
	pairs := [fuzzPairs]simConfig{
		testPair(f, "aes128-sha256-ecp256", suite.PresharedKey),
		testPair(f, "aes128-sha256-ecp256", suite.PresharedKey).aggressive(),
		testPair(f, "aes128-sha256-ecp256", suite.ECDSA256),
		testPair(f, "aes128-sha256-ecp256", suite.ECDSA256).aggressive(),
	}
	f.Fuzz(func(t *testing.T, when uint8, data []byte) {
		pair := pairs[when/fuzzSteps%fuzzPairs]
		first := newSimulation(t, 1, pair, calm)
		first.perform(1, first.sides[1].sa.Handle(first.now, Datagram{Path: Path{Local: addrR, Remote: addrI}, Data: data}))
		first.run(10 * time.Minute)
		if state := first.sides[1].sa.State(); first.sides[1].established != nil || state != Gone && state != AwaitSA {
			t.Errorf("a responder is left %v by its first message", state)
		}
		s := newSimulation(t, 1, pair, calm)
		s.begin()
		for step := uint8(0); len(s.queue) > 0 && s.queue[0].at.Sub(s.start) < 10*time.Minute; step++ {
			s.run(s.queue[0].at.Sub(s.start))
			if step != when%fuzzSteps {
				continue
			}
			for i, side := range s.sides {
				if i == 1 && side.sa.State() == AwaitSA {
					continue // the first message begins the negotiation, whatever it says
				}
				before := side.established
				// With the cookies right, it gets further.
				hostile := append([]byte(nil), data...)
				if len(hostile) >= isakmp.HeaderLen {
					cookieI, cookieR := side.sa.Cookies()
					copy(hostile, cookieI[:])
					copy(hostile[8:], cookieR[:])
				}
				for _, d := range [][]byte{data, hostile} {
					s.perform(i, side.sa.Handle(s.now, Datagram{Path: Path{Local: addrI, Remote: addrR}, Data: d}))
				}
				if before == nil && side.established != nil {
					t.Fatal("established by a datagram that nobody sent")
				}
			}
		}
		for i, side := range s.sides {
			if state := side.sa.State(); state != StateEstablished && state != Gone && state != AwaitSA {
				t.Errorf("side %d is left %v", i, state)
			}
		}
	})
}

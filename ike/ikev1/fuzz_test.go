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

// FuzzHandle throws a datagram at an SA in each state of a negotiation. Whatever
// it holds, nobody is established by it, nothing panics, and the negotiation
// itself still comes to its end.
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
			if step.Event == "datagram" {
				f.Add(uint8(i), step.Data)
			}
		}
	}
	pair := testPair(f, "aes128-sha256-ecp256", suite.PresharedKey)
	f.Fuzz(func(t *testing.T, when uint8, data []byte) {
		s := newSimulation(t, 1, pair, calm)
		s.begin()
		for step := uint8(0); len(s.queue) > 0 && s.queue[0].at.Sub(s.start) < 10*time.Minute; step++ {
			s.run(s.queue[0].at.Sub(s.start))
			if step != when%32 {
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

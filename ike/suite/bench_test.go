package suite_test

import (
	"crypto/rand"
	"testing"

	"keyman/ike/suite"
)

// groups are all groups that can be negotiated.
var groups = []suite.Group{
	suite.MODP768, suite.MODP1024, suite.MODP1536, suite.MODP2048, suite.MODP3072, suite.MODP4096, suite.MODP6144, suite.MODP8192,
	suite.ECP256, suite.ECP384, suite.ECP521,
}

func BenchmarkGenerateKey(b *testing.B) {
	for _, g := range groups {
		b.Run(g.String(), func(b *testing.B) {
			for b.Loop() {
				if _, err := g.GenerateKey(rand.Reader); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkShared(b *testing.B) {
	for _, g := range groups {
		b.Run(g.String(), func(b *testing.B) {
			own, err := g.GenerateKey(rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			peer, err := g.GenerateKey(rand.Reader)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := own.Shared(peer.Public()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

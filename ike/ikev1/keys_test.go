package ikev1

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"

	"keyman/ike/suite"
)

// testKeys returns two keys for a method, made once: what they are decides
// nothing.
func testKeys(t testing.TB, auth suite.AuthMethod) [2]crypto.Signer {
	t.Helper()
	pair, err := makeKeys[auth]()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

var makeKeys = map[suite.AuthMethod]func() ([2]crypto.Signer, error){
	suite.RSASignature: once(func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, 2048) }),
	suite.ECDSA256:     once(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }),
	suite.ECDSA384:     once(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P384(), rand.Reader) }),
	suite.ECDSA521:     once(func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P521(), rand.Reader) }),
}

func once(generate func() (crypto.Signer, error)) func() ([2]crypto.Signer, error) {
	return sync.OnceValues(func() (pair [2]crypto.Signer, err error) {
		for i := range pair {
			if pair[i], err = generate(); err != nil {
				return pair, err
			}
		}
		return pair, nil
	})
}

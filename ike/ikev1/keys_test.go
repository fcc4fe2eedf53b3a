package ikev1

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"
)

// testKeys returns two RSA keys, made once: what they are decides nothing.
func testKeys(t testing.TB) [2]*rsa.PrivateKey {
	t.Helper()
	pair, err := makeKeys()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

var makeKeys = sync.OnceValues(func() (pair [2]*rsa.PrivateKey, err error) {
	for i := range pair {
		if pair[i], err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return pair, err
		}
	}
	return pair, nil
})

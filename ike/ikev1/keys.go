package ikev1

import (
	"keyman/ike/isakmp"
	"keyman/ike/suite"
)

// keys are the secrets of an ISAKMP SA (RFC 2409, 5).
type keys struct {
	hash   suite.Hash
	proof  suite.Hash // of HASH_I and HASH_R
	skeyid []byte     // SKEYID
	d      []byte     // SKEYID_d: from which phase 2 keys are made
	a      []byte     // SKEYID_a: authenticates messages
	e      []byte     // the encryption key, already expanded (RFC 2409, appendix B)
}

// exchange is what both sides have seen of phase 1 and what the keys and the
// authenticating hashes are made of.
type exchange struct {
	cookieI, cookieR isakmp.Cookie
	nonceI, nonceR   []byte // the bodies of the nonce payloads
	publicI, publicR []byte // the bodies of the key exchange payloads
	sa               []byte // SAi_b: the body of the initiator's SA payload
}

// newKeys makes SKEYID alone. With a preshared key it needs no Diffie-Hellman
// secret, so that a peer can be authenticated before one is computed; then secret
// may be nil. psk counts only there.
func newKeys(x *exchange, t suite.Transform, secret, psk []byte) *keys {
	k := &keys{hash: t.Hash, proof: t.Auth.Hash(t.Hash)}
	if t.Auth == suite.PresharedKey {
		// RFC 2409, 5: SKEYID = prf(pre-shared-key, Ni_b | Nr_b)
		k.skeyid = t.Hash.MAC(psk, x.nonceI, x.nonceR)
		return k
	}
	// SKEYID = prf(Ni_b | Nr_b, g^xy)
	nonces := append(append([]byte(nil), x.nonceI...), x.nonceR...)
	k.skeyid = t.Hash.MAC(nonces, secret)
	return k
}

// complete makes the other keys from SKEYID and the Diffie-Hellman secret.
func (k *keys) complete(x *exchange, t suite.Transform, secret []byte) {
	ckyI, ckyR := x.cookieI[:], x.cookieR[:]
	k.d = t.Hash.MAC(k.skeyid, secret, ckyI, ckyR, []byte{0})
	k.a = t.Hash.MAC(k.skeyid, k.d, secret, ckyI, ckyR, []byte{1})
	skeyidE := t.Hash.MAC(k.skeyid, k.a, secret, ckyI, ckyR, []byte{2})
	k.e = suite.ExpandKey(t.Hash, skeyidE, t.KeyLen())
	clear(skeyidE)
}

// hashI is HASH_I of RFC 2409, 5, over the initiator's identity.
func (k *keys) hashI(x *exchange, id isakmp.Identification) []byte {
	return k.proof.MAC(k.skeyid, x.publicI, x.publicR, x.cookieI[:], x.cookieR[:], x.sa, id.Body())
}

// hashR is HASH_R of RFC 2409, 5, over the responder's identity.
func (k *keys) hashR(x *exchange, id isakmp.Identification) []byte {
	return k.proof.MAC(k.skeyid, x.publicR, x.publicI, x.cookieR[:], x.cookieI[:], x.sa, id.Body())
}

// wipe overwrites the secrets.
func (k *keys) wipe() {
	for _, secret := range [][]byte{k.skeyid, k.d, k.a, k.e} {
		clear(secret)
	}
}

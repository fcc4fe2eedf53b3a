package pkcs11

import (
	"crypto"
	"crypto/x509"
)

// A driver is one token with its user logged in. What stands above it is the same
// for every token; what stands below is another's library.
type driver interface {
	// objects lists keys and certificates.
	objects() ([]object, error)
	// generate makes a pair of keys on the token.
	generate(pair) error
	// createKey stores a private key, a *rsa.PrivateKey or *ecdsa.PrivateKey, and
	// its public key.
	createKey(key crypto.PrivateKey, label string, id []byte) error
	// createCertificate stores a certificate.
	createCertificate(certificate) error
	// destroy removes an object.
	destroy(handle uint) error
	// sign signs data, which the mechanism takes as it is.
	sign(handle uint, m mechanism, data []byte) ([]byte, error)
	close() error
}

// A class is what an object is.
type class int

const (
	privateKey class = iota + 1
	publicKey
	certificateClass
)

// An object is a key or a certificate on a token.
type object struct {
	handle uint
	class  class
	label  string
	id     []byte
	der    []byte            // of a certificate
	parsed *x509.Certificate // of a certificate that can be read
	public crypto.PublicKey  // of a key; nil where the object does not tell it
}

// A pair is what a new pair of keys shall be: RSA of so many bits, or ECDSA on the
// curve with this identifier, DER.
type pair struct {
	label   string
	id      []byte
	rsaBits int
	curve   []byte
}

// A certificate is one as a token wants it: the names and the number are for
// finding it.
type certificate struct {
	label                   string
	id                      []byte
	der                     []byte
	subject, issuer, serial []byte // DER
}

// A mechanism is a way of signing.
type mechanism int

const (
	rsaPKCS  mechanism = iota + 1 // PKCS#1 v1.5 padding around what is given
	ecdsaRaw                      // ECDSA of a hash; the result is r and s, one after the other
)

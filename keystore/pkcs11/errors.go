package pkcs11

import (
	"errors"
	"fmt"

	"keyman/keystore"
)

var (
	// ErrNotBuilt is a program that was built without PKCS#11.
	ErrNotBuilt = errors.New("this keyman was built without PKCS#11")
	// ErrModule is a module that cannot be loaded, or does not work.
	ErrModule = errors.New("the PKCS#11 module does not work")
	// ErrNoToken is a URI that no token answers to.
	ErrNoToken = errors.New("there is no such token")
	// ErrAmbiguous is a URI or a label that more than one answers to.
	ErrAmbiguous = errors.New("more than one answers to that name")
	// ErrPIN is a PIN that the token refused.
	ErrPIN = errors.New("the token refused the PIN")
	// ErrLocked is a token that takes no PIN any more.
	ErrLocked = errors.New("the PIN of the token is locked")
	// ErrGone is a token that was there and is not any more.
	ErrGone = errors.New("the token is not there any more")
	// ErrDuplicateKey is a private key that the token has.
	ErrDuplicateKey = errors.New("the key is on the token already")
	// ErrSignature is a signature that the public key does not verify: the
	// public key, or the certificate, beside the private key is another's, or the
	// token does not work.
	ErrSignature = errors.New("the token made a signature that is wrong")
	// ErrMechanism is something that the token, or this package, cannot do with
	// a key.
	ErrMechanism = errors.New("the token cannot do this")
)

// A TokenError is an error of one token: what was done, and why it failed. It wraps
// the errors above, or those of package keystore for an entry.
type TokenError struct {
	Op     string // such as "open token"
	Token  string // its label or URI, or a module; "" is any
	Err    error
	Detail string // what is to be known beside Err; may be ""
}

func (e *TokenError) Error() string {
	s := e.Op
	if e.Token != "" {
		s += fmt.Sprintf(" %q", e.Token)
	}
	s += ": " + e.Err.Error()
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap returns the reason.
func (e *TokenError) Unwrap() error { return e.Err }

// A remedy says what to do about an error.
type remedy struct {
	err  error
	hint string
}

// remedies are made where something has failed, and not at every start.
func remedies() []remedy {
	return []remedy{
		{ErrNotBuilt, "build it with cgo and the tag: make build-pkcs11"},
		{ErrModule, "name the module of the token's maker: --module, module-path in the URI, or KEYMAN_PKCS11_MODULE"},
		{ErrNoToken, "keyman token list shows the tokens of a module"},
		{ErrAmbiguous, "name it more closely: serial=, id="},
		{ErrLocked, "the token's administration tool sets a new PIN with the SO PIN"},
		{ErrGone, "plug it in again, then start anew"},
		{ErrSignature, "see which certificate and which public key have the id of the private key"},
		{keystore.ErrNotFound, "keyman token show lists what is on the token"},
	}
}

// Hint says what to do about it; "" where nothing is known.
func (e *TokenError) Hint() string {
	for _, h := range remedies() {
		if errors.Is(e.Err, h.err) {
			return h.hint
		}
	}
	return ""
}

// A URIError is a URI that cannot be read. It does not repeat the URI, which may
// hold a PIN.
type URIError struct{ Err error }

func (e *URIError) Error() string { return fmt.Sprintf("the PKCS#11 URI cannot be read: %v", e.Err) }

// Unwrap returns the reason.
func (e *URIError) Unwrap() error { return e.Err }

// Hint says how a URI is written.
func (*URIError) Hint() string {
	return "such as pkcs11:token=vpn;object=gw1?module-path=/usr/lib/softhsm/libsofthsm2.so"
}

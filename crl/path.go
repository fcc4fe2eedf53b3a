package crl

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"keyman/internal/cert"
)

// Limits of a check.
const (
	// MaxChain bounds the certificates that a peer may send for one check.
	MaxChain = 32
	// maxPaths bounds the paths that are tried.
	maxPaths = 8
)

// paths finds the ways from chain[0] over the rest of the chain to an anchor,
// each from the certificate to the anchor. Where there is none the reasons say
// why; otherwise they are notes.
func paths(chain [][]byte, now time.Time, policy Policy) ([][]*x509.Certificate, []Reason) {
	if len(chain) == 0 || len(chain) > MaxChain {
		return nil, []Reason{newReason(Fatal, CodeMalformed, nil,
			fmt.Sprintf("a chain of %d certificates, allowed are 1 to %d", len(chain), MaxChain))}
	}
	leaf, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, []Reason{newReason(Fatal, CodeMalformed, nil, "the certificate: "+err.Error())}
	}
	roots, rootCerts, notes := pool("trusted certificate", policy.Anchors)
	between, betweenCerts, moreNotes := pool("certificate of the chain", chain[1:])
	notes = append(notes, moreNotes...)
	if len(rootCerts) == 0 {
		// An empty pool must never reach crypto/x509, where no pool means the
		// certificates that the system trusts.
		return nil, append(notes, newReason(Fatal, CodeNoAnchor, leaf, "no certificate is trusted"))
	}
	found, err := leaf.Verify(x509.VerifyOptions{
		Roots:         roots,
		Intermediates: between,
		CurrentTime:   now,
		// IKE certificates carry many extended key usages, or none.
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, append(notes, diagnose(err, leaf, append(betweenCerts, rootCerts...), now))
	}
	found = slices.DeleteFunc(found, breaksEmailConstraints)
	if len(found) == 0 {
		return nil, append(notes, newReason(Fatal, CodePath, leaf, "an e-mail address on it is not one that a CA above may certify"))
	}
	weak := weakKeys(found[0], policy.AllowWeak)
	found = slices.DeleteFunc(found, func(path []*x509.Certificate) bool { return len(weakKeys(path, policy.AllowWeak)) > 0 })
	if len(found) == 0 {
		return nil, append(notes, weak...)
	}
	return found[:min(len(found), maxPaths)], notes
}

// pool parses certificates. What cannot be read, and a key by which nothing is
// verified, is left out, with a note: it can only make fewer paths, never more.
func pool(what string, ders [][]byte) (*x509.CertPool, []*x509.Certificate, []Reason) {
	var (
		all   = x509.NewCertPool()
		certs []*x509.Certificate
		notes []Reason
	)
	for i, der := range ders {
		cert, err := x509.ParseCertificate(der)
		if err == nil {
			err = checkKeySize(cert.PublicKey)
		}
		if err != nil {
			notes = append(notes, newReason(Note, CodeMalformed, nil, fmt.Sprintf("%s %d: %v", what, i+1, err)))
			continue
		}
		all.AddCert(cert)
		certs = append(certs, cert)
	}
	return all, certs, notes
}

// checkKeySize refuses a key that would hold a check up: a peer can send one with
// half a million bits in a message, and a signature of it costs seconds.
func checkKeySize(key crypto.PublicKey) error {
	if k, ok := key.(*rsa.PublicKey); ok && k.N.BitLen() > cert.MaxVerifyBits {
		return fmt.Errorf("an RSA key of %d bits, more than %d", k.N.BitLen(), cert.MaxVerifyBits)
	}
	return nil
}

// diagnose turns the error of crypto/x509 into a Reason.
func diagnose(err error, leaf *x509.Certificate, known []*x509.Certificate, now time.Time) Reason {
	var (
		invalid  x509.CertificateInvalidError
		critical x509.UnhandledCriticalExtension
		unknown  x509.UnknownAuthorityError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Cert != nil:
		return diagnoseInvalid(invalid, now)
	case errors.As(err, &critical):
		return newReason(Fatal, CodeCriticalExtension, leaf, "")
	case errors.As(err, &unknown) && unknown.Cert != nil:
		return diagnoseUnknown(unknown.Cert, known)
	default:
		return newReason(Fatal, CodePath, leaf, err.Error())
	}
}

func diagnoseInvalid(invalid x509.CertificateInvalidError, now time.Time) Reason {
	cert := invalid.Cert
	switch {
	case invalid.Reason == x509.Expired && now.Before(cert.NotBefore):
		r := newReason(Fatal, CodeNotYetValid, cert, "before "+when(cert.NotBefore))
		r.Date = cert.NotBefore
		return r
	case invalid.Reason == x509.Expired:
		r := newReason(Fatal, CodeExpired, cert, when(cert.NotAfter))
		r.Date = cert.NotAfter
		return r
	case invalid.Reason == x509.NotAuthorizedToSign:
		return newReason(Fatal, CodeNotCA, cert, "")
	default:
		return newReason(Fatal, CodePath, cert, invalid.Error())
	}
}

// diagnoseUnknown tells a wrong signature from an issuer who is not there.
func diagnoseUnknown(cert *x509.Certificate, known []*x509.Certificate) Reason {
	for _, candidate := range known {
		if string(candidate.RawSubject) != string(cert.RawIssuer) {
			continue
		}
		var (
			weak       x509.InsecureAlgorithmError
			constraint x509.ConstraintViolationError
		)
		switch err := cert.CheckSignatureFrom(candidate); {
		case err == nil:
			// The issuer is there, and its own issuer is not.
		case errors.As(err, &weak):
			return newReason(Fatal, CodeWeakSignature, cert, err.Error())
		case errors.As(err, &constraint):
			return newReason(Fatal, CodeNotCA, candidate, "")
		default:
			return newReason(Fatal, CodeBadSignature, cert, "")
		}
	}
	return newReason(Fatal, CodeNoAnchor, cert, "")
}

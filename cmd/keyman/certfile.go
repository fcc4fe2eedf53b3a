package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"keyman/crl"
	"keyman/csr"
	"keyman/internal/atomicfile"
	"keyman/internal/certpem"
	"keyman/internal/keyfile"
	"keyman/internal/pemtext"
	"keyman/keystore"
)

// A content is what a file holds, in words, and which command takes such a file.
type content struct{ what, hint string }

// Contents of files that are no certificates.
var (
	contentKey     = content{"a private key", "keyman cert import KEY CERTIFICATE takes a key together with its certificate"}
	contentRequest = content{"a request, which waits for its certificate", "keyman ca issue NAME --request FILE issues one for it; keyman req show --file FILE shows it"}
	contentCRL     = content{"a revocation list", "keyman crl show FILE shows it, and --crl FILE gives it to a check"}
	contentPublic  = content{"a public key alone", "the CA that knows whose key it is makes a certificate of it"}
)

// readCertificateFile reads the certificates of a file, PEM, DER or PKCS#7. For one
// that holds something else it says what that is, and which command takes it.
func readCertificateFile(path string) ([][]byte, error) {
	list, err := certpem.Read(path)
	if err == nil && !isNoCertificate(list) {
		return list, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noFile(path)
	}
	if c, known := contentOf(path); known {
		return nil, c.instead(path)
	}
	return list, err // the one who takes it says what is wrong with it
}

// instead is the error for what holds this in place of certificates.
func (c content) instead(name string) error {
	return withHint(fmt.Errorf("%s holds %s, and no certificate", name, c.what), c.hint)
}

// noFile says that a file is not there.
func noFile(path string) error { return fmt.Errorf("there is no file %s", path) }

// isNoCertificate reports whether what looked like one certificate by its frame is none.
func isNoCertificate(list [][]byte) bool {
	if len(list) != 1 {
		return false
	}
	_, err := keystore.Summarize(list[0])
	return errors.Is(err, keystore.ErrCertificate)
}

// contentOf tells what a file holds instead of certificates; false where that is not
// known. Nothing is opened for that by a password.
func contentOf(path string) (content, bool) {
	data, _, err := atomicfile.Read(path, certpem.MaxSize)
	if err != nil {
		return content{}, false
	}
	if pemtext.Is(data) {
		return pemContent(data)
	}
	if format, err := keystore.DetectFile(path); err == nil && format != nil {
		return content{"a key database (" + format.Name() + ")", "keyman cert import FILE copies its entries; --keydb FILE works with it"}, true
	}
	return derContent(data)
}

// derContent tells it of DER.
func derContent(data []byte) (content, bool) {
	if _, err := keyfile.Parse(data, nil); err == nil || errors.Is(err, keyfile.ErrNoPassword) {
		return contentKey, true
	}
	if _, err := csr.Parse(data); err == nil {
		return contentRequest, true
	}
	if _, err := crl.Parse(bytes.NewReader(data), crl.Limits{}); err == nil {
		return contentCRL, true
	}
	if _, err := x509.ParsePKIXPublicKey(data); err == nil {
		return contentPublic, true
	}
	return content{}, false
}

// pemContent tells it of PEM, by the types of its blocks; a certificate that cannot be
// read is none of them.
func pemContent(data []byte) (content, bool) {
	for name := range pemtext.Types(data) {
		switch {
		case keyfile.IsKey(name):
			return contentKey, true
		case name == "CERTIFICATE REQUEST" || name == "NEW CERTIFICATE REQUEST":
			return contentRequest, true
		case name == "X509 CRL":
			return contentCRL, true
		case name == "PUBLIC KEY" || name == "RSA PUBLIC KEY":
			return contentPublic, true
		case strings.Contains(name, "CERTIFICATE"):
			return content{}, false
		}
	}
	return content{}, false
}

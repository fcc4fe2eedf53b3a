package ca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"keyman/csr"
	"keyman/internal/atomicfile"
	"keyman/internal/certpem"
	"keyman/internal/dn"
)

// CertificateFile is the CA's certificate in its folder, PEM.
const CertificateFile = "ca.pem"

// Names in the CA's folder beside the database and the certificate.
const (
	issuedDir  = "issued"
	crlFile    = "crl.der"
	crlPEMFile = "crl.pem"
)

// publicMode is the mode of files without secrets. The folder itself is for its
// owner alone.
const publicMode fs.FileMode = 0o644

var (
	// ErrExists is a folder that holds a CA already.
	ErrExists = errors.New("there is a CA already")
	// ErrNoKey is a CA that was opened without its private key.
	ErrNoKey = errors.New("the CA was opened without its private key")
)

// Options say how a CA is founded.
type Options struct {
	// Subject is the CA's name; required.
	Subject dn.Name
	// Signer is the CA's private key; required.
	Signer crypto.Signer
	// Days is how long the CA's own certificate is good for; 0 is
	// DefaultCADays.
	Days int
	// NoSubCAs puts pathLenConstraint 0 into the CA's certificate: no CA may
	// stand below it.
	NoSubCAs bool
	// Now is the time of the founding; zero is the present.
	Now      time.Time
	Settings Settings
}

// A CA issues certificates. It is immutable, and its methods may be called at
// once: what changes is in the folder.
type CA struct {
	dir     string
	cert    *x509.Certificate
	subject dn.Name
	signer  crypto.Signer // nil where the CA cannot sign
}

// Init founds a CA in a folder, which it makes where it is absent. Where the
// folder holds a CA it returns ErrExists and changes nothing.
func Init(ctx context.Context, dir string, o Options) (_ *CA, err error) {
	settings, err := o.Settings.normalized()
	if err != nil {
		return nil, fmt.Errorf("new CA: %w", err)
	}
	der, err := selfSigned(o)
	if err != nil {
		return nil, fmt.Errorf("new CA: %w", err)
	}
	c, err := newCA(dir, der, o.Signer)
	if err != nil {
		return nil, fmt.Errorf("new CA: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, issuedDir), 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, databaseFile)
	lock, err := atomicfile.Acquire(ctx, path, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("%s: %w", dir, ErrExists)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := atomicfile.Write(filepath.Join(dir, CertificateFile), certpem.Encode(certpem.TypeCertificate, der), publicMode); err != nil {
		return nil, err
	}
	// The database comes last: where it is, the CA is complete.
	db := &database{Version: databaseVersion, Settings: settings, Certificates: []Record{}}
	data, err := db.encode()
	if err != nil {
		return nil, err
	}
	if _, err := lock.Save(data, atomicfile.Options{Expect: new(atomicfile.Fingerprint)}); err != nil {
		return nil, err
	}
	return c, nil
}

// selfSigned makes the CA's own certificate (RFC 5280, 4.2.1.3 and 4.2.1.9).
func selfSigned(o Options) ([]byte, error) {
	if o.Signer == nil {
		return nil, ErrNoKey
	}
	if err := csr.CheckKey(o.Signer.Public()); err != nil {
		return nil, err
	}
	if o.Subject.IsEmpty() {
		return nil, errors.New("no subject")
	}
	if err := o.Subject.Validate(); err != nil {
		return nil, err
	}
	if o.Days == 0 {
		o.Days = DefaultCADays
	}
	if o.Days < 1 || o.Days > MaxDays {
		return nil, fmt.Errorf("a lifetime of %d days: 1 to %d are accepted", o.Days, MaxDays)
	}
	now := moment(o.Now)
	serial, err := csr.NewSerial()
	if err != nil {
		return nil, err
	}
	keyID, err := csr.KeyID(o.Signer.Public())
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		RawSubject:            o.Subject.DER(),
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(time.Duration(o.Days) * day),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        o.NoSubCAs,
		SubjectKeyId:          keyID,
	}
	return x509.CreateCertificate(rand.Reader, template, template, o.Signer.Public(), o.Signer)
}

// Open opens the CA in a folder. The signer must be the CA's private key, or nil
// for a CA that only lists and revokes. A folder without a CA is fs.ErrNotExist.
func Open(ctx context.Context, dir string, signer crypto.Signer) (*CA, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if _, err := loadDatabase(dir); err != nil {
		return nil, fmt.Errorf("open CA: %w", err)
	}
	certs, err := certpem.Read(filepath.Join(dir, CertificateFile))
	if err != nil {
		return nil, fmt.Errorf("open CA: %w", err)
	}
	c, err := newCA(dir, certs[0], signer)
	if err != nil {
		return nil, fmt.Errorf("open CA %s: %w", dir, err)
	}
	return c, nil
}

// newCA checks the CA's certificate, and that the key belongs to it.
func newCA(dir string, der []byte, signer crypto.Signer) (*CA, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the CA's certificate cannot be read: %w", err)
	}
	if err := cert.CheckSignatureFrom(cert); err != nil {
		return nil, fmt.Errorf("the CA's certificate: %w", err)
	}
	if !cert.IsCA || cert.KeyUsage&x509.KeyUsageCertSign == 0 || cert.KeyUsage&x509.KeyUsageCRLSign == 0 || len(cert.SubjectKeyId) == 0 {
		return nil, errors.New("the CA's certificate is no CA certificate")
	}
	subject, err := dn.FromDER(cert.RawSubject)
	if err != nil {
		return nil, fmt.Errorf("the CA's certificate: %w", err)
	}
	if signer != nil && !sameKey(signer.Public(), cert.PublicKey) {
		return nil, errors.New("the private key is not that of the CA's certificate")
	}
	return &CA{dir: dir, cert: cert, subject: subject, signer: signer}, nil
}

// sameKey reports whether two public keys are the same.
func sameKey(a, b crypto.PublicKey) bool {
	x, errX := x509.MarshalPKIXPublicKey(a)
	y, errY := x509.MarshalPKIXPublicKey(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// Certificate returns the CA's certificate, DER.
func (c *CA) Certificate() []byte { return bytes.Clone(c.cert.Raw) }

// Subject returns the CA's name.
func (c *CA) Subject() dn.Name { return c.subject }

// Settings returns the settings that the CA was founded with.
func (c *CA) Settings() (Settings, error) {
	db, err := loadDatabase(c.dir)
	if err != nil {
		return Settings{}, err
	}
	return db.Settings, nil
}

// Certificates lists what was issued, the oldest first.
func (c *CA) Certificates() ([]Record, error) {
	db, err := loadDatabase(c.dir)
	if err != nil {
		return nil, err
	}
	return db.Certificates, nil
}

// CRLNumber returns the number of the latest revocation list; 0 is none.
func (c *CA) CRLNumber() (uint64, error) {
	db, err := loadDatabase(c.dir)
	if err != nil {
		return 0, err
	}
	return db.CRLNumber, nil
}

// moment returns t, or the present for zero, as certificates hold it: in UTC, to
// the second (RFC 5280, 4.1.2.5).
func moment(t time.Time) time.Time {
	if t.IsZero() {
		t = time.Now()
	}
	return t.UTC().Truncate(time.Second)
}

package ca

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"path/filepath"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/csr"
	"keyman/internal/atomicfile"
	"keyman/internal/certpem"
)

// Object identifiers of extensions.
var (
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidCRLPoints        = asn1.ObjectIdentifier{2, 5, 29, 31}
)

// IssueOptions say how one certificate is issued.
type IssueOptions struct {
	// Profile is what the certificate may be used for; "" is ProfileIKE.
	Profile Profile
	// Days is the lifetime; 0 is that of the CA's settings. The certificate
	// never outlives the CA's own.
	Days int
	// Now is the time of issuing; zero is the present.
	Now time.Time
}

// An Issued is a new certificate.
type Issued struct {
	Record Record
	// Certificate is the certificate, DER.
	Certificate []byte
	// File is where the CA keeps it, PEM.
	File string
	// Shortened says that the lifetime was cut to that of the CA.
	Shortened bool
}

// Issue makes a certificate for a request. Of the request it takes the subject,
// the public key and the alternative names, after checking them; it refuses one
// that asks to be a CA, one with alternative names of kinds that it cannot
// check, and one with the CA's own name or key.
func (c *CA) Issue(ctx context.Context, request *csr.Request, o IssueOptions) (_ *Issued, err error) {
	if c.signer == nil {
		return nil, fmt.Errorf("issue: %w", ErrNoKey)
	}
	if o.Profile == "" {
		o.Profile = ProfileIKE
	}
	// Read anew, so that nothing counts but what its maker has signed.
	if request, err = csr.Parse(request.Raw); err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	if err := c.checkRequest(request); err != nil {
		return nil, fmt.Errorf("issue: the request: %w", err)
	}
	tx, err := c.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	defer tx.end(&err)
	if o.Days == 0 {
		o.Days = tx.db.Settings.CertificateDays
	}
	o.Now = moment(o.Now) // one instant for all that follows
	serial, err := freshSerial(tx.db)
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	template, err := c.template(request, serial, o, tx.db.Settings.CRLURLs)
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	der, err := c.sign(template, request)
	if err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	sum := sha256.Sum256(der)
	record := Record{
		Serial:    formatSerial(serial),
		Subject:   request.Subject.String(),
		SANs:      request.SANs,
		Profile:   o.Profile,
		Issued:    o.Now,
		NotBefore: template.NotBefore,
		NotAfter:  template.NotAfter,
		SHA256:    hex.EncodeToString(sum[:]),
	}
	tx.db.Certificates = append(tx.db.Certificates, record)
	if err := tx.save(); err != nil {
		return nil, fmt.Errorf("issue: %w", err)
	}
	// From here on the certificate is recorded and can be revoked.
	file := filepath.Join(c.dir, issuedDir, record.Serial+".pem")
	if err := atomicfile.Write(file, certpem.Encode(certpem.TypeCertificate, der), publicMode); err != nil {
		return nil, fmt.Errorf("issue: certificate %s is recorded, but: %w", record.Serial, err)
	}
	return &Issued{
		Record:      record,
		Certificate: der,
		File:        file,
		Shortened:   template.NotAfter.Before(o.Now.Add(time.Duration(o.Days) * day)),
	}, nil
}

// checkRequest tells why nothing is issued for a request.
func (c *CA) checkRequest(r *csr.Request) error {
	if err := (csr.Template{Subject: r.Subject, SANs: r.SANs}).Validate(); err != nil {
		return err
	}
	if err := csr.CheckKey(r.PublicKey); err != nil {
		return err
	}
	if len(r.OtherNames) > 0 {
		return fmt.Errorf("it has %d alternative names that are neither DNS, IP, e-mail nor URI", len(r.OtherNames))
	}
	if r.Subject.Equal(c.subject) {
		return errors.New("its subject is the CA's own name")
	}
	if sameKey(r.PublicKey, c.cert.PublicKey) {
		return errors.New("its key is the CA's own")
	}
	if r.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0 {
		return errors.New("it asks for the key usage of a CA")
	}
	for _, ext := range r.Extensions {
		if ext.Id.Equal(oidBasicConstraints) && !isEndEntity(ext.Value) {
			return errors.New("it asks to be a CA")
		}
	}
	return nil
}

// isEndEntity reports whether basicConstraints say CA:FALSE and no more (RFC
// 5280, 4.2.1.9): an empty SEQUENCE, or one with an explicit FALSE.
func isEndEntity(value []byte) bool {
	return bytes.Equal(value, []byte{0x30, 0}) || bytes.Equal(value, []byte{0x30, 3, 1, 1, 0})
}

// freshSerial returns a serial number that the database does not have.
func freshSerial(db *database) (*big.Int, error) {
	serial, err := csr.NewSerial()
	if err != nil {
		return nil, err
	}
	if db.find(formatSerial(serial)) != nil {
		return nil, errors.New("the random generator returned a serial number twice")
	}
	return serial, nil
}

// template fills in what is to be signed.
func (c *CA) template(r *csr.Request, serial *big.Int, o IssueOptions, urls []string) (*x509.Certificate, error) {
	if o.Days < 1 || o.Days > MaxDays {
		return nil, fmt.Errorf("a lifetime of %d days: 1 to %d are accepted", o.Days, MaxDays)
	}
	now := o.Now
	if now.Before(c.cert.NotBefore) || !now.Before(c.cert.NotAfter) {
		return nil, fmt.Errorf("the CA's certificate is good from %s to %s only",
			c.cert.NotBefore.Format(time.RFC3339), c.cert.NotAfter.Format(time.RFC3339))
	}
	template := &x509.Certificate{
		SerialNumber:   serial,
		RawSubject:     r.Subject.DER(),
		NotBefore:      later(now.Add(-backdate), c.cert.NotBefore),
		NotAfter:       earlier(now.Add(time.Duration(o.Days)*day), c.cert.NotAfter),
		AuthorityKeyId: c.cert.SubjectKeyId,
	}
	if err := o.Profile.apply(template); err != nil {
		return nil, err
	}
	var err error
	if template.SubjectKeyId, err = csr.KeyID(r.PublicKey); err != nil {
		return nil, err
	}
	if len(r.SANs) > 0 {
		names, err := csr.AltNameExtension(r.Subject, r.SANs)
		if err != nil {
			return nil, err
		}
		template.ExtraExtensions = append(template.ExtraExtensions, names)
	}
	if len(urls) > 0 {
		points, err := distributionPoint(urls)
		if err != nil {
			return nil, err
		}
		template.ExtraExtensions = append(template.ExtraExtensions, points)
	}
	return template, nil
}

// distributionPoint encodes one DistributionPoint whose fullName has all URLs:
// ways to the same list (RFC 5280, 4.2.1.13). crypto/x509 makes a point of each
// URL, which says something else.
func distributionPoint(urls []string) (pkix.Extension, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // CRLDistributionPoints
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // DistributionPoint
			b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { // distributionPoint
				b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { // fullName
					for _, u := range urls {
						b.AddASN1(cbasn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(u)) })
					}
				})
			})
		})
	})
	value, err := b.Bytes()
	return pkix.Extension{Id: oidCRLPoints, Value: value}, err
}

// sign checks the template, signs it, and checks what came out.
func (c *CA) sign(template *x509.Certificate, r *csr.Request) ([]byte, error) {
	if err := c.lint(template); err != nil {
		return nil, fmt.Errorf("refused to sign: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, r.PublicKey, c.signer)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the signed certificate cannot be read: %w", err)
	}
	if err := cert.CheckSignatureFrom(c.cert); err != nil {
		return nil, fmt.Errorf("the signed certificate does not verify: %w", err)
	}
	if err := c.lint(cert); err != nil {
		return nil, fmt.Errorf("the signed certificate: %w", err)
	}
	if !bytes.Equal(cert.RawSubject, template.RawSubject) || !bytes.Equal(cert.RawIssuer, c.cert.RawSubject) ||
		cert.SerialNumber.Cmp(template.SerialNumber) != 0 || !sameKey(cert.PublicKey, r.PublicKey) ||
		len(csr.SANs(cert)) != len(r.SANs) || !bytes.Equal(cert.AuthorityKeyId, c.cert.SubjectKeyId) {
		return nil, errors.New("the signed certificate is not what was asked for")
	}
	return der, nil
}

// lint tells what is wrong with an end entity's certificate, before it is
// signed and after.
func (c *CA) lint(cert *x509.Certificate) error {
	switch {
	case cert.SerialNumber == nil || cert.SerialNumber.Sign() <= 0 || cert.SerialNumber.BitLen() >= 160:
		return errors.New("the serial number is not positive or longer than 20 octets (RFC 5280, 4.1.2.2)")
	case !cert.NotAfter.After(cert.NotBefore):
		return errors.New("the validity is empty (RFC 5280, 4.1.2.5)")
	case cert.NotBefore.Before(c.cert.NotBefore) || cert.NotAfter.After(c.cert.NotAfter):
		return errors.New("the validity is not within that of the CA")
	case cert.IsCA || !cert.BasicConstraintsValid:
		return errors.New("it does not say that it is no CA (RFC 5280, 4.2.1.9)")
	case cert.KeyUsage != x509.KeyUsageDigitalSignature:
		return errors.New("the key usage is not digitalSignature alone (RFC 4945, 5.1.3.2)")
	case len(cert.UnknownExtKeyUsage) != 1 || !cert.UnknownExtKeyUsage[0].Equal(csr.OIDIPsecIKE()):
		return errors.New("the extended key usage is not ipsecIKE (RFC 4945, 5.1.3.12)")
	case len(cert.SubjectKeyId) == 0 || len(cert.AuthorityKeyId) == 0:
		return errors.New("a key identifier is missing (RFC 5280, 4.2.1.1 and 4.2.1.2)")
	}
	return nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

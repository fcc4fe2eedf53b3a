package isakmp

import "fmt"

// CertEncoding says what a certificate payload holds (RFC 2408, 3.9).
type CertEncoding uint8

// The certificate encodings.
const (
	CertPKCS7           CertEncoding = 1 // PKCS #7 wrapped X.509 certificate
	CertPGP             CertEncoding = 2
	CertDNSKey          CertEncoding = 3
	CertX509Signature   CertEncoding = 4 // one DER certificate
	CertX509KeyExchange CertEncoding = 5
	CertKerberos        CertEncoding = 6
	CertCRL             CertEncoding = 7
	CertARL             CertEncoding = 8
	CertSPKI            CertEncoding = 9
	CertX509Attribute   CertEncoding = 10

	// The encodings of IKEv2 by which a certificate is to be fetched
	// (RFC 7296, 3.6). IKEv1 has none such; some peers send them all the same.
	CertHashURL       CertEncoding = 12
	CertHashURLBundle CertEncoding = 13
)

// String gives a name, or the number.
func (e CertEncoding) String() string {
	switch e {
	case CertPKCS7:
		return "PKCS #7"
	case CertPGP:
		return "PGP"
	case CertDNSKey:
		return "DNS key"
	case CertX509Signature:
		return "X.509 signature"
	case CertX509KeyExchange:
		return "X.509 key exchange"
	case CertKerberos:
		return "Kerberos"
	case CertCRL:
		return "CRL"
	case CertARL:
		return "ARL"
	case CertSPKI:
		return "SPKI"
	case CertX509Attribute:
		return "X.509 attribute"
	case CertHashURL:
		return "hash and URL of an X.509 certificate"
	case CertHashURLBundle:
		return "hash and URL of an X.509 bundle"
	}
	return fmt.Sprintf("certificate encoding %d", uint8(e))
}

// Certificate carries a certificate or a revocation list (RFC 2408, 3.9).
type Certificate struct {
	Encoding CertEncoding
	Data     []byte // never empty
}

// Type gives PayloadCertificate.
func (*Certificate) Type() PayloadType { return PayloadCertificate }

func (p *Certificate) appendBody(b []byte) []byte {
	return append(append(b, byte(p.Encoding)), p.Data...)
}

func (p *Certificate) check() error {
	if len(p.Data) == 0 {
		return refuse(InvalidCertificate, p.Type(), "empty %s", p.Encoding)
	}
	return nil
}

func parseCertificate(b []byte) (*Certificate, error) {
	if len(b) < 1 {
		return nil, malformed(PayloadCertificate, "no encoding")
	}
	return &Certificate{Encoding: CertEncoding(b[0]), Data: b[1:]}, nil
}

// CertificateRequest asks for a certificate (RFC 2408, 3.10).
type CertificateRequest struct {
	Encoding  CertEncoding
	Authority []byte // DER name of the wanted issuer; empty means any
}

// Type gives PayloadCertificateRequest.
func (*CertificateRequest) Type() PayloadType { return PayloadCertificateRequest }

func (p *CertificateRequest) appendBody(b []byte) []byte {
	return append(append(b, byte(p.Encoding)), p.Authority...)
}

func (*CertificateRequest) check() error { return nil }

func parseCertificateRequest(b []byte) (*CertificateRequest, error) {
	if len(b) < 1 {
		return nil, malformed(PayloadCertificateRequest, "no encoding")
	}
	return &CertificateRequest{Encoding: CertEncoding(b[0]), Authority: b[1:]}, nil
}

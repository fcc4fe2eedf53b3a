package csr

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"

	"keyman/internal/cert"
	"keyman/internal/oids"
)

// FromRequest returns a template that asks for what an earlier request asked for:
// subject, names of every kind, usages, constraints, further extensions and the
// challenge password. left names what is not taken over: attributes of other
// kinds. A key identifier is left out, too, for it belongs to the key.
func FromRequest(r *Request) (t Template, left []string) {
	t = r.template()
	for _, ext := range r.Extensions {
		switch ext.Id.String() {
		case oids.SubjectAltName, oids.KeyUsage, oids.ExtKeyUsage, oids.BasicConstraints, oids.SubjectKeyIdentifier, oids.AuthorityKeyIdentifier:
		default:
			t.Extensions = append(t.Extensions, ext)
		}
	}
	for _, id := range r.OtherAttributes {
		left = append(left, oids.AttributeName(id.String()))
	}
	return t, left
}

// FromCertificate returns a template that asks for what a certificate has:
// subject, names of every kind, usages, constraints, and TLS features. left names
// the extensions that are not taken over and are no CA's own business, such as
// identifiers of keys and places of revocation lists.
func FromCertificate(der []byte) (t Template, left []string, err error) {
	// Not by crypto/x509: what it refuses for its key or its serial number is
	// renewed all the same, with a new key.
	c, err := cert.Parse(der)
	if err != nil {
		return t, nil, err
	}
	r := Request{Subject: c.Subject}
	if c.Has(cert.FlawSubject) {
		return t, nil, errors.New("certificate: the subject cannot be read")
	}
	var extensions []pkix.Extension
	for _, e := range c.Extensions {
		id, err := oids.Parse(e.OID.String())
		if err != nil {
			return t, nil, fmt.Errorf("certificate: extension %s: %w", e.OID, err)
		}
		extensions = append(extensions, pkix.Extension{Id: id, Critical: e.Critical, Value: e.Value})
	}
	if err := r.readExtensions(extensions); err != nil {
		return t, nil, fmt.Errorf("certificate: %w", err)
	}
	t = r.template()
	for _, ext := range r.Extensions {
		switch id := ext.Id.String(); id {
		case oids.SubjectAltName, oids.KeyUsage, oids.ExtKeyUsage, oids.BasicConstraints:
		case oids.SubjectKeyIdentifier, oids.AuthorityKeyIdentifier, oids.IssuerAltName, oids.CRLDistributionPoints, oids.FreshestCRL,
			oids.AuthorityInfoAccess, oids.SCTList, oids.MSCAVersion, oids.MSPreviousCAHash:
		case oids.TLSFeature: // RFC 7633, 4.1: the request asks for it
			t.Extensions = append(t.Extensions, ext)
		default:
			left = append(left, oids.ExtensionName(id))
		}
	}
	return t, left, nil
}

// template returns what is asked for by the extensions that csr knows.
func (r *Request) template() Template {
	t := Template{Subject: r.Subject, KeyUsage: r.KeyUsage, ExtKeyUsage: r.ExtKeyUsage, Challenge: slices.Clone(r.Challenge)}
	if c := r.BasicConstraints; c != nil && c.CA {
		t.BasicConstraints = c
	}
	if r.IKE() && r.KeyUsage&x509.KeyUsageDigitalSignature != 0 {
		t.IKE = true
		t.KeyUsage &^= x509.KeyUsageDigitalSignature
		t.ExtKeyUsage = slices.DeleteFunc(slices.Clone(t.ExtKeyUsage), OIDIPsecIKE().Equal)
	}
	for _, san := range r.SANs {
		switch {
		case slices.Contains(t.SANs, san):
		case san.Validate() == nil:
			t.SANs = append(t.SANs, san)
		default:
			// A name that nobody would ask for today, such as a wildcard:
			// whoever signs judges it.
			var b cryptobyte.Builder
			san.add(&b)
			if name, err := b.Bytes(); err == nil {
				t.OtherNames = append(t.OtherNames, name)
			}
		}
	}
	t.OtherNames = append(t.OtherNames, r.OtherNames...)
	return t
}

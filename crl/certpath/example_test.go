package certpath_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"time"

	"keyman/crl/certpath"
)

const rootPEM = `-----BEGIN CERTIFICATE-----
MIIBpjCCAU2gAwIBAgIUbJp6RPqVV2xnlzF8JCet+1QWnsUwCgYIKoZIzj0EAwIw
ITEQMA4GA1UECgwHRXhhbXBsZTENMAsGA1UEAwwEUm9vdDAeFw0yNjExMjQwMDM3
MzVaFw0zNjExMjEwMDM3MzVaMCExEDAOBgNVBAoMB0V4YW1wbGUxDTALBgNVBAMM
BFJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATpJi5N6YxrA49DD8mapZ8d
fZwrddrBqfb+wE0w3qLkVQ6NT+OPj0ArtB2R5AM99zrRbrtc42ciyOFs7vOvZvzq
o2MwYTAdBgNVHQ4EFgQUcF6CqBH7IaYbGRoUG8uzKiqKKxcwHwYDVR0jBBgwFoAU
cF6CqBH7IaYbGRoUG8uzKiqKKxcwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8E
BAMCAQYwCgYIKoZIzj0EAwIDRwAwRAIgCfrgjueXKSEECRLQp2iyxPU/q/ZymJWg
h6aWpJKxKicCIH3KUCzG66pgCEOm57aJdbVq6A4TMgO4BVZYwNBQJyko
-----END CERTIFICATE-----
`

const leafPEM = `-----BEGIN CERTIFICATE-----
MIIBzTCCAXKgAwIBAgIUKlgjjLvFgrMkE+qeI57hrpelOkswCgYIKoZIzj0EAwIw
ITEQMA4GA1UECgwHRXhhbXBsZTENMAsGA1UEAwwEUm9vdDAeFw0yNjExMjQwMDM3
MzVaFw0yNzExMjQwMDM3MzVaMCAxEDAOBgNVBAoMB0V4YW1wbGUxDDAKBgNVBAMM
A2d3MTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHHTkBf4R1Xlm+irz8iPT5hz
En+/WRPGRfCsUJ+lfI3TCxATuXd+s1Tn9VI1C3qRJyrcwCjCyetrbY4bf6c59+aj
gYgwgYUwCQYDVR0TBAIwADALBgNVHQ8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUH
AxEwFgYDVR0RBA8wDYILZ3cxLmV4YW1wbGUwHQYDVR0OBBYEFOi04yx7HLFE/W2P
9+1HeW2CYZePMB8GA1UdIwQYMBaAFHBegqgR+yGmGxkaFBvLsyoqiisXMAoGCCqG
SM49BAMCA0kAMEYCIQDZGMVXcrvsPDBqDESZwtlklm8o1+7dodjfKYTsf+mwsAIh
AOF1oB+6UwHQmiRduuoICc+PWesHTg1oK0u0MvF3jW4t
-----END CERTIFICATE-----
`

// parse reads the one certificate of a PEM text.
func parse(text string) *certpath.Certificate {
	block, _ := pem.Decode([]byte(text))
	c, err := certpath.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return c
}

// A certificate for IKE is validated against a trusted one, without asking about
// revocation.
func ExampleValidate() {
	anchor, err := certpath.AnchorOf(parse(rootPEM))
	if err != nil {
		panic(err)
	}
	options := certpath.Options{
		Anchors: []*certpath.Anchor{anchor},
		Time:    time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		Purpose: certpath.IKE,
	}
	path, err := certpath.Validate(context.Background(), parse(leafPEM), options)
	if err != nil {
		panic(err)
	}
	fmt.Println(path.Certificates[0].Subject, "is vouched for by", path.Anchor.Name())

	options.Purpose = certpath.Server
	_, err = certpath.Validate(context.Background(), parse(leafPEM), options)
	fmt.Println(certpath.CodeOf(err))
	// Output:
	// O=Example, CN=gw1 is vouched for by O=Example, CN=Root
	// purpose
}

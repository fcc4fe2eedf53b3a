package main

import (
	"bytes"
	"fmt"
	"slices"

	"keyman/internal/cert"
)

// chainOf reads the file with a certificate that is to be checked, which may hold
// those of the CAs above it, and returns that one first.
func (a *app) chainOf(path string) ([][]byte, error) {
	list, err := a.certificatesOf(path)
	if err != nil {
		return nil, err
	}
	if list, err = leafFirst(list); err != nil {
		return nil, withHint(fmt.Errorf("%s %w", path, err), "check each in a file of its own; --intermediate FILE gives CAs between")
	}
	return list, nil
}

// leafFirst finds among certificates the one that the others stand above: the only one
// that issued none of them, or else the only one that is no CA's. The order says
// nothing: PKCS#7 holds a set, and people put their CA first. To guess which of several
// is meant would call the others good.
func leafFirst(list [][]byte) ([][]byte, error) {
	list = slices.Clone(list)
	for i := 0; i < len(list); i++ { // one that stands there twice is one
		list = append(list[:i+1], slices.DeleteFunc(list[i+1:], func(other []byte) bool { return bytes.Equal(other, list[i]) })...)
	}
	if len(list) < 2 {
		return list, nil
	}
	parsed := make([]*cert.Certificate, len(list))
	for i, der := range list {
		c, err := cert.Parse(der)
		if err != nil {
			return nil, fmt.Errorf("holds %d certificates, of which number %d cannot be read: %w", len(list), i+1, err)
		}
		parsed[i] = c
	}
	for _, isLeaf := range []func(i int) bool{
		func(i int) bool { return !issuedAny(parsed, i) },
		func(i int) bool { return !saysCA(parsed[i]) },
	} {
		leaf, count := 0, 0
		for i := range parsed {
			if isLeaf(i) {
				leaf, count = i, count+1
			}
		}
		if count == 1 {
			list[0], list[leaf] = list[leaf], list[0]
			return list, nil
		}
	}
	return nil, fmt.Errorf("holds %d certificates, and it cannot be told which of them is meant", len(list))
}

// issuedAny reports whether a certificate has the name of the issuer of another one.
func issuedAny(list []*cert.Certificate, i int) bool {
	for j, other := range list {
		if j != i && other.IssuerKey == list[i].SubjectKey {
			return true
		}
	}
	return false
}

// saysCA reports whether a certificate says that it is a CA's (RFC 5280, 4.2.1.9).
func saysCA(c *cert.Certificate) bool {
	e, ok := c.Extension(cert.OIDBasicConstraints)
	if !ok {
		return false
	}
	constraints, err := cert.ParseBasicConstraints(e.Value)
	return err == nil && constraints.CA
}

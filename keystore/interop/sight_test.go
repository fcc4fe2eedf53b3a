package interop

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"keyman/keystore/format"
)

// A sight is what a program finds in a file.
type sight struct {
	certificates []seen
	keys         []seen // each as a PKCS#10 request that the program signed with it
	secrets      []seen // PKCS#8
	requests     [][]byte
	labels       bool // the program tells labels of this format
	trust        bool // and trust
}

// A seen is a certificate or a request, DER.
type seen struct {
	der     []byte
	label   string
	trusted bool
}

// A block is a PEM block with what a program printed before it.
type block struct {
	label   string
	trusted bool
	*pem.Block
}

// text returns the block in PEM.
func (b block) text() []byte { return pem.EncodeToMemory(b.Block) }

// labelLine is how OpenSSL, certtool and keytool print a label before a block.
var labelLine = regexp.MustCompile(`(?i)^\s*(friendlyName|Friendly name|Alias name): (.*)$`)

// trustLine is Java's mark of trust, as OpenSSL and keytool print it.
var trustLine = regexp.MustCompile(`^\s*(2\.16\.840\.1\.113894\.746875\.1\.1:|Entry type: trustedCertEntry)`)

// blocks reads the PEM blocks of a program's output, with labels and trust.
func blocks(out []byte) []block {
	var (
		list   []block
		next   block
		inside []byte
	)
	for line := range bytes.Lines(out) {
		switch {
		case bytes.HasPrefix(line, []byte("-----BEGIN ")):
			inside = bytes.Clone(line)
		case bytes.HasPrefix(line, []byte("-----END ")):
			if next.Block, _ = pem.Decode(append(inside, line...)); next.Block != nil {
				list = append(list, next)
			}
			inside, next = nil, block{}
		case inside != nil:
			inside = append(inside, line...)
		default:
			if m := labelLine.FindSubmatch(bytes.TrimRight(line, "\r\n")); m != nil {
				next.label = labelOf(m[2])
			}
			next.trusted = next.trusted || trustLine.Match(line)
		}
	}
	return list
}

// labelOf reads a label as it was printed. OpenSSL 3.0 prints the lower half of
// each UTF-16 unit, which is Latin-1 where the label is.
func labelOf(printed []byte) string {
	if utf8.Valid(printed) {
		return string(printed)
	}
	var label []rune
	for _, c := range printed {
		label = append(label, rune(c))
	}
	return string(label)
}

// add puts blocks into a sight; proof signs a request with a key.
func (s *sight) add(list []block, proof func(key block) ([]byte, error)) error {
	for _, b := range list {
		switch {
		case b.Type == "CERTIFICATE":
			s.certificates = append(s.certificates, seen{der: b.Bytes, label: b.label, trusted: b.trusted})
		case strings.HasSuffix(b.Type, "CERTIFICATE REQUEST"):
			s.requests = append(s.requests, b.Bytes)
		case strings.HasSuffix(b.Type, "PRIVATE KEY"):
			request, err := proof(b)
			if err != nil {
				return err
			}
			s.keys = append(s.keys, seen{der: request, label: b.label})
		}
	}
	return nil
}

// shows tells what is not as it should be where a program looks at a subject.
func (s sight) shows(want subject, f fileFormat) error {
	var labels []string
	at := func(der []byte) int {
		return slices.IndexFunc(s.certificates, func(c seen) bool { return bytes.Equal(c.der, der) })
	}
	if f.certificates {
		for i, der := range want.chain {
			n := at(der)
			if n < 0 {
				return fmt.Errorf("certificate %d of the chain is not there", i)
			}
			if i > 0 {
				continue
			}
			labels = append(labels, s.certificates[n].label)
			if s.trust && s.certificates[n].trusted != want.trusted {
				return fmt.Errorf("it is trusted: %v", s.certificates[n].trusted)
			}
		}
	}
	if want.kind == format.SecretKey {
		n := slices.IndexFunc(s.secrets, func(k seen) bool { return bytes.Equal(k.der, want.key) })
		if n < 0 {
			return errors.New("no secret key is the same")
		}
		labels = append(labels, s.secrets[n].label)
	} else if want.key != nil && f.keys {
		public := wantPublic(want)
		n := slices.IndexFunc(s.keys, func(k seen) bool { return bytes.Equal(requestKey(k.der), public) })
		if n < 0 {
			return errors.New("no key of it signs")
		}
		if err := verifyRequest(s.keys[n].der); err != nil {
			return fmt.Errorf("what its key signed: %w", err)
		}
		labels = append(labels, s.keys[n].label)
	}
	if s.labels && !slices.Contains(labels, want.label) {
		return fmt.Errorf("it is called %q", labels)
	}
	if f.requests && want.request != nil && !slices.ContainsFunc(s.requests, func(r []byte) bool { return bytes.Equal(r, want.request) }) {
		return errors.New("its request is not there")
	}
	return nil
}

// signed is what certificates and requests have in common.
type signed struct {
	Content   asn1.RawValue
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

type publicKeyInfo struct {
	Algorithm asn1.RawValue
	Key       asn1.BitString
}

// requestKey returns the bits of the public key in a request; nil for none.
func requestKey(der []byte) []byte {
	var outer signed
	var inner struct {
		Version int
		Subject asn1.RawValue
		Public  publicKeyInfo
		Rest    asn1.RawValue `asn1:"optional,tag:0"`
	}
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil
	}
	if _, err := asn1.Unmarshal(outer.Content.FullBytes, &inner); err != nil {
		return nil
	}
	return inner.Public.Key.Bytes
}

// wantPublic returns the bits of the public key that a subject has.
func wantPublic(s subject) []byte {
	switch {
	case s.public != nil:
		return s.public
	case len(s.chain) == 0:
		return requestKey(s.request)
	default:
		return certificateKey(s.chain[0])
	}
}

func certificateKey(der []byte) []byte {
	var outer signed
	var inner struct {
		Version                                      int `asn1:"explicit,optional,tag:0"`
		Serial, Algorithm, Issuer, Validity, Subject asn1.RawValue
		Public                                       publicKeyInfo
		Extensions                                   asn1.RawValue `asn1:"optional,tag:3"`
	}
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil
	}
	if _, err := asn1.Unmarshal(outer.Content.FullBytes, &inner); err != nil {
		return nil
	}
	return inner.Public.Key.Bytes
}

// verifyRequest checks the signature of a request, in Go where that knows the
// key, with OpenSSL otherwise.
func verifyRequest(der []byte) error {
	request, err := x509.ParseCertificateRequest(der)
	if err == nil {
		err = request.CheckSignature()
	}
	if err == nil || !errors.Is(err, x509.ErrUnsupportedAlgorithm) && request != nil {
		return err
	}
	return opensslVerifies(der)
}

// owns tells what is not as it should be where keyman has read a subject that
// another program wrote. labels and trust are whether that program writes them.
func owns(items []format.Item, want subject, f fileFormat, labels, trust bool) error {
	n := slices.IndexFunc(items, func(i format.Item) bool {
		switch {
		case want.kind == format.SecretKey:
			return i.Kind == format.SecretKey && bytes.Equal(i.Key, want.key)
		case f.certificates && len(want.chain) > 0:
			return bytes.Equal(i.Certificate, want.chain[0])
		default:
			return i.Kind == format.Request
		}
	})
	if n < 0 {
		return fmt.Errorf("it is not among the %d entries", len(items))
	}
	item := items[n]
	switch {
	case f.certificates && f.keys && item.Kind != want.kind:
		return fmt.Errorf("it is a %v", item.Kind)
	case labels && want.label != "" && item.Label != want.label:
		return fmt.Errorf("it is called %q", item.Label)
	case item.Trusted != (want.trusted && trust):
		return fmt.Errorf("it is trusted: %v", item.Trusted)
	}
	if f.certificates && len(want.chain) > 1 {
		for i, der := range want.chain[1:] {
			if !slices.ContainsFunc(items, func(i format.Item) bool { return i.Kind == format.Signer && bytes.Equal(i.Certificate, der) }) {
				return fmt.Errorf("certificate %d above it is not there", i+1)
			}
		}
	}
	if f.keys && (want.kind == format.Personal || want.kind == format.Request) {
		return proveKey(item.Key, wantPublic(want))
	}
	return nil
}

// proveKey signs with a key and has OpenSSL verify that; public is what the key
// should be the private part of.
func proveKey(key, public []byte) error {
	private, err := x509.ParsePKCS8PrivateKey(key)
	var der []byte
	if err == nil {
		der, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "proof"}}, private.(crypto.Signer))
	} else {
		der, err = opensslProof(block{Block: &pem.Block{Type: "PRIVATE KEY", Bytes: key}})
	}
	if err != nil {
		return err
	}
	if !bytes.Equal(requestKey(der), public) {
		return errors.New("it is another key")
	}
	return opensslVerifies(der)
}

// bitsOf returns the bits of a public key as they are in certificates.
func bitsOf(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	var info publicKeyInfo
	_, err = asn1.Unmarshal(der, &info)
	return info.Key.Bytes, err
}

package gskit

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"keyman/csr"
	"keyman/internal/certpem"
	"keyman/internal/dn"
	"keyman/internal/oids"
	"keyman/keystore"
)

const (
	// rsaBits is the size of an RSA key for which none is named.
	rsaBits = 2048
	// certificateDays is the lifetime of a certificate for which none is named.
	certificateDays = 365
	// backdate is how far a certificate begins in the past, for peers whose
	// clocks are slow: that of gskcapicmd.
	backdate = 24 * time.Hour
)

// A signing is what -sig_alg says: a kind of key and a hash.
type signing struct {
	ecdsa bool
	named bool // the kind of key was named, too
	hash  crypto.Hash
}

// signings are the values of -sig_alg, lower case and without underscores.
var signings = map[string]signing{
	"":                  {},
	"sha256":            {hash: crypto.SHA256},
	"sha384":            {hash: crypto.SHA384},
	"sha512":            {hash: crypto.SHA512},
	"sha256withrsa":     {named: true, hash: crypto.SHA256},
	"sha384withrsa":     {named: true, hash: crypto.SHA384},
	"sha512withrsa":     {named: true, hash: crypto.SHA512},
	"sha256withecdsa":   {named: true, ecdsa: true, hash: crypto.SHA256},
	"sha384withecdsa":   {named: true, ecdsa: true, hash: crypto.SHA384},
	"sha512withecdsa":   {named: true, ecdsa: true, hash: crypto.SHA512},
	"ececdsawithsha256": {named: true, ecdsa: true, hash: crypto.SHA256},
	"ececdsawithsha384": {named: true, ecdsa: true, hash: crypto.SHA384},
	"ececdsawithsha512": {named: true, ecdsa: true, hash: crypto.SHA512},
}

// signing reads -sig_alg.
func (c *call) signing() (signing, error) {
	value := c.value("sig_alg")
	name := strings.ReplaceAll(strings.ToLower(value), "_", "")
	if s, ok := signings[name]; ok {
		return s, nil
	}
	for _, weak := range []string{"md5", "sha1", "sha"} {
		if name == weak || strings.HasPrefix(name, weak+"with") || strings.HasSuffix(name, "with"+weak) {
			return signing{}, hint(fmt.Errorf("-sig_alg %s: nobody should believe such a signature, and it is not made", value), "use sha256")
		}
	}
	return signing{}, hint(fmt.Errorf("-sig_alg %s is not done", value), "use sha256, sha384 or sha512, or SHA256WithRSA, SHA256WithECDSA and the like")
}

// keySpec reads -size for a kind of key.
func (c *call) keySpec(s signing) (keystore.KeySpec, error) {
	bits := 0
	if c.has("size") {
		var err error
		if bits, err = strconv.Atoi(c.value("size")); err != nil {
			return keystore.KeySpec{}, usagef("", "-size %q: a number of bits", c.value("size"))
		}
	}
	if s.ecdsa {
		return c.curve(s, bits)
	}
	switch {
	case bits == 0:
		bits = rsaBits
	case bits < keystore.MinRSABits:
		return keystore.KeySpec{}, hint(fmt.Errorf("-size %d: an RSA key of fewer than %d bits can be broken, and is not made", bits, keystore.MinRSABits), "use -size %d or more", keystore.MinRSABits)
	}
	spec, err := keystore.ParseKeySpec("rsa-" + strconv.Itoa(bits))
	if err != nil {
		return spec, usagef("", "-size %d: %v", bits, err)
	}
	return spec, nil
}

// curve chooses the curve of an ECDSA key: by -size, or by the hash.
func (c *call) curve(s signing, bits int) (keystore.KeySpec, error) {
	if bits == 0 {
		bits = map[crypto.Hash]int{crypto.SHA384: 384, crypto.SHA512: 521}[s.hash]
	}
	switch bits {
	case 0, 256:
		return keystore.ParseKeySpec("p256")
	case 384:
		return keystore.ParseKeySpec("p384")
	case 512, 521:
		return keystore.ParseKeySpec("p521")
	default:
		return keystore.KeySpec{}, usagef("", "-size %d: an ECDSA key has 256, 384 or 521 bits", bits)
	}
}

// template reads what a certificate or request is to say.
func (c *call) template(s signing) (csr.Template, error) {
	t := csr.Template{Hash: s.hash}
	if c.has("dn") {
		var err error
		// CN first, as people write it in this world: the reverse of the DER.
		if t.Subject, err = dn.ParseLDAP(stateWord(c.value("dn"))); err != nil {
			return t, usagef("", "-dn: %v", err)
		}
	}
	if err := c.addUsages(&t); err != nil {
		return t, err
	}
	return t, c.addNames(&t)
}

// addUsages reads -ku, -eku and -ca.
func (c *call) addUsages(t *csr.Template) (err error) {
	if c.has("ku") {
		if t.KeyUsage, err = csr.ParseKeyUsage(c.value("ku")); err != nil {
			return usagef("", "-ku: %v", err)
		}
	}
	if c.has("eku") {
		if t.ExtKeyUsage, err = csr.ParseExtKeyUsage(c.value("eku")); err != nil {
			return usagef("", "-eku: %v", err)
		}
	}
	if c.has("ca") {
		t.BasicConstraints = &csr.BasicConstraints{CA: c.yes("ca")}
	}
	return nil
}

// addNames reads the alternative names, several of a kind with commas between
// them, and adds those that are not there yet.
func (c *call) addNames(t *csr.Template) error {
	for _, kind := range []struct {
		option string
		san    csr.SANType
	}{{"san_dnsname", csr.DNS}, {"san_ipaddr", csr.IP}, {"san_emailaddr", csr.Email}, {"san_uri", csr.URI}} {
		if !c.has(kind.option) {
			continue
		}
		for _, name := range strings.Split(c.value(kind.option), ",") {
			san, err := csr.ParseSAN(string(kind.san) + ":" + strings.TrimSpace(name))
			if err != nil {
				return usagef("", "-%s: %v", kind.option, err)
			}
			if !slices.Contains(t.SANs, san) {
				t.SANs = append(t.SANs, san)
			}
		}
	}
	return nil
}

// lifetime reads -expire.
func (c *call) lifetime() (csr.Validity, error) {
	days, err := c.days("expire", certificateDays, 1, maxDays)
	now := time.Now()
	return csr.Validity{NotBefore: now.Add(-backdate), NotAfter: now.AddDate(0, 0, days)}, err
}

// newKey makes a key under a label that is free.
func (c *call) newKey(store *keystore.Store, s signing) (crypto.Signer, error) {
	spec, err := c.keySpec(s)
	if err != nil {
		return nil, err
	}
	// A label that is taken shows before a key is made.
	if err := store.CheckLabel(c.value("label")); err != nil {
		return nil, err
	}
	return keystore.GenerateKey(spec)
}

func certCreate(ctx context.Context, c *call) error {
	if v := c.value("x509version"); v != "" && v != "3" {
		return usagef("", "-x509version %s is not done: certificates are of version 3", v)
	}
	s, err := c.signing()
	if err != nil {
		return err
	}
	if _, err := c.keySpec(s); err != nil {
		return err
	}
	template, err := c.template(s)
	if err != nil {
		return err
	}
	validity, err := c.lifetime()
	if err != nil {
		return err
	}
	return c.change(ctx, func(store *keystore.Store) error {
		key, err := c.newKey(store, s)
		if err != nil {
			return err
		}
		certificate, err := csr.SelfSign(template, key, validity)
		if err != nil {
			return err
		}
		if err := store.AddKey(c.value("label"), key, [][]byte{certificate}); err != nil {
			return err
		}
		if c.yes("default_cert") {
			return store.SetDefault(c.value("label"))
		}
		return nil
	})
}

// certSign signs a request with the key of a CA certificate of the database. No
// record is kept of what it signed; package ca does that.
func certSign(ctx context.Context, c *call) error {
	s, err := c.signing()
	if err != nil {
		return err
	}
	validity, err := c.lifetime()
	if err != nil {
		return err
	}
	data, err := readFile(c.value("file"), csr.MaxRequest)
	if err != nil {
		return err
	}
	request, err := csr.Parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", c.value("file"), err)
	}
	template, err := c.signedTemplate(request)
	if err != nil {
		return err
	}
	template.Hash = s.hash
	store, err := c.open(ctx, database())
	if err != nil {
		return err
	}
	entry, err := c.find(store, keystore.Personal)
	if err != nil {
		return err
	}
	issuer, err := entry.Leaf()
	if err != nil {
		return err
	}
	if !issuer.BasicConstraintsValid || !issuer.IsCA {
		return hint(fmt.Errorf("%q is not the certificate of a CA: nobody would believe what it signs (RFC 5280, 4.2.1.9)", entry.Label), "make one with $0 -cert -create -ca true")
	}
	key, err := entry.Signer()
	if err != nil {
		return err
	}
	certificate, err := csr.Certify(template, request.PublicKey, csr.Issuer{Certificate: issuer, Key: key}, validity)
	if err != nil {
		return err
	}
	return c.writeForm(c.value("target"), certpem.TypeCertificate, certificate)
}

// signedTemplate returns what the certificate for a request says: what the request
// asks for, where that is harmless, and what the command line says. Whoever made
// the request gets no more rights by asking for them.
func (c *call) signedTemplate(request *csr.Request) (csr.Template, error) {
	t, _ := csr.FromRequest(request)
	if c.has("eku") && t.IKE {
		// The command line's word is the last one.
		t.IKE, t.KeyUsage = false, t.KeyUsage|x509.KeyUsageDigitalSignature
	}
	if err := c.checkAsked(t); err != nil {
		return t, fmt.Errorf("%s: %w", c.value("file"), err)
	}
	t.Challenge, t.Extensions = nil, nil // neither is for a certificate made by hand
	if err := c.addUsages(&t); err != nil {
		return t, err
	}
	return t, c.addNames(&t)
}

// checkAsked refuses what a request must not get by asking: the rights of a CA or
// of its OCSP responder (RFC 6960, 4.2.2.2), and names that cannot be checked.
func (c *call) checkAsked(t csr.Template) error {
	asksCA := t.BasicConstraints != nil && t.BasicConstraints.CA || t.KeyUsage&(x509.KeyUsageCertSign|x509.KeyUsageCRLSign) != 0
	switch {
	case asksCA && !c.yes("ca"):
		return hint(errors.New("the request asks for the certificate of a CA"), "-ca true gives it one")
	case len(t.OtherNames) > 0:
		return fmt.Errorf("the request has %d alternative names that are no good DNS, IP, e-mail or URI names", len(t.OtherNames))
	case c.has("eku"):
		return nil // what the request says does not count
	}
	for _, id := range t.ExtKeyUsage {
		if word := oids.PurposeWord(id.String()); word == "OCSPSigning" || word == "any" {
			return hint(fmt.Errorf("the request asks for the extended key usage %s", word), "-eku says which ones the certificate gets")
		}
	}
	return nil
}

// writeForm writes DER as -format says: as it is, or as PEM.
func (c *call) writeForm(path, label string, der []byte) error {
	if c.value("format") == "binary" {
		return writePublic(path, der)
	}
	return writePublic(path, certpem.Encode(label, der))
}

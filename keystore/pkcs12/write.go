package pkcs12

import (
	"crypto/sha1"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// toBags makes bags of items: those of the certificates' safe and those of the
// keys' safe.
func toBags(c *format.Content, sealer *pbe.Sealer) (certificates, keys []bag, err error) {
	ids := map[string]bool{}
	for _, item := range c.Items {
		k, _ := item.Kept.(kept)
		id := k.localKeyID
		if len(id) == 0 || ids[string(id)] {
			id = keyID(item)
		}
		ids[string(id)] = true
		switch item.Kind {
		case format.Signer:
			b, err := certificateBag(item, nil, k.certificate)
			if err != nil {
				return nil, nil, err
			}
			certificates = append(certificates, b)
		case format.Personal:
			cert, err := certificateBag(item, id, k.certificate)
			if err != nil {
				return nil, nil, err
			}
			key, err := privateKeyBag(item, id, k.key, sealer)
			if err != nil {
				return nil, nil, err
			}
			certificates, keys = append(certificates, cert), append(keys, key)
		case format.Request:
			b, err := privateKeyBag(item, id, k.key, sealer)
			if err != nil {
				return nil, nil, err
			}
			keys = append(keys, b)
		case format.SecretKey:
			b, err := secretKeyBag(item, id, k.key, sealer)
			if err != nil {
				return nil, nil, err
			}
			keys = append(keys, b)
		default:
			return nil, nil, fmt.Errorf("entry %q has no kind that a PKCS#12 file holds: %v", item.Label, item.Kind)
		}
	}
	if rest, ok := c.Kept.(remainder); ok {
		certificates = append(certificates, rest.bags...)
	}
	if len(certificates)+len(keys) > maxBags {
		return nil, nil, fmt.Errorf("a PKCS#12 file holds %d certificates and keys, not %d", maxBags, len(certificates)+len(keys))
	}
	return certificates, keys, nil
}

// keyID makes a localKeyID: the SHA-1 of the certificate, as OpenSSL does. A key
// without a certificate has one too, because Java gives a single key without it
// to the first certificate of the file.
func keyID(item format.Item) []byte {
	of := item.Certificate
	if of == nil {
		of = []byte(item.Label)
	}
	sum := sha1.Sum(of) // a name, not a protection
	return sum[:]
}

// certificateBag writes a CertBag (RFC 7292, 4.2.3).
func certificateBag(item format.Item, id []byte, others []attribute) (bag, error) {
	if item.Certificate == nil {
		return bag{}, fmt.Errorf("entry %q is a %v and has no certificate", item.Label, item.Kind)
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, oidX509Certificate)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(item.Certificate) })
	})
	value, err := b.Bytes()
	if err != nil {
		return bag{}, err
	}
	attrs, err := commonAttributes(item.Label, id, others)
	if err != nil {
		return bag{}, err
	}
	if item.Trusted {
		// It stands for any trust of less that the file had.
		attrs = slices.DeleteFunc(attrs, func(a attribute) bool { return a.id == oidTrustedKeyUsage })
		attrs = append(attrs, attribute{oidTrustedKeyUsage, []byte(anyUsage)})
	}
	return bag{oidCertBag, value, attrs}, nil
}

// privateKeyBag writes a PKCS8ShroudedKeyBag (RFC 7292, 4.2.2).
func privateKeyBag(item format.Item, id []byte, others []attribute, sealer *pbe.Sealer) (bag, error) {
	value, err := sealItem(item, sealer)
	if err != nil {
		return bag{}, err
	}
	attrs, err := commonAttributes(item.Label, id, others)
	if err != nil {
		return bag{}, err
	}
	if item.Request != nil {
		request, err := octetString(item.Request)
		if err != nil {
			return bag{}, err
		}
		attrs = append(attrs, attribute{oidRequest, request})
	}
	if item.Default {
		attrs = append(attrs, attribute{oidDefault, []byte{byte(cbasn1.NULL), 0}})
	}
	return bag{oidPKCS8ShroudedKeyBag, value, attrs}, nil
}

// sealItem encrypts the key of an item. One without it would be a key that nobody
// can read.
func sealItem(item format.Item, sealer *pbe.Sealer) ([]byte, error) {
	if item.Key == nil {
		return nil, fmt.Errorf("entry %q is a %v and has no key", item.Label, item.Kind)
	}
	return sealKey(item.Key, sealer)
}

// secretKeyBag writes a SecretBag as Java does; see readSecret.
func secretKeyBag(item format.Item, id []byte, others []attribute, sealer *pbe.Sealer) (bag, error) {
	encrypted, err := sealItem(item, sealer)
	if err != nil {
		return bag{}, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, oidPKCS8ShroudedKeyBag)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(encrypted) })
	})
	value, err := b.Bytes()
	if err != nil {
		return bag{}, err
	}
	attrs, err := commonAttributes(item.Label, id, others)
	return bag{oidSecretBag, value, attrs}, err
}

// commonAttributes writes friendlyName and localKeyID (where there is one), and
// what was kept.
func commonAttributes(label string, id []byte, others []attribute) ([]attribute, error) {
	name, err := bmpString(label)
	if err != nil {
		return nil, err
	}
	attrs := append([]attribute{{oidFriendlyName, name}}, others...)
	if id != nil {
		octets, err := octetString(id)
		if err != nil {
			return nil, err
		}
		attrs = append(attrs, attribute{oidLocalKeyID, octets})
	}
	return attrs, nil
}

func octetString(content []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1OctetString(content)
	return b.Bytes()
}

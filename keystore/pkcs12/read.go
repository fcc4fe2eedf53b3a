package pkcs12

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/pbe"
	"keyman/keystore/format"
)

// A kept is what an item gets written again with at the next Encode.
type kept struct {
	localKeyID  []byte
	key         []attribute // attributes of the key's bag that are not understood
	certificate []attribute // the same of the certificate's bag
}

// A remainder is what a file holds beside items.
type remainder struct{ bags []bag }

// Extras implements format.Extra.
func (r remainder) Extras() []string {
	lists, others := 0, 0
	for _, b := range r.bags {
		if b.id.Equal(oidCRLBag) {
			lists++
		} else {
			others++
		}
	}
	var words []string
	if lists > 0 {
		words = append(words, fmt.Sprintf("revocation lists (%d)", lists))
	}
	if others > 0 {
		words = append(words, fmt.Sprintf("bags of other kinds (%d)", others))
	}
	return words
}

// attributes are the attributes of a bag that are understood, and the others.
type attributes struct {
	label      string
	localKeyID []byte
	trusted    bool
	isDefault  bool
	request    []byte
	others     []attribute
}

// A keyBag is a key that was read.
type keyBag struct {
	attributes
	key    []byte
	public []byte // SubjectPublicKeyInfo; nil where the type is not known
}

// A certBag is a certificate that was read.
type certBag struct {
	attributes
	der    []byte
	public []byte
	owner  *keyBag // its key
	at     int     // its place among the certificates
}

// toContent makes items of bags.
func toContent(bags []bag, opener *pbe.Opener) (*format.Content, error) {
	var (
		keys         []*keyBag
		secrets      []keyBag
		certificates []*certBag
		rest         remainder
	)
	for _, b := range bags {
		attrs, err := understand(b.attributes)
		if err != nil {
			return nil, damaged(err)
		}
		switch {
		case b.id.Equal(oidKeyBag):
			keys = append(keys, &keyBag{attributes: attrs, key: b.value, public: publicKey(b.value)})
		case b.id.Equal(oidPKCS8ShroudedKeyBag):
			key, err := openKey(b.value, opener)
			if errors.Is(err, pbe.ErrDecrypt) {
				return nil, fmt.Errorf("%w: the key %q has a password of its own", format.ErrUnsupported, attrs.label)
			}
			if err != nil {
				return nil, damaged(err)
			}
			keys = append(keys, &keyBag{attributes: attrs, key: key, public: publicKey(key)})
		case b.id.Equal(oidCertBag):
			der, known, err := readCertificate(b.value)
			if err != nil {
				return nil, damaged(err)
			}
			if !known {
				rest.bags = append(rest.bags, b)
				continue
			}
			certificates = append(certificates, &certBag{attributes: attrs, der: der, public: certificateKey(der)})
		case b.id.Equal(oidSecretBag):
			key, ok := readSecret(b.value, opener)
			if !ok {
				rest.bags = append(rest.bags, b)
				continue
			}
			secrets = append(secrets, keyBag{attributes: attrs, key: key})
		default:
			rest.bags = append(rest.bags, b)
		}
	}
	pair(keys, certificates)
	content := &format.Content{Items: items(keys, secrets, certificates)}
	if len(rest.bags) > 0 {
		content.Kept = rest
	}
	format.NameItems(content.Items)
	return content, nil
}

// understand sorts the attributes of a bag.
func understand(list []attribute) (attributes, error) {
	var a attributes
	for _, one := range list {
		values := cryptobyte.String(one.values)
		var octets cryptobyte.String
		switch {
		case one.id.Equal(oidFriendlyName):
			label, ok := text(one.values)
			if !ok {
				return a, fmt.Errorf("%w: friendlyName", errStructure)
			}
			a.label = label
		case one.id.Equal(oidLocalKeyID):
			if !values.ReadASN1(&octets, cbasn1.OCTET_STRING) {
				return a, fmt.Errorf("%w: localKeyID", errStructure)
			}
			a.localKeyID = bytes.Clone(octets)
		case one.id.Equal(oidTrustedKeyUsage) && bytes.Equal(one.values, anyUsage()):
			a.trusted = true
		case one.id.Equal(oidDefault), one.id.Equal(oidFirstDefault):
			a.isDefault = true
		case one.id.Equal(oidRequest), one.id.Equal(oidFirstRequest):
			if !values.ReadASN1(&octets, cbasn1.OCTET_STRING) {
				return a, fmt.Errorf("%w: request", errStructure)
			}
			a.request = bytes.Clone(octets)
		default:
			// Trust for a single usage lands here too: it is less than the
			// trust that keyman asks for, and is kept.
			a.others = append(a.others, one)
		}
	}
	return a, nil
}

// readCertificate reads a CertBag (RFC 7292, 4.2.3). A certificate that is not
// X.509 is not known.
func readCertificate(value []byte) (der []byte, known bool, err error) {
	input := cryptobyte.String(value)
	var seq, content cryptobyte.String
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !input.Empty() {
		return nil, false, errStructure
	}
	id, err := readOID(&seq)
	if err != nil || !seq.ReadASN1(&content, tagExplicit0) || !seq.Empty() {
		return nil, false, errStructure
	}
	if !id.Equal(oidX509Certificate) {
		return nil, false, nil
	}
	if !content.ReadASN1Bytes(&der, cbasn1.OCTET_STRING) || !content.Empty() {
		return nil, false, errStructure
	}
	return der, true, nil
}

// readSecret reads a SecretBag (RFC 7292, 4.2.5) as Java writes it: the type is
// pkcs8ShroudedKeyBag, the value an OCTET STRING with an EncryptedPrivateKeyInfo.
func readSecret(value []byte, opener *pbe.Opener) (key []byte, ok bool) {
	encrypted, ok := sealedSecret(value)
	if !ok {
		return nil, false
	}
	key, err := openKey(encrypted, opener)
	return key, err == nil
}

// sealedSecret returns the EncryptedPrivateKeyInfo in a SecretBag, DER.
func sealedSecret(value []byte) ([]byte, bool) {
	input := cryptobyte.String(value)
	var seq, content, encrypted cryptobyte.String
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return nil, false
	}
	id, err := readOID(&seq)
	if err != nil || !id.Equal(oidPKCS8ShroudedKeyBag) ||
		!seq.ReadASN1(&content, tagExplicit0) || !content.ReadASN1(&encrypted, cbasn1.OCTET_STRING) {
		return nil, false
	}
	der, rest, err := toDER(encrypted)
	return der, err == nil && len(rest) == 0
}

// pair finds the certificate of each key: one with its public key, and among
// several the one with its localKeyID. Where a public key is not known, the
// localKeyID alone decides.
func pair(keys []*keyBag, certificates []*certBag) {
	// A mark is what a key looks for: both, or one of them with any of the other.
	type mark struct {
		id, public       string
		anyID, anyPublic bool
	}
	marked := map[mark][]*certBag{}
	for i, c := range certificates {
		c.at = i
		id, public := string(c.localKeyID), string(c.public)
		both := mark{id: id, public: public}
		marked[both] = append(marked[both], c)
		if c.public != nil {
			m := mark{public: public, anyID: true}
			marked[m] = append(marked[m], c)
		}
		if len(id) > 0 {
			m := mark{id: id, anyPublic: true}
			marked[m] = append(marked[m], c)
		}
	}
	// free returns the first certificate with a mark that has no key yet.
	free := func(m mark) *certBag {
		list := marked[m]
		for len(list) > 0 && list[0].owner != nil {
			list = list[1:]
		}
		if marked[m] = list; len(list) == 0 {
			return nil
		}
		return list[0]
	}
	for _, k := range keys {
		var found *certBag
		id, public := string(k.localKeyID), string(k.public)
		switch {
		case id != "" && k.public == nil:
			found = free(mark{id: id, anyPublic: true})
		case id != "":
			found = free(mark{id: id, public: public})
			if unknown := free(mark{id: id}); unknown != nil && (found == nil || unknown.at < found.at) {
				found = unknown
			}
		}
		if found == nil && k.public != nil {
			found = free(mark{public: public, anyID: true})
		}
		if found != nil {
			found.owner = k
		}
	}
}

// items lists certificates with and without key, then keys, then secret keys.
func items(keys []*keyBag, secrets []keyBag, certificates []*certBag) []format.Item {
	var (
		list       []format.Item
		owners     = map[*keyBag]bool{}
		known      = map[string]int{} // certificates without a key, by content
		hasDefault bool
	)
	for _, c := range certificates {
		if c.owner == nil {
			// Tools write a CA once for each chain it is in: one item is enough.
			if at, twice := known[string(c.der)]; twice {
				list[at].Trusted = list[at].Trusted || c.trusted
				continue
			}
			known[string(c.der)] = len(list)
			list = append(list, format.Item{
				Kind: format.Signer, Label: c.label, Certificate: c.der, Trusted: c.trusted,
				Kept: keep(nil, nil, c.others),
			})
			continue
		}
		owners[c.owner] = true
		label := c.owner.label
		if label == "" {
			label = c.label
		}
		list = append(list, format.Item{
			Kind: format.Personal, Label: label, Certificate: c.der, Key: c.owner.key,
			Default: c.owner.isDefault && !hasDefault,
			Kept:    keep(c.owner.localKeyID, c.owner.others, c.others),
		})
		hasDefault = hasDefault || c.owner.isDefault
	}
	for _, k := range keys {
		if !owners[k] {
			list = append(list, format.Item{
				Kind: format.Request, Label: k.label, Key: k.key, Request: k.request,
				Kept: keep(k.localKeyID, k.others, nil),
			})
		}
	}
	for _, s := range secrets {
		list = append(list, format.Item{
			Kind: format.SecretKey, Label: s.label, Key: s.key,
			Kept: keep(s.localKeyID, s.others, nil),
		})
	}
	return list
}

// keep returns what Item.Kept holds; nil where there is nothing to keep.
func keep(localKeyID []byte, key, certificate []attribute) any {
	if localKeyID == nil && key == nil && certificate == nil {
		return nil
	}
	return kept{localKeyID, key, certificate}
}

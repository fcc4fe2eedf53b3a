package pkcs12

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
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
		if b.id == oidCRLBag {
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
	public []byte  // as in keyBag; only where there are keys
	owner  *keyBag // its key
}

// toContent makes items of bags.
func toContent(bags []sealedBag, opener *pbe.Opener) (*format.Content, error) {
	var (
		keys         []*keyBag
		secrets      []keyBag
		certificates = make([]certBag, 0, count(bags, oidCertBag))
		rest         remainder
	)
	for _, b := range bags {
		attrs, err := understand(b.attributes)
		if err != nil {
			return nil, damaged(err)
		}
		isItem := true
		switch b.id {
		case oidKeyBag:
			keys = append(keys, &keyBag{attributes: attrs, key: b.value, public: publicKey(b.value)})
		case oidPKCS8ShroudedKeyBag:
			key, err := openKey(b.value, opener)
			if errors.Is(err, pbe.ErrDecrypt) {
				return nil, fmt.Errorf("%w: the key %q has a password of its own", format.ErrUnsupported, attrs.label)
			}
			if err != nil {
				return nil, damaged(err)
			}
			keys = append(keys, &keyBag{attributes: attrs, key: key, public: publicKey(key)})
		case oidCertBag:
			der, known, err := readCertificate(b.value)
			if err != nil {
				return nil, damaged(err)
			}
			if isItem = known; known {
				certificates = append(certificates, certBag{attributes: attrs, der: der})
			}
		case oidSecretBag:
			key, known := readSecret(b.value, opener)
			if isItem = known; known {
				secrets = append(secrets, keyBag{attributes: attrs, key: key})
			}
		default:
			isItem = false
		}
		if !isItem {
			opened, err := b.open()
			if err != nil {
				return nil, damaged(err)
			}
			rest.bags = append(rest.bags, opened)
		}
	}
	if len(keys) > 0 {
		for i := range certificates {
			certificates[i].public = certificateKey(certificates[i].der)
		}
		pair(keys, certificates)
	}
	content := &format.Content{Items: items(keys, secrets, certificates)}
	if len(rest.bags) > 0 {
		content.Kept = rest
	}
	format.NameItems(content.Items)
	return content, nil
}

// count returns how many of the bags are of a type.
func count(bags []sealedBag, id der.OID) int {
	n := 0
	for _, b := range bags {
		if b.id == id {
			n++
		}
	}
	return n
}

// understand sorts the attributes of a bag.
func understand(set cryptobyte.String) (attributes, error) {
	var a attributes
	err := eachAttribute(set, func(one attribute) error {
		values := cryptobyte.String(one.values)
		var octets cryptobyte.String
		switch {
		case one.id == oidFriendlyName:
			label, ok := text(one.values)
			if !ok {
				return fmt.Errorf("%w: friendlyName", errStructure)
			}
			a.label = label
		case one.id == oidLocalKeyID:
			if !values.ReadASN1(&octets, cbasn1.OCTET_STRING) {
				return fmt.Errorf("%w: localKeyID", errStructure)
			}
			a.localKeyID = octets
		case one.id == oidTrustedKeyUsage && string(one.values) == anyUsage:
			a.trusted = true
		case one.id == oidDefault, one.id == oidFirstDefault:
			a.isDefault = true
		case one.id == oidRequest, one.id == oidFirstRequest:
			if !values.ReadASN1(&octets, cbasn1.OCTET_STRING) {
				return fmt.Errorf("%w: request", errStructure)
			}
			a.request = octets
		default:
			// Trust for a single usage lands here too: it is less than the
			// trust that keyman asks for, and is kept.
			a.others = append(a.others, one)
		}
		return nil
	})
	return a, err
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
	if id != oidX509Certificate {
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
	if err != nil || id != oidPKCS8ShroudedKeyBag ||
		!seq.ReadASN1(&content, tagExplicit0) || !content.ReadASN1(&encrypted, cbasn1.OCTET_STRING) {
		return nil, false
	}
	der, rest, err := toDER(encrypted)
	return der, err == nil && len(rest) == 0
}

// pair finds the certificate of each key: one with its public key, and among
// several the one with its localKeyID. Where a public key is not known, the
// localKeyID alone decides.
func pair(keys []*keyBag, certificates []certBag) {
	// A mark is what a key looks for: both, or one of them with any of the other.
	type mark struct {
		id, public       string
		anyID, anyPublic bool
	}
	// Only what a key looks for is marked: there may be thousands of others.
	ids, publics := map[string]bool{}, map[string]bool{}
	for _, k := range keys {
		ids[string(k.localKeyID)], publics[string(k.public)] = true, true
	}
	marked := map[mark][]int{}
	for i, c := range certificates {
		if (len(c.localKeyID) == 0 || !ids[string(c.localKeyID)]) && (c.public == nil || !publics[string(c.public)]) {
			continue
		}
		id, public := string(c.localKeyID), string(c.public)
		both := mark{id: id, public: public}
		marked[both] = append(marked[both], i)
		if c.public != nil {
			m := mark{public: public, anyID: true}
			marked[m] = append(marked[m], i)
		}
		if len(id) > 0 {
			m := mark{id: id, anyPublic: true}
			marked[m] = append(marked[m], i)
		}
	}
	// free returns the first certificate with a mark that has no key yet; none is
	// behind the last one.
	free := func(m mark) int {
		list := marked[m]
		for len(list) > 0 && certificates[list[0]].owner != nil {
			list = list[1:]
		}
		if marked[m] = list; len(list) == 0 {
			return len(certificates)
		}
		return list[0]
	}
	for _, k := range keys {
		found := len(certificates)
		id, public := string(k.localKeyID), string(k.public)
		switch {
		case id != "" && k.public == nil:
			found = free(mark{id: id, anyPublic: true})
		case id != "":
			// That of the first of a known and an unknown public key.
			found = min(free(mark{id: id, public: public}), free(mark{id: id}))
		}
		if found == len(certificates) && k.public != nil {
			found = free(mark{public: public, anyID: true})
		}
		if found < len(certificates) {
			certificates[found].owner = k
		}
	}
}

// items lists certificates with and without key, then keys, then secret keys.
func items(keys []*keyBag, secrets []keyBag, certificates []certBag) []format.Item {
	var (
		list       = make([]format.Item, 0, len(keys)+len(secrets)+len(certificates))
		owners     = map[*keyBag]bool{}
		seed       = maphash.MakeSeed()
		known      = make(map[uint64]int, len(certificates)) // places of those without a key, by their hash
		hasDefault bool
	)
	for i := range certificates {
		c := &certificates[i]
		if c.owner == nil {
			// Tools write a CA once for each chain it is in: one item is enough.
			hash := maphash.Bytes(seed, c.der)
			if at, seen := known[hash]; seen && bytes.Equal(list[at].Certificate, c.der) {
				list[at].Trusted = list[at].Trusted || c.trusted
				continue
			}
			known[hash] = len(list)
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

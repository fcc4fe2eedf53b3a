package pbe

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/rc4" //nolint:gosec // G503: old files are encrypted with it, and only read
	"crypto/sha1"
	"crypto/subtle"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
	"maps"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	// MaxIterations bounds the iteration count that a file may ask for. It is
	// twice what Java accepts, and takes a few seconds.
	MaxIterations = 10_000_000
	// MaxTotalIterations bounds what all derivations of one Opener may cost
	// together, in iterations of one hash block.
	MaxTotalIterations = 60_000_000
)

var (
	// ErrDecrypt is a decryption that failed: another password or damaged
	// data. It does not say which check failed.
	ErrDecrypt = errors.New("cannot be decrypted with this password")
	// ErrMAC is a MAC that is not that of the content under this password.
	ErrMAC = errors.New("the MAC does not match")
	// ErrMalformed is an AlgorithmIdentifier whose parameters make no sense.
	ErrMalformed = errors.New("malformed algorithm parameters")
	// ErrUnsupported is an algorithm that this package does not know.
	ErrUnsupported = errors.New("unsupported algorithm")
	// ErrLimit is a derivation that costs more than the Limits allow.
	ErrLimit = errors.New("too many iterations")
)

// Limits bound what a file may make an Opener compute. A zero field stands for
// the constant beside it.
type Limits struct {
	Iterations int // of one derivation: MaxIterations
	Total      int // of all derivations: MaxTotalIterations
}

// An Opener decrypts and checks with one password. It is not safe for use by
// several goroutines at once.
type Opener struct {
	password Password
	limits   Limits
	spent    int
	derived  map[string][]byte
	dry      bool // only counts
}

// NewOpener returns an Opener for a password.
func NewOpener(p Password, l Limits) *Opener {
	if l.Iterations == 0 {
		l.Iterations = MaxIterations
	}
	if l.Total == 0 {
		l.Total = MaxTotalIterations
	}
	return &Opener{password: p, limits: l, derived: map[string][]byte{}}
}

// derive computes a key once, within the limits. The kind and the salt stand
// for everything that compute depends on; n is the key's length and size the
// hash's, in bytes.
func (o *Opener) derive(kind string, salt []byte, iterations, n, size int, compute func() ([]byte, error)) ([]byte, error) {
	name := fmt.Sprintf("%s %d %d %x", kind, iterations, n, salt)
	if key, ok := o.derived[name]; ok {
		return key, nil
	}
	if iterations < 1 {
		return nil, fmt.Errorf("%w: %d iterations", ErrMalformed, iterations)
	}
	if iterations > o.limits.Iterations {
		return nil, fmt.Errorf("%w: %d, and %d are allowed", ErrLimit, iterations, o.limits.Iterations)
	}
	cost := iterations * ((n + size - 1) / size)
	if cost > o.limits.Total-o.spent {
		return nil, fmt.Errorf("%w: all derivations together need more than %d", ErrLimit, o.limits.Total)
	}
	o.spent += cost
	if o.dry {
		o.derived[name] = make([]byte, n)
		return o.derived[name], nil
	}
	key, err := compute()
	if err != nil {
		return nil, err
	}
	o.derived[name] = key
	return key, nil
}

// Afford returns ErrLimit where the derivations for some AlgorithmIdentifiers, DER,
// would go beyond the limits together. It is asked before the first of them is
// computed: a file that asks for too much is refused at once.
func (o *Opener) Afford(algorithms [][]byte) error {
	dry := &Opener{password: o.password, limits: o.limits, spent: o.spent, derived: maps.Clone(o.derived), dry: true}
	for _, alg := range algorithms {
		// Whatever else is wrong with one is found when it is used.
		if _, err := dry.Decrypt(alg, nil); errors.Is(err, ErrLimit) {
			return err
		}
	}
	return nil
}

// Within returns an Opener for the same password that has so many iterations
// left, or what this one has left where that is less. It knows what was derived
// already.
func (o *Opener) Within(iterations int) *Opener {
	l := o.limits
	l.Total = min(iterations, l.Total-o.spent)
	return &Opener{password: o.password, limits: l, derived: maps.Clone(o.derived)}
}

// Wipe overwrites the keys that were derived, and the password.
func (o *Opener) Wipe() {
	for _, key := range o.derived {
		clear(key)
	}
	o.password.Wipe()
}

// pkcs12 derives by the KDF of RFC 7292, B.
func (o *Opener) pkcs12(newHash func() hash.Hash, salt []byte, id byte, iterations, n int) ([]byte, error) {
	size := newHash().Size()
	return o.derive(fmt.Sprintf("pkcs12 %d %d", id, size), salt, iterations, n, size, func() ([]byte, error) {
		return pkcs12Key(newHash, o.password.bmp, salt, id, iterations, n), nil
	})
}

// pbkdf2 derives by PBKDF2-params (RFC 8018, A.2). A key length in the
// parameters must be n, where n is not 0; otherwise it is the key's length.
func (o *Opener) pbkdf2(params cryptobyte.String, n int) ([]byte, error) {
	var (
		seq, salt  cryptobyte.String
		iterations int
		keyLength  int
		hasLength  bool
	)
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() ||
		!seq.ReadASN1(&salt, cbasn1.OCTET_STRING) || // otherSource was never specified
		!seq.ReadASN1Integer(&iterations) {
		return nil, fmt.Errorf("%w: PBKDF2", ErrMalformed)
	}
	if hasLength = seq.PeekASN1Tag(cbasn1.INTEGER); hasLength && !seq.ReadASN1Integer(&keyLength) {
		return nil, fmt.Errorf("%w: PBKDF2 key length", ErrMalformed)
	}
	prf := oidHMACWithSHA1 // the DEFAULT
	if !seq.Empty() {
		var err error
		if prf, _, err = algorithm(&seq); err != nil || !seq.Empty() {
			return nil, fmt.Errorf("%w: PBKDF2", ErrMalformed)
		}
	}
	switch {
	case n == 0 && (!hasLength || keyLength < minMACKey || keyLength > maxMACKey):
		return nil, fmt.Errorf("%w: PBKDF2 key length", ErrMalformed)
	case n == 0:
		n = keyLength
	case hasLength && keyLength != n:
		return nil, fmt.Errorf("%w: PBKDF2 key length %d for a cipher that needs %d", ErrMalformed, keyLength, n)
	}
	newHash := byHMAC(prf)
	if newHash == nil {
		return nil, fmt.Errorf("%w: PBKDF2 with %v", ErrUnsupported, prf)
	}
	size := newHash().Size()
	return o.derive(fmt.Sprintf("pbkdf2 %v", prf), salt, iterations, n, size, func() ([]byte, error) {
		return pbkdf2.Key(newHash, string(o.password.utf8), salt, iterations, n)
	})
}

// Decrypt decrypts what was encrypted under a DER AlgorithmIdentifier.
func (o *Opener) Decrypt(alg, ciphertext []byte) ([]byte, error) {
	return o.decrypt(make([]byte, len(ciphertext)), alg, ciphertext)
}

// DecryptInPlace does the same in the memory of data, of which it returns a part.
// Where it fails, data may be overwritten.
func (o *Opener) DecryptInPlace(alg, data []byte) ([]byte, error) {
	return o.decrypt(data, alg, data)
}

// decrypt decrypts into out, which has the size of the ciphertext.
func (o *Opener) decrypt(out, alg, ciphertext []byte) ([]byte, error) {
	input := cryptobyte.String(alg)
	id, params, err := algorithm(&input)
	if err != nil || !input.Empty() {
		return nil, ErrMalformed
	}
	if id.Equal(oidPBES2) {
		return o.pbes2(out, params, ciphertext)
	}
	for _, s := range oldSchemes {
		if s.id.Equal(id) {
			return o.old(out, s, params, ciphertext)
		}
	}
	for _, s := range pbes1Schemes {
		if s.id.Equal(id) {
			return o.pbes1(out, s, params, ciphertext)
		}
	}
	return nil, fmt.Errorf("%w: encryption %v", ErrUnsupported, id)
}

// A cbcCipher is a cipher of PBES2 (RFC 8018, B.2).
type cbcCipher struct {
	id     asn1.ObjectIdentifier
	keyLen int // bytes
	new    func(key []byte) (cipher.Block, error)
}

var cbcCiphers = []cbcCipher{
	{oidAES256CBC, 32, aes.NewCipher},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24, aes.NewCipher},
	{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16, aes.NewCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, 24, des.NewTripleDESCipher},
	{asn1.ObjectIdentifier{1, 3, 14, 3, 2, 7}, 8, des.NewCipher},
}

// pbes2 decrypts under PBES2-params (RFC 8018, A.4).
func (o *Opener) pbes2(out []byte, params cryptobyte.String, ciphertext []byte) ([]byte, error) {
	var seq cryptobyte.String
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() {
		return nil, fmt.Errorf("%w: PBES2", ErrMalformed)
	}
	kdf, kdfParams, kdfErr := algorithm(&seq)
	enc, encParams, encErr := algorithm(&seq)
	if kdfErr != nil || encErr != nil || !seq.Empty() {
		return nil, fmt.Errorf("%w: PBES2", ErrMalformed)
	}
	derive := o.pbkdf2
	switch {
	case kdf.Equal(oidScrypt):
		derive = o.scrypt
	case !kdf.Equal(oidPBKDF2):
		return nil, fmt.Errorf("%w: key derivation %v", ErrUnsupported, kdf)
	}
	for _, c := range cbcCiphers {
		if !c.id.Equal(enc) {
			continue
		}
		key, err := derive(kdfParams, c.keyLen)
		if err != nil {
			return nil, err
		}
		block, err := c.new(key)
		if err != nil {
			return nil, err
		}
		var iv cryptobyte.String
		if !encParams.ReadASN1(&iv, cbasn1.OCTET_STRING) || !encParams.Empty() || len(iv) != block.BlockSize() {
			return nil, fmt.Errorf("%w: initialization vector", ErrMalformed)
		}
		return openCBC(out, block, iv, ciphertext)
	}
	return nil, fmt.Errorf("%w: cipher %v", ErrUnsupported, enc)
}

// An oldScheme is one of RFC 7292, appendix C.
type oldScheme struct {
	id     asn1.ObjectIdentifier
	keyLen int // bytes
	block  func(key []byte) (cipher.Block, error)
}

// The six schemes hash with SHA-1; those without a block cipher are RC4.
var oldSchemes = []oldScheme{
	{id: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 1}, keyLen: 16},
	{id: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 2}, keyLen: 5},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}, 24, des.NewTripleDESCipher},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 4}, 16, func(key []byte) (cipher.Block, error) {
		return des.NewTripleDESCipher(append(key[:16:16], key[:8]...)) // two keys: K1, K2, K1
	}},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 5}, 16, func(key []byte) (cipher.Block, error) { return newRC2(key), nil }},
	{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 6}, 5, func(key []byte) (cipher.Block, error) { return newRC2(key), nil }},
}

// old decrypts under pkcs-12PbeParams (RFC 7292, C).
func (o *Opener) old(out []byte, s oldScheme, params cryptobyte.String, ciphertext []byte) ([]byte, error) {
	var (
		seq, salt  cryptobyte.String
		iterations int
	)
	if !params.ReadASN1(&seq, cbasn1.SEQUENCE) || !params.Empty() ||
		!seq.ReadASN1(&salt, cbasn1.OCTET_STRING) || !seq.ReadASN1Integer(&iterations) || !seq.Empty() {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, s.id)
	}
	key, err := o.pkcs12(sha1.New, salt, idKey, iterations, s.keyLen)
	if err != nil {
		return nil, err
	}
	if s.block == nil {
		stream, err := rc4.NewCipher(key)
		if err != nil {
			return nil, err
		}
		stream.XORKeyStream(out, ciphertext)
		return out, nil
	}
	block, err := s.block(key)
	if err != nil {
		return nil, err
	}
	iv, err := o.pkcs12(sha1.New, salt, idIV, iterations, block.BlockSize())
	if err != nil {
		return nil, err
	}
	return openCBC(out, block, iv, ciphertext)
}

// openCBC decrypts into out and takes the padding off (RFC 8018, 6.1.1, step 4).
// All failures look the same, and the padding is looked at without branches.
func openCBC(out []byte, block cipher.Block, iv, ciphertext []byte) ([]byte, error) {
	size := block.BlockSize()
	if len(ciphertext) == 0 || len(ciphertext)%size != 0 {
		return nil, ErrDecrypt
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(out, ciphertext)
	pad := int(out[len(out)-1])
	good := subtle.ConstantTimeLessOrEq(1, pad) & subtle.ConstantTimeLessOrEq(pad, size)
	for i := 1; i <= size; i++ {
		counts := subtle.ConstantTimeLessOrEq(i, pad)
		equal := subtle.ConstantTimeByteEq(out[len(out)-i], byte(pad))
		good &= subtle.ConstantTimeSelect(counts, equal, 1)
	}
	if good != 1 {
		clear(out)
		return nil, ErrDecrypt
	}
	return out[:len(out)-pad], nil
}

// algorithm reads an AlgorithmIdentifier: the identifier and what follows it.
func algorithm(input *cryptobyte.String) (asn1.ObjectIdentifier, cryptobyte.String, error) {
	var (
		seq cryptobyte.String
		id  asn1.ObjectIdentifier
	)
	if !input.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&id) {
		return nil, nil, ErrMalformed
	}
	return id, seq, nil
}

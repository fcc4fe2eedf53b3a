package pkcs12

import (
	"bytes"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"keyman/internal/der"
	"keyman/internal/pbe"
	"keyman/internal/testpeer"
	"keyman/keystore/format"
)

// billion is an iteration count that would take minutes.
const billion = 1_000_000_000

// oid encodes an identifier that is written with dots.
func oid(dotted string) der.OID {
	id, err := x509.ParseOID(dotted)
	if err != nil {
		panic(err)
	}
	content, err := id.MarshalBinary()
	if err != nil {
		panic(err)
	}
	return der.OID(content)
}

// algorithm writes an AlgorithmIdentifier.
func algorithm(id string, params func(b *cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	addAlgorithm(&b, id, params)
	return b.BytesOrPanic()
}

func addAlgorithm(b *cryptobyte.Builder, id string, params func(b *cryptobyte.Builder)) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, oid(id))
		params(b)
	})
}

// saltAndCount writes what most derivations have for parameters, and more behind.
func saltAndCount(salt string, counts ...int64) func(b *cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1OctetString([]byte(salt))
			for _, n := range counts {
				b.AddASN1Int64(n)
			}
		})
	}
}

// pbes2 writes PBES2 with a derivation and AES-256-CBC.
func pbes2(kdf string, params func(b *cryptobyte.Builder)) []byte {
	return algorithm("1.2.840.113549.1.5.13", func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addAlgorithm(b, kdf, params)
			addAlgorithm(b, "2.16.840.1.101.3.4.1.42", func(b *cryptobyte.Builder) { b.AddASN1OctetString(make([]byte, 16)) })
		})
	})
}

const (
	pbkdf2ID = "1.2.840.113549.1.5.12"
	scryptID = "1.3.6.1.4.1.11591.4.11"
)

// costly are derivations that nobody waits for.
func costly() map[string][]byte {
	return map[string][]byte{
		"PBKDF2":         pbes2(pbkdf2ID, saltAndCount("saltsalt", billion)),
		"scrypt N":       pbes2(scryptID, saltAndCount("saltsalt", 1<<40, 8, 1)),
		"scrypt r":       pbes2(scryptID, saltAndCount("saltsalt", 1<<14, 1<<40, 1)),
		"scrypt p":       pbes2(scryptID, saltAndCount("saltsalt", 1<<14, 8, 1<<40)),
		"PBES1":          algorithm("1.2.840.113549.1.5.3", saltAndCount("saltsalt", billion)),
		"PKCS#12 KDF":    algorithm("1.2.840.113549.1.12.1.3", saltAndCount("saltsalt", billion)),
		"PKCS#12 KDF 64": algorithm("1.2.840.113549.1.12.1.3", saltAndCount("saltsalt", 1<<62)),
	}
}

// pfxOf writes a file with a MAC that is right.
func pfxOf(t *testing.T, password string, safes ...func(b *cryptobyte.Builder)) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, one := range safes {
			one(b)
		}
	})
	authSafe := b.BytesOrPanic()
	p, err := pbe.NewPassword([]byte(password))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := pbe.NewSealer(p)
	if err != nil {
		t.Fatal(err)
	}
	mac, err := sealer.MAC(authSafe)
	if err != nil {
		t.Fatal(err)
	}
	file, err := wrap(authSafe, mac)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// encryptedSafe is a safe that is encrypted under an algorithm.
func encryptedSafe(alg []byte) func(b *cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) {
		addContentInfo(b, oidEncryptedData, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(0)
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addOID(b, oidData)
					b.AddBytes(alg)
					b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(make([]byte, 32)) })
				})
			})
		})
	}
}

// bagsSafe is a safe in the clear.
func bagsSafe(t *testing.T, list ...bag) func(b *cryptobyte.Builder) {
	t.Helper()
	data, err := safeContents(list)
	if err != nil {
		t.Fatal(err)
	}
	return func(b *cryptobyte.Builder) {
		addContentInfo(b, oidData, func(b *cryptobyte.Builder) { b.AddASN1OctetString(data) })
	}
}

// sealed writes an EncryptedPrivateKeyInfo that nothing opens.
func sealed(alg []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(alg)
		b.AddASN1OctetString(make([]byte, 32))
	})
	return b.BytesOrPanic()
}

func secretBag(alg []byte) bag {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addOID(b, oidPKCS8ShroudedKeyBag)
		b.AddASN1(tagExplicit0, func(b *cryptobyte.Builder) { b.AddASN1OctetString(sealed(alg)) })
	})
	return bag{id: oidSecretBag, value: b.BytesOrPanic()}
}

// TestBillions puts a derivation that takes for ever in every place that has one:
// it is refused as what goes beyond a limit, and not computed.
func TestBillions(t *testing.T) {
	testpeer.Long(t)
	const password = "password"
	for name, alg := range costly() {
		for place, file := range map[string][]byte{
			"a safe":   pfxOf(t, password, encryptedSafe(alg)),
			"a key":    pfxOf(t, password, bagsSafe(t, bag{id: oidPKCS8ShroudedKeyBag, value: sealed(alg)})),
			"a secret": pfxOf(t, password, bagsSafe(t, secretBag(alg))),
		} {
			_, err := (Format{}).Decode(file, []byte(password))
			if !errors.Is(err, format.ErrUnsupported) || !errors.Is(err, pbe.ErrLimit) {
				t.Errorf("%s in %s: %v; want ErrUnsupported and ErrLimit", name, place, err)
			}
			// With a wrong password as many are not computed either.
			if _, err := (Format{}).Decode(file, []byte("wrong")); !errors.Is(err, format.ErrPassword) {
				t.Errorf("%s in %s, with a wrong password: %v; want ErrPassword", name, place, err)
			}
		}
	}
	for name, mac := range map[string]pbe.MAC{
		"PKCS#12 KDF": {Algorithm: algorithm("2.16.840.1.101.3.4.2.1", func(b *cryptobyte.Builder) { b.AddASN1NULL() }), Digest: make([]byte, 32), Salt: []byte("salt"), Iterations: billion},
		"PBMAC1": {Digest: make([]byte, 32), Salt: []byte("salt"), Iterations: 1, Algorithm: algorithm("1.2.840.113549.1.5.14", func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addAlgorithm(b, pbkdf2ID, saltAndCount("saltsalt", billion, 32))
				addAlgorithm(b, "1.2.840.113549.2.9", func(b *cryptobyte.Builder) { b.AddASN1NULL() })
			})
		})},
	} {
		file, err := wrap([]byte{tagSequence, 0}, mac)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := (Format{}).Decode(file, []byte(password)); !errors.Is(err, format.ErrUnsupported) || !errors.Is(err, pbe.ErrLimit) {
			t.Errorf("%s in the MAC: %v; want ErrUnsupported and ErrLimit", name, err)
		}
	}
}

// TestManyCounts has keys of which each is allowed, and all together are not: none
// of them is opened.
func TestManyCounts(t *testing.T) {
	const password, each = "password", pbe.MaxIterations
	var list []bag
	for i := range pbe.MaxTotalIterations/each + 1 {
		salt := string(binary.BigEndian.AppendUint64(nil, uint64(i)))
		list = append(list, bag{id: oidPKCS8ShroudedKeyBag, value: sealed(pbes2(pbkdf2ID, saltAndCount(salt, each)))})
	}
	_, err := (Format{}).Decode(pfxOf(t, password, bagsSafe(t, list...)), []byte(password))
	if !errors.Is(err, format.ErrUnsupported) || !errors.Is(err, pbe.ErrLimit) {
		t.Errorf("many keys: %v; want ErrUnsupported and ErrLimit", err)
	}
}

// allocated returns how many bytes a function allocates, in all.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestBombs reads what is small and wants to become large: deep, wide, in pieces.
// Each is refused, and what is allocated for it is in proportion to its size.
func TestBombs(t *testing.T) {
	const size = 1 << 20
	repeat := func(unit string) []byte { return bytes.Repeat([]byte(unit), size/len(unit)) }
	begin := []byte("\x30\x80\x02\x01\x03") // what Detect asks for
	content := append(append(append(bytes.Clone(begin), "\x30\x80\x06"...), byte(len(oidData))), oidData...)
	attributes := bag{id: oid("1.2.3"), value: []byte{5, 0}}
	for range maxAttributes/100 + 1 {
		attributes.attributes = append(attributes.attributes, attribute{oid("1.2.3"), []byte{5, 0}})
	}
	many := make([]bag, 100)
	for i := range many {
		many[i] = attributes
	}
	safes := make([]func(b *cryptobyte.Builder), maxSafes+1)
	for i := range safes {
		safes[i] = bagsSafe(t)
	}
	var deep []byte
	for range 20 * maxDepth {
		var b cryptobyte.Builder
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(deep) })
		deep = b.BytesOrPanic()
	}
	for name, data := range map[string][]byte{
		"indefinite, deep":        append(bytes.Clone(begin), repeat("\x30\x80")...),
		"definite, deep":          append(bytes.Clone(begin), deep...),
		"wide":                    append(bytes.Clone(begin), repeat("\x30\x00")...),
		"pieces, deep":            append(append(bytes.Clone(content), "\xa0\x80"...), repeat("\x24\x80")...),
		"pieces, wide":            append(append(bytes.Clone(content), "\xa0\x80\x24\x80"...), repeat("\x04\x00")...),
		"pieces of pieces, wide":  append(append(bytes.Clone(content), "\xa0\x80\x24\x80"...), repeat("\x24\x04\x04\x00\x04\x00")...),
		"long form, wide":         append(bytes.Clone(begin), repeat("\x30\x84\x00\x00\x00\x00")...),
		"a length of 4 GiB":       append(bytes.Clone(begin), "\x04\x84\xff\xff\xff\xff"...),
		"a length of 126 octets":  append(bytes.Clone(begin), append([]byte("\x04\xfe"), bytes.Repeat([]byte{0xff}, 126)...)...),
		"attributes of many bags": pfxOf(t, "x", bagsSafe(t, many...)),
		"parts":                   pfxOf(t, "x", safes...),
	} {
		if !(Format{}).Detect(data) {
			t.Errorf("%s: it does not even look like PKCS#12", name)
		}
		var err error
		used := allocated(func() { _, err = (Format{}).Decode(data, []byte("x")) })
		if !errors.Is(err, format.ErrDamaged) && !errors.Is(err, format.ErrUnsupported) {
			t.Errorf("%s: %v; want ErrDamaged or ErrUnsupported", name, err)
		}
		// Each of the levels is copied once, and slices grow by doubling.
		if limit := uint64(4*maxDepth*len(data)) + 1<<20; used > limit {
			t.Errorf("%s: %d bytes were allocated for %d", name, used, len(data))
		}
	}
}

// TestPair gives each of many keys its certificate, and none another's: with the
// public key, with the localKeyID, with both, and where one is not known.
func TestPair(t *testing.T) {
	key := func(id, public string) *keyBag {
		k := &keyBag{attributes: attributes{localKeyID: []byte(id)}}
		if public != "" {
			k.public = []byte(public)
		}
		return k
	}
	certificate := func(id, public string) certBag {
		c := certBag{attributes: attributes{localKeyID: []byte(id)}}
		if public != "" {
			c.public = []byte(public)
		}
		return c
	}
	for name, test := range map[string]struct {
		keys         []*keyBag
		certificates []certBag
		want         []int // the key of each certificate; -1 is none
	}{
		"by public key":              {[]*keyBag{key("", "A"), key("", "B")}, []certBag{certificate("", "B"), certificate("", "A")}, []int{1, 0}},
		"the one with the id":        {[]*keyBag{key("2", "A")}, []certBag{certificate("1", "A"), certificate("2", "A")}, []int{-1, 0}},
		"the first of many":          {[]*keyBag{key("", "A"), key("", "A")}, []certBag{certificate("", "A"), certificate("", "A"), certificate("", "A")}, []int{0, 1, -1}},
		"another's id":               {[]*keyBag{key("1", "A")}, []certBag{certificate("1", "B")}, []int{-1}},
		"an unknown key":             {[]*keyBag{key("1", "")}, []certBag{certificate("", "A"), certificate("1", "A")}, []int{-1, 0}},
		"an unknown key without id":  {[]*keyBag{key("", "")}, []certBag{certificate("", "A"), certificate("", "")}, []int{-1, -1}},
		"an unknown certificate":     {[]*keyBag{key("1", "A")}, []certBag{certificate("1", ""), certificate("1", "A")}, []int{0, -1}},
		"no id, unknown certificate": {[]*keyBag{key("", "A")}, []certBag{certificate("", ""), certificate("1", "A")}, []int{-1, 0}},
	} {
		pair(test.keys, test.certificates)
		for i, c := range test.certificates {
			got := -1
			for n, k := range test.keys {
				if c.owner == k {
					got = n
				}
			}
			if got != test.want[i] {
				t.Errorf("%s: certificate %d has key %d; want %d", name, i, got, test.want[i])
			}
		}
	}
}

// TestHighCounts opens a file with 600,000 iterations everywhere, as certtool
// writes them.
func TestHighCounts(t *testing.T) {
	testpeer.Need(t, "openssl")
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, args := range []string{
		"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=high -keyout key.pem -out cert.pem",
		"pkcs12 -export -inkey key.pem -in cert.pem -out high.p12 -passout pass:password -iter 600000",
	} {
		cmd := exec.Command("openssl", strings.Fields(args)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %s: %v\n%s", args, err, out)
		}
	}
	data, err := os.ReadFile(path("high.p12"))
	if err != nil {
		t.Fatal(err)
	}
	content, err := (Format{}).Decode(data, []byte("password"))
	if err != nil || len(content.Items) != 1 || content.Items[0].Kind != format.Personal {
		t.Fatalf("600,000 iterations: %v, %v", content, err)
	}
	if _, err := x509.ParsePKCS8PrivateKey(content.Items[0].Key); err != nil {
		t.Error(err)
	}
}

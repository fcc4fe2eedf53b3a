package suite_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"keyman/ike/suite"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestECPVectors uses the examples of RFC 5903, section 8.
func TestECPVectors(t *testing.T) {
	for _, c := range []struct {
		group                              suite.Group
		i, gix, giy, r, grx, gry, sharedXY string
	}{
		{
			suite.ECP256,
			"C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433",
			"DAD0B65394221CF9B051E1FECA5787D098DFE637FC90B9EF945D0C3772581180",
			"5271A0461CDB8252D61F1C456FA3E59AB1F45B33ACCF5F58389E0577B8990BB3",
			"C6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53",
			"D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63",
			"56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB",
			"D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE",
		},
		{
			suite.ECP384,
			"099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655E35B538041E649EE3FAEF896783AB194",
			"667842D7D180AC2CDE6F74F37551F55755C7645C20EF73E31634FE72B4C55EE6DE3AC808ACB4BDB4C88732AEE95F41AA",
			"9482ED1FC0EEB9CAFC4984625CCFC23F65032149E0E144ADA024181535A0F38EEB9FCFF3C2C947DAE69B4C634573A81C",
			"41CB0779B4BDB85D47846725FBEC3C9430FAB46CC8DC5060855CC9BDA0AA2942E0308312916B8ED2960E4BD55A7448FC",
			"E558DBEF53EECDE3D3FCCFC1AEA08A89A987475D12FD950D83CFA41732BC509D0D1AC43A0336DEF96FDA41D0774A3571",
			"DCFBEC7AACF3196472169E838430367F66EEBE3C6E70C416DD5F0C68759DD1FFF83FA40142209DFF5EAAD96DB9E6386C",
			"11187331C279962D93D604243FD592CB9D0A926F422E47187521287E7156C5C4D603135569B9E9D09CF5D4A270F59746",
		},
		{
			suite.ECP521,
			"0037ADE9319A89F4DABDB3EF411AACCCA5123C61ACAB57B5393DCE47608172A095AA85A30FE1C2952C6771D937BA9777F5957B2639BAB072462F68C27A57382D4A52",
			"0015417E84DBF28C0AD3C278713349DC7DF153C897A1891BD98BAB4357C9ECBEE1E3BF42E00B8E380AEAE57C2D107564941885942AF5A7F4601723C4195D176CED3E",
			"017CAE20B6641D2EEB695786D8C946146239D099E18E1D5A514C739D7CB4A10AD8A788015AC405D7799DC75E7B7D5B6CF2261A6A7F1507438BF01BEB6CA3926F9582",
			"0145BA99A847AF43793FDD0E872E7CDFA16BE30FDC780F97BCCC3F078380201E9C677D600B343757A3BDBF2A3163E4C2F869CCA7458AA4A4EFFC311F5CB151685EB9",
			"00D0B3975AC4B799F5BEA16D5E13E9AF971D5E9B984C9F39728B5E5739735A219B97C356436ADC6E95BB0352F6BE64A6C2912D4EF2D0433CED2B6171640012D9460F",
			"015C68226383956E3BD066E797B623C27CE0EAC2F551A10C2C724D9852077B87220B6536C5C408A1D2AEBB8E86D678AE49CB57091F4732296579AB44FCD17F0FC56A",
			"01144C7D79AE6956BC8EDB8E7C787C4521CB086FA64407F97894E5E6B2D79B04D1427E73CA4BAA240A34786859810C06B3C715A3A8CC3151F2BEE417996D19F3DDEA",
		},
	} {
		t.Run(c.group.String(), func(t *testing.T) {
			gi, gr := unhex(t, c.gix+c.giy), unhex(t, c.grx+c.gry)
			for _, side := range []struct {
				secret       string
				public, peer []byte
			}{{c.i, gi, gr}, {c.r, gr, gi}} {
				key, err := c.group.GenerateKey(bytes.NewReader(unhex(t, side.secret)))
				if err != nil {
					t.Fatal(err)
				}
				if got := key.Public(); !bytes.Equal(got, side.public) {
					t.Errorf("public value %x, want %x", got, side.public)
				}
				shared, err := key.Shared(side.peer)
				// RFC 5903, 9: the x coordinate alone.
				if want := unhex(t, c.sharedXY); err != nil || !bytes.Equal(shared, want) {
					t.Errorf("shared %x, %v, want %x", shared, err, want)
				}
			}
		})
	}
}

// primes gives the primes of the MODP groups by the formulas of RFC 2409, 6,
// and RFC 3526: 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + c).
func primes(t *testing.T) map[suite.Group]*big.Int {
	t.Helper()
	one := big.NewInt(1)
	all := make(map[suite.Group]*big.Int)
	for _, c := range []struct {
		group suite.Group
		n     uint
		c     int64
	}{
		{suite.MODP768, 768, 149686},
		{suite.MODP1024, 1024, 129093},
		{suite.MODP1536, 1536, 741804},
		{suite.MODP2048, 2048, 124476},
		{suite.MODP3072, 3072, 1690314},
		{suite.MODP4096, 4096, 240904},
		{suite.MODP6144, 6144, 929484},
		{suite.MODP8192, 8192, 4743158},
	} {
		p := new(big.Int).Lsh(one, c.n)
		p.Sub(p, new(big.Int).Lsh(one, c.n-64))
		p.Sub(p, one)
		middle := piTimes2(c.n - 130)
		middle.Add(middle, big.NewInt(c.c))
		all[c.group] = p.Add(p, middle.Lsh(middle, 64))
	}
	return all
}

// piTimes2 gives [2^n pi], by Machin's formula with bits to spare.
func piTimes2(n uint) *big.Int {
	const spare = 64
	arctan := func(x int64) *big.Int { // of 1/x
		power := new(big.Int).Lsh(big.NewInt(1), n+spare)
		power.Quo(power, big.NewInt(x))
		sum, term := new(big.Int), new(big.Int)
		for k := int64(1); power.Sign() != 0; k += 2 {
			term.Quo(power, big.NewInt(k))
			if k%4 == 1 {
				sum.Add(sum, term)
			} else {
				sum.Sub(sum, term)
			}
			power.Quo(power, big.NewInt(x*x))
		}
		return sum
	}
	pi := arctan(5)
	pi.Lsh(pi, 2).Sub(pi, arctan(239)).Lsh(pi, 2)
	return pi.Rsh(pi, spare)
}

// TestMODPOracle compares with math/big, and so the primes with their
// formulas: g^xy agrees with a wrong prime on one side only by accident.
func TestMODPOracle(t *testing.T) {
	random := mathrand.NewChaCha8([32]byte{1})
	for g, p := range primes(t) {
		t.Run(g.String(), func(t *testing.T) {
			if g.PublicSize()*8 != p.BitLen() {
				t.Fatalf("public values of %d bytes, the formula gives %d bits", g.PublicSize(), p.BitLen())
			}
			// A reader that also keeps what was read: the exponent but for its
			// first bit.
			var read bytes.Buffer
			key, err := g.GenerateKey(io.TeeReader(random, &read))
			if err != nil {
				t.Fatal(err)
			}
			exponent := read.Bytes()
			exponent[0] |= 0x80
			if len(exponent) < 32 || len(exponent)*8 < 2*g.Strength() {
				t.Errorf("exponent of %d bytes for a strength of %d bits", len(exponent), g.Strength())
			}
			x := new(big.Int).SetBytes(exponent)
			want := new(big.Int).Exp(big.NewInt(2), x, p).FillBytes(make([]byte, g.PublicSize()))
			if got := key.Public(); !bytes.Equal(got, want) {
				t.Errorf("public value\n%x, want\n%x", got, want)
			}
			// p is 2q+1, so 4 has an x-th root among the squares: with it the
			// shared value is 4, and zeros up to there (RFC 2409, 5).
			q := new(big.Int).Rsh(p, 1)
			root := new(big.Int).Exp(big.NewInt(4), new(big.Int).ModInverse(x, q), p)
			for _, y := range []*big.Int{root, big.NewInt(3), new(big.Int).Sub(p, big.NewInt(2))} {
				peer := y.FillBytes(make([]byte, g.PublicSize()))
				want := new(big.Int).Exp(y, x, p).FillBytes(make([]byte, g.PublicSize()))
				if got, err := key.Shared(peer); err != nil || !bytes.Equal(got, want) {
					t.Errorf("shared with %.20s...: %v\n%x, want\n%x", y, err, got, want)
				} else if y == root && (got[0] != 0 || got[len(got)-1] != 4) {
					t.Errorf("shared value %x, want 4", got)
				}
			}
		})
	}
}

// TestECPIsPadded looks for coordinates with leading zeros, which RFC 5903, 7,
// keeps.
func TestECPIsPadded(t *testing.T) {
	const g = suite.ECP256
	random := mathrand.NewChaCha8([32]byte{2})
	peer, err := g.GenerateKey(random)
	if err != nil {
		t.Fatal(err)
	}
	public, shared := 0, 0
	for try := 0; try < 4000 && (public == 0 || shared == 0); try++ {
		key, err := g.GenerateKey(random)
		if err != nil {
			t.Fatal(err)
		}
		s, err := key.Shared(peer.Public())
		if err != nil || len(s) != 32 || len(key.Public()) != 64 {
			t.Fatalf("public value %x, shared %x, %v", key.Public(), s, err)
		}
		if key.Public()[0] == 0 {
			public++
		}
		if s[0] == 0 {
			shared++
		}
	}
	if public == 0 || shared == 0 {
		t.Error("no leading zero came up")
	}
}

func TestSharedRefusals(t *testing.T) {
	for g, p := range primes(t) {
		if g > suite.MODP2048 {
			continue // the same code, only slower
		}
		key, err := g.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		size := g.PublicSize()
		number := func(n *big.Int) []byte { return n.FillBytes(make([]byte, size)) }
		for _, c := range []struct {
			name, words string
			peer        []byte
		}{
			{"nothing", "0 bytes", nil},
			{"a byte too few", "want", make([]byte, size-1)},
			{"a byte too many", "want", append([]byte{0}, key.Public()...)},
			{"0", "is 0, 1 or p-1", number(new(big.Int))},
			{"1", "is 0, 1 or p-1", number(big.NewInt(1))},
			{"p-1", "is 0, 1 or p-1", number(new(big.Int).Sub(p, big.NewInt(1)))},
			{"p", "not below the prime", number(p)},
			{"p+1", "not below the prime", number(new(big.Int).Add(p, big.NewInt(1)))},
			{"all ones", "not below the prime", bytes.Repeat([]byte{0xff}, size)},
		} {
			if shared, err := key.Shared(c.peer); err == nil || shared != nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("%s with %s: %x, %v", g, c.name, shared, err)
			}
		}
	}
	for _, g := range []suite.Group{suite.ECP256, suite.ECP384, suite.ECP521} {
		key, err := g.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		good := key.Public()
		off := bytes.Clone(good)
		off[len(off)-1] ^= 1
		for _, c := range []struct {
			name string
			peer []byte
		}{
			{"off the curve", off},
			{"0, 0", make([]byte, len(good))},
			{"coordinates not below p", bytes.Repeat([]byte{0xff}, len(good))},
			{"x alone", good[:len(good)/2]},
			{"the uncompressed form", append([]byte{4}, good...)},
			{"nothing", nil},
		} {
			if shared, err := key.Shared(c.peer); err == nil || shared != nil {
				t.Errorf("%s with %s: %x", g, c.name, shared)
			}
		}
	}
}

func TestWipe(t *testing.T) {
	for _, g := range []suite.Group{suite.MODP1024, suite.ECP256} {
		key, err := g.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		public := key.Public()
		key.Wipe()
		if _, err := key.Shared(public); err == nil || !strings.Contains(err.Error(), "wiped") {
			t.Errorf("%s after Wipe: %v", g, err)
		}
	}
}

func TestGenerateKeyFailures(t *testing.T) {
	for _, g := range groups {
		if _, err := g.GenerateKey(bytes.NewReader(make([]byte, 5))); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s from 5 random bytes: %v", g, err)
		}
	}
	for _, g := range []suite.Group{0, 3, 4, 22, 1000} {
		if _, err := g.GenerateKey(rand.Reader); err == nil || !strings.Contains(err.Error(), "not supported") {
			t.Errorf("%s: %v", g, err)
		}
	}
	// A broken source never gives a usable scalar: the search must end.
	if _, err := suite.ECP256.GenerateKey(endless(0)); err == nil {
		t.Error("a key of zeros")
	}
	if _, err := suite.ECP384.GenerateKey(endless(0xff)); err == nil {
		t.Error("a key beyond the order")
	}
}

// endless is a reader of one byte for ever.
type endless byte

func (e endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(e)
	}
	return len(b), nil
}

package pbe

import (
	"hash"
)

// The diversifiers of RFC 7292, B.3: what the derived bytes are for.
const (
	idKey = 1
	idIV  = 2
	idMAC = 3
)

// pkcs12Key derives n bytes by RFC 7292, B.2, with any hash.
func pkcs12Key(newHash func() hash.Hash, bmp, salt []byte, id byte, iterations, n int) []byte {
	h := newHash()
	v := h.BlockSize()

	// Step 1: D is v bytes of the diversifier.
	d := make([]byte, v)
	for i := range d {
		d[i] = id
	}
	// Steps 2 to 4: I is the salt, then the password, each repeated to whole
	// blocks of v bytes; what is empty stays empty.
	password := repeat(bmp, v)
	i := append(repeat(salt, v), password...)
	defer clear(i)
	defer clear(password)

	// Steps 5 to 8.
	var out []byte
	b := make([]byte, v)
	for {
		h.Reset()
		h.Write(d)
		h.Write(i)
		a := h.Sum(nil)
		for range iterations - 1 {
			h.Reset()
			h.Write(a)
			a = h.Sum(a[:0])
		}
		out = append(out, a...)
		if len(out) >= n {
			return out[:n]
		}
		// Step 6B: B is A repeated to v bytes. Step 6C: I_j = I_j + B + 1.
		for k := range b {
			b[k] = a[k%len(a)]
		}
		for block := i; len(block) > 0; block = block[v:] {
			carry := 1
			for k := v - 1; k >= 0; k-- {
				carry += int(block[k]) + int(b[k])
				block[k] = byte(carry)
				carry >>= 8
			}
		}
	}
}

// repeat concatenates copies of p to a whole number of blocks of v bytes, the
// last copy cut.
func repeat(p []byte, v int) []byte {
	if len(p) == 0 {
		return nil
	}
	out := make([]byte, (len(p)+v-1)/v*v)
	for i := range out {
		out[i] = p[i%len(p)]
	}
	return out
}

package kdb

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"keyman/keystore/format"
)

func TestStash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.SliceOfN(rapid.ByteRange(1, 255), 1, MaxStash).Draw(t, "password")
		for v, size := range map[StashVersion]int{Stash1: 129, Stash2: 193} {
			data, err := Stash(password, v)
			if err != nil {
				t.Fatal(err)
			}
			got, gotVersion, err := Unstash(data)
			if err != nil || !bytes.Equal(got, password) || gotVersion != v || len(data) != size {
				t.Fatalf("version %d, %d bytes: %x, version %d, %v; want %x", v, len(data), got, gotVersion, err, password)
			}
		}
	})
}

// TestStash1ByTheFacts reads a version 1 file by what is known of it alone.
func TestStash1ByTheFacts(t *testing.T) {
	data, err := Stash([]byte("secret"), Stash1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] ^= 0xF5
	}
	if !bytes.HasPrefix(data, []byte("secret\x00")) || bytes.Count(data, []byte{0}) != 1 {
		t.Errorf("a stash file of version 1 holds %x", data)
	}
}

// TestStash2ByTheFacts reads a version 2 file by what is known of it alone, after
// IBM's own has shown that the reading is right.
func TestStash2ByTheFacts(t *testing.T) {
	hmacSHA256 := func(key, data []byte) []byte {
		h := hmac.New(sha256.New, key)
		h.Write(data)
		return h.Sum(nil)
	}
	unstash := func(data []byte) string {
		a, b, text := data[:32], data[32:64], data[64:]
		if sum := sha256.Sum256(append([]byte{1}, a...)); !bytes.Equal(sum[:], b) {
			t.Fatal("the second part is not the hash of the first")
		}
		s := sha256.Sum256(append(bytes.Clone(a), b...))
		for s[8] != 3 {
			s = sha256.Sum256(s[:])
		}
		for range 64 {
			s = sha256.Sum256(s[:])
		}
		seed := hmacSHA256(s[:], []byte("13EC6D5C885056915AB35FAD2BDDF39F40D7C57B8B4D28F66B61B75F391446FD"+
			"A96751174DBD9713D02E0B38732E763501DBBB85EC60E437929ED2AA8981B36B"))
		state, stream := hmacSHA256(seed, []byte{1, 1, 2, 3, 5, 8}), []byte(nil)
		for len(stream) < len(text) {
			stream = append(stream, hmacSHA256(seed, state)...)
			state = append(bytes.Clone(stream), state...)
		}
		var plain []byte
		for i, c := range text {
			plain = append(plain, c^stream[i]^0xF5)
		}
		password, padding, _ := bytes.Cut(plain, []byte{0})
		if bytes.IndexByte(padding, 0) >= 0 {
			t.Error("there is a zero in the padding")
		}
		return string(password)
	}
	if got := unstash(sample(t, "mixed.sth")); got != samplePassword {
		t.Fatalf("the facts read IBM's stash file as %q", got)
	}
	data, err := Stash([]byte("secret"), Stash2)
	if err != nil {
		t.Fatal(err)
	}
	if got := unstash(data); got != "secret" || len(data) != 193 {
		t.Errorf("a stash file of version 2 of %d bytes holds %q", len(data), got)
	}
}

func TestStashRefused(t *testing.T) {
	for name, password := range map[string][]byte{
		"129 bytes": bytes.Repeat([]byte{'x'}, MaxStash+1), "nothing": nil, "a NUL": []byte("a\x00b"),
	} {
		for _, v := range []StashVersion{Stash1, Stash2} {
			if _, err := Stash(password, v); !errors.Is(err, ErrStash) {
				t.Errorf("%s, version %d: %v; want ErrStash", name, v, err)
			}
		}
	}
	masked := func(plain []byte) []byte {
		for i := range plain {
			plain[i] ^= stashMask
		}
		return plain
	}
	for name, data := range map[string][]byte{
		"nothing": nil, "no NUL": masked(bytes.Repeat([]byte{'x'}, plainLen)),
		"an empty password":      masked(append([]byte{0}, bytes.Repeat([]byte{'x'}, MaxStash)...)),
		"a zero in the padding":  masked(append([]byte("a\x00b\x00"), bytes.Repeat([]byte{'x'}, plainLen-4)...)),
		"zeros of version 2":     make([]byte, stash2Len),
		"a byte more":            make([]byte, stash2Len+1),
		"a byte less, version 1": make([]byte, plainLen-1),
	} {
		if _, _, err := Unstash(data); !errors.Is(err, format.ErrDamaged) {
			t.Errorf("%s: %v; want ErrDamaged", name, err)
		}
	}
}

// TestStashDamage changes each bit of the sample's stash: it gives an error, or a
// password that the database refuses, unless only the padding was hit.
func TestStashDamage(t *testing.T) {
	data, database := sample(t, "mixed.sth"), sample(t, "mixed.kdb")
	for n := range data {
		if _, _, err := Unstash(data[:n]); err == nil {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
	for i := range data {
		for bit := range 8 {
			changed := bytes.Clone(data)
			changed[i] ^= 1 << bit
			password, _, err := Unstash(changed)
			switch inPassword := i-(stash2Len-plainLen) <= len(samplePassword); {
			case err != nil:
			case !inPassword:
				if string(password) != samplePassword {
					t.Errorf("a change of the padding in byte %d gives another password", i)
				}
			default:
				if _, err := DecodeSet(Set{KDB: database}, password); !errors.Is(err, format.ErrPassword) {
					t.Errorf("byte %d, bit %d: the database says %v to the password; want ErrPassword", i, bit, err)
				}
			}
		}
	}
}

// FuzzUnstash looks for panics and endless work, and holds what is read against
// what is written of it.
func FuzzUnstash(f *testing.F) {
	f.Add(sample(f, "mixed.sth"))
	for _, v := range []StashVersion{Stash1, Stash2} {
		data, err := Stash(pw, v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		password, v, err := Unstash(data)
		if err != nil {
			return
		}
		again, err := Stash(password, v)
		if err != nil {
			t.Fatalf("read, but cannot be written: %v", err)
		}
		if got, _, err := Unstash(again); err != nil || !bytes.Equal(got, password) || len(again) != len(data) {
			t.Fatalf("written, but read as %x, %v; want %x", got, err, password)
		}
	})
}

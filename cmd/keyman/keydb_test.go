package main

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/binary"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"keyman/internal/keyring"
)

// expire is a command for scripts: "expire FILE PASSWORD" makes the password of a
// .kdb file of version 6 one that expired a day ago. It writes by the facts of the
// format alone: the seconds at offset 4, the MAC of the header at 0x30, that of all
// at 0x60.
func expire(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: expire FILE PASSWORD")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	if len(data) < 0x90 || data[2] != 6 {
		ts.Fatalf("%s is no .kdb file of version 6", path)
	}
	mac := func(parts ...[]byte) []byte {
		h := hmac.New(sha512.New384, []byte(args[1]))
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	binary.BigEndian.PutUint32(data[4:], uint32(time.Now().Add(-24*time.Hour).Unix()))
	copy(data[0x30:], mac(data[:0x30]))
	copy(data[0x60:], mac(data[:0x60], data[0x90:]))
	ts.Check(os.WriteFile(path, data, 0o600))
}

// hasKeyring reports whether tests can use the kernel's keyring.
func hasKeyring() bool {
	const name = "test of the scripts"
	if keyring.Put(name, []byte("probe"), time.Minute) != nil {
		return false
	}
	return keyring.Remove(name) == nil
}

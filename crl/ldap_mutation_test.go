package crl_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"

	"keyman/crl"
)

// TestLDAPMutationsAllocate: an answer of a directory that was changed in any way
// costs what a connection does and a small multiple of its size, and ends in time.
func TestLDAPMutationsAllocate(t *testing.T) {
	const (
		rounds   = 400
		multiple = 40
		constant = 512 << 10
	)
	ca := newCA(t, "CA")
	list := ca.list(revoking(crl.KeyCompromise, ca.issue("a"), ca.issue("b")))
	whole := []byte(message(tlv(0x64, tlv(0x04, "CN=CA,C=CH"), tlv(0x30, tlv(0x30, tlv(0x04, "certificateRevocationList;binary"), tlv(0x31, tlv(0x04, string(list))))))) + result(0))
	r := rand.New(rand.NewPCG(45, 11))
	read := 0
	for round := range rounds {
		answer := bytes.Clone(whole)
		for range r.IntN(3) {
			switch at := r.IntN(len(answer)); r.IntN(4) {
			case 0:
				answer[at] ^= 1 << r.IntN(8)
			case 1: // a length, perhaps
				answer[at] = byte(0x80 + r.IntN(6))
			case 2: // a part twice
				answer = append(answer[:at+1:at+1], answer[r.IntN(at+1):]...)
			case 3:
				answer = answer[:at+1]
			}
		}
		made := allocated(func() {
			synctest.Test(t, func(t *testing.T) {
				servers := &pipes{serve: func(conn net.Conn) {
					conn.Read(make([]byte, 4096))
					conn.Write(answer)
					io.Copy(io.Discard, conn)
				}}
				defer servers.running.Wait()
				if _, err := newFetcher(t, crl.FetcherConfig{Dial: servers}).Fetch(t.Context(), "ldap://dir.test/CN=CA,C=CH"); err == nil {
					read++
				}
			})
		})
		if made > multiple*int64(len(answer))+constant {
			t.Errorf("round %d: %d bytes became %d:\n%x", round, len(answer), made, answer)
		}
	}
	if read == 0 {
		t.Error("no answer was read")
	}
}

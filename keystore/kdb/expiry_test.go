package kdb

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"keyman/keystore/format"
)

// TestPasswordExpiry holds the header against the facts: the four bytes at offset
// 4 of the .kdb file are the seconds, under both MACs, and those of the other
// files stay as they were.
func TestPasswordExpiry(t *testing.T) {
	end := time.Date(2040, 2, 29, 12, 0, 1, 0, time.UTC)
	for version, base := range map[byte]Set{
		4: {KDB: assemble(4, "X509KEY", 5000, string(pw))},
		6: {KDB: assemble(6, "X509KEY", 5000, string(pw))},
	} {
		content := decode(t, base, pw)
		if !content.PasswordExpires.IsZero() {
			t.Errorf("version %d: zeros are read as %v", version, content.PasswordExpires)
		}
		content.PasswordExpires = end
		s := encode(t, content, pw)
		l := takeApart(t, s.KDB, string(pw))
		if got := time.Unix(int64(binary.BigEndian.Uint32(l.reserved)), 0); l.version != version || !got.Equal(end) || !l.verifier || !l.integrity {
			t.Errorf("version %d: %v in version %d, MACs %v and %v", version, got.UTC(), l.version, l.verifier, l.integrity)
		}
		if !bytes.Equal(l.salt, base.KDB[0x18:0x30]) {
			t.Error("another salt under the same password")
		}
		for _, other := range [][]byte{s.RDB, s.CRL} {
			if l := takeApart(t, other, string(pw)); !bytes.Equal(l.reserved, make([]byte, 4)) {
				t.Errorf("the %s file has %x there", l.name, l.reserved)
			}
		}
		again := decode(t, s, pw)
		if !again.PasswordExpires.Equal(end) || again.PasswordExpires.Location() != time.UTC {
			t.Errorf("read again it is %v", again.PasswordExpires)
		}
		if same := encode(t, again, pw); !bytes.Equal(same.KDB, s.KDB) {
			t.Error("what was not changed is not written as it was")
		}
		alone, err := Format{}.Encode(&format.Content{PasswordExpires: end}, pw)
		if err != nil || !bytes.Equal(alone[4:8], s.KDB[4:8]) {
			t.Errorf("alone: %v", err)
		}
		again.PasswordExpires = time.Time{}
		if never := encode(t, again, pw); !bytes.Equal(never.KDB[4:8], make([]byte, 4)) {
			t.Error("never is not zero")
		}
	}
}

// TestForeignExpiry reads and keeps what another tool may have put there: any
// value, in any of the files.
func TestForeignExpiry(t *testing.T) {
	s := encode(t, &format.Content{}, pw)
	for _, file := range []*[]byte{&s.KDB, &s.RDB, &s.CRL} {
		copy((*file)[4:], "\xff\xff\xff\xff")
		*file = resign(*file, string(pw))
	}
	content := decode(t, s, pw)
	if latest := (Format{}).LatestExpiry(); !content.PasswordExpires.Equal(latest) || latest.Year() != 2106 {
		t.Errorf("the largest value is read as %v, and the latest is %v", content.PasswordExpires, latest)
	}
	after := encode(t, content, pw)
	if !bytes.Equal(after.KDB, s.KDB) || !bytes.Equal(after.RDB, s.RDB) || !bytes.Equal(after.CRL, s.CRL) {
		t.Error("it is not kept")
	}
}

func TestExpiryWithoutPlace(t *testing.T) {
	for _, end := range []time.Time{time.Unix(0, 0), time.Unix(-1, 0), (Format{}).LatestExpiry().Add(time.Second)} {
		c := &format.Content{PasswordExpires: end}
		if _, err := EncodeSet(c, pw); err == nil {
			t.Errorf("%v is written", end)
		}
		if _, err := (Format{}).Encode(c, pw); err == nil {
			t.Errorf("%v is written alone", end)
		}
	}
}

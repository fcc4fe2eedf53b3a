package dialer

import (
	"bytes"
	"testing"
)

// FuzzSOCKS4Reply: a reply is granted only where it says so, and exactly its
// eight bytes are read.
func FuzzSOCKS4Reply(f *testing.F) {
	f.Add([]byte("\x00\x5a\x00\x50\x7f\x00\x00\x01HTTP"))
	f.Add([]byte("\x00\x5b\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x04\x5a"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		err := readSOCKS4Reply(r)
		granted := len(data) >= socks4ReplySize && data[0] == 0 && data[1] == socks4Granted
		if granted != (err == nil) {
			t.Errorf("reply %x: %v", data, err)
		}
		if read, want := len(data)-r.Len(), min(len(data), socks4ReplySize); read != want {
			t.Errorf("read %d bytes of %x, want %d", read, data, want)
		}
	})
}

package keystore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"keyman/internal/atomicfile"
)

// allocated returns how many bytes a function allocates, in all.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestLargeFiles opens files that begin as a key database does and are far too
// large: they are not read.
func TestLargeFiles(t *testing.T) {
	for _, f := range Formats() {
		path := filepath.Join(t.TempDir(), "keys."+f.Name())
		if _, err := Create(t.Context(), path, Password(killPassword), Options{Format: f}); err != nil {
			t.Fatal(err)
		}
		for _, size := range []int64{maxFile + 1, 2 << 30, 1 << 40} {
			// The rest is a hole, which takes no room on the disk.
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			var err error
			used := allocated(func() { _, err = Open(t.Context(), path, Password(killPassword)) })
			var told *Error
			if !errors.Is(err, atomicfile.ErrTooLarge) || !errors.As(err, &told) || told.Hint() == "" {
				t.Errorf("%s of %d bytes: %v; want ErrTooLarge with a hint", f.Name(), size, err)
			}
			if used > 1<<20 {
				t.Errorf("%s of %d bytes: %d were allocated", f.Name(), size, used)
			}
		}
	}
}

// TestClaims opens files that say that much follows: nothing is made for it.
func TestClaims(t *testing.T) {
	words := func(list ...uint32) []byte {
		var data []byte
		for _, n := range list {
			data = binary.BigEndian.AppendUint32(data, n)
		}
		return data
	}
	const (
		jksMagic, jceksMagic = 0xFEEDFEED, 0xCECECECE
		huge                 = 1<<31 - 1
	)
	kdb := func(slot, records uint32) []byte {
		data := make([]byte, 64<<10)
		copy(data, "\x37\x48\x06\x02\x00\x00\x00\x00X509KEY\x00")
		copy(data[0x10:], words(slot, records))
		return data
	}
	tail := make([]byte, 64)
	tests := map[string][]byte{
		"JKS of 2^31 entries":          append(words(jksMagic, 2, huge), tail...),
		"JCEKS of 2^32 entries":        append(words(jceksMagic, 2, 1<<32-1), tail...),
		"JKS with a key of 2 GiB":      append(append(words(jksMagic, 2, 1, 1), "\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff\xff\xff"...), tail...),
		"JKS with a chain of 2^31":     append(append(words(jksMagic, 2, 1, 1), "\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x7f\xff\xff\xff"...), tail...),
		"JKS with 100,000 tiny chains": append(append(words(jksMagic, 1, 1<<20), bytes.Repeat([]byte("\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 100_000)...), tail...),
		"JCEKS with a 2 GiB array":     append(append(words(jceksMagic, 2, 1, 3), "\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\xac\xed\x00\x05ur\x00\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\x00\x00xp\x7f\xff\xff\xff"...), tail...),
		"CMS with slots of 4 GiB":      kdb(1<<32-1, 1),
		"CMS with slots of nothing":    kdb(0, 1<<32-1),
		"CMS with 2^32 records":        kdb(5000, 1<<32-1),
		"PEM of 300,000 blocks":        []byte(strings.Repeat("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", 300_000)),
		"PEM of ten million lines":     append([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), bytes.Repeat([]byte{'\n'}, 10_000_000)...),
		"PEM that does not end":        append([]byte("-----BEGIN CERTIFICATE-----\n"), bytes.Repeat([]byte("AAAA\n"), 1_000_000)...),
		"PEM of one long line":         append([]byte("-----BEGIN CERTIFICATE-----\n"), bytes.Repeat([]byte("AAAA"), 1_000_000)...),
	}
	for name, data := range tests {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var err error
		used := allocated(func() { _, err = Open(t.Context(), path, Password(killPassword)) })
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrPassword) {
			t.Errorf("%s: %v; want ErrDamaged, ErrUnsupported or ErrPassword", name, err)
		}
		// What is read is larger than its file, and slices grow by doubling; how
		// many lines, blocks and entries there may be bounds it.
		if limit := uint64(16*len(data)) + 128<<20; used > limit {
			t.Errorf("%s: %d bytes were allocated for %d", name, used, len(data))
		}
	}
}

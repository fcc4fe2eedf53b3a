package resident

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// held returns how many kB of the program's code are in memory.
func held(t *testing.T) (kB int) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	_, mapping, found := strings.Cut(string(smaps), " r-xp ")
	_, rss, there := strings.Cut(mapping, "\nRss:")
	if _, err := fmt.Sscan(rss, &kB); !found || !there || err != nil {
		t.Fatalf("%v in %.500q", err, mapping)
	}
	return kB
}

// TestDropCode: a process holds less of its code afterwards, and runs on.
func TestDropCode(t *testing.T) {
	before := held(t)
	if err := DropCode(); err != nil {
		t.Fatal(err)
	}
	if after := held(t); after >= before {
		t.Errorf("%d kB of code, and %d before", after, before)
	}
}

// TestCode reads mappings as the kernel writes them.
func TestCode(t *testing.T) {
	const data = "00d54000-015b7000 r--p 00954000 fd:00 1 /usr/bin/keyman\n"
	for name, c := range map[string]struct {
		maps       string
		start, end uintptr
	}{
		"first":      {"00400000-00d54000 r-xp 00000000 fd:00 1 /usr/bin/keyman\n" + data, 0x400000, 0xd54000},
		"second":     {data + "7f0000000000-7f0000001000 r-xp 00000000 00:00 0 [vdso]\n", 0x7f0000000000, 0x7f0000001000},
		"none":       {data, 0, 0},
		"nothing":    {"", 0, 0},
		"no numbers": {"x-y r-xp 0 0 0\n", 0, 0},
		"backwards":  {"2000-1000 r-xp 0 0 0\n", 0, 0},
	} {
		start, end, err := code(bufio.NewScanner(strings.NewReader(c.maps)))
		if start != c.start || end != c.end || (err == nil) != (c.end > 0) {
			t.Errorf("%s: %x to %x, %v", name, start, end, err)
		}
	}
}
